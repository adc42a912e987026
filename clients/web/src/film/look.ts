/** How a picture is looked at, apart from which one it is. Pure logic. */

import type { FilmPane } from "../protocol/messages";

export type Look = Pick<
  FilmPane,
  "zoom" | "centre" | "rotation" | "flip_h" | "flip_v" | "voi" | "invert"
>;

export const FIRST_LOOK: Look = {
  zoom: 1,
  centre: [0.5, 0.5],
  rotation: 0,
  flip_h: false,
  flip_v: false,
  voi: null,
  invert: false,
};

const ZOOM_LEAST = 0.1;
const ZOOM_MOST = 40;

export function zoomed(look: Look, factor: number): Look {
  return { ...look, zoom: Math.min(ZOOM_MOST, Math.max(ZOOM_LEAST, look.zoom * factor)) };
}

/** A quarter to the right, as the eye sees it: a mirrored picture turns the other way. */
export function turned(look: Look): Look {
  const quarter = look.flip_h !== look.flip_v ? 270 : 90;
  return { ...look, rotation: (look.rotation + quarter) % 360 };
}

const near = (a: number, b: number, by: number): boolean => Math.abs(a - b) <= by;

/** Whether the eye would see a difference: what is applied comes back with rounding. */
export function sameLook(a: Look, b: Look): boolean {
  const voi =
    a.voi === null || b.voi === null
      ? a.voi === b.voi
      : near(a.voi[0] ?? 0, b.voi[0] ?? 0, 0.5) && near(a.voi[1] ?? 0, b.voi[1] ?? 0, 0.5);
  return (
    voi &&
    near(a.zoom, b.zoom, 0.002 * b.zoom) &&
    near(a.centre[0] ?? 0, b.centre[0] ?? 0, 0.002) &&
    near(a.centre[1] ?? 0, b.centre[1] ?? 0, 0.002) &&
    near((a.rotation - b.rotation) % 360, 0, 0.1) &&
    a.flip_h === b.flip_h &&
    a.flip_v === b.flip_v &&
    a.invert === b.invert
  );
}
