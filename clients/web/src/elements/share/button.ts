import { html, nothing, svg } from "lit";
import { customElement, property, state } from "lit/decorators.js";

import type { DicomWeb } from "../../film/dicomweb";
import { shareMessages } from "../../i18n/share";
import { shared } from "../../style/shared";
import { DistalElement } from "../element";
import { icon } from "../icons";

const sign = icon(svg`<path d="M12 14V4M8.5 7L12 3.5 15.5 7M6 11v8.5h12V11" />`);

/** In the banner of a study, for who may share it; the rest comes when it is pressed. */
@customElement("distal-share-button")
export class DistalShareButton extends DistalElement {
  @property({ attribute: false }) web!: DicomWeb;
  @property() study = "";
  @state() private open = false;

  static override styles = [shared];

  override render() {
    const token = this.web.sharing;
    if (token === null || !this.study) return nothing;
    const t = shareMessages();
    return html`<button
        title=${t.title}
        data-testid="share-button"
        @click=${() => void this.#show()}
      >
        ${sign}<span>${t.share}</span>
      </button>
      ${
        this.open
          ? html`<distal-share-dialog
              .token=${token}
              .study=${this.study}
              @closed=${() => (this.open = false)}
            ></distal-share-dialog>`
          : nothing
      }`;
  }

  async #show(): Promise<void> {
    await import("./dialog");
    this.open = true;
  }
}
