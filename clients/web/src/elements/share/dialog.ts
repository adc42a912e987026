import { css, html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";

import { FilmProblem } from "../../film/dicomweb";
import { moment, shareMessages } from "../../i18n/share";
import {
  ShareLinks,
  type Audience,
  type Factor,
  type Links,
  type NewLink,
} from "../../share/links";
import { shared } from "../../style/shared";
import "../confirm";
import { FilmDialog } from "../film/dialog";
import "./list";
import "./result";

const TTL = { hour: 3600, day: 24 * 3600, week: 7 * 24 * 3600, month: 30 * 24 * 3600 } as const;
const PREPARING_MS = 1000; // between looks at what is being prepared
const AUDIENCES: readonly Audience[] = ["patient", "doctor"];

/** For a doctor: make a link to a study, and look after those that there are. */
@customElement("distal-share-dialog")
export class DistalShareDialog extends FilmDialog {
  @property() token = "";
  @property() study = "";
  @state() private known: Links | null = null;
  @state() private wrong: "failed" | "notYours" | "cannot" | null = null;
  @state() private made: NewLink | null = null;
  @state() private making = false;
  @state() private audience: Audience = "patient";
  @state() private factor: Factor | null = null; // as chosen; null: what suits the audience
  @state() private ttl: keyof typeof TTL = "week";
  @state() private nameless = false;
  #links = new ShareLinks("");
  #again: ReturnType<typeof setTimeout> | undefined;

  static override styles = [
    shared,
    css`
      dialog {
        width: min(560px, calc(100vw - 2 * var(--space-4)));
      }
      header {
        display: flex;
        align-items: center;
        gap: var(--space-3);
        margin-bottom: var(--space-3);
      }
      header h2 {
        flex: 1;
      }
      fieldset {
        border: 0;
        margin: 0 0 var(--space-4);
        padding: 0;
        min-width: 0;
      }
      legend {
        font-weight: 600;
        padding: 0;
        margin-bottom: var(--space-1);
      }
      .choices {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(190px, 1fr));
        gap: var(--space-2);
      }
      .choices label {
        display: flex;
        align-items: center;
        gap: var(--space-2);
        min-height: var(--touch);
        margin: 0;
        padding: var(--space-2) var(--space-3);
        border: 1px solid var(--line);
        border-radius: var(--radius);
        font-weight: 400;
        cursor: pointer;
      }
      .choices label:has(:checked) {
        border-color: var(--accent-text);
        background: var(--accent-soft);
      }
      input[type="checkbox"],
      input[type="radio"] {
        width: 18px;
        height: 18px;
        min-height: 0;
        margin: 0;
        padding: 0;
        flex: none;
        accent-color: var(--accent);
      }
      fieldset .caption {
        margin-top: var(--space-1);
      }
      .wrong {
        color: var(--danger-text);
        margin-bottom: var(--space-3);
      }
      select {
        max-width: 240px;
      }
      hr {
        border: 0;
        border-top: 1px solid var(--line);
        margin: var(--space-5) 0 var(--space-4);
      }
      h3 {
        font-size: var(--type-body);
      }
      @media (max-width: 599px) {
        .make {
          width: 100%;
        }
      }
    `,
  ];

  override disconnectedCallback(): void {
    clearTimeout(this.#again);
    super.disconnectedCallback();
  }

  protected override firstUpdated(): void {
    this.#links = new ShareLinks(this.token);
    super.firstUpdated();
    void this.#load();
  }

  async #load(): Promise<void> {
    try {
      const known = await this.#links.of(this.study);
      this.known = known;
      const shown = known.links.find(({ name }) => name === this.made?.link.name);
      if (shown?.state === "revoked") this.made = null;
      clearTimeout(this.#again);
      if (known.links.some(({ state }) => state === "preparing"))
        this.#again = setTimeout(() => void this.#load(), PREPARING_MS);
      this.wrong = null;
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (!(error instanceof FilmProblem)) throw error;
    const notYours = error.code === "missing" || error.code === "forbidden";
    const cannot = error.detail.startsWith("HTTP 409");
    this.wrong = notYours ? "notYours" : cannot ? "cannot" : "failed";
  }

  /** A patient knows her birth date; a colleague elsewhere is told a code. */
  get #factor(): Factor {
    const suits = this.audience === "patient" ? "birth_date" : "code";
    const wanted = this.factor ?? suits;
    return !this.nameless && this.known?.factors.includes(wanted) ? wanted : "code";
  }

  readonly #make = async (event: Event): Promise<void> => {
    event.preventDefault();
    this.making = true;
    try {
      this.made = await this.#links.make({
        study: this.study,
        audience: this.audience,
        factor: this.#factor,
        ttl_s: TTL[this.ttl],
        deidentified: this.nameless,
      });
      await this.#load();
    } catch (error) {
      this.#fail(error);
    } finally {
      this.making = false;
    }
  };

  override render() {
    const t = shareMessages();
    const title = this.made ? t.ready : t.title;
    const content = html` ${this.wrong ? html`<p class="wrong" role="alert">${t[this.wrong]}</p>` : nothing}
    ${
      this.wrong === "notYours"
        ? nothing
        : this.known === null
          ? html`<p role="status">${t.loading}</p>`
          : html`${
                this.made
                  ? html`<distal-share-result
                      .made=${this.made}
                      @another=${() => (this.made = null)}
                    ></distal-share-result>`
                  : this.#form(this.known)
              }
              <hr />
              <h3>${t.links}</h3>
              <distal-share-list
                .links=${this.known.links}
                .api=${this.#links}
                @changed=${() => void this.#load()}
              ></distal-share-list>`
    }`;
    return this.frame(title, t.close, "share-close", content);
  }

  #form({ factors }: Links) {
    const t = shareMessages();
    const chosen = this.#factor;
    return html`<form @submit=${this.#make}>
      <fieldset>
        <legend>${t.forWhom}</legend>
        <div class="choices">
          ${AUDIENCES.map(
            (audience) =>
              html`<label
                ><input
                  type="radio"
                  name="audience"
                  data-testid="share-${audience}"
                  .checked=${audience === this.audience}
                  @change=${() => (this.audience = audience)}
                />${t.audience[audience]}</label
              >`,
          )}
        </div>
      </fieldset>
      <fieldset>
        <legend>${t.factorTitle}</legend>
        <div class="choices">
          ${factors
            .filter((factor) => factor === "code" || !this.nameless)
            .map(
              (factor) =>
                html`<label
                  ><input
                    type="radio"
                    name="factor"
                    data-testid="share-${factor}"
                    .checked=${factor === chosen}
                    @change=${() => (this.factor = factor)}
                  />${t.factor[factor]}</label
                >`,
            )}
        </div>
        <p class="caption">${t.factorHint[chosen]}</p>
      </fieldset>
      <fieldset>
        <div class="choices">
          <label
            ><input
              type="checkbox"
              data-testid="share-nameless"
              .checked=${this.nameless}
              @change=${(event: Event) => {
                this.nameless = (event.target as HTMLInputElement).checked;
              }}
            />${t.nameless}</label
          >
        </div>
        ${this.nameless ? html`<p class="caption">${t.namelessText}</p>` : nothing}
      </fieldset>
      <fieldset>
        <label for="ttl">${t.howLong}</label>
        <select
          id="ttl"
          data-testid="share-ttl"
          @change=${(event: Event) => {
            this.ttl = (event.target as HTMLSelectElement).value as keyof typeof TTL;
          }}
        >
          ${(Object.keys(TTL) as (keyof typeof TTL)[]).map(
            (name) =>
              html`<option value=${name} ?selected=${name === this.ttl}>${t.ttl[name]}</option>`,
          )}
        </select>
        <p class="caption">${t.until(moment(Date.now() + TTL[this.ttl] * 1000))}</p>
      </fieldset>
      <button class="primary make" data-testid="share-make" ?disabled=${this.making}>
        ${this.making ? t.making : t.make}
      </button>
    </form>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "distal-share-dialog": DistalShareDialog;
  }
}
