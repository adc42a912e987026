import { css, html } from "lit";
import { customElement, property, state } from "lit/decorators.js";

import { moment, shareMessages } from "../../i18n/share";
import type { NewLink } from "../../share/links";
import { shared } from "../../style/shared";
import { copy } from "../copy";
import { DistalElement } from "../element";
import { qr } from "./qr";
import { printSheet } from "./sheet";

/** A link that has just been made: to copy, to scan, to print. */
@customElement("distal-share-result")
export class DistalShareResult extends DistalElement {
  @property({ attribute: false }) made!: NewLink;
  @state() private copied = false;

  static override styles = [
    shared,
    css`
      .both {
        display: grid;
        grid-template-columns: minmax(0, 200px) minmax(0, 1fr);
        gap: var(--space-4);
        margin-top: var(--space-3);
      }
      svg.qr {
        display: block;
        width: 100%;
        border-radius: var(--radius);
      }
      .digits {
        font-size: 28px;
        letter-spacing: 0.12em;
        font-weight: 600;
        font-variant-numeric: tabular-nums;
        line-height: 1.3;
      }
      .code {
        margin-top: var(--space-3);
      }
      .actions {
        justify-content: flex-start;
        margin-top: var(--space-3);
        gap: var(--space-2);
      }
      @media (max-width: 479px) {
        .both {
          grid-template-columns: 1fr;
        }
        svg.qr {
          max-width: 240px;
          margin: 0 auto;
        }
      }
    `,
  ];

  override render() {
    const t = shareMessages();
    const { url, digits, link } = this.made;
    return html`<p>${t.readyText} ${t.until(moment(link.expires_ms))}.</p>
      <div class="both">
        <div data-testid="share-qr">${qr(url, t.qr)}</div>
        <div>
          <label for="url">${t.link}</label>
          <input
            id="url"
            readonly
            data-testid="share-url"
            .value=${url}
            @focus=${(event: Event) => (event.target as HTMLInputElement).select()}
          />
          <div class="actions">
            <button class="primary" data-testid="share-copy" @click=${() => void this.#copy()}>
              ${this.copied ? t.copied : t.copy}
            </button>
            <button
              class="quiet"
              data-testid="share-print"
              @click=${() => printSheet(url, link.factor, link.expires_ms)}
            >
              ${t.print}
            </button>
          </div>
          ${
            digits
              ? html`<div class="code">
                  <strong>${t.digits}</strong>
                  <p class="digits" data-testid="share-digits">${digits}</p>
                  <p class="caption">${t.digitsText}</p>
                </div>`
              : html`<p class="caption code">${t.factorTitle}: ${t.factor[link.factor]}</p>`
          }
        </div>
      </div>
      <div class="actions">
        <button
          class="quiet"
          data-testid="share-another"
          @click=${() => this.dispatchEvent(new CustomEvent("another"))}
        >
          ${t.another}
        </button>
      </div>`;
  }

  async #copy(): Promise<void> {
    this.copied = await copy(this.made.url);
    setTimeout(() => (this.copied = false), 3000);
  }
}
