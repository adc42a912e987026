import { css, html, nothing, type TemplateResult } from "lit";
import { customElement, query, state } from "lit/decorators.js";

import { DicomWeb, readBelow } from "../../film/dicomweb";
import { language } from "../../i18n/language";
import { moment, shareMessages, timeOf } from "../../i18n/share";
import { Visit, VisitProblem, type Invitation } from "../../share/visit";
import { shared } from "../../style/shared";
import { theme } from "../../style/theme";
import { DistalElement } from "../element";
import { icons } from "../icons";
import "../page";
import "./factor";

type At =
  | { at: "landing" }
  | { at: "looking" }
  | { at: "question"; problem: VisitProblem | null }
  | { at: "images"; study: string }
  | { at: "left" }
  | { at: "problem"; problem: VisitProblem };

/** Worth another try with the same link. */
const AGAIN: ReadonlySet<string> = new Set(["preparing", "busy", "unreachable"]);

/**
 * /shared/NAME#CODE: what a patient or an outside doctor opens. Nothing is asked of the server, and
 * nothing told, before a click; nothing of the patient before the second factor.
 */
@customElement("distal-shared-page")
export class DistalSharedPage extends DistalElement {
  @state() private now: At = { at: "landing" };
  @state() private invitation: Invitation | null = null;
  @state() private busy = false;
  @query("h1") private readonly heading!: HTMLElement | null;
  readonly #visit = new Visit(
    location.pathname.split("/")[2] ?? "",
    decodeURIComponent(location.hash.slice(1)),
  );
  readonly #web = new DicomWeb();

  static override styles = [
    shared,
    css`
      :host {
        display: block;
      }
      .column {
        max-width: var(--text-width);
        margin: 4vh auto 0;
      }
      .column > p {
        margin: var(--space-3) 0 var(--space-5);
        color: var(--text-2);
      }
      .sign {
        color: var(--caution);
        font-size: 28px;
        line-height: 1;
        margin-bottom: var(--space-3);
      }
      .images {
        display: flex;
        flex-direction: column;
        height: 100dvh;
        background: var(--surface);
      }
      .bar {
        display: flex;
        align-items: center;
        gap: var(--space-3);
        padding: 0 var(--space-1) 0 max(var(--space-3), env(safe-area-inset-left));
        border-bottom: 1px solid var(--line);
        font-size: var(--type-caption);
        color: var(--text-2);
      }
      .bar span {
        flex: 1;
        min-width: 0;
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      distal-film-viewer {
        flex: 1;
        min-height: 0;
      }
      @media (max-width: 599px) {
        .column > button {
          width: 100%;
        }
      }
    `,
  ];

  override connectedCallback(): void {
    super.connectedCallback();
    readBelow(this.#visit.base);
  }

  protected override stores() {
    return [theme];
  }

  override updated(): void {
    const root = document.documentElement;
    root.dataset.surface = this.now.at === "images" ? "dark" : theme.value;
    root.lang = language.value;
    document.title = `${shareMessages().pageTitle} · ${this.t.name}`;
  }

  #go(now: At): void {
    const moved = now.at !== this.now.at;
    this.now = now;
    if (moved) void this.updateComplete.then(() => this.heading?.focus());
  }

  readonly #look = async (): Promise<void> => {
    this.#go({ at: "looking" });
    try {
      this.invitation = await this.#visit.look();
      this.#go({ at: "question", problem: null });
    } catch (error) {
      this.#fail(error);
    }
  };

  readonly #open = async (event: CustomEvent<string>): Promise<void> => {
    this.busy = true;
    try {
      const { study } = await this.#visit.open(event.detail);
      await import("../film/viewer");
      this.#go({ at: "images", study });
    } catch (error) {
      this.#fail(error);
    } finally {
      this.busy = false;
    }
  };

  #fail(error: unknown): void {
    if (!(error instanceof VisitProblem)) throw error;
    const asks = error.code === "wrong" || error.code === "locked" || error.code === "busy";
    if (asks && this.invitation) this.#go({ at: "question", problem: error });
    else this.#go({ at: "problem", problem: error });
  }

  readonly #leave = async (): Promise<void> => {
    this.#go({ at: "left" });
    await this.#visit.close().catch(() => undefined); // it ends by itself too
  };

  override render(): TemplateResult {
    const { now } = this;
    const t = shareMessages();
    if (now.at === "images") {
      const { sender = "", expires_ms: until = 0 } = this.invitation ?? {};
      return html`<div class="images">
        <div class="bar">
          <span title=${t.notMedical}>${t.bar(sender, moment(until))}</span>
          <button data-testid="shared-leave" @click=${this.#leave}>${t.leave}</button>
        </div>
        <distal-film-viewer
          .web=${this.#web}
          .study=${now.study}
          only
          @signed-out=${this.#look}
        ></distal-film-viewer>
      </div>`;
    }
    return html`<distal-page><div class="column">${this.#page(now)}</div></distal-page>`;
  }

  #page(now: Exclude<At, { at: "images" }>): TemplateResult {
    const t = shareMessages();
    switch (now.at) {
      case "landing":
        return html`<h1 tabindex="-1">${t.landing}</h1>
          <p>${t.landingText}</p>
          <button class="primary large" data-testid="shared-continue" @click=${this.#look}>
            ${t.landingButton}
          </button>`;
      case "looking":
        return html`<p role="status">${t.opening}</p>`;
      case "question":
        return html`<h1 tabindex="-1" data-testid="shared-question">
            ${t.from(this.invitation?.sender ?? "")}
          </h1>
          <distal-share-factor
            .factor=${this.invitation?.factor ?? "code"}
            .problem=${now.problem}
            ?busy=${this.busy}
            @answer=${this.#open}
          ></distal-share-factor>`;
      case "left":
        return html`<h1 tabindex="-1" data-testid="shared-left">${t.leftTitle}</h1>
          <p>${t.leftText}</p>
          <button class="primary large" data-testid="shared-reopen" @click=${this.#look}>
            ${t.reopen}
          </button>`;
      case "problem":
        return this.#trouble(now.problem);
    }
  }

  #trouble({ code, untilMs }: VisitProblem): TemplateResult {
    const t = shareMessages();
    const { what, next } = t.problems[code];
    return html`<div class="sign">${icons.warning}</div>
      <h1 tabindex="-1" data-testid="shared-problem" data-code=${code}>${what}</h1>
      <p>${code === "locked" ? t.lockedUntil(timeOf(untilMs)) : next}</p>
      ${
        AGAIN.has(code)
          ? html`<button class="primary large" data-testid="shared-again" @click=${this.#look}>
              ${t.again}
            </button>`
          : nothing
      }`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "distal-shared-page": DistalSharedPage;
  }
}
