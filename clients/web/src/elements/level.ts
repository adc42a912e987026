import { css, html } from "lit";
import { customElement, property } from "lit/decorators.js";

import { Meter } from "../media/meter";
import { shared } from "../style/shared";
import { DistalElement } from "./element";

const HEARD = 0.35; // about -39 dB: speech at arm's length, well above a quiet room

/** The microphone's loudness as a bar; tells with `heard` that somebody has spoken. */
@customElement("distal-level")
export class DistalLevel extends DistalElement {
  @property({ attribute: false }) track: MediaStreamTrack | null = null;
  #meter: Meter | undefined;

  static override styles = [
    shared,
    css`
      :host {
        display: block;
      }
      .bar {
        height: 10px;
        border-radius: 5px;
        background: var(--hover);
        border: 1px solid var(--line);
        overflow: hidden;
      }
      .bar div {
        height: 100%;
        width: 100%;
        transform-origin: left;
        transform: scaleX(var(--level, 0));
        background: var(--good);
      }
    `,
  ];

  override render() {
    return html`<div
      class="bar"
      role="meter"
      aria-label=${this.t.microphoneLevel}
      aria-valuemin="0"
      aria-valuemax="100"
      aria-valuenow="0"
    >
      <div></div>
    </div>`;
  }

  override updated(changed: Map<PropertyKey, unknown>): void {
    if (changed.has("track")) this.#follow();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#stop();
  }

  #follow(): void {
    this.#stop();
    if (!this.track) return;
    this.#meter = new Meter(this.track, (level) => {
      this.style.setProperty("--level", level.toFixed(3));
      this.renderRoot
        .querySelector("[role=meter]")
        ?.setAttribute("aria-valuenow", String(Math.round(level * 100)));
      if (level > HEARD) this.dispatchEvent(new CustomEvent("heard"));
    });
  }

  #stop(): void {
    this.#meter?.close();
    this.#meter = undefined;
    this.style.removeProperty("--level");
  }
}
