import { css, html, nothing } from "lit";
import { customElement, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { styleMap } from "lit/directives/style-map.js";

import { arrange, choose, fitGrid, placesIn, tilesOf, type Grid, type Tile } from "../state/stage";
import { shared } from "../style/shared";
import { CallElement } from "./element";
import { initials } from "./initials";
import "./tile";

const GAP = 8;
const SMALLEST = 160; // a face that can still be read
const MOST = 25; // in a grid: more pictures tire a laptop, and nobody looks at them all
const STRIP_LEAST = 8; // in the strip, which may be scrolled
const STRIP_TILE = 220;
const LOW = 180; // beside images on a phone: one row of equal pictures
const CROWD = 36; // the row of those without a picture

/** The pictures: a grid of all, or one large with the others in a strip below. */
@customElement("distal-stage")
export class DistalStage extends CallElement {
  @state() private width = 0;
  @state() private height = 0;
  #previous: string | null = null;
  #places: readonly string[] = []; // keys of the tiles that were shown last
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
        grid-template-rows: minmax(0, 1fr);
        grid-auto-rows: auto;
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
      .whole {
        height: 100%;
        display: flex;
        flex-direction: column;
        gap: ${GAP}px;
      }
      .whole .grid {
        flex: 1;
        min-height: 0;
      }
      .crowd {
        display: flex;
        gap: var(--space-1);
        height: ${CROWD}px;
        overflow-x: auto;
        scrollbar-width: none;
      }
      .crowd > :first-child {
        margin-left: auto;
      }
      .crowd > :last-child {
        margin-right: auto;
      }
      .crowd button {
        flex: none;
        max-width: 180px;
        min-height: 0;
        height: 32px;
        margin-block: 2px;
        padding: 0 var(--space-2) 0 2px;
        gap: var(--space-1);
        border-radius: 16px;
        background: var(--raised);
        font-size: var(--type-caption);
      }
      .crowd .letters {
        flex: none;
        width: 28px;
        aspect-ratio: 1;
        border-radius: 50%;
        display: grid;
        place-items: center;
        background: var(--accent-soft);
        color: var(--accent-text);
        font-size: 11px;
        font-weight: 600;
      }
      .crowd .letters::before {
        content: attr(data-letters); /* no part of the name that is read out */
      }
      .crowd .name {
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
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
    const { pinned, film, console } = this.call.view.value;
    const low = (film || console) && this.height < LOW;
    const layout = low ? "grid" : this.call.view.value.layout;
    // The console shows a robot's pictures larger than a tile could.
    const shown = ({ source, participant: { id } }: Tile): boolean =>
      !console || source !== "device" || room.robots.every(({ participant }) => participant !== id);
    const tiles = tilesOf(room).filter(shown);
    const { main, others } = arrange(
      tiles,
      layout,
      low ? null : pinned,
      room.activeSpeaker,
      this.#previous,
    );
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

  private grid(all: readonly Tile[]) {
    const most = (height: number): number =>
      Math.min(MOST, placesIn(this.width, height, GAP, SMALLEST));
    const low = this.height - CROWD - GAP;
    const crowded = all.length > most(this.height);
    const { shown: tiles, rest } = this.choose(all, crowded ? most(low) : all.length);
    const grid = fitGrid(tiles.length, this.width, crowded ? low : this.height, GAP, SMALLEST);
    return html`<div class="whole">${this.tiles(tiles, grid)} ${this.crowd(rest)}</div>`;
  }

  /** Of all, those who get a picture; a person who has one keeps its place. */
  private choose(tiles: readonly Tile[], count: number) {
    const spoke = this.call.room.value?.spoke ?? [];
    const chosen = choose(tiles, count, spoke, this.call.view.value.pinned, this.#places);
    this.#places = chosen.shown.map(({ key }) => key);
    return chosen;
  }

  /** Those without a picture: heard like everybody. A click shows one large. */
  private crowd(rest: readonly Tile[]) {
    if (rest.length === 0) return nothing;
    return html`<div class="crowd" role="group" aria-label=${this.t.others} data-testid="crowd">
      ${repeat(
        rest,
        ({ key }) => key,
        ({ key, participant: { id, name } }) =>
          html`<button
            data-participant=${id}
            aria-label=${this.t.showLarge(name)}
            title=${this.t.showLarge(name)}
            @click=${() => this.call.setPinned(key)}
          >
            <span class="letters" data-letters=${initials(name)}></span>
            <span class="name">${name}</span>
          </button>`,
      )}
    </div>`;
  }

  private tiles(tiles: readonly Tile[], grid: Grid) {
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

  private speaker(main: Tile, all: readonly Tile[]) {
    const count = Math.max(STRIP_LEAST, Math.floor(this.width / (STRIP_TILE + GAP)));
    const { shown: others, rest } = this.choose(all, count);
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
      ${this.crowd(rest)}
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
