import { css, html, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";

import { shared } from "../../style/shared";
import { ConsoleElement } from "./element";

/** The way to control: asking, six digits for two people's voices, handing over, giving back. */
@customElement("distal-grant")
export class DistalGrant extends ConsoleElement {
  @property({ attribute: false }) nameOf: (participant: string) => string = (id) => id;

  static override styles = [
    shared,
    css`
      :host {
        display: block;
      }
      .row {
        display: flex;
        flex-wrap: wrap;
        gap: var(--space-2);
        align-items: center;
      }
      button.primary {
        flex: 1;
        min-height: 52px;
      }
      .digits {
        display: flex;
        justify-content: center;
        gap: 0.55em;
        font-size: 34px;
        font-weight: 700;
        letter-spacing: 0.08em;
        line-height: 1.3;
        padding: var(--space-2);
        background: var(--raised);
        border: 1px solid var(--line);
        border-radius: var(--radius);
        margin: var(--space-2) 0;
      }
      .asks {
        margin-top: var(--space-2);
        display: grid;
        gap: var(--space-1);
      }
      .asks p {
        font-size: var(--type-caption);
      }
    `,
  ];

  protected override stores() {
    return [this.console.standing, this.console.obstacle];
  }

  override render() {
    const { c } = this;
    const { stage } = this.console.standing.value;
    switch (stage) {
      case "absent":
        return nothing;
      case "watching":
        return this.askButton();
      case "asking":
        return html`<div class="row">
          <button class="primary" disabled>${c.status.asking}</button>${this.cancel()}
        </div>`;
      case "digits":
        return this.digits();
      case "held":
        return this.others();
    }
  }

  private askButton() {
    const { c } = this;
    const obstacle = this.console.obstacle.value;
    return html`<div class="row">
        <button
          class="primary"
          data-testid="ask-button"
          ?disabled=${obstacle !== null}
          @click=${() => this.console.ask()}
        >
          ${c.ask}
        </button>
      </div>
      ${obstacle ? html`<p class="caption" data-testid="obstacle">${c.obstacles[obstacle]}</p>` : nothing}`;
  }

  private cancel() {
    return html`<button
      class="quiet"
      data-testid="withdraw-button"
      @click=${() => this.console.withdraw()}
    >
      ${this.c.withdraw}
    </button>`;
  }

  private digits() {
    const { c } = this;
    const { digits, state } = this.console.standing.value;
    if (digits === null) return nothing;
    const spoken = digits.replace(/\d(?=\d)/g, "$& ");
    return html`<h3>${c.digitsTitle}</h3>
      <p
        class="digits numbers"
        data-testid="digits"
        role="status"
        aria-label=${c.digitsSpoken(spoken)}
      >
        <span aria-hidden="true">${digits.slice(0, 3)}</span
        ><span aria-hidden="true">${digits.slice(3)}</span>
      </p>
      <div class="row">
        <p class="caption" style="flex: 1">
          ${state?.grants === "at_once" ? c.status.digitsAtOnce : c.digitsText}
        </p>
        ${this.cancel()}
      </div>`;
  }

  private others() {
    const { c } = this;
    const { state } = this.console.standing.value;
    const asking = state?.asking.filter((one) => one !== this.console.self) ?? [];
    if (!state || asking.length === 0) return nothing;
    return html`<div class="asks">
      ${asking.map((one) => {
        const name = this.nameOf(one);
        return html`<p role="status">${c.asksToo(name)}</p>
          ${
            state.successor === one
              ? html`<p class="caption">${c.handingOver(name)}</p>`
              : html`<button
                  class="quiet"
                  data-testid="hand-over-button"
                  @click=${() => this.console.handOver(one)}
                >
                  ${c.handOver(name)}
                </button>`
          }`;
      })}
    </div>`;
  }
}
