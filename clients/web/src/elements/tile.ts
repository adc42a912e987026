import { css, html, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";

import type { Participant } from "../protocol/messages";
import type { Tile } from "../state/stage";
import { shared } from "../style/shared";
import { CallElement } from "./element";
import { icons } from "./icons";
import { initials } from "./initials";
import "./video";

/** One person's picture, or one shared screen, with the marks that belong to it. */
@customElement("distal-tile")
export class DistalTile extends CallElement {
  @property({ attribute: false }) tile!: Tile;
  @property({ attribute: false }) track: MediaStreamTrack | null = null;
  @property({ type: Boolean, reflect: true }) speaking = false;
  @property({ type: Boolean, reflect: true }) pinned = false;
  @property({ type: Boolean, reflect: true }) small = false;

  static override styles = [
    shared,
    css`
      :host {
        display: block;
        position: relative;
        overflow: hidden;
        border-radius: var(--radius);
        background: var(--raised);
        color: var(--picture-text);
        container-type: size;
      }
      distal-video {
        position: absolute;
        inset: 0;
      }
      :host([speaking])::after {
        content: "";
        position: absolute;
        inset: 0;
        border: 3px solid var(--accent-text);
        border-radius: var(--radius);
        pointer-events: none;
      }
      .avatar {
        position: absolute;
        inset: 0;
        display: grid;
        place-content: center;
        justify-items: center;
        gap: var(--space-2);
      }
      .avatar .letters {
        width: clamp(40px, 28cqmin, 112px);
        aspect-ratio: 1;
        border-radius: 50%;
        background: var(--accent-soft);
        color: var(--accent-text);
        display: grid;
        place-items: center;
        font-weight: 600;
        font-size: clamp(15px, 10cqmin, 40px);
      }
      .bar {
        position: absolute;
        left: var(--space-2);
        right: var(--space-2);
        bottom: var(--space-2);
        display: flex;
        flex-direction: column;
        gap: var(--space-1);
        align-items: flex-start;
        pointer-events: none;
      }
      .who,
      .still {
        max-width: 100%;
        display: flex;
        align-items: center;
        gap: var(--space-2);
        padding: 2px var(--space-2);
        border-radius: 6px;
        background: var(--picture-shade);
        font-size: var(--type-caption);
      }
      .still {
        color: #f0c272;
      }
      .still svg {
        flex: none;
      }
      .who div {
        min-width: 0;
      }
      .name,
      .from {
        display: block;
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      .name {
        font-weight: 600;
      }
      .from {
        color: #b9c7cf;
      }
      .mark {
        display: inline-flex;
        flex: none;
        font-size: 15px;
      }
      .mark.off {
        color: #ff9183;
      }
      .top {
        position: absolute;
        top: var(--space-2);
        left: var(--space-2);
        right: var(--space-2);
        display: flex;
        justify-content: space-between;
        align-items: flex-start;
        gap: var(--space-2);
        pointer-events: none;
      }
      .chip {
        display: inline-flex;
        align-items: center;
        gap: var(--space-1);
        padding: 2px var(--space-2);
        border-radius: 6px;
        background: var(--picture-shade);
        font-size: var(--type-caption);
      }
      .chip.hand {
        background: #f3c969;
        color: #241a02;
      }
      .chip.away {
        color: #f0c272;
      }
      .pin {
        pointer-events: auto;
        margin-left: auto;
        background: var(--picture-shade);
        font-size: var(--type-caption);
        padding: 0;
        opacity: 0;
      }
      :host(:hover) .pin,
      :host([pinned]) .pin,
      .pin:focus-visible {
        opacity: 1;
      }
      .pin:hover:not(:disabled) {
        background: var(--hover);
      }
      @media (hover: none) {
        .pin {
          opacity: 0.85;
        }
        :host([small]:not([pinned])) .pin:not(:focus-visible) {
          opacity: 0; /* a tap on the tile does the same */
        }
      }
      @container (max-width: 240px) {
        .from {
          display: none;
        }
      }
    `,
  ];

  #size: ResizeObserver | null = null;
  #sight: IntersectionObserver | null = null;
  #inSight = true; // not scrolled away
  #shown: string | null = null; // the track whose size the server was told

  override connectedCallback(): void {
    super.connectedCallback();
    this.#size = new ResizeObserver(() => {
      this.#measure();
    });
    this.#size.observe(this);
    this.#sight = new IntersectionObserver((entries) => {
      this.#inSight = entries.at(-1)?.isIntersecting ?? true;
      this.#measure();
    });
    this.#sight.observe(this);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#size?.disconnect();
    this.#sight?.disconnect();
    if (this.#shown !== null) this.call.show(this.#shown, 0, false);
    this.#shown = null;
  }

  override updated(changed: Map<PropertyKey, unknown>): void {
    if (changed.has("pinned") || this.#shown !== (this.tile.video?.id ?? null)) this.#measure();
  }

  #measure(): void {
    const { video, self } = this.tile;
    this.#shown = self ? null : (video?.id ?? null);
    if (this.#shown === null) return;
    // A 16:9 picture in a tile: whichever side is the tighter one says how many lines it has.
    const lines = this.#inSight ? Math.min(this.clientHeight, (this.clientWidth * 9) / 16) : 0;
    this.call.show(this.#shown, lines * devicePixelRatio, this.pinned);
  }

  override render() {
    const { t } = this;
    const { participant, source, self } = this.tile;
    const live = this.track !== null && (self || !this.tile.video?.muted);
    return html`
      ${
        live
          ? html`<distal-video
              .track=${this.track}
              ?mirrored=${self && source === "camera"}
              label=${this.caption()}
            ></distal-video>`
          : html`<div class="avatar" aria-hidden="true">
              <span class="letters">
                ${source === "camera" ? initials(participant.name) : icons.screen}
              </span>
            </div>`
      }
      <div class="top">${this.chips()} ${this.pinButton()}</div>
      <div class="bar">
        ${live ? this.stillNote() : nothing}
        <div class="who">
          ${source === "camera" ? this.microphoneMark(participant) : nothing}
          <div>
            <span class="name" data-testid="tile-name">${this.caption()}</span>
            ${
              source === "camera" && !this.small
                ? html`<span class="from"
                    >${[t.roles[participant.role], participant.institution]
                      .filter(Boolean)
                      .join(" · ")}</span
                  >`
                : nothing
            }
          </div>
        </div>
      </div>
    `;
  }

  private caption(): string {
    const { t } = this;
    const { participant, source, self, video } = this.tile;
    if (self && source === "screen") return t.yourScreen;
    const name = self ? t.youNamed(participant.name) : participant.name;
    if (source === "screen") return t.screenOf(name);
    if (source === "device") {
      const label = video?.label ?? "";
      return t.deviceOf(name, label === "" ? t.device : label);
    }
    return name;
  }

  private microphoneMark(participant: Participant) {
    const { t } = this;
    const microphone = participant.tracks.find((track) => track.source === "microphone");
    if (microphone && !microphone.muted) {
      return this.speaking
        ? html`<span class="mark" role="img" aria-label=${t.speaking}>${icons.sound}</span>`
        : nothing;
    }
    return html`<span
      class="mark off"
      role="img"
      data-testid="muted-mark"
      aria-label=${t.microphoneOff}
      >${icons.microphoneOff}</span
    >`;
  }

  private chips() {
    const { t } = this;
    const { participant, source } = this.tile;
    if (source !== "camera") return nothing;
    if (participant.state === "reconnecting") {
      return html`<span class="chip away">${icons.warning}${t.reconnecting}</span>`;
    }
    if (participant.hand_raised_at_ms === null) return nothing;
    return html`<span class="chip hand" data-testid="hand-mark">${icons.hand}${t.handUp}</span>`;
  }

  /** The picture stays as it was last seen; this says why, and that sound goes on. */
  private stillNote() {
    const { t } = this;
    const shortage = this.call.room.value?.shortages.get(this.tile.video?.id ?? "");
    if (shortage !== "still") return nothing;
    return html`<div
      class="still"
      data-testid="still-note"
      role=${this.small ? nothing : "status"}
      title=${t.stillText}
    >
      ${icons.clock}<span>${this.small ? t.still : t.stillText}</span>
    </div>`;
  }

  private pinButton() {
    const { t } = this;
    const label = this.pinned ? t.unpinOf(this.caption()) : t.pinOf(this.caption());
    return html`<button
      class="pin"
      data-testid="pin-button"
      aria-label=${label}
      title=${label}
      @click=${(event: Event) => {
        event.stopPropagation();
        this.call.setPinned(this.pinned ? null : this.tile.key);
      }}
    >
      ${icons.pin}
    </button>`;
  }
}
