import { html, nothing, svg, type PropertyValues } from "lit";
import { customElement, property, state } from "lit/decorators.js";

import type { DicomWeb } from "../../film/dicomweb";
import { Transfers } from "../../film/transfers";
import { transferMessages } from "../../i18n/transfer";
import { shared } from "../../style/shared";
import { DistalElement } from "../element";
import { icon } from "../icons";

const sign = icon(svg`<path d="M4 12h14M13 6.5l5.5 5.5-5.5 5.5" />`);

/** In the banner of a study, for who may send it, where there is somewhere to send it to. */
@customElement("distal-transfer-button")
export class DistalTransferButton extends DistalElement {
  @property({ attribute: false }) web!: DicomWeb;
  @property() study = "";
  @state() private nodes: readonly string[] = [];
  @state() private open = false;
  #asked: string | null = null;

  static override styles = [shared];

  protected override willUpdate(changed: PropertyValues<this>): void {
    super.willUpdate(changed);
    const token = this.web.sharing;
    if (token === null || token === this.#asked) return;
    this.#asked = token;
    new Transfers(token).nodes().then(
      (nodes) => (this.nodes = nodes),
      () => (this.nodes = []), // the study is what people came for
    );
  }

  override render() {
    const token = this.web.sharing;
    if (token === null || !this.study || this.nodes.length === 0) return nothing;
    const t = transferMessages();
    return html`<button
        title=${t.title}
        data-testid="transfer-button"
        @click=${() => void this.#show()}
      >
        ${sign}<span>${t.send}</span>
      </button>
      ${
        this.open
          ? html`<distal-transfer-dialog
              .token=${token}
              .study=${this.study}
              .nodes=${this.nodes}
              @closed=${() => (this.open = false)}
            ></distal-transfer-dialog>`
          : nothing
      }`;
  }

  async #show(): Promise<void> {
    await import("./dialog");
    this.open = true;
  }
}
