import { css, html, nothing } from "lit";
import { customElement, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { styleMap } from "lit/directives/style-map.js";

import { arrange, fitGrid, tilesOf, type Tile } from "../state/stage";
import { shared } from "../style/shared";
import { CallElement } from "./element";
import "./tile";

const GAP = 8;
const SMALLEST = 160; // a face that can still be read

/** The pictures: a grid of all, or one large with the others in a strip below. */
@customElement("distal-stage")
export class DistalStage extends CallElement {
  @state() private width = 0;
  @state() private height = 0;
  #previous: string | null = null;
  readonly #observer = new ResizeObserver(([entry]) => {
    if (!entry) return;
    this.width = entry.contentRect.width;
    this.height = entry.contentRect.height;
  });

  static override styles = [
    shared,
    css`
      :host {
        display: block;
        min-width: 0;
        min-height: 0;
        position: relative;
      }
      .grid {
        height: 100%;
        display: flex;
        flex-wrap: wrap;
        gap: ${GAP}px;
        align-content: center;
        justify-content: center;
        overflow: hidden;
      }
      .grid.scrolls {
        align-content: flex-start;
        justify-content: flex-start;
        overflow-y: auto;
      }
      .grid distal-tile {
        aspect-ratio: 16 / 9;
      }
      .speaker {
        height: 100%;
        display: grid;
        grid-template-rows: minmax(0, 1fr) auto;
        gap: ${GAP}px;
      }
      .strip {
        display: flex;
        gap: ${GAP}px;
        overflow-x: auto;
        padding: 3px;
        margin: -3px;
        scrollbar-width: thin;
      }
      .strip distal-tile {
        flex: none;
        height: clamp(76px, 14vh, 124px);
        aspect-ratio: 16 / 9;
      }
      .strip > :first-child {
        margin-left: auto;
      }
      .strip > :last-child {
        margin-right: auto;
      }
      .alone {
        position: absolute;
        inset: 0 0 auto;
        text-align: center;
        padding: var(--space-4);
        z-index: 1;
      }
      .alone h2 {
        display: inline;
      }
      .alone div {
        display: inline-block;
        background: var(--picture-shade);
        color: var(--picture-text);
        padding: var(--space-2) var(--space-4);
        border-radius: var(--radius);
      }
      .alone .caption {
        color: #b9c7cf;
      }
    `,
  ];

  protected override stores() {
    return [this.call.room, this.call.remote, this.call.local, this.call.view];
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#observer.observe(this);
  }

  override disconnectedCallback(): void {
    this.#observer.disconnect();
    super.disconnectedCallback();
  }

  override render() {
    const room = this.call.room.value;
    if (!room) return nothing;
    const { layout, pinned } = this.call.view.value;
    const tiles = tilesOf(room);
    const { main, others } = arrange(tiles, layout, pinned, room.activeSpeaker, this.#previous);
    this.#previous = main?.key ?? null;
    return html`
      ${
        room.participants.length === 1
          ? html`<div class="alone">
              <div>
                <h2>${this.t.alone}</h2>
                <p class="caption">${this.t.aloneText}</p>
              </div>
            </div>`
          : nothing
      }
      ${main ? this.speaker(main, others) : this.grid(tiles)}
    `;
  }

  private grid(tiles: readonly Tile[]) {
    const grid = fitGrid(tiles.length, this.width, this.height, GAP, SMALLEST);
    return html`<div
      class="grid ${grid.scrolls ? "scrolls" : ""}"
      data-testid="stage"
      data-layout="grid"
      tabindex=${grid.scrolls ? 0 : nothing}
    >
      ${repeat(
        tiles,
        ({ key }) => key,
        (tile) => this.tile(tile, { width: `${grid.tileWidth}px` }, grid.tileWidth < 260),
      )}
    </div>`;
  }

  private speaker(main: Tile, others: readonly Tile[]) {
    return html`<div class="speaker" data-testid="stage" data-layout="speaker">
      ${repeat(
        [main],
        ({ key }) => key,
        (tile) => this.tile(tile, {}, false, true),
      )}
      ${
        others.length > 0
          ? html`<div class="strip" role="group" aria-label=${this.t.others} tabindex="0">
              ${repeat(
                others,
                ({ key }) => key,
                (tile) => this.tile(tile, {}, true),
              )}
            </div>`
          : nothing
      }
    </div>`;
  }

  private tile(tile: Tile, style: Record<string, string>, small: boolean, main = false) {
    const room = this.call.room.value;
    const pinned = this.call.view.value.pinned === tile.key;
    // The last speaker stays the active one while nobody else speaks, muted or not.
    const heard = tile.participant.tracks.some(
      ({ source, muted }) => source === "microphone" && !muted,
    );
    return html`<distal-tile
      style=${styleMap(style)}
      data-participant=${tile.participant.id}
      data-source=${tile.source}
      data-self=${tile.self ? "" : nothing}
      data-main=${main ? "" : nothing}
      .call=${this.call}
      .tile=${tile}
      .track=${this.trackOf(tile)}
      ?speaking=${tile.source === "camera" && room?.activeSpeaker === tile.participant.id && heard}
      ?pinned=${pinned}
      ?small=${small}
      @click=${small ? () => this.call.setPinned(pinned ? null : tile.key) : nothing}
    ></distal-tile>`;
  }

  /** One's own pictures come from the devices, not back from the server. */
  private trackOf(tile: Tile): MediaStreamTrack | null {
    if (!tile.self) return this.call.remote.value.get(tile.video?.id ?? "") ?? null;
    if (tile.source === "screen") return null; // in itself it would go on for ever
    return this.call.local.value.camera.track;
  }
}
