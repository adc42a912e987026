import { css, html } from "lit";
import { customElement, property, query } from "lit/decorators.js";

import type { SavedView } from "../../film/presentation";
import { day, hour } from "../../film/words";
import { filmMessages } from "../../i18n/film";
import { shared } from "../../style/shared";
import { DistalElement } from "../element";
import { icons } from "../icons";

/** The views that were kept with a study, to choose from. */
@customElement("distal-film-saved")
export class DistalFilmSaved extends DistalElement {
  @property({ attribute: false }) views: readonly SavedView[] = [];
  @property({ attribute: false }) chosen: SavedView | null = null;
  @query("dialog") private readonly dialog!: HTMLDialogElement;

  static override styles = [
    shared,
    css`
      dialog {
        width: min(440px, 100vw - 32px);
      }
      header {
        display: flex;
        justify-content: space-between;
        align-items: center;
      }
      ul {
        display: grid;
        gap: var(--space-1);
        max-height: 60vh;
        overflow-y: auto;
      }
      li button {
        width: 100%;
        flex-direction: column;
        align-items: flex-start;
        gap: 0;
        min-height: 56px;
        padding: var(--space-2) var(--space-3);
        border: 1px solid var(--line);
        text-align: left;
      }
      li button[aria-pressed="true"] {
        border-color: var(--accent-text);
        background: var(--accent-soft);
      }
      .title {
        overflow-wrap: anywhere;
      }
      .when {
        color: var(--text-2);
        font-size: var(--type-caption);
      }
    `,
  ];

  open(): void {
    this.dialog.showModal();
  }

  override render() {
    const t = filmMessages();
    const close = (): void => this.dialog.close();
    return html`<dialog aria-label=${t.savedViews}>
      <header>
        <h2>${t.savedViews}</h2>
        <button aria-label=${t.cancel} title=${t.cancel} @click=${close}>${icons.close}</button>
      </header>
      <ul>
        ${this.views.map(
          (view) =>
            html`<li>
              <button
                data-testid="film-saved-view"
                aria-pressed=${view.id === this.chosen?.id}
                @click=${() => {
                  close();
                  this.dispatchEvent(new CustomEvent("choose", { detail: view }));
                }}
              >
                <span class="title">${view.title || t.noDescription}</span>
                <span class="when"
                  >${[view.who, day(view.date), hour(view.time)].filter(Boolean).join(" · ")}</span
                >
              </button>
            </li>`,
        )}
      </ul>
    </dialog>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "distal-film-saved": DistalFilmSaved;
  }
}
