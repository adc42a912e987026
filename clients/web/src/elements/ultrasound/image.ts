import { css, html, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";

import { Clip, still, type Made } from "../../control/capture";
import type { Case } from "../../control/case";
import type { Imaging } from "../../control/messages";
import { duration } from "../../i18n/format";
import { shared } from "../../style/shared";
import { icons } from "../icons";
import "../video";
import type { DistalVideo } from "../video";
import "./case";
import { ConsoleElement } from "./element";
import { consoleIcons } from "./icons";

const DEPTH = { step: 10, least: 20, most: 300 };
const GAIN = { step: 2, least: -30, most: 30 };

/** The ultrasound image, the machine's knobs below it, and what was captured of it. */
@customElement("distal-ultrasound-image")
export class DistalUltrasoundImage extends ConsoleElement {
  @property({ attribute: false }) track: MediaStreamTrack | null = null;
  @property({ attribute: false }) case: Case | null = null; // null: who may not capture
  @state() private clip: Clip | null = null;
  @state() private failed = false;
  @query("distal-video") private readonly picture!: DistalVideo | null;
  #unwatch: (() => void) | null = null;
  #watched: HTMLVideoElement | null = null;
  #tick: ReturnType<typeof setInterval> | undefined;

  static override styles = [
    shared,
    css`
      :host {
        display: flex;
        flex-direction: column;
        min-width: 0;
        min-height: 0;
        gap: var(--space-1);
      }
      .picture {
        position: relative;
        flex: 1;
        min-height: 160px;
        background: var(--picture);
        border-radius: var(--radius);
        overflow: hidden;
        color: var(--picture-text);
      }
      distal-video {
        position: absolute;
        inset: 0;
      }
      .none {
        position: absolute;
        inset: 0;
        display: grid;
        place-content: center;
        text-align: center;
        padding: var(--space-4);
      }
      .note {
        position: absolute;
        left: var(--space-2);
        bottom: var(--space-2);
        padding: 2px var(--space-2);
        border-radius: 6px;
        background: var(--picture-shade);
        color: #f0c272;
        font-size: var(--type-caption);
        display: inline-flex;
        gap: var(--space-1);
        align-items: center;
      }
      .tools {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: var(--space-1) var(--space-2);
      }
      .knob {
        display: inline-flex;
        align-items: center;
        background: var(--raised);
        border: 1px solid var(--line);
        border-radius: var(--radius);
      }
      .knob span {
        font-size: var(--type-caption);
        min-width: 86px;
        padding: 0 2px;
        text-align: center;
        white-space: nowrap;
      }
      .knob button,
      .tools > button {
        padding: 0 var(--space-3);
        min-height: 40px;
      }
      .knob button {
        padding: 0;
        min-width: 34px;
      }
      .on {
        background: var(--accent-soft);
        color: var(--accent-text);
      }
      .recording {
        background: var(--danger-soft);
        color: var(--danger-text);
      }
      .gap {
        flex: 1;
      }
      @media (max-width: 719px) {
        .knob,
        .freeze {
          display: none; /* a phone does not control */
        }
      }
    `,
  ];

  protected override stores() {
    return [this.console.standing, ...(this.case ? [this.case.captures] : [])];
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#unwatch?.();
    this.#unwatch = this.#watched = null;
    this.clip?.stop();
    clearInterval(this.#tick);
  }

  override updated(): void {
    void this.picture?.updateComplete.then(() => this.#watch(this.picture?.video ?? null));
    if (!this.picture) this.#watch(null);
  }

  #watch(video: HTMLVideoElement | null): void {
    if (video === this.#watched) return;
    this.#unwatch?.();
    this.#watched = video;
    this.#unwatch = video ? this.console.watch(video) : null;
  }

  override render() {
    const { c } = this;
    const state = this.console.standing.value.state;
    const label = this.console.robot.value?.label ?? "";
    return html`<div class="picture" data-testid="ultrasound-picture">
        ${
          this.track
            ? html`<distal-video .track=${this.track} label=${c.imageOf(label)}></distal-video>`
            : html`<div class="none">
                <div>
                  <h3>${c.noImage}</h3>
                  <p class="caption">${c.noImageText}</p>
                </div>
              </div>`
        }
        ${state?.video === "lost" ? this.note(c.videoLost) : nothing}
        ${state?.imaging.frozen && state.video === "live" ? this.note(c.frozenImage) : nothing}
      </div>
      ${state ? this.tools(state.imaging) : nothing}
      ${this.failed ? html`<p class="caption" role="alert">${c.clipFailed}</p>` : nothing}
      ${this.case ? html`<distal-case .case=${this.case}></distal-case>` : nothing}`;
  }

  private note(text: string) {
    return html`<span class="note" role="status">${icons.warning}${text}</span>`;
  }

  private tools(imaging: Imaging) {
    const { c } = this;
    const mine = this.console.standing.value.stage === "held";
    const adjust = (change: Partial<Imaging>): void =>
      this.console.adjust({ ...imaging, ...change });
    const { depth_mm, gain_db, frozen } = imaging;
    return html`<div class="tools" role="group" aria-label=${c.imaging}>
      ${this.knob("depth", c.depth, c.mm(depth_mm.toFixed(0)), mine, (way) =>
        adjust({ depth_mm: within(depth_mm + way * DEPTH.step, DEPTH) }),
      )}
      ${this.knob("gain", c.gain, c.db(signed(gain_db)), mine, (way) =>
        adjust({ gain_db: within(gain_db + way * GAIN.step, GAIN) }),
      )}
      <button
        class="quiet freeze ${frozen ? "on" : ""}"
        data-testid="freeze-button"
        aria-pressed=${frozen}
        ?disabled=${!mine}
        title=${mine ? c.freeze : c.onlyHolder}
        @click=${() => adjust({ frozen: !frozen })}
      >
        ${consoleIcons.freeze}${frozen ? c.unfreeze : c.freeze}
      </button>
      ${this.case ? this.captures(this.case) : nothing}
    </div>`;
  }

  /** What the machine does not send any more is no picture of now. */
  private captures(on: Case) {
    const { c } = this;
    const live = this.track !== null && this.console.standing.value.state?.video !== "lost";
    return html`<span class="gap"></span>
      <button
        class="quiet"
        data-testid="still-button"
        ?disabled=${!live || on.full}
        @click=${() => this.#still()}
      >
        ${consoleIcons.still}${c.still}
      </button>
      <button
        class="quiet ${this.clip ? "recording" : ""}"
        data-testid="clip-button"
        ?disabled=${!this.clip && (!live || on.full)}
        @click=${() => this.#toggleClip()}
      >
        ${consoleIcons.clip}<span class="numbers"
          >${this.clip ? c.clipStop(duration(Date.now() - this.clip.startedMs)) : c.clip}</span
        >
      </button>`;
  }

  private knob(
    id: string,
    name: string,
    value: string,
    mine: boolean,
    turn: (way: 1 | -1) => void,
  ) {
    const { c } = this;
    const button = (way: 1 | -1) =>
      html`<button
        data-testid="${id}-${way < 0 ? "less" : "more"}"
        aria-label=${way < 0 ? c.less(name) : c.more(name)}
        title=${mine ? nothing : c.onlyHolder}
        ?disabled=${!mine}
        @click=${() => turn(way)}
      >
        ${way < 0 ? consoleIcons.less : consoleIcons.more}
      </button>`;
    return html`<div class="knob">
      ${button(-1)}<span class="numbers" data-testid="${id}-value">${name} ${value}</span
      >${button(1)}
    </div>`;
  }

  async #still(): Promise<void> {
    const study = this.case?.study.value ?? null;
    const made = this.picture && (await still(this.picture.video));
    if (made) this.#keep(made, study);
  }

  #toggleClip(): void {
    if (this.clip) {
      this.clip.stop();
      return;
    }
    if (!this.track) return;
    const study = this.case?.study.value ?? null; // of its beginning: patients may change
    try {
      this.clip = new Clip(this.track, (made) => {
        this.clip = null;
        clearInterval(this.#tick);
        this.#keep(made, study); // also when the console was put away meanwhile
      });
      this.#tick = setInterval(() => this.requestUpdate(), 500);
    } catch (error) {
      console.warn("no clip", error);
      this.failed = true;
    }
  }

  #keep(made: Made, study: string | null): void {
    this.failed = false;
    this.case?.add(made, study);
  }
}

function within(value: number, { least, most }: { least: number; most: number }): number {
  return Math.min(most, Math.max(least, value));
}

function signed(value: number): string {
  return value > 0 ? `+${value.toFixed(0)}` : value.toFixed(0).replace("-", "−");
}
