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
        display: grid;
        gap: var(--space-1);
      }
      .asks .row {
        flex-wrap: nowrap;
      }
      .asks p {
        flex: 1;
        min-width: 0;
        font-size: var(--type-caption);
        line-height: 1.35;
        overflow-wrap: anywhere;
      }
      .asks button {
        flex: none;
        min-height: 40px;
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
    const { digits } = this.console.standing.value;
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
        <p class="caption" style="flex: 1">${this.whoGrants()}</p>
        ${this.cancel()}
      </div>`;
  }

  private whoGrants(): string {
    const { c } = this;
    const { state } = this.console.standing.value;
    if (state?.grants !== "at_once") return c.digitsText;
    return state.holder ? c.status.mayOffer(this.nameOf(state.holder)) : c.status.digitsAtOnce;
  }

  private others() {
    const { c } = this;
    const { state } = this.console.standing.value;
    const asking = state?.asking.filter((one) => one !== this.console.self) ?? [];
    if (!state || asking.length === 0) return nothing;
    return html`<div class="asks">
      ${asking.map((one) => {
        const name = this.nameOf(one);
        const offered = state.successor === one;
        return html`<div class="row">
          <p role="status">${offered ? c.handingOver(name) : c.asksToo(name)}</p>
          ${
            offered
              ? nothing
              : html`<button
                  class="quiet"
                  data-testid="hand-over-button"
                  aria-label=${c.handOverTo(name)}
                  @click=${() => this.console.handOver(one)}
                >
                  ${c.handOver}
                </button>`
          }
        </div>`;
      })}
    </div>`;
  }
}
