/** The layout of three planes, and what is seen of it where nothing can be cut. Pure logic. */

import type { FilmLayout, FilmPane, FilmPlane, FilmView } from "../protocol/messages";
import type { Drawing } from "./drawing";
import { FIRST_LOOK } from "./look";

const LAYOUTS: Record<FilmLayout, readonly FilmPlane[]> = {
  one: ["acquired"],
  two: ["acquired", "acquired"],
  planes: ["axial", "sagittal", "coronal"],
};

/** What each pane of a layout shows. */
export function panesOf(layout: FilmLayout): readonly FilmPlane[] {
  return LAYOUTS[layout];
}

/** A pane as others can show it; null while there is nothing in it. */
export function paneOf(drawing: Drawing | null): FilmPane | null {
  const shown = drawing?.shown;
  if (!drawing?.series || !shown) return null;
  return {
    series: drawing.series.uid,
    instance: shown.instance,
    frame: shown.frame,
    plane: drawing.cut?.plane ?? "acquired",
    focus: drawing.cut?.focus ? [...drawing.cut.focus] : null,
    thick: drawing.cut?.thick ?? 0,
    ...drawing.look,
  };
}

/** Planes as the acquired picture where they meet, whole, in the same window. */
export function asStack(view: FilmView): FilmView {
  const pane = view.panes[view.active] ?? view.panes[0];
  if (!pane) return view;
  const { voi, invert } = pane;
  const flat: FilmPane = { ...pane, ...FIRST_LOOK, voi, invert, plane: "acquired", focus: null };
  return { ...view, layout: "one", active: 0, panes: [flat] };
}
