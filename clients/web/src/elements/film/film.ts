import { css, html, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { keyed } from "lit/directives/keyed.js";

import { DicomWeb, FilmProblem, readFrom } from "../../film/dicomweb";
import { filmMessages } from "../../i18n/film";
import { codeOf, exchangeCode } from "../../protocol/join";
import type { SharedFilm } from "../../state/film";
import { Problem } from "../../state/problem";
import { shared as sharedStyle } from "../../style/shared";
import { DistalElement } from "../element";
import { icons } from "../icons";
import "./problem";
import type { Opened } from "./studies";
import "./studies";
import "./viewer";

const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/**
 * The film viewer: a list of studies, and one of them open. Given a token it signs in by itself;
 * given a room's shared film, it follows and may lead. It needs nothing else of the page.
 */
@customElement("distal-film")
export class DistalFilm extends DistalElement {
  @property() token: string | null = null;
  @property() study: string | null = null;
  @property() holder = ""; // whose study it is, where several hold it
  @property({ attribute: false }) shared: SharedFilm | null = null;
  @property({ attribute: false }) nameOf: (participant: string) => string = () => "";
  @property({ type: Boolean }) mayLead = false;
  @property({ type: Boolean, reflect: true }) small = false;
  @property({ type: Boolean }) closable = false;
  @state() private at: "opening" | "open" | "sign_in" = "opening";
  @state() private problem: FilmProblem | null = null;
  @state() private wrong = false;
  @query("#pass") private readonly pass!: HTMLInputElement | null;

  readonly #web = new DicomWeb();
  #end: () => void = () => undefined;

  static override styles = [
    sharedStyle,
    css`
      :host {
        display: flex;
        flex-direction: column;
        min-width: 0;
        min-height: 0;
        background: var(--surface);
        overflow: hidden;
      }
      distal-film-viewer {
        flex: 1;
      }
      .list {
        flex: 1;
        min-height: 0;
        overflow-y: auto;
        container-type: inline-size;
      }
      :host {
        position: relative;
      }
      .top.bare {
        position: absolute;
        right: 0;
        top: 0;
        z-index: 1;
      }
      .top {
        display: flex;
        justify-content: flex-end;
        gap: var(--space-2);
        align-items: center;
        padding: 0 var(--space-1) 0 var(--space-4);
        font-size: var(--type-caption);
      }
      .top .state {
        margin-right: auto;
        color: var(--accent-text);
        font-weight: 600;
      }
      .opening {
        margin: 10vh auto;
        color: var(--text-2);
      }
      form {
        max-width: var(--text-width);
        width: 100%;
        margin: 8vh auto 0;
        padding: var(--space-4);
      }
      form p {
        margin: var(--space-2) 0 var(--space-4);
        color: var(--text-2);
      }
      form .wrong {
        color: var(--danger-text);
        margin: var(--space-1) 0 0;
      }
      form button {
        margin-top: var(--space-4);
      }
    `,
  ];

  override connectedCallback(): void {
    super.connectedCallback();
    if (this.hasUpdated) this.#begin();
  }

  /** Not before: what was set on the element before its code came arrives with the first update. */
  protected override willUpdate(): void {
    if (!this.hasUpdated) this.#begin();
    readFrom(this.holder);
  }

  #begin(): void {
    void this.#signIn(this.token);
    this.#end =
      this.shared?.view.subscribe((view) => {
        // Who follows goes where the presenter goes; who looks at a list is shown it too.
        if (view && this.shared?.led && this.#goesAlong()) this.#along(view.study);
        else this.requestUpdate();
      }) ?? this.#end;
    if (this.shared?.led) this.study = this.shared.view.value?.study ?? this.study;
  }

  override disconnectedCallback(): void {
    this.#end();
    this.#web.close();
    super.disconnectedCallback();
  }

  #along(study: string): void {
    if (study !== this.study) this.holder = "";
    this.study = study;
  }

  #goesAlong(): boolean {
    const viewer = this.renderRoot.querySelector("distal-film-viewer");
    return viewer === null || viewer.follows;
  }

  async #signIn(token: string | null): Promise<boolean> {
    this.problem = null;
    try {
      await this.#web.open(token);
      this.at = "open";
      return true;
    } catch (error) {
      if (!(error instanceof FilmProblem)) throw error;
      // Without the archive's own sign-in the list says what is the matter.
      if (error.code === "signed_out") this.at = "sign_in";
      else this.problem = error;
      return false;
    }
  }

  /** A page that slept may have let its cookie end: it asks once more before it asks people. */
  readonly #signedOut = (): void => {
    if (this.token === null) this.at = "sign_in";
    else void this.#signIn(this.token);
  };

  readonly #submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const said = this.pass?.value.trim() ?? "";
    try {
      const code = codeOf(said);
      const token = JWT.test(said) ? said : code ? (await exchangeCode(code)).token : null;
      this.wrong = token === null || !(await this.#signIn(token));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.wrong = true;
    }
    if (this.wrong) this.pass?.focus();
  };

  #go(study: string | null, holder = ""): void {
    this.study = study;
    this.holder = holder;
    this.dispatchEvent(new CustomEvent<Opened>("study", { detail: { study, holder } }));
  }

  override render() {
    const t = filmMessages();
    if (this.problem) {
      return html`${this.#top()}
        <distal-film-problem
          .problem=${this.problem}
          @again=${() => this.#signIn(this.token)}
        ></distal-film-problem>`;
    }
    if (this.at === "opening") {
      return html`${this.#top()}
        <p class="opening" role="status">${t.loading}</p>`;
    }
    if (this.at === "sign_in") return html`${this.#top()}${this.#signInForm()}`;
    if (this.study === null) {
      return html`${this.#top()}
        <div class="list">
          <distal-film-studies
            .web=${this.#web}
            @study=${({ detail }: CustomEvent<Opened>) => this.#go(detail.study, detail.holder)}
            @signed-out=${this.#signedOut}
          ></distal-film-studies>
        </div>`;
    }
    const viewer = html`<distal-film-viewer
      .web=${this.#web}
      .study=${this.study}
      .shared=${this.shared}
      .nameOf=${this.nameOf}
      ?mayLead=${this.mayLead}
      ?small=${this.small}
      ?closable=${this.closable}
      @back=${() => this.#go(null)}
      @signed-out=${this.#signedOut}
      @follow=${() => this.#follow()}
      @close-film=${() => this.#close()}
    ></distal-film-viewer>`;
    return keyed(this.holder, viewer);
  }

  #follow(): void {
    const view = this.shared?.view.value;
    if (view) this.#go(view.study);
  }

  /** Who leads puts the pictures away for all: nobody would move them any more. */
  #close(): void {
    if (this.shared?.leading) void this.shared.close();
    this.dispatchEvent(new CustomEvent("close-film"));
  }

  /** Above what is no study: who leads elsewhere, and the way out. */
  #top() {
    const t = filmMessages();
    const { shared } = this;
    const led = shared?.led ? this.nameOf(shared.presenter.value ?? "") : null;
    if (!led && !this.closable) return nothing;
    return html`<div class="top ${led ? "" : "bare"}">
      ${
        led
          ? html`<span class="state">${t.led(led)}</span>
              <button class="primary" data-testid="film-follow" @click=${() => this.#follow()}>
                ${t.follow}
              </button>`
          : nothing
      }
      ${
        this.closable
          ? html`<button
              aria-label=${t.close}
              title=${t.close}
              data-testid="film-close"
              @click=${() => this.#close()}
            >
              ${icons.close}
            </button>`
          : nothing
      }
    </div>`;
  }

  #signInForm() {
    const t = filmMessages();
    return html`<form novalidate @submit=${this.#submit}>
      <h1 tabindex="-1">${t.signInTitle}</h1>
      <p>${t.signInText}</p>
      <label for="pass">${t.signInField}</label>
      <input
        id="pass"
        data-testid="film-pass"
        autocomplete="off"
        autocapitalize="off"
        spellcheck="false"
        aria-invalid=${this.wrong}
        aria-describedby="wrong"
        @input=${() => (this.wrong = false)}
      />
      <p id="wrong" class="wrong" role="alert">${this.wrong ? t.signInWrong : nothing}</p>
      <button class="primary large" data-testid="film-sign-in">${t.signInButton}</button>
    </form>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "distal-film": DistalFilm;
    "distal-film-viewer": import("./viewer").DistalFilmViewer;
  }
}
