import { css, html } from "lit";
import { customElement } from "lit/decorators.js";

import { shared } from "../style/shared";
import { CallElement } from "./element";

/** Where a link leads: one button, because only a click may use the code up. */
@customElement("distal-join")
export class DistalJoin extends CallElement {
  static override styles = [
    shared,
    css`
      :host {
        display: block;
        max-width: var(--text-width);
        margin: 6vh auto 0;
      }
      p {
        margin: var(--space-3) 0 var(--space-5);
        color: var(--text-2);
      }
      @media (max-width: 599px) {
        button {
          width: 100%;
        }
      }
    `,
  ];

  protected override stores() {
    return [this.call.phase];
  }

  override render() {
    const { t } = this;
    const opening = this.call.phase.value.at === "opening";
    return html`
      <h1 tabindex="-1">${t.landingTitle}</h1>
      <p>${t.landingText}</p>
      <button
        class="primary large"
        data-testid="join-button"
        ?disabled=${opening}
        @click=${() => this.call.open()}
      >
        ${opening ? t.opening : t.landingButton}
      </button>
    `;
  }
}
