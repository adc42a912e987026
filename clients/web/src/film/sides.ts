/** The letters at a picture's edges: which side of the body lies there. Pure logic. */

import type { Drawing } from "./drawing";
import { numbers, TAG } from "./tags";

export interface Sides {
  readonly left: string;
  readonly right: string;
  readonly up: string;
  readonly down: string;
}

/** DICOM's axes run to the patient's left, back and head (PS3.3 C.7.6.2.1.1). */
const LETTERS = [
  ["L", "R"],
  ["P", "A"],
  ["H", "F"],
] as const;

/** One letter, or two for a slanted plane. */
export function letters(direction: readonly number[]): string {
  return [0, 1, 2]
    .map((axis) => ({ axis, size: Math.abs(direction[axis] ?? 0) }))
    .filter(({ size }) => size > 0.35)
    .sort((a, b) => b.size - a.size)
    .slice(0, 2)
    .map(({ axis }) => LETTERS[axis]?.[(direction[axis] ?? 0) > 0 ? 0 : 1] ?? "")
    .join("");
}

const STEP = 20; // pixels on the screen

/** Null for pictures that do not lie anywhere in a body. */
export function sides(drawing: Drawing): Sides | null {
  const data = drawing.shown?.data;
  if (!data || numbers(data, TAG.ImageOrientationPatient).length !== 6) return null;
  const from = drawing.worldAt([100, 100]);
  const toRight = drawing.worldAt([100 + STEP, 100]);
  const toDown = drawing.worldAt([100, 100 + STEP]);
  if (!from || !toRight || !toDown) return null;
  const along = (to: readonly number[]): number[] => {
    const way = to.map((value, k) => value - (from[k] ?? 0));
    const length = Math.hypot(...way) || 1;
    return way.map((value) => value / length);
  };
  const right = along(toRight);
  const down = along(toDown);
  const back = (way: readonly number[]): number[] => way.map((value) => -value);
  return {
    left: letters(back(right)),
    right: letters(right),
    up: letters(back(down)),
    down: letters(down),
  };
}
