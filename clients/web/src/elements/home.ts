import { css, html, nothing } from "lit";
import { customElement, query, state } from "lit/decorators.js";

import { codeOf } from "../protocol/join";
import { shared } from "../style/shared";
import { DistalElement } from "./element";

/** The page without a link: paste one. */
@customElement("distal-home")
export class DistalHome extends DistalElement {
  @state() private invalid = false;
  @query("input") private readonly input!: HTMLInputElement;

  static override styles = [
    shared,
    css`
      :host {
        display: block;
        max-width: var(--text-width);
        margin: 6vh auto 0;
      }
      form {
        margin-top: var(--space-5);
        display: grid;
        gap: var(--space-4);
        justify-items: start;
      }
      .field {
        width: 100%;
      }
      .network {
        margin-top: var(--space-6);
      }
      .wrong {
        color: var(--danger-text);
        margin-top: var(--space-1);
      }
    `,
  ];

  override render() {
    const { t } = this;
    return html`
      <h1>${t.homeTitle}</h1>
      <p>${t.homeText}</p>
      <form novalidate @submit=${this.submit}>
        <div class="field">
          <label for="code">${t.homeField}</label>
          <input
            id="code"
            data-testid="code-input"
            autocomplete="off"
            autocapitalize="off"
            spellcheck="false"
            aria-invalid=${this.invalid}
            aria-describedby="wrong"
            @input=${() => (this.invalid = false)}
          />
          <p id="wrong" class="wrong" role="alert">${this.invalid ? t.homeInvalid : nothing}</p>
        </div>
        <button class="primary large" data-testid="home-button">${t.homeButton}</button>
      </form>
      <p class="network"><a href="/film">${t.filmLink}</a></p>
      <p><a href="/network">${t.reachLink}</a></p>
    `;
  }

  private submit(event: Event): void {
    event.preventDefault();
    const code = codeOf(this.input.value);
    this.invalid = code === null;
    if (code === null) this.input.focus();
    else location.assign(`/join/${code}`);
  }
}
