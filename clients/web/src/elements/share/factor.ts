import { css, html, nothing, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";

import { language } from "../../i18n/language";
import { shareMessages, timeOf } from "../../i18n/share";
import type { Factor } from "../../share/links";
import { birthDate, type VisitProblem } from "../../share/visit";
import { shared } from "../../style/shared";
import { DistalElement } from "../element";

type Part = "year" | "month" | "day";

/** Asks what only the right person knows: a birth date in three fields, or six digits. */
@customElement("distal-share-factor")
export class DistalShareFactor extends DistalElement {
  @property() factor: Factor = "code";
  @property({ attribute: false }) problem: VisitProblem | null = null;
  @property({ type: Boolean }) busy = false;
  @state() private misread = false; // what was typed is no date or code at all
  @query("input") private readonly first!: HTMLInputElement;

  static override styles = [
    shared,
    css`
      form {
        margin-top: var(--space-4);
      }
      fieldset {
        border: 0;
        margin: 0;
        padding: 0;
      }
      legend,
      .title {
        font-weight: 600;
        padding: 0;
        font-size: var(--type-heading);
      }
      .hint {
        color: var(--text-2);
        margin: var(--space-1) 0 var(--space-3);
      }
      .parts {
        display: flex;
        gap: var(--space-3);
      }
      .part {
        width: 84px;
      }
      .part.year {
        width: 112px;
      }
      .part label {
        font-weight: 400;
      }
      input:not([type="checkbox"]) {
        min-height: 52px;
        font-size: var(--type-heading);
        font-variant-numeric: tabular-nums;
      }
      .digits {
        max-width: 200px;
        letter-spacing: 0.2em;
      }
      .wrong {
        margin-top: var(--space-3);
        padding: var(--space-3);
        border-left: 4px solid var(--danger-text);
        background: var(--danger-soft);
        color: var(--danger-text);
      }
      .wrong strong {
        display: block;
      }
      form > button {
        margin-top: var(--space-5);
      }
      @media (max-width: 599px) {
        form > button {
          width: 100%;
        }
      }
    `,
  ];

  protected override updated(changed: Map<PropertyKey, unknown>): void {
    if (changed.has("problem") && this.problem) this.first.focus();
  }

  readonly #submit = (event: Event): void => {
    event.preventDefault();
    const value = (id: string): string =>
      this.renderRoot.querySelector<HTMLInputElement>(`#${id}`)?.value ?? "";
    const digits = value("digits").replace(/\D/g, "");
    const said =
      this.factor === "birth_date"
        ? birthDate(value("year"), value("month"), value("day"))
        : digits.length === 6
          ? digits
          : null;
    this.misread = said === null;
    if (said === null) this.first.focus();
    else this.dispatchEvent(new CustomEvent<string>("answer", { detail: said }));
  };

  override render() {
    const t = shareMessages();
    return html`<form novalidate @submit=${this.#submit}>
      ${this.factor === "birth_date" ? this.#date() : this.#code()}
      <div role="alert">${this.#wrong()}</div>
      <button class="primary large" data-testid="shared-open" ?disabled=${this.busy}>
        ${this.busy ? t.opening : t.open}
      </button>
    </form>`;
  }

  #wrong(): TemplateResult | typeof nothing {
    const t = shareMessages();
    const { problem } = this;
    if (this.misread) {
      return html`<p class="wrong" id="wrong">
        ${this.factor === "birth_date" ? t.noDay : t.noCode}
      </p>`;
    }
    if (!problem) return nothing;
    const { what, next } = t.problems[problem.code];
    const then =
      problem.code === "wrong"
        ? t.left(problem.left)
        : problem.code === "locked"
          ? t.lockedUntil(timeOf(problem.untilMs))
          : next;
    return html`<p class="wrong" id="wrong" data-testid="shared-wrong" data-code=${problem.code}>
      <strong>${what}</strong>${then}
    </p>`;
  }

  #date() {
    const t = shareMessages();
    const order: readonly Part[] =
      language.value === "zh-CN" ? ["year", "month", "day"] : ["day", "month", "year"];
    return html`<fieldset>
      <legend>${t.birthDate}</legend>
      <p class="hint">${t.birthDateText}</p>
      <div class="parts">${order.map((part) => this.#part(part))}</div>
    </fieldset>`;
  }

  #part(part: Part) {
    const t = shareMessages();
    return html`<div class="part ${part}">
      <label for=${part}>${t[part]}</label>
      <input
        id=${part}
        inputmode="numeric"
        autocomplete="off"
        maxlength=${part === "year" ? 4 : 2}
        data-testid="shared-${part}"
        aria-describedby="wrong"
        @input=${() => (this.misread = false)}
      />
    </div>`;
  }

  #code() {
    const t = shareMessages();
    return html`<label class="title" for="digits">${t.codeField}</label>
      <p class="hint">${t.codeText}</p>
      <input
        id="digits"
        class="digits"
        inputmode="numeric"
        autocomplete="one-time-code"
        maxlength="7"
        data-testid="shared-digits"
        aria-describedby="wrong"
        @input=${() => (this.misread = false)}
      />`;
  }
}
