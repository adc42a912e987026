/** Which pictures the stage shows, which of them large, and how a grid of them fits. Pure. */

import type { Participant, TrackInfo } from "../protocol/messages";
import type { Room } from "./room";

export type TileSource = "camera" | "screen" | "device";
export type Layout = "grid" | "speaker";

export interface Tile {
  readonly key: string; // participant:source[:track], stable while the picture lives
  readonly participant: Participant;
  readonly source: TileSource;
  readonly video: TrackInfo | null;
  readonly self: boolean;
}

/** One tile for every person, and one more for every screen and device that is shown. */
export function tilesOf(room: Room): Tile[] {
  const tiles: Tile[] = [];
  for (const participant of room.participants) {
    const self = participant.id === room.self;
    const videos = participant.tracks.filter((track) => track.kind === "video");
    for (const video of videos) {
      if (video.source !== "screen" && video.source !== "device") continue;
      const key = `${participant.id}:${video.source}:${video.id}`;
      tiles.push({ key, participant, source: video.source, video, self });
    }
    const camera = videos.find((track) => track.source === "camera") ?? null;
    const key = `${participant.id}:camera`;
    tiles.push({ key, participant, source: "camera", video: camera, self });
  }
  return tiles;
}

export interface Arrangement {
  readonly main: Tile | null; // null: a grid of all
  readonly others: readonly Tile[];
}

/**
 * The large picture: what is pinned, else a shared screen or device, else who speaks, else whoever
 * was large before, else the first who is not oneself.
 */
export function arrange(
  tiles: readonly Tile[],
  layout: Layout,
  pinned: string | null,
  activeSpeaker: string | null,
  previous: string | null = null,
): Arrangement {
  const pin = tiles.find((tile) => tile.key === pinned);
  if (layout === "grid" && !pin) return { main: null, others: tiles };
  const others = tiles.filter((tile) => !tile.self);
  const main =
    pin ??
    others.findLast((tile) => tile.source !== "camera") ??
    others.find((tile) => tile.participant.id === activeSpeaker) ??
    others.find((tile) => tile.key === previous) ??
    others.find((tile) => tile.video) ??
    others[0] ??
    tiles[0] ??
    null;
  return { main, others: tiles.filter((tile) => tile !== main) };
}

export interface Crowd {
  readonly shown: readonly Tile[];
  readonly rest: readonly Tile[];
}

/**
 * Of more tiles than there is room for, those to show: what is pinned, shared or one's own, then who
 * spoke last, then cameras that are on, and of these the ones that were shown before. A tile that
 * stays keeps its place among `before`, so that nobody jumps: the newcomer takes the leaver's.
 */
export function choose(
  tiles: readonly Tile[],
  count: number,
  spoke: readonly string[],
  pinned: string | null,
  before: readonly string[],
): Crowd {
  if (tiles.length <= count) return { shown: tiles, rest: [] };
  const rank = (tile: Tile): readonly number[] => {
    const first = tile.key === pinned || tile.source !== "camera" || tile.self;
    const spokenAt = spoke.indexOf(tile.participant.id);
    return [
      first ? 0 : 1,
      spokenAt < 0 ? spoke.length : spokenAt,
      tile.video && !tile.video.muted ? 0 : 1,
      before.includes(tile.key) ? 0 : 1,
    ];
  };
  const ranked = tiles
    .map((tile) => ({ tile, rank: rank(tile) }))
    .sort((a, b) => a.rank.map((n, i) => n - (b.rank[i] ?? 0)).find((n) => n !== 0) ?? 0)
    .map(({ tile }) => tile);
  const chosen = ranked.slice(0, count);
  const stay = new Map(chosen.map((tile) => [tile.key, tile]));
  const come = chosen.filter(({ key }) => !before.includes(key));
  const kept = before.flatMap((key) => stay.get(key) ?? come.shift() ?? []);
  return { shown: [...kept, ...come], rest: tiles.filter(({ key }) => !stay.has(key)) };
}

/** How many tiles of the least width there is room for. */
export function placesIn(width: number, height: number, gap: number, minimum: number): number {
  const columns = Math.floor((width + gap) / (minimum + gap));
  const rows = Math.floor((height + gap) / ((minimum * 9) / 16 + gap));
  return Math.max(1, columns * rows);
}

export interface Grid {
  readonly columns: number;
  readonly tileWidth: number;
  readonly scrolls: boolean;
}

/** The number of columns that makes 16:9 tiles largest in the space given. */
export function fitGrid(
  count: number,
  width: number,
  height: number,
  gap: number,
  minimum: number,
): Grid {
  let best: Grid = { columns: 1, tileWidth: 0, scrolls: false };
  for (let columns = 1; columns <= Math.max(1, count); columns++) {
    const rows = Math.ceil(count / columns);
    const byWidth = (width - gap * (columns - 1)) / columns;
    const byHeight = ((height - gap * (rows - 1)) / rows) * (16 / 9);
    const tileWidth = Math.floor(Math.max(0, Math.min(byWidth, byHeight)));
    if (tileWidth > best.tileWidth) best = { columns, tileWidth, scrolls: false };
  }
  if (best.tileWidth >= minimum || count === 0) return best;
  const columns = Math.max(1, Math.min(count, Math.floor((width + gap) / (minimum + gap))));
  return {
    columns,
    tileWidth: Math.floor((width - gap * (columns - 1)) / columns),
    scrolls: true,
  };
}
