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
