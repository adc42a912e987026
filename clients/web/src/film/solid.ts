/**
 * Whether a series can be cut in any direction: its pictures are parallel, one behind the other,
 * evenly far apart, and not too many for this device. Pure logic, but for what the device tells.
 */

import { depthOf, normalOf, type Series } from "./study";
import { number, numbers, TAG, text, type DicomJson } from "./tags";

/** Why a series cannot be cut; the catalogue says each in words. */
export type NotSolid =
  "kind" | "few" | "frames" | "unplaced" | "mixed" | "slanted" | "uneven" | "large";

const KINDS = new Set(["CT", "MR", "PT"]);
const LEAST = 4; // pictures: fewer make no body
const ALIKE = 1e-3; // of direction cosines, as they are rounded in files
const UNEVEN = 0.1; // of the distance between neighbours: positions are rounded, gaps are not
const SLANT_MM = 0.5; // sideways from one picture to the next: a gantry that was tilted

const BYTES_PHONE = 160e6; // 512 × 512 × 300; phones throw pages away beyond a gigabyte
const BYTES_ELSE = 600e6; // 512 × 512 × 1100; it lies in memory twice, for reading and drawing

/** How much a block may take up here. */
export function solidBytes(): number {
  const { deviceMemory } = navigator as Navigator & { deviceMemory?: number }; // GB, Chromium
  const phone = matchMedia("(pointer: coarse)").matches;
  return phone || (deviceMemory ?? 8) < 4 ? BYTES_PHONE : BYTES_ELSE;
}

const same = (a: readonly number[], b: readonly number[], by: number): boolean =>
  a.length === b.length && a.every((value, index) => Math.abs(value - (b[index] ?? 0)) <= by);

function alike(a: DicomJson, b: DicomJson): boolean {
  return (
    text(a, TAG.FrameOfReferenceUID) === text(b, TAG.FrameOfReferenceUID) &&
    number(a, TAG.Rows) === number(b, TAG.Rows) &&
    number(a, TAG.Columns) === number(b, TAG.Columns) &&
    same(numbers(a, TAG.PixelSpacing), numbers(b, TAG.PixelSpacing), ALIKE) &&
    same(numbers(a, TAG.ImageOrientationPatient), numbers(b, TAG.ImageOrientationPatient), ALIKE)
  );
}

function placed(data: DicomJson): boolean {
  return (
    text(data, TAG.FrameOfReferenceUID) !== "" &&
    numbers(data, TAG.ImagePositionPatient).length === 3 &&
    numbers(data, TAG.ImageOrientationPatient).length === 6 &&
    numbers(data, TAG.PixelSpacing).length === 2
  );
}

const known = new WeakMap<Series, NotSolid | null>();

/** Whether this device can cut a series: null, or why not. Asked often, worked out once. */
export function whyNotCut(series: Series): NotSolid | null {
  let why = known.get(series);
  if (why === undefined) known.set(series, (why = notSolid(series, solidBytes())));
  return why;
}

/** Null when a series of at most so many bytes can be cut. */
export function notSolid(series: Series, most: number): NotSolid | null {
  const objects = series.pictures.map(({ data }) => data);
  const first = objects[0];
  if (!first || !KINDS.has(series.modality) || (number(first, TAG.SamplesPerPixel) ?? 1) !== 1) {
    return "kind";
  }
  if (objects.some((data) => (number(data, TAG.NumberOfFrames) ?? 1) > 1)) return "frames";
  if (objects.length < LEAST) return "few";
  if (!objects.every(placed)) return "unplaced";
  if (!objects.every((data) => alike(first, data))) return "mixed";
  const normal = normalOf(first);
  const steps = objects.slice(1).map((data, index) => {
    const before = objects[index] ?? data;
    const depth = (depthOf(data, normal) ?? 0) - (depthOf(before, normal) ?? 0);
    const from = numbers(before, TAG.ImagePositionPatient);
    const far = Math.hypot(
      ...numbers(data, TAG.ImagePositionPatient).map((value, k) => value - (from[k] ?? 0)),
    );
    return { depth, aside: Math.sqrt(Math.max(0, far * far - depth * depth)) };
  });
  const mean = steps.reduce((sum, { depth }) => sum + depth, 0) / steps.length;
  if (steps.some(({ depth }) => Math.abs(depth - mean) > UNEVEN * Math.abs(mean))) return "uneven";
  if (Math.abs(mean) < ALIKE) return "uneven"; // one place, looked at again and again
  if (steps.some(({ aside }) => aside > SLANT_MM)) return "slanted";
  const bytes = (number(first, TAG.BitsAllocated) ?? 16) / 8;
  const size = (number(first, TAG.Rows) ?? 0) * (number(first, TAG.Columns) ?? 0);
  return size * objects.length * bytes > most ? "large" : null;
}
