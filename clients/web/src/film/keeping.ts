/** What the server is asked to keep of a session at the pictures. Pure logic. */

import type { FilmMark } from "../protocol/messages";
import type { Look } from "./look";
import { coloured } from "./presets";
import { areaOf, turnOf, type Area, type Size } from "./region";
import type { Pixel } from "./presentation";
import type { Picture } from "./study";

export interface KeptPlace {
  readonly instance: string;
  readonly frame: number;
}

export interface KeptPane extends KeptPlace {
  readonly area: Area;
  readonly rotation: number;
  readonly flip: boolean;
  readonly invert: boolean;
  readonly voi: readonly [number, number] | null;
}

export interface KeptFigure extends KeptPlace {
  readonly kind: "polyline" | "ellipse" | "point";
  readonly points: readonly Pixel[];
  readonly text: string;
  readonly at: Pixel | null; // where the text begins
}

export interface KeptSession {
  readonly title: string;
  readonly panes: readonly KeptPane[];
  readonly figures: readonly KeptFigure[];
  readonly keys: readonly KeptPlace[];
}

export function keptPaneOf(picture: Picture, look: Look, pane: Size): KeptPane {
  const [lower, upper] = coloured(picture.data) ? [] : (look.voi ?? []);
  return {
    instance: picture.instance,
    frame: picture.frame,
    area: areaOf(look, picture.data, pane),
    ...turnOf(look),
    invert: look.invert,
    voi: lower !== undefined && upper !== undefined && lower < upper ? [lower, upper] : null,
  };
}

type Measured = Pick<FilmMark, "instance" | "frame"> & {
  tool: "length" | "angle" | "ellipse" | "probe";
};

/** A measurement as DICOM draws it: an ellipse by its longer axis, then its shorter one. */
export function figureOf(
  mark: Measured,
  points: readonly Pixel[],
  text: string,
  at: Pixel | null = null,
): KeptFigure {
  const { instance, frame, tool } = mark;
  const on = { instance, frame, text, at };
  if (tool === "probe") return { ...on, kind: "point", points: points.slice(0, 1) };
  if (tool !== "ellipse") return { ...on, kind: "polyline", points };
  const [bottom, top, left, right] = points;
  if (!bottom || !top || !left || !right) return { ...on, kind: "polyline", points };
  const length = (a: Pixel, b: Pixel): number => Math.hypot(a[0] - b[0], a[1] - b[1]);
  const upright = length(top, bottom) > length(left, right);
  return {
    ...on,
    kind: "ellipse",
    points: upright ? [top, bottom, left, right] : [left, right, top, bottom],
  };
}
