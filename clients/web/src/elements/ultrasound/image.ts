import { css, html, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";

import { Clip, forget, still, type Capture } from "../../control/capture";
import type { Imaging } from "../../control/messages";
import { clock, duration } from "../../i18n/format";
import { shared } from "../../style/shared";
import { icons } from "../icons";
import "../video";
import type { DistalVideo } from "../video";
import { ConsoleElement } from "./element";
import { consoleIcons } from "./icons";

const DEPTH = { step: 10, least: 20, most: 300 };
const GAIN = { step: 2, least: -30, most: 30 };
const KEPT_MAX = 40; // stills of half a megabyte each

/** The ultrasound image, the machine's knobs below it, and what was captured of it. */
@customElement("distal-ultrasound-image")
export class DistalUltrasoundImage extends ConsoleElement {
  @property({ attribute: false }) track: MediaStreamTrack | null = null;
  @state() private captures: readonly Capture[] = [];
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
      .case {
        display: flex;
        align-items: center;
        gap: var(--space-2);
        min-height: 60px;
      }
      .case ul {
        display: flex;
        gap: var(--space-1);
        overflow-x: auto;
        flex: 1;
        min-width: 0;
        padding: 3px;
      }
      .case p {
        flex: 1;
        min-width: 0;
      }
      .case li {
        position: relative;
        flex: none;
        height: 54px;
        aspect-ratio: 4 / 3;
        border-radius: 6px;
        overflow: hidden;
        background: var(--picture);
      }
      .case img,
      .case video {
        width: 100%;
        height: 100%;
        object-fit: cover;
      }
      .case a,
      .case li button {
        position: absolute;
        bottom: 0;
        display: grid;
        place-items: center;
        width: 26px;
        height: 26px;
        min-width: 0;
        min-height: 0;
        padding: 0;
        border-radius: 6px;
        color: var(--picture-text);
        background: var(--picture-shade);
        font-size: 13px;
      }
      .case a {
        left: 0;
      }
      .case li button {
        right: 0;
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
    return [this.console.standing];
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#unwatch?.();
    this.#unwatch = this.#watched = null;
    this.clip?.stop();
    for (const capture of this.captures) forget(capture);
    this.captures = [];
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
      ${state ? this.tools(state.imaging) : nothing} ${this.kept()}`;
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
      <span class="gap"></span>
      <button
        class="quiet"
        data-testid="still-button"
        ?disabled=${!this.track}
        @click=${() => this.#still()}
      >
        ${consoleIcons.still}${c.still}
      </button>
      <button
        class="quiet ${this.clip ? "recording" : ""}"
        data-testid="clip-button"
        ?disabled=${!this.track}
        @click=${() => this.#toggleClip()}
      >
        ${consoleIcons.clip}<span class="numbers"
          >${this.clip ? c.clipStop(duration(Date.now() - this.clip.startedMs)) : c.clip}</span
        >
      </button>
    </div>`;
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

  private kept() {
    const { c, captures } = this;
    const note = this.failed ? c.clipFailed : captures.length === 0 ? c.caseEmpty : "";
    return html`<section class="case" aria-label=${c.case}>
      <h3 class="caption">${c.case}</h3>
      ${
        note
          ? html`<p class="caption">${note} ${c.caseNote}</p>`
          : html`<ul data-testid="captures">
                ${captures.map((capture) => this.thumbnail(capture))}
              </ul>
              <span class="caption" title=${c.caseNote}>${icons.warning}</span>`
      }
    </section>`;
  }

  private thumbnail(capture: Capture) {
    const { c } = this;
    const { kind, url, file, atMs } = capture;
    const name = kind === "still" ? c.stillNamed(clock(atMs)) : c.clipNamed(clock(atMs));
    return html`<li title="${name}. ${c.caseNote}">
      ${
        kind === "still"
          ? html`<img src=${url} alt=${name} />`
          : html`<video src=${url} muted aria-label=${name} preload="auto"></video>`
      }
      <a href=${url} download=${file} aria-label=${c.downloadOf(name)} title=${c.download}
        >${consoleIcons.save}</a
      >
      <button aria-label=${c.removeOf(name)} @click=${() => this.#forget(capture)}>
        ${icons.close}
      </button>
    </li>`;
  }

  async #still(): Promise<void> {
    const made = this.picture && (await still(this.picture.video));
    if (made) this.#keep(made);
  }

  #toggleClip(): void {
    if (this.clip) {
      this.clip.stop();
      return;
    }
    if (!this.track) return;
    try {
      this.clip = new Clip(this.track, (made) => {
        this.clip = null;
        clearInterval(this.#tick);
        if (this.isConnected) this.#keep(made);
        else forget(made);
      });
      this.#tick = setInterval(() => this.requestUpdate(), 500);
    } catch (error) {
      console.warn("no clip", error);
      this.failed = true;
    }
  }

  #keep(made: Capture): void {
    this.failed = false;
    for (const old of this.captures.slice(KEPT_MAX - 1)) forget(old);
    this.captures = [made, ...this.captures].slice(0, KEPT_MAX);
  }

  #forget(capture: Capture): void {
    forget(capture);
    this.captures = this.captures.filter((one) => one !== capture);
  }
}

function within(value: number, { least, most }: { least: number; most: number }): number {
  return Math.min(most, Math.max(least, value));
}

function signed(value: number): string {
  return value > 0 ? `+${value.toFixed(0)}` : value.toFixed(0).replace("-", "−");
}
