import { css, html, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";

import { DicomWeb } from "../../film/dicomweb";
import { mayHavePictures, type SeriesRow } from "../../film/study";
import { filmMessages } from "../../i18n/film";
import { shared } from "../../style/shared";
import { DistalElement } from "../element";
import { whenOther } from "../other";

/** The series of a study: at the side, or on a phone in a row to swipe. */
@customElement("distal-film-strip")
export class DistalFilmStrip extends DistalElement {
  @property() study = "";
  @property({ attribute: false, ...whenOther }) rows: readonly SeriesRow[] = [];
  @property({ attribute: false, ...whenOther }) shown: readonly (string | null)[] = [];
  @property({ attribute: false, ...whenOther }) keys: ReadonlyMap<string, number> = new Map();
  @property({ type: Boolean }) keysOnly = false;
  @property({ type: Number }) saved = 0; // views that were kept with the study

  static override styles = [
    shared,
    css`
      :host {
        display: block;
        overflow: auto;
        background: var(--surface);
        scrollbar-width: thin;
      }
      ul {
        display: flex;
        flex-direction: var(--strip-direction, column);
        gap: var(--space-1);
        padding: var(--space-1);
      }
      button {
        width: 128px;
        flex-direction: column;
        gap: 2px;
        padding: var(--space-1);
        font-size: var(--type-caption);
        line-height: 1.3;
        border: 1px solid var(--line);
        text-align: center;
      }
      button[aria-pressed="true"] {
        border-color: var(--accent-text);
        background: var(--accent-soft);
      }
      .picture {
        position: relative;
        width: 100%;
        height: 84px;
        background: #000;
        border-radius: 4px;
        overflow: hidden;
        display: grid;
        place-items: center;
        color: var(--picture-text);
        font-weight: 600;
      }
      .picture > * {
        grid-area: 1 / 1;
      }
      img {
        position: absolute;
        inset: 0;
        width: 100%;
        height: 100%;
        object-fit: contain;
      }
      .count,
      .key {
        position: relative;
        align-self: end;
        justify-self: end;
        background: var(--picture-shade);
        padding: 0 4px;
        border-radius: 4px 0 0 0;
        font-weight: 400;
      }
      .key {
        align-self: start;
        color: #ffd400;
      }
      .more {
        min-height: 44px;
      }
      .text {
        width: 100%;
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      @media (max-width: 719px) {
        button {
          width: 84px;
        }
        .picture {
          height: 52px;
        }
      }
    `,
  ];

  override render() {
    const t = filmMessages();
    const starred = [...this.keys.values()].reduce((sum, count) => sum + count, 0);
    return html`<ul aria-label=${t.seriesList}>
      ${
        this.saved
          ? html`<li>
              <button
                class="more"
                data-testid="film-saved-views"
                @click=${() => this.dispatchEvent(new CustomEvent("saved"))}
              >
                ${t.savedViews} (${this.saved})
              </button>
            </li>`
          : nothing
      }
      ${
        starred
          ? html`<li>
              <button
                class="more"
                data-testid="film-keys-only"
                aria-pressed=${this.keysOnly}
                @click=${() => this.dispatchEvent(new CustomEvent("keys-only"))}
              >
                ★ ${t.keysOnly} (${starred})
              </button>
            </li>`
          : nothing
      }
      ${this.rows.map((row) => {
        const name = row.description || row.modality;
        const keys = this.keys.get(row.uid) ?? 0;
        return html`<li>
          <button
            data-testid="film-series"
            data-series=${row.uid}
            aria-pressed=${this.shown.includes(row.uid)}
            title=${name}
            @click=${() => this.dispatchEvent(new CustomEvent("series", { detail: row.uid }))}
          >
            <span class="picture" aria-hidden="true">
              <span>${row.modality}</span>
              ${
                mayHavePictures(row)
                  ? html`<img
                      src=${DicomWeb.thumbnail(this.study, row.uid)}
                      alt=""
                      loading="lazy"
                      @error=${(event: Event) => ((event.target as HTMLElement).hidden = true)}
                    />`
                  : nothing
              }
              <span class="count numbers">${row.count}</span>
              ${keys ? html`<span class="key" title=${t.keyImages(keys)}>★ ${keys}</span>` : nothing}
            </span>
            <span class="text">${name}</span>
            <span class="hidden-text"
              >${t.images(row.count)}${keys ? `, ${t.keyImages(keys)}` : ""}</span
            >
          </button>
        </li>`;
      })}
    </ul>`;
  }
}
