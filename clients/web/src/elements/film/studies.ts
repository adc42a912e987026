import { css, html, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";

import { FilmProblem, type DicomWeb } from "../../film/dicomweb";
import { byDate, byPatient, studyRow, type StudyRow } from "../../film/study";
import { day, hour, patientLine } from "../../film/words";
import { filmMessages } from "../../i18n/film";
import { shared } from "../../style/shared";
import { DistalElement } from "../element";
import "./problem";

/** Which study is open, and of whom where several hold it; null: the list. */
export interface Opened {
  readonly study: string | null;
  readonly holder: string;
}

const MODALITIES = ["CT", "MR", "US", "DX", "CR", "MG", "XA", "NM", "PT"];
const REFRESH_MS = 10_000; // "seconds later": what arrives shows by itself
const TYPING_MS = 300;

/** The list of studies, newest first, with one field to search by. */
@customElement("distal-film-studies")
export class DistalFilmStudies extends DistalElement {
  @property({ attribute: false }) web!: DicomWeb;
  @state() private rows: readonly StudyRow[] | null = null;
  @state() private problem: FilmProblem | null = null;
  @state() private searching = false;
  @query("input") private readonly words!: HTMLInputElement;
  @query("select") private readonly modality!: HTMLSelectElement;
  #asking: AbortController | null = null;
  #typing: ReturnType<typeof setTimeout> | undefined;
  #refresh: ReturnType<typeof setInterval> | undefined;

  static override styles = [
    shared,
    css`
      :host {
        display: block;
        max-width: 1200px;
        margin: 0 auto;
        padding: var(--space-4);
      }
      header {
        display: flex;
        align-items: baseline;
        gap: var(--space-3);
        flex-wrap: wrap;
      }
      form {
        display: flex;
        gap: var(--space-3);
        margin: var(--space-3) 0 var(--space-4);
        align-items: end;
      }
      .words {
        flex: 1;
        min-width: 0;
      }
      .kind {
        width: 140px;
      }
      li button {
        width: 100%;
        display: grid;
        grid-template-columns: minmax(0, 5fr) minmax(0, 6fr) minmax(0, 3fr);
        gap: 0 var(--space-4);
        justify-content: stretch;
        text-align: left;
        padding: var(--space-3);
        border-radius: 0;
        border-bottom: 1px solid var(--line);
        align-items: start;
      }
      li strong {
        font-weight: 600;
        display: block;
      }
      li span {
        display: block;
        overflow-wrap: anywhere;
      }
      .when {
        text-align: right;
      }
      .kinds {
        display: inline-block;
        border: 1px solid var(--field-line);
        border-radius: 4px;
        padding: 0 6px;
        margin-right: var(--space-2);
        font-size: var(--type-caption);
        font-weight: 600;
      }
      .empty {
        text-align: center;
        padding: 8vh var(--space-4);
        color: var(--text-2);
      }
      .empty h2 {
        color: var(--text);
      }
      .empty p {
        max-width: 44ch;
        margin: var(--space-2) auto var(--space-4);
      }
      .waiting {
        height: 68px;
        border-bottom: 1px solid var(--line);
        background:
          linear-gradient(var(--hover), var(--hover)) 12px 16px / 30% 14px no-repeat,
          linear-gradient(var(--hover), var(--hover)) 12px 40px / 20% 10px no-repeat,
          linear-gradient(var(--hover), var(--hover)) 42% 16px / 30% 14px no-repeat;
      }
      @container (max-width: 640px) {
        li button {
          grid-template-columns: minmax(0, 1fr) auto;
          padding: var(--space-3) var(--space-1);
        }
        .what {
          grid-row: 2;
          grid-column: 1 / -1;
        }
      }
      @media (max-width: 599px) {
        :host {
          padding: var(--space-3);
        }
        .kind {
          width: 104px;
        }
        .find {
          display: none;
        }
      }
    `,
  ];

  override connectedCallback(): void {
    super.connectedCallback();
    void this.#load();
    this.#refresh = setInterval(() => {
      if (!document.hidden && !this.searching) void this.#load();
    }, REFRESH_MS);
  }

  override disconnectedCallback(): void {
    clearInterval(this.#refresh);
    clearTimeout(this.#typing);
    this.#asking?.abort();
    super.disconnectedCallback();
  }

  async #load(): Promise<void> {
    this.#asking?.abort();
    const asking = (this.#asking = new AbortController());
    const words = this.hasUpdated ? this.words.value : "";
    const modality = this.hasUpdated ? this.modality.value : "";
    try {
      const found = await this.web.studies({ words, modality }, asking.signal);
      this.rows = byPatient(byDate(found.map(studyRow)));
      this.problem = null;
    } catch (error) {
      if (asking.signal.aborted) return;
      if (!(error instanceof FilmProblem)) throw error;
      this.problem = error;
      if (error.code === "signed_out") this.dispatchEvent(new CustomEvent("signed-out"));
    }
    this.searching = false;
  }

  readonly #typed = (): void => {
    clearTimeout(this.#typing);
    this.searching = true;
    this.#typing = setTimeout(() => void this.#load(), TYPING_MS);
  };

  readonly #search = (event: Event): void => {
    event.preventDefault();
    clearTimeout(this.#typing);
    this.searching = true;
    void this.#load();
  };

  readonly #clear = (): void => {
    this.words.value = "";
    this.modality.value = "";
    void this.#load();
  };

  override render() {
    const t = filmMessages();
    return html`
      <header>
        <h1 tabindex="-1">${t.studies}</h1>
        <span class="caption numbers" role="status" data-testid="film-count"
          >${this.rows && !this.problem ? t.found(this.rows.length) : nothing}</span
        >
      </header>
      <form role="search" @submit=${this.#search}>
        <div class="words">
          <label for="words">${t.searchField}</label>
          <input
            id="words"
            type="search"
            data-testid="film-search"
            autocomplete="off"
            spellcheck="false"
            @input=${this.#typed}
          />
        </div>
        <div class="kind">
          <label for="kind">${t.modality}</label>
          <select id="kind" @change=${this.#search}>
            <option value="">${t.anyModality}</option>
            ${MODALITIES.map((kind) => html`<option>${kind}</option>`)}
          </select>
        </div>
        <button class="quiet find">${t.search}</button>
      </form>
      ${this.problem ? this.trouble(this.problem) : this.list()}
    `;
  }

  private trouble(problem: FilmProblem) {
    return html`<distal-film-problem
      .problem=${problem}
      @again=${() => this.#load()}
    ></distal-film-problem>`;
  }

  private list() {
    const t = filmMessages();
    const { rows } = this;
    if (!rows) {
      return html`<div aria-busy="true" role="status" data-testid="film-waiting">
        <span class="hidden-text">${t.loading}</span>
        ${[1, 2, 3, 4].map(() => html`<div class="waiting"></div>`)}
      </div>`;
    }
    if (rows.length > 0)
      return html`<ul>
        ${rows.map((row) => this.row(row))}
      </ul>`;
    const searched = this.words.value.trim() !== "" || this.modality.value !== "";
    return html`<div class="empty" data-testid="film-empty">
      <h2>${searched ? t.notFound : t.none}</h2>
      ${
        searched
          ? html`<p><button class="quiet" @click=${this.#clear}>${t.clearSearch}</button></p>`
          : html`<p>${t.noneText}</p>`
      }
    </div>`;
  }

  private row(row: StudyRow) {
    const t = filmMessages();
    const { patient } = row;
    const holder = row.holder === patient.issuer ? "" : row.holder; // said beside the id
    return html`<li>
      <button
        data-testid="film-study"
        data-study=${row.uid}
        data-holder=${row.holder || nothing}
        @click=${() => this.dispatchEvent(new CustomEvent<Opened>("study", { detail: { study: row.uid, holder: row.holder } }))}
      >
        <span>
          <strong>${patient.name || t.noName}</strong>
          <span class="caption numbers">${patientLine(patient, row.date, t).join(" · ")}</span>
        </span>
        <span class="what">
          <span
            ><span class="kinds">${row.modalities.join(" ") || "–"}</span>${
              row.description || t.noDescription
            }</span
          >
          <span class="caption">${[row.institution, holder].filter(Boolean).join(" · ")}</span>
        </span>
        <span class="when numbers">
          <span>${day(row.date)}</span>
          <span class="caption"
            >${[hour(row.time), row.images === null ? "" : t.images(row.images)]
              .filter(Boolean)
              .join(" · ")}</span
          >
        </span>
      </button>
    </li>`;
  }
}
