import { css, html } from "lit";
import { customElement, state } from "lit/decorators.js";

import { duration } from "../i18n/format";
import { shared } from "../style/shared";
import { CallElement } from "./element";
import { icons } from "./icons";

/** The waiting room: what is going on, since when, and the way out. */
@customElement("distal-waiting")
export class DistalWaiting extends CallElement {
  @state() private elapsedMs = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  static override styles = [
    shared,
    css`
      :host {
        display: block;
        max-width: var(--text-width);
        margin: 6vh auto 0;
      }
      .sign {
        font-size: 28px;
        line-height: 1;
        color: var(--accent-text);
        margin-bottom: var(--space-3);
      }
      .title {
        color: var(--text-2);
        margin-bottom: var(--space-1);
      }
      .since {
        margin: var(--space-5) 0;
      }
      p {
        margin-top: var(--space-3);
      }
    `,
  ];

  protected override stores() {
    return [this.call.me, this.call.local];
  }

  override connectedCallback(): void {
    super.connectedCallback();
    const start = Date.now();
    this.#timer = setInterval(() => (this.elapsedMs = Date.now() - start), 1000);
  }

  override disconnectedCallback(): void {
    clearInterval(this.#timer);
    super.disconnectedCallback();
  }

  override render() {
    const { t } = this;
    return html`
      <div class="sign">${icons.clock}</div>
      <p class="title">${this.call.me.value?.title}</p>
      <h1 tabindex="-1" data-testid="waiting-title">${t.waitingTitle}</h1>
      <p>${t.waitingText} ${t.checkText}</p>
      <p class="since caption numbers">${t.waitingSince(duration(this.elapsedMs))}</p>
      <button class="quiet" data-testid="leave-button" @click=${() => this.call.leave()}>
        ${t.waitingLeave}
      </button>
    `;
  }
}
