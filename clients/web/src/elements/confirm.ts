import { html } from "lit";
import { customElement, query, state } from "lit/decorators.js";

import { shared } from "../style/shared";
import { DistalElement } from "./element";

export interface Question {
  title: string;
  text: string;
  action: string;
}

/** Asks once before something that cannot be taken back, in words that name it. */
@customElement("distal-confirm")
export class DistalConfirm extends DistalElement {
  @state() private question: Question | null = null;
  @query("dialog") private readonly dialog!: HTMLDialogElement;
  #settle: ((sure: boolean) => void) | undefined;

  static override styles = [shared];

  async ask(question: Question): Promise<boolean> {
    this.#settle?.(false);
    this.question = question;
    await this.updateComplete;
    this.dialog.returnValue = "";
    this.dialog.showModal();
    return new Promise((resolve) => (this.#settle = resolve));
  }

  override render() {
    const { t, question } = this;
    return html`<dialog
      aria-labelledby="title"
      aria-describedby="text"
      @close=${() => {
        this.#settle?.(this.dialog.returnValue === "sure");
        this.#settle = undefined;
      }}
    >
      <form method="dialog">
        <h2 id="title">${question?.title}</h2>
        <p id="text">${question?.text}</p>
        <div class="actions">
          <button class="quiet" value="" autofocus data-testid="cancel-button">${t.cancel}</button>
          <button class="danger" value="sure" data-testid="confirm-button">
            ${question?.action}
          </button>
        </div>
      </form>
    </dialog>`;
  }
}
