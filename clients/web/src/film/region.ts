/**
 * What of a picture a pane shows, as DICOM says it (PS3.3 C.10.4): a part of the picture, turned by
 * quarters and then mirrored. Pure logic.
 */

import type { Look } from "./look";
import { number, numbers, TAG, type DicomJson } from "./tags";

/** Left, top, right, bottom: in the stored picture's pixels, 0 at its outer edge. */
export type Area = readonly [number, number, number, number];
export type Size = readonly [width: number, height: number];
export type Turn = Pick<Look, "rotation" | "flip_h" | "flip_v">;

const QUARTER = 90;

/** By quarters clockwise, then mirrored: upside down is half a turn and a mirror. */
export function turnOf({ rotation, flip_h, flip_v }: Turn): { rotation: number; flip: boolean } {
  const quarters = Math.round(rotation / QUARTER) + (flip_v ? 2 : 0);
  return { rotation: (((quarters % 4) + 4) % 4) * QUARTER, flip: flip_h !== flip_v };
}

interface Measure {
  readonly size: Size; // of the picture, pixels
  readonly spacing: Size; // of its columns and rows, mm
  readonly lying: boolean; // its columns go across the pane
  readonly fit: number; // pixels of the pane for a millimetre, where the whole picture fits
}

function measured(data: DicomJson, pane: Size, rotation: number): Measure {
  const size: Size = [number(data, TAG.Columns) ?? 1, number(data, TAG.Rows) ?? 1];
  const [byRow = 1, byColumn = 1] = numbers(data, TAG.PixelSpacing);
  const spacing: Size = [byColumn || 1, byRow || 1];
  return {
    size,
    spacing,
    lying: (rotation / QUARTER) % 2 === 0,
    fit: Math.min(pane[0] / (size[0] * spacing[0]), pane[1] / (size[1] * spacing[1])),
  };
}

/** What of the picture is in the pane; more than the picture where the pane is larger. */
export function areaOf(look: Look, data: DicomJson, pane: Size): Area {
  const { size, spacing, lying, fit } = measured(data, pane, turnOf(look).rotation);
  const across: Size = lying ? pane : [pane[1], pane[0]];
  const half = (of: 0 | 1): number => across[of] / (fit * look.zoom) / spacing[of] / 2;
  const middle = (of: 0 | 1): number => (look.centre[of] ?? 0.5) * size[of];
  return [middle(0) - half(0), middle(1) - half(1), middle(0) + half(0), middle(1) + half(1)];
}

/** The look at which the area is as large as the pane lets it be. */
export function lookAt(
  area: Area,
  rotation: number,
  data: DicomJson,
  pane: Size,
): Pick<Look, "zoom" | "centre"> {
  const { size, spacing, lying, fit } = measured(data, pane, rotation);
  const [left, top, right, bottom] = area;
  const seen = [(right - left) * spacing[0], (bottom - top) * spacing[1]] as const;
  const across = lying ? seen : ([seen[1], seen[0]] as const);
  const zoom = Math.min(pane[0] / across[0], pane[1] / across[1]) / fit;
  return {
    zoom: Number.isFinite(zoom) && zoom > 0 ? zoom : 1,
    centre: [(left + right) / 2 / size[0], (top + bottom) / 2 / size[1]],
  };
}
