import { css } from "lit";

/** The console's layout: image first, everything else beside it; on a phone one column. */
export const consoleStyle = css`
  :host {
    display: block;
    height: 100%;
    min-width: 0;
    min-height: 0;
    container: console / size;
  }
  section {
    height: 100%;
    display: grid;
    grid-template-rows: auto auto minmax(0, 1fr);
    grid-template-columns: minmax(0, 1fr);
    background: var(--surface);
  }
  header {
    display: flex;
    align-items: center;
    gap: var(--space-2) var(--space-3);
    padding: 2px var(--space-2) 2px var(--space-3);
    min-height: 44px;
  }
  h2 {
    flex: 1;
    display: flex;
    align-items: center;
    gap: var(--space-2);
    font-size: var(--type-body);
    min-width: 0;
  }
  h2 span {
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  .warning {
    font-size: var(--type-caption);
    line-height: 1.3;
    color: var(--caution);
    text-align: right;
    flex: 0 1 300px;
    min-width: 0;
  }
  .holder {
    font-size: var(--type-caption);
    line-height: 1.3;
    padding: var(--space-1) var(--space-2);
    border: 1px solid var(--line);
    border-radius: var(--radius);
    white-space: nowrap;
    color: var(--text-2);
  }
  .holder.mine {
    color: var(--accent-text);
    border-color: var(--accent-text);
    background: var(--accent-soft);
  }
  .holder.other {
    color: var(--text);
  }
  .line {
    display: flex;
    align-items: center;
    gap: var(--space-2);
    min-height: 44px;
    padding: var(--space-1) var(--space-3);
    border-block: 1px solid var(--line);
    line-height: 1.35;
  }
  .line > :first-child {
    display: flex;
    align-items: center;
    gap: var(--space-2);
    flex: 1;
    min-width: 0;
  }
  .line[data-tone="good"] {
    color: var(--good);
  }
  .line[data-tone="caution"] {
    color: var(--caution);
    background: var(--caution-soft);
  }
  .line[data-tone="danger"] {
    color: var(--danger-text);
    background: var(--danger-soft);
  }
  .body {
    display: grid;
    grid-template-columns: minmax(0, 1fr) clamp(300px, 34cqw, 400px);
    grid-template-rows: minmax(0, 1fr) auto;
    gap: var(--space-2) var(--space-3);
    padding: var(--space-2);
    min-height: 0;
  }
  .side {
    display: flex;
    flex-direction: column;
    gap: var(--space-2);
    min-height: 0;
    overflow-y: auto;
  }
  .views {
    display: grid;
    grid-template-columns: 1fr 1fr;
    gap: var(--space-2);
    flex: 1 1 150px;
    min-height: 110px;
    max-height: 260px;
  }
  .room {
    position: relative;
    background: var(--picture);
    border-radius: var(--radius);
    overflow: hidden;
  }
  .room distal-video {
    position: absolute;
    inset: 0;
  }
  .room .name {
    position: absolute;
    top: var(--space-2);
    left: var(--space-2);
    padding: 0 6px;
    border-radius: 6px;
    background: var(--picture-shade);
    color: var(--picture-text);
    font-size: var(--type-caption);
  }
  distal-ultrasound-image {
    grid-row: span 2;
  }
  .stop {
    min-height: 64px;
    gap: var(--space-3);
    background: var(--danger);
    color: var(--on-danger);
    font-size: 22px;
    letter-spacing: 0.04em;
  }
  .stop:hover:not(:disabled) {
    background: var(--danger-hover);
  }
  .stop .keys {
    font-size: var(--type-caption);
    letter-spacing: 0;
  }
  @container console (max-width: 860px) {
    header {
      flex-wrap: wrap;
    }
    .warning {
      flex-basis: 220px;
    }
  }
  @container console (max-width: 680px) {
    section {
      display: flex;
      flex-direction: column;
      overflow-y: auto;
    }
    header,
    .line {
      flex: none;
    }
    .line {
      flex-direction: column;
      align-items: stretch;
    }
    .line > * {
      flex: none;
    }
    .warning {
      text-align: left;
    }
    header {
      padding-left: var(--space-2);
    }
    h2 {
      flex: 1 1 60%;
    }
    .stop {
      position: sticky;
      bottom: var(--space-1);
      z-index: 1;
    }
    .stop .keys {
      display: none;
    }
    .holder {
      order: 3;
    }
    distal-link {
      order: 4;
    }
    .body {
      display: flex;
      flex-direction: column;
      flex: 1 0 auto;
    }
    distal-ultrasound-image {
      min-height: 300px;
    }
    .side {
      overflow: visible;
      flex: 1;
    }
    .views {
      flex: none;
      height: 150px;
    }
  }
`;
