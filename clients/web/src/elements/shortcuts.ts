import { css, html } from "lit";
import { customElement, query } from "lit/decorators.js";

import { shared } from "../style/shared";
import { DistalElement } from "./element";
import { icons } from "./icons";

/** All keyboard shortcuts. */
@customElement("distal-shortcuts")
export class DistalShortcuts extends DistalElement {
  @query("dialog") private readonly dialog!: HTMLDialogElement;

  static override styles = [
    shared,
    css`
      header {
        display: flex;
        justify-content: space-between;
        align-items: center;
        margin: calc(-1 * var(--space-2)) 0 var(--space-3);
      }
      dl {
        display: grid;
        grid-template-columns: auto 1fr;
        gap: var(--space-2) var(--space-4);
        align-items: center;
      }
      kbd {
        font: inherit;
        font-weight: 600;
        display: inline-block;
        min-width: 36px;
        text-align: center;
        border: 1px solid var(--field-line);
        border-radius: 6px;
        padding: 2px var(--space-2);
      }
    `,
  ];

  toggle(): void {
    if (this.dialog.open) this.dialog.close();
    else this.dialog.showModal();
  }

  override render() {
    const { t } = this;
    const rows: [string, string][] = [
      ["M", t.shortcut.m],
      ["V", t.shortcut.v],
      ["S", t.shortcut.s],
      ["H", t.shortcut.h],
      ["I", t.shortcut.i],
      ["U", t.shortcut.u],
      ["?", t.shortcut.help],
      ["Esc", t.shortcut.escape],
    ];
    return html`<dialog aria-labelledby="title" data-testid="shortcuts">
      <header>
        <h2 id="title">${t.shortcutsTitle}</h2>
        <button aria-label=${t.close} @click=${() => this.dialog.close()}>${icons.close}</button>
      </header>
      <dl>
        ${rows.map(
          ([key, text]) =>
            html`<dt><kbd>${key}</kbd></dt>
              <dd>${text}</dd>`,
        )}
      </dl>
    </dialog>`;
  }
}
