import { css, html, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";

import { FilmProblem } from "../../film/dicomweb";
import { filmMessages } from "../../i18n/film";
import { shared } from "../../style/shared";
import { DistalElement } from "../element";

const TITLE = 64; // letters: what DICOM keeps of a description

/** Asks for a title and keeps what is on the screen. */
@customElement("distal-film-save")
export class DistalFilmSave extends DistalElement {
  /** Keeps it, under that title. Rejects with a FilmProblem. */
  @property({ attribute: false }) save!: (title: string) => Promise<void>;
  @property({ type: Number }) measurements = 0;
  @property({ type: Number }) keys = 0;
  @state() private at: "asking" | "saving" | "saved" = "asking";
  @state() private problem: FilmProblem | null = null;
  @query("dialog") private readonly dialog!: HTMLDialogElement;
  @query("input") private readonly input!: HTMLInputElement | null;

  static override styles = [
    shared,
    css`
      p {
        margin: var(--space-2) 0;
      }
      label {
        display: block;
        margin: var(--space-3) 0 var(--space-1);
      }
      input {
        width: 100%;
      }
      .note {
        color: var(--text-2);
        font-size: var(--type-caption);
      }
      .wrong {
        color: var(--danger-text);
      }
    `,
  ];

  open(): void {
    this.at = "asking";
    this.problem = null;
    if (this.input) this.input.value = "";
    this.dialog.showModal();
  }

  readonly #submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (this.at === "saving") return;
    if (this.at === "saved") {
      this.dialog.close();
      return;
    }
    this.at = "saving";
    this.problem = null;
    try {
      await this.save(this.input?.value.trim() ?? "");
      this.at = "saved";
    } catch (error) {
      this.at = "asking";
      if (!(error instanceof FilmProblem)) throw error;
      this.problem = error;
    }
  };

  override render() {
    const t = filmMessages();
    const saved = this.at === "saved";
    return html`<dialog aria-labelledby="title">
      <form novalidate @submit=${this.#submit}>
        <h2 id="title">${saved ? t.saved : t.saveTitle}</h2>
        ${
          saved
            ? html`<p role="status" data-testid="film-saved">${t.savedText}</p>`
            : html`<label for="name">${t.saveName}</label>
                <input
                  id="name"
                  data-testid="film-save-name"
                  maxlength=${TITLE}
                  autocomplete="off"
                />
                <p>${t.saveWhat(this.measurements, this.keys)}</p>
                <p class="note">${t.saveNote}</p>
                <p class="wrong" role="alert" data-testid="film-save-problem">
                  ${this.problem ? this.#words(this.problem) : nothing}
                </p>`
        }
        <div class="actions">
          ${
            saved
              ? nothing
              : html`<button type="button" class="quiet" @click=${() => this.dialog.close()}>
                  ${t.cancel}
                </button>`
          }
          <button
            class="primary"
            data-testid="film-save-confirm"
            ?disabled=${this.at === "saving"}
            aria-busy=${this.at === "saving"}
          >
            ${saved ? t.done : this.at === "saving" ? t.saving : t.save}
          </button>
        </div>
      </form>
    </dialog>`;
  }

  #words({ code }: FilmProblem): string {
    const t = filmMessages();
    if (code === "forbidden") return t.saveForbidden;
    const { next } = t.problems[code === "missing" ? "failed" : code];
    return `${t.saveFailed} ${next}`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "distal-film-save": DistalFilmSave;
  }
}
