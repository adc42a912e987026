import { css, html, nothing } from "lit";
import { customElement, query, state } from "lit/decorators.js";

import { milliseconds, percent } from "../i18n/format";
import { relayOnly, setRelayOnly } from "../media/ice";
import { judge } from "../media/network-check";
import { Reach } from "../media/reach";
import { socketUrl } from "../protocol/address";
import { codeOf, exchangeCode } from "../protocol/join";
import { visitToken } from "../protocol/session";
import { Problem } from "../state/problem";
import { needless, verdictOf, type Verdict, type Way } from "../state/ways";
import { shared } from "../style/shared";
import { copy } from "./copy";
import "./details";
import { DistalElement } from "./element";
import { icons } from "./icons";

const TOKEN = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** For a hospital's network people: which ways to this server get through, and what to open. */
@customElement("distal-network")
export class DistalNetwork extends DistalElement {
  readonly #reach = new Reach(socketUrl());
  #token = visitToken();
  @state() private copied = false;
  @state() private wrong = false;
  @query("#token") private readonly tokenInput!: HTMLInputElement | null;

  static override styles = [
    shared,
    css`
      :host {
        display: block;
        max-width: 720px;
      }
      .intro {
        color: var(--text-2);
        margin-top: var(--space-1);
      }
      .verdict {
        display: grid;
        grid-template-columns: 28px minmax(0, 1fr);
        gap: 0 var(--space-3);
        align-items: start;
        margin: var(--space-5) 0;
        padding: var(--space-4);
        border: 1px solid var(--line);
        border-radius: var(--radius);
        background: var(--surface);
      }
      .verdict svg {
        width: 28px;
        height: 28px;
      }
      .direct svg,
      .detour svg,
      .good {
        color: var(--good);
      }
      .none svg,
      .no_signaling svg,
      .fails {
        color: var(--danger-text);
      }
      .untested svg,
      .no_direct svg,
      .fair,
      .poor {
        color: var(--caution);
      }
      .way {
        display: grid;
        grid-template-columns: minmax(0, 5fr) minmax(0, 6fr);
        gap: 0 var(--space-4);
        padding: var(--space-3) 0;
        border-bottom: 1px solid var(--line);
      }
      .way strong {
        font-weight: 600;
      }
      .state {
        display: inline-flex;
        align-items: center;
        flex-wrap: wrap;
        gap: 0 var(--space-2);
      }
      .state.plain {
        color: var(--text-2);
      }
      .way p {
        grid-column: 1 / -1;
        margin-top: var(--space-1);
        overflow-wrap: anywhere;
      }
      .after {
        display: flex;
        flex-wrap: wrap;
        gap: var(--space-3);
        margin: var(--space-5) 0 var(--space-3);
      }
      form,
      .insist {
        margin-top: var(--space-5);
      }
      form button {
        margin-top: var(--space-3);
      }
      .wrong {
        color: var(--danger-text);
      }
      .insist label {
        display: flex;
        align-items: center;
        gap: var(--space-3);
        min-height: var(--touch);
        margin: 0;
        font-weight: 400;
      }
      .insist input {
        width: 20px;
        height: 20px;
        flex: none;
      }
      @media (max-width: 599px) {
        .way {
          grid-template-columns: minmax(0, 1fr);
        }
        .after button,
        form button {
          width: 100%;
        }
      }
    `,
  ];

  protected override stores() {
    return [this.#reach.ways];
  }

  override firstUpdated(): void {
    void this.run();
  }

  override render() {
    const { t } = this;
    const ways = this.#reach.ways.value;
    const verdict = verdictOf(ways);
    const done = verdict.at !== "testing";
    return html`
      <h1 tabindex="-1" data-testid="network-title">${t.reachTitle}</h1>
      <p class="intro">${t.reachIntro}</p>
      <section
        class="verdict ${verdict.at}"
        role="status"
        data-testid="verdict"
        data-at=${verdict.at}
      >
        ${this.sign(verdict)}
        <div>
          <h2>${t.reachVerdict[verdict.at]}</h2>
          ${done ? html`<p>${this.next(verdict)}</p>` : nothing}
        </div>
      </section>
      ${ways.map((way) => this.way(way, ways))}
      <div class="after">
        <button class="primary" data-testid="copy-button" ?disabled=${!done} @click=${this.copy}>
          ${this.copied ? t.copied : t.reachCopy}
        </button>
        <button class="quiet" data-testid="again-button" ?disabled=${!done} @click=${this.run}>
          ${t.reachAgain}
        </button>
      </div>
      <distal-details text=${done ? this.report(ways, verdict) : ""}></distal-details>
      ${this.turn(ways)}
    `;
  }

  private sign({ at }: Verdict) {
    if (at === "testing") return icons.network;
    return at === "direct" || at === "detour" ? icons.done : icons.warning;
  }

  private next(verdict: Verdict): string {
    const { reachNext, ways } = this.t;
    switch (verdict.at) {
      case "testing":
        return "";
      case "direct":
      case "detour":
        return reachNext[verdict.at](ways[verdict.way.kind]);
      default:
        return reachNext[verdict.at];
    }
  }

  private way(way: Way, ways: readonly Way[]) {
    const { state } = way;
    const advice = this.advice(way, ways);
    const works = state.at === "works";
    const level = works ? judge(state.rttMs, state.loss ?? 0) : "";
    const look = works ? level : state.at === "fails" && !needless(way, ways) ? "fails" : "plain";
    return html`<section class="way" data-testid="way" data-kind=${way.kind} data-at=${state.at}>
      <strong>${this.t.ways[way.kind]}</strong>
      <span class="state numbers ${look}">
        ${works ? icons.done : look === "fails" ? icons.warning : nothing}${this.words(way)}
      </span>
      ${advice ? html`<p class=${look === "fails" ? "" : "caption"}>${advice}</p>` : nothing}
    </section>`;
  }

  private words({ state }: Way): string {
    const { t } = this;
    switch (state.at) {
      case "testing":
        return t.wayTesting;
      case "works": {
        const works = t.wayWorks(milliseconds(state.rttMs));
        return state.loss === null ? works : `${works} · ${t.wayLoss(percent(state.loss))}`;
      }
      case "fails":
        return t.wayFails;
      case "absent":
        return t.wayAbsent;
      case "needs_link":
        return t.wayNeedsLink;
      case "untested":
        return t.wayUntested;
    }
  }

  private advice(way: Way, ways: readonly Way[]): string {
    const { t } = this;
    if (way.state.at !== "fails") return "";
    if (way.kind === "websocket") return t.wayOpenSocket(location.host);
    const settled = !ways.some(({ state }) => state.at === "testing");
    if (settled && needless(way, ways)) return t.wayNeedless;
    return way.opening ? t.wayOpen(way.opening) : "";
  }

  /** What is left to do for the TURN server: show that one is invited, or insist on it. */
  private turn(ways: readonly Way[]) {
    const { t } = this;
    if (ways.some(({ kind }) => kind.startsWith("turn_"))) {
      return html`<div class="insist">
        <label>
          <input
            type="checkbox"
            data-testid="relay-only"
            .checked=${relayOnly()}
            @change=${(event: Event) => setRelayOnly((event.target as HTMLInputElement).checked)}
          />
          ${t.relayOnly}
        </label>
        <p class="caption">${t.relayOnlyHint}</p>
      </div>`;
    }
    if (!ways.some(({ state }) => state.at === "needs_link")) return nothing;
    return html`<form novalidate @submit=${this.submit}>
      <label for="token">${t.reachToken}</label>
      <input
        id="token"
        data-testid="token-input"
        autocomplete="off"
        autocapitalize="off"
        spellcheck="false"
        aria-invalid=${this.wrong}
        aria-describedby="token-hint"
        @input=${() => (this.wrong = false)}
      />
      <p id="token-hint" class=${this.wrong ? "wrong" : "caption"} role="status">
        ${this.wrong ? t.reachTokenWrong : t.reachTokenHint}
      </p>
      <button class="quiet" data-testid="token-button">${t.reachTokenButton}</button>
    </form>`;
  }

  private async run(): Promise<void> {
    this.copied = false;
    try {
      await this.#reach.run(this.#token);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.#token = null; // of an earlier visit, and over
    }
  }

  private async submit(event: Event): Promise<void> {
    event.preventDefault();
    const text = this.tokenInput?.value.trim() ?? "";
    try {
      this.#token = await this.tokenFrom(text);
      await this.#reach.run(this.#token);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.#token = null;
      this.wrong = true;
    }
  }

  private async tokenFrom(text: string): Promise<string> {
    if (TOKEN.test(text)) return text;
    const code = codeOf(text);
    if (code === null) throw new Problem("link_unknown", "");
    return (await exchangeCode(code)).token;
  }

  private async copy(): Promise<void> {
    const ways = this.#reach.ways.value;
    this.copied = await copy(this.report(ways, verdictOf(ways)));
  }

  /** The page as text, for a mail. */
  private report(ways: readonly Way[], verdict: Verdict): string {
    const { t } = this;
    const lines = ways.map((way) => {
      const advice = this.advice(way, ways);
      const { state } = way;
      const detail = "detail" in state ? `\n    [${state.detail}]` : "";
      return `- ${t.ways[way.kind]}: ${this.words(way)}${advice ? `\n    ${advice}` : ""}${detail}`;
    });
    return [
      `${t.name}, ${location.host}, ${new Date().toISOString().slice(0, 16)}Z`,
      `${t.reachVerdict[verdict.at]}. ${this.next(verdict)}`,
      "",
      ...lines,
      "",
      navigator.userAgent,
    ].join("\n");
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "distal-network": DistalNetwork;
  }
}
