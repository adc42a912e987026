import { css } from "lit";

/** What every element's shadow root starts from: box model, type, buttons, fields. */
export const shared = css`
  *,
  *::before,
  *::after {
    box-sizing: border-box;
  }
  :host {
    font: var(--type-body) / var(--line-height) var(--font);
    color: var(--text);
  }
  :host([hidden]),
  [hidden] {
    display: none !important;
  }
  h1,
  h2,
  h3,
  p,
  ul,
  ol,
  dl,
  dd {
    margin: 0;
    padding: 0;
  }
  ul,
  ol {
    list-style: none;
  }
  h1 {
    font-size: var(--type-title);
    font-weight: 600;
    line-height: 1.3;
    text-wrap: balance;
  }
  h2,
  h3 {
    font-size: var(--type-heading);
    font-weight: 600;
    line-height: 1.4;
  }
  h1:focus {
    outline: none;
  }
  a {
    color: var(--accent-text);
  }
  .caption {
    font-size: var(--type-caption);
    color: var(--text-2);
  }
  .numbers {
    font-variant-numeric: tabular-nums;
  }
  button {
    font: inherit;
    color: inherit;
    background: none;
    border: 1px solid transparent;
    border-radius: var(--radius);
    min-height: var(--touch);
    min-width: var(--touch);
    padding: 0 var(--space-4);
    cursor: pointer;
    display: inline-flex;
    align-items: center;
    justify-content: center;
    gap: var(--space-2);
    transition: background-color var(--motion);
    touch-action: manipulation;
  }
  button:hover:not([aria-disabled="true"], :disabled) {
    background: var(--hover);
  }
  button:disabled {
    cursor: default;
    opacity: 0.55;
  }
  button.primary {
    background: var(--accent);
    color: var(--on-accent);
    font-weight: 600;
  }
  button.primary:hover:not(:disabled) {
    background: var(--accent-hover);
  }
  button.danger {
    background: var(--danger);
    color: var(--on-danger);
    font-weight: 600;
  }
  button.danger:hover:not(:disabled) {
    background: var(--danger-hover);
  }
  button.quiet {
    border-color: var(--line);
    background: var(--raised);
  }
  button.quiet:hover:not(:disabled) {
    background: var(--hover);
  }
  button.large {
    min-height: 52px;
    padding: 0 var(--space-5);
    font-size: var(--type-heading);
  }
  :focus-visible {
    outline: 2px solid var(--accent-text);
    outline-offset: 2px;
  }
  label {
    display: block;
    font-weight: 600;
    margin-bottom: var(--space-1);
  }
  input:not([type="checkbox"]),
  select,
  textarea {
    font: inherit;
    font-size: max(16px, var(--type-body)); /* iOS zooms into anything smaller */
    color: var(--text);
    background: var(--raised);
    border: 1px solid var(--field-line);
    border-radius: var(--radius);
    min-height: var(--touch);
    padding: var(--space-2) var(--space-3);
    width: 100%;
    min-width: 0;
  }
  textarea {
    resize: none;
  }
  select {
    text-overflow: ellipsis;
  }
  svg.icon {
    width: 1.35em;
    height: 1.35em;
    flex: none;
  }
  .hidden-text {
    position: absolute;
    width: 1px;
    height: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
  dialog {
    border: 1px solid var(--line);
    border-radius: var(--radius);
    background: var(--raised);
    color: var(--text);
    box-shadow: var(--shadow);
    padding: var(--space-5);
    width: min(480px, calc(100vw - 2 * var(--space-4)));
    max-height: calc(100dvh - 2 * var(--space-4));
    overflow-y: auto;
  }
  dialog::backdrop {
    background: rgb(0 0 0 / 55%);
  }
  .actions {
    display: flex;
    flex-wrap: wrap;
    gap: var(--space-3);
    justify-content: flex-end;
    margin-top: var(--space-5);
  }
`;
