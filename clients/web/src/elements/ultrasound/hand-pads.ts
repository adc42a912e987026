import { css, html, nothing } from "lit";
import { customElement } from "lit/decorators.js";

import type { PadName } from "../../control/devices";
import { SPEED_MAX, SPEED_MIN } from "../../control/hand";
import { shared } from "../../style/shared";
import { ConsoleElement } from "./element";
import { consoleIcons } from "./icons";

const REACH = 0.4; // of a pad's size, to full speed
const STEP = 0.1;

/** The deadman and the hand on the screen: two pads, clutch, turning, speed; and which keys do it. */
@customElement("distal-hand-pads")
export class DistalHandPads extends ConsoleElement {
  #from = new Map<PadName, { x: number; y: number }>();

  static override styles = [
    shared,
    css`
      :host {
        display: block;
      }
      .pads {
        margin-top: var(--space-1);
        display: grid;
        grid-template-columns: 1fr 1fr;
        gap: var(--space-2);
      }
      .pad {
        position: relative;
        height: clamp(64px, 10vh, 130px);
        border: 2px dashed var(--field-line);
        border-radius: var(--radius);
        background: var(--raised);
        display: grid;
        place-content: center;
        text-align: center;
        font-size: var(--type-caption);
        color: var(--text-2);
        cursor: grab;
        touch-action: none;
        user-select: none;
        -webkit-user-select: none;
        padding: var(--space-1);
      }
      .held .pad {
        border-style: solid;
        border-color: var(--good);
        color: var(--good);
      }
      .state {
        display: flex;
        align-items: center;
        gap: var(--space-1);
        font-weight: 600;
        color: var(--text-2);
      }
      .state.held {
        color: var(--good);
      }
      .row {
        display: flex;
        flex-wrap: wrap;
        gap: var(--space-1) var(--space-2);
        align-items: center;
        margin-top: var(--space-1);
      }
      .row:first-child {
        margin-top: 0;
      }
      .release {
        margin-left: auto;
      }
      .row button {
        min-height: 40px;
        padding: 0 var(--space-3);
        font-size: var(--type-caption);
      }
      .on {
        background: var(--accent-soft);
        color: var(--accent-text);
        border-color: var(--accent-text);
      }
      .speed {
        display: inline-flex;
        align-items: center;
        margin-left: auto;
        border: 1px solid var(--line);
        border-radius: var(--radius);
        background: var(--raised);
      }
      .speed button {
        min-width: 40px;
        padding: 0;
      }
      .speed span {
        font-size: var(--type-caption);
        min-width: 76px;
        text-align: center;
      }
      .gamepad {
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      .keys {
        display: flex;
        flex-wrap: wrap;
        gap: 2px var(--space-3);
        margin-top: var(--space-1);
        font-size: 12px;
        color: var(--text-2);
      }
      kbd {
        font: inherit;
        font-weight: 600;
        color: var(--text);
        border: 1px solid var(--field-line);
        border-radius: 4px;
        padding: 0 5px;
        margin-right: 3px;
      }
    `,
  ];

  protected override stores() {
    return [this.console.held];
  }

  override render() {
    const { c } = this;
    const { deadman, clutch, rotating, speed, gamepad } = this.console.held.value;
    return html`<div class="row">
        <span class="state ${deadman ? "held" : ""}" data-testid="deadman" data-held=${deadman}>
          ${deadman ? consoleIcons.held : consoleIcons.open} ${c.holdToMove}:
          ${deadman ? c.held : c.notHeld}
        </span>
        <button
          class="quiet release"
          data-testid="release-button"
          @click=${() => this.console.release()}
        >
          ${c.release}
        </button>
      </div>
      <div class="pads ${deadman ? "held" : ""}">
        ${this.pad("slide", rotating ? c.padShort.rock : c.padShort.slide, rotating ? c.padRock : c.padSlide)}
        ${this.pad("depth", c.padShort.depth, c.padDepth)}
      </div>
      <div class="row">
        ${this.toggle("clutch", c.clutch, clutch, (on) => this.console.clutch(on))}
        ${this.toggle("rotate", c.rotate, rotating, (on) => this.console.rotate(on))}
        <div class="speed">
          ${this.step(-STEP, speed <= SPEED_MIN)}
          <span class="numbers" data-testid="speed">${c.speed} ${c.speedOf(speed.toFixed(1))}</span>
          ${this.step(STEP, speed >= SPEED_MAX)}
        </div>
      </div>
      ${gamepad ? html`<p class="caption gamepad">${c.gamepad(gamepad)}</p>` : nothing}
      <p class="keys" aria-label=${c.keys}>
        ${c.keyList.map(([key, does]) => html`<span><kbd>${key}</kbd>${does}</span>`)}
      </p>`;
  }

  private pad(pad: PadName, label: string, help: string) {
    return html`<div
      class="pad"
      role="img"
      aria-label=${help}
      title=${help}
      data-testid="pad-${pad}"
      @pointerdown=${(event: PointerEvent) => this.#touch(pad, event)}
      @pointermove=${(event: PointerEvent) => this.#drag(pad, event)}
      @pointerup=${() => this.#letGo(pad)}
      @pointercancel=${() => this.#letGo(pad)}
      @lostpointercapture=${() => this.#letGo(pad)}
      @contextmenu=${(event: Event) => event.preventDefault()}
    >
      ${label}
    </div>`;
  }

  private toggle(id: string, label: string, on: boolean, set: (on: boolean) => void) {
    return html`<button
      class="quiet ${on ? "on" : ""}"
      data-testid="${id}-button"
      aria-pressed=${on}
      @click=${() => set(!on)}
    >
      ${label}
    </button>`;
  }

  private step(by: number, end: boolean) {
    const { c } = this;
    return html`<button
      aria-label=${by < 0 ? c.less(c.speed) : c.more(c.speed)}
      ?disabled=${end}
      @click=${() => this.console.setSpeed(this.console.held.value.speed + by)}
    >
      ${by < 0 ? consoleIcons.less : consoleIcons.more}
    </button>`;
  }

  /** Where it is touched is its middle, so that touching alone moves nothing. */
  #touch(pad: PadName, event: PointerEvent): void {
    if (event.button !== 0) return;
    event.preventDefault();
    (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
    this.#from.set(pad, { x: event.clientX, y: event.clientY });
    this.console.touch(pad, { x: 0, y: 0 });
  }

  #drag(pad: PadName, event: PointerEvent): void {
    const from = this.#from.get(pad);
    if (!from) return;
    const reach = REACH * (event.currentTarget as HTMLElement).clientHeight;
    const share = (way: number): number => Math.min(1, Math.max(-1, way / reach));
    this.console.touch(pad, {
      x: share(event.clientX - from.x),
      y: share(from.y - event.clientY),
    });
  }

  #letGo(pad: PadName): void {
    if (this.#from.delete(pad)) this.console.touch(pad, null);
  }
}
