import { css, html } from "lit";
import { customElement, property } from "lit/decorators.js";

import type { FilmProblem } from "../../film/dicomweb";
import { filmMessages } from "../../i18n/film";
import { shared } from "../../style/shared";
import { DistalElement } from "../element";

/** What happened, the next step, and the details for support. */
@customElement("distal-film-problem")
export class DistalFilmProblem extends DistalElement {
  @property({ attribute: false }) problem!: FilmProblem;

  static override styles = [
    shared,
    css`
      :host {
        display: block;
        max-width: var(--text-width);
        margin: 6vh auto;
        padding: var(--space-4);
        text-align: center;
      }
      p {
        margin: var(--space-2) 0 var(--space-4);
        color: var(--text-2);
      }
      details {
        margin-top: var(--space-5);
        text-align: left;
      }
      summary {
        min-height: var(--touch);
        cursor: pointer;
        color: var(--text-2);
      }
      pre {
        white-space: pre-wrap;
        overflow-wrap: anywhere;
        font-size: var(--type-caption);
      }
    `,
  ];

  override render() {
    const t = filmMessages();
    const { what, next } = t.problems[this.problem.code];
    return html`
      <div role="alert" data-testid="film-problem" data-code=${this.problem.code}>
        <h2>${what}</h2>
        <p>${next}</p>
      </div>
      <button class="quiet" data-testid="film-again" @click=${() => this.#again()}>
        ${t.again}
      </button>
      <details>
        <summary>${t.details}</summary>
        <pre>${this.problem.detail}</pre>
      </details>
    `;
  }

  #again(): void {
    this.dispatchEvent(new CustomEvent("again"));
  }
}
