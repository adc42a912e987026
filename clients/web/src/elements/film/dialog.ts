import { html, type TemplateResult } from "lit";
import { query } from "lit/decorators.js";

import { DistalElement } from "../element";
import { icons } from "../icons";

/** A dialog over the images, open as long as it is there; it says when it was closed. */
export abstract class FilmDialog extends DistalElement {
  @query("dialog") private readonly dialog!: HTMLDialogElement;

  protected override firstUpdated(): void {
    this.dialog.showModal();
  }

  /** `name` is that of its close button, for tests. */
  protected frame(title: string, close: string, name: string, content: TemplateResult) {
    return html`<dialog
      aria-labelledby="title"
      @close=${() => this.dispatchEvent(new CustomEvent("closed"))}
      @click=${(event: Event) => {
        event.stopPropagation();
      }}
      @keydown=${(event: Event) => {
        event.stopPropagation(); // the viewer has keys of its own
      }}
    >
      <header>
        <h2 id="title">${title}</h2>
        <button
          aria-label=${close}
          data-testid=${name}
          @click=${() => {
            this.dialog.close();
          }}
        >
          ${icons.close}
        </button>
      </header>
      ${content}
    </dialog>`;
  }
}
