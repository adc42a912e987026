import { css, html, nothing } from "lit";
import { customElement } from "lit/decorators.js";

import { shared } from "../style/shared";
import "./details";
import { CallElement } from "./element";
import { icons } from "./icons";

/** Pages that say what happened and what to do next: left, removed, a problem. */
@customElement("distal-message-page")
export class DistalMessagePage extends CallElement {
  static override styles = [
    shared,
    css`
      :host {
        display: block;
        max-width: var(--text-width);
        margin: 6vh auto 0;
      }
      .sign {
        color: var(--caution);
        font-size: 28px;
        line-height: 1;
        margin-bottom: var(--space-3);
      }
      p {
        margin: var(--space-3) 0 var(--space-5);
        color: var(--text-2);
      }
      distal-details {
        display: block;
        margin-top: var(--space-5);
      }
      @media (max-width: 599px) {
        .primary {
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
    const phase = this.call.phase.value;
    switch (phase.at) {
      case "left":
        return html`
          <h1 tabindex="-1" data-testid="left-title">${t.leftTitle}</h1>
          <p>${t.leftText}</p>
          <button
            class="primary large"
            data-testid="rejoin-button"
            @click=${() => this.call.rejoin()}
          >
            ${t.rejoin}
          </button>
        `;
      case "removed":
        return html`
          <h1 tabindex="-1" data-testid="removed-title">${t.removedTitle[phase.reason]}</h1>
          <p>${t.removedText[phase.reason]}</p>
        `;
      case "problem": {
        const { code, detail } = phase.problem;
        const again = code !== "unsupported_browser" && code !== "visit_over";
        const wrongLink = code === "link_unknown" || code === "link_used";
        return html`
          <div class="sign">${icons.warning}</div>
          <h1 tabindex="-1" data-testid="problem-title">${t.problems[code].what}</h1>
          <p>${t.problems[code].next}</p>
          ${
            again
              ? html`<button
                  class="primary large"
                  data-testid="again-button"
                  @click=${() => {
                    if (wrongLink) location.assign("/");
                    else if (code === "old_client") location.reload();
                    else void this.call.retry();
                  }}
                >
                  ${wrongLink ? t.otherLink : t.again}
                </button>`
              : nothing
          }
          <distal-details text=${detail}></distal-details>
        `;
      }
      default:
        return nothing;
    }
  }
}
