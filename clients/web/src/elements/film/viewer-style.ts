import { css } from "lit";

/** How the viewer lies: what it is, what can be done, the series, and the panes. */
export const viewerStyle = css`
  :host {
    display: grid;
    grid-template: auto auto minmax(0, 1fr) / auto minmax(0, 1fr);
    grid-template-areas: "head head" "tools tools" "strip panes";
    min-width: 0;
    min-height: 0;
    height: 100%;
    background: var(--surface);
    overflow: hidden;
  }
  .head {
    grid-area: head;
    display: flex;
    align-items: center;
    gap: 0 var(--space-3);
    padding: 0 var(--space-1);
    min-height: 48px;
    border-bottom: 1px solid var(--line);
    min-width: 0;
  }
  .who {
    flex: 1;
    min-width: 0;
    line-height: 1.3;
  }
  .who strong,
  .who span {
    display: block;
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  .lead {
    display: flex;
    align-items: center;
    gap: var(--space-2);
    font-size: var(--type-caption);
    min-width: 0;
  }
  .lead button {
    font-size: var(--type-caption);
    padding: 0 var(--space-3);
    white-space: nowrap;
  }
  .lead .state {
    color: var(--text-2);
    min-width: 0;
    overflow: hidden;
    text-overflow: ellipsis;
  }
  .lead .state.on {
    color: var(--accent-text);
    font-weight: 600;
  }
  distal-film-tools {
    grid-area: tools;
    min-width: 0;
    border-bottom: 1px solid var(--line);
  }
  distal-film-strip {
    grid-area: strip;
  }
  .panes {
    grid-area: panes;
    display: grid;
    gap: 2px;
    min-width: 0;
    min-height: 0;
    background: var(--line);
    position: relative;
  }
  .panes.two {
    grid-template-columns: 1fr 1fr;
  }
  .panes.planes {
    grid-template: 1fr 1fr / 3fr 2fr;
  }
  .panes.planes > :first-child {
    grid-row: 1 / 3;
  }
  .note {
    position: absolute;
    left: 50%;
    top: var(--space-2);
    translate: -50% 0;
    max-width: calc(100% - 2 * var(--space-4));
    padding: var(--space-1) var(--space-3);
    border-radius: var(--radius);
    background: var(--picture-shade);
    color: var(--picture-text);
    font-size: var(--type-caption);
    text-align: center;
    pointer-events: none;
  }
  .kept {
    position: absolute;
    top: 28px; /* below the letter of the side */
    left: 50%;
    transform: translateX(-50%);
    display: flex;
    align-items: center;
    max-width: 60%;
    padding-left: var(--space-3);
    border-radius: var(--radius);
    background: var(--picture-shade);
    color: var(--picture-text);
    font-size: var(--type-caption);
  }
  .kept span {
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  distal-film-document,
  .whole {
    grid-area: panes;
  }
  .whole {
    display: grid;
    place-items: center;
    background: #000;
    color: var(--picture-text);
    text-align: center;
    padding: var(--space-4);
  }
  :host([small]) distal-film-strip {
    --strip-direction: row;
  }
  :host([small]) {
    grid-template: auto auto minmax(0, 1fr) auto / minmax(0, 1fr);
    grid-template-areas: "head" "tools" "panes" "strip";
  }
  @media (max-width: 719px) {
    :host {
      grid-template: auto minmax(0, 1fr) auto auto / minmax(0, 1fr);
      grid-template-areas: "head" "panes" "strip" "tools";
    }
    distal-film-strip {
      --strip-direction: row;
    }
    distal-film-tools {
      border-bottom: 0;
      border-top: 1px solid var(--line);
      padding-bottom: env(safe-area-inset-bottom);
    }
    .head {
      flex-wrap: wrap;
    }
    .lead {
      order: 1; /* below: the way out stays in its corner */
      flex: 1 0 100%;
      justify-content: space-between;
      padding-left: var(--space-2);
    }
    .panes.two {
      grid-template: 1fr 1fr / 1fr;
    }
    .panes.planes {
      grid-template: 3fr 2fr / 1fr 1fr;
    }
    .panes.planes > :first-child {
      grid-row: 1;
      grid-column: 1 / 3;
    }
  }
`;
