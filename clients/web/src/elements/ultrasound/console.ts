import { html, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";

import type { Case } from "../../control/case";
import { lineOf, modeOf, type Line } from "../../control/status";
import { clock } from "../../i18n/format";
import { shared } from "../../style/shared";
import { icons } from "../icons";
import "../video";
import { ConsoleElement, Drawn } from "./element";
import "./force";
import "./grant";
import "./hand-pads";
import { consoleIcons } from "./icons";
import "./image";
import "./link";
import "./pose";
import { consoleStyle } from "./style";

const SIGNS = {
  quiet: icons.watching,
  good: icons.done,
  caution: icons.warning,
  danger: icons.warning,
};

/** One robot's console: everything that is drawn of it, and the keys. */
@customElement("distal-console")
export class DistalConsole extends ConsoleElement {
  @property({ attribute: false }) ultrasound: MediaStreamTrack | null = null;
  @property({ attribute: false }) room: MediaStreamTrack | null = null;
  @property({ attribute: false }) case: Case | null = null;
  @property({ attribute: false }) present = true; // the robot is in the room
  @property({ attribute: false }) nameOf: (participant: string) => string = (id) => id;
  #drawn = "";

  static override styles = [shared, consoleStyle];

  constructor() {
    super();
    new Drawn(this, () => {
      const { title, text } = this.#line(); // what the robot says may have changed with any word
      if (title + text !== this.#drawn) this.requestUpdate();
    });
  }

  protected override stores() {
    const { standing, robot, obstacle, held } = this.console;
    return [standing, robot, obstacle, held];
  }

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener("keydown", this.#down, true);
    addEventListener("keyup", this.#up, true);
  }

  override disconnectedCallback(): void {
    removeEventListener("keydown", this.#down, true);
    removeEventListener("keyup", this.#up, true);
    super.disconnectedCallback();
  }

  #line(): Line {
    const { console, nameOf, present } = this;
    const { fresh, silentMs } = console.figures.value;
    return lineOf(
      {
        standing: console.standing.value,
        newest: console.newest(),
        fresh,
        silentMs,
        obstacle: console.obstacle.value,
        present,
        deadman: console.held.value.deadman,
        clutch: console.held.value.deadman && console.held.value.clutch,
        nameOf,
        self: console.self,
      },
      this.c,
    );
  }

  override render() {
    const { c } = this;
    const { stage, state } = this.console.standing.value;
    const line = this.#line();
    this.#drawn = line.title + line.text;
    const newest = this.console.newest();
    const mode = newest ? modeOf(newest.mode) : (state?.mode ?? "none");
    return html`<section
      aria-label=${c.title}
      data-testid="console"
      data-stage=${stage}
      data-mode=${mode}
    >
      ${this.top()}
      <div class="line" data-tone=${line.tone}>
        <p role="status" data-testid="console-line" data-tone=${line.tone}>
          ${SIGNS[line.tone]}<span><b>${line.title}</b> ${line.text}</span>
        </p>
        <p class="warning">
          ${state?.simulated ? html`<b data-testid="simulated-mark">${c.simulated}.</b> ` : nothing}${c.disclaimer}
        </p>
      </div>
      <div class="body">
        <distal-ultrasound-image
          .console=${this.console}
          .track=${this.ultrasound}
          .case=${this.case}
        >
        </distal-ultrasound-image>
        <div class="side">
          <div class="views">
            <div class="room">
              ${
                this.room
                  ? html`<distal-video
                      fit="cover"
                      .track=${this.room}
                      label=${c.room}
                    ></distal-video>`
                  : nothing
              }
              <span class="name">${this.room ? c.room : c.noRoom}</span>
            </div>
            <distal-pose .console=${this.console}></distal-pose>
          </div>
          ${state ? html`<distal-force .console=${this.console}></distal-force>` : nothing}
          <distal-grant .console=${this.console} .nameOf=${this.nameOf}></distal-grant>
          ${
            stage === "held"
              ? html`<distal-hand-pads .console=${this.console}></distal-hand-pads>`
              : nothing
          }
        </div>
        ${this.stopButton()}
      </div>
    </section>`;
  }

  private top() {
    const { c } = this;
    const robot = this.console.robot.value;
    return html`<header>
      <h2 title=${robot?.label ?? ""}>${icons.robot}<span>${robot?.label ?? c.title}</span></h2>
      <distal-link .console=${this.console}></distal-link>
      ${this.holder()}
      <slot name="close"></slot>
    </header>`;
  }

  /** Always in the same corner. */
  private holder() {
    const { c } = this;
    const { state, stage } = this.console.standing.value;
    const mine = stage === "held";
    const holder = state?.holder ?? "";
    const text = mine ? c.controlsYou : holder ? c.controls(this.nameOf(holder)) : c.controlsNobody;
    const since = holder && state?.since_ms ? c.since(clock(state.since_ms)) : "";
    return html`<p
      class="holder ${mine ? "mine" : holder ? "other" : ""}"
      data-testid="console-holder"
    >
      <b>${text}</b> <span class="numbers">${since}</span>
    </p>`;
  }

  private stopButton() {
    const { c } = this;
    const { state, stage } = this.console.standing.value;
    return html`<button
      class="stop"
      data-testid="stop-button"
      ?disabled=${!state}
      title=${c.stopHint}
      @click=${() => this.console.stop()}
    >
      ${consoleIcons.stop}<b>${c.stop}</b
      ><span class="keys">${stage === "held" ? c.stopKeysHeld : c.stopKeys}</span>
    </button>`;
  }

  /** Stopping comes before everything else that a key may mean; writing before moving. */
  readonly #down = (event: KeyboardEvent): void => {
    const path = event.composedPath();
    const [target] = path;
    const held = this.console.standing.value.stage === "held";
    const writes = target instanceof Element && target.matches("input, textarea, select");
    const dialog = path.some((each) => each instanceof HTMLDialogElement);
    if (event.key === "Escape" && (held || !(writes || dialog)))
      this.#take(event, () => this.console.stop());
    if (event.defaultPrevented || writes || dialog) return;
    if (held && event.code === "Space") this.#take(event, () => this.console.stop());
    else if (held && !event.ctrlKey && !event.altKey && !event.metaKey) {
      if (event.repeat ? this.#moves(event) : this.console.key(event.code, true)) this.#take(event);
    }
  };

  readonly #up = (event: KeyboardEvent): void => {
    if (this.console.key(event.code, false)) event.preventDefault();
    if (event.code === "Space" && this.console.standing.value.stage === "held") {
      event.preventDefault(); // or it presses the button that has the focus
    }
  };

  /** A key that is held goes on saying so. */
  #moves({ code }: KeyboardEvent): boolean {
    return /^(Arrow|Page|Key[DCRJK]$)/.test(code);
  }

  #take(event: KeyboardEvent, act?: () => void): void {
    event.preventDefault();
    event.stopImmediatePropagation();
    act?.();
  }
}
