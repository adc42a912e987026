/** Grey windows: where the picture's values become black and white. Pure logic. */

import { numbers, TAG, text, type DicomJson } from "./tags";

/** From black to white, in the picture's own units (HU for CT). */
export interface Window {
  readonly lower: number;
  readonly upper: number;
}

export type PresetName =
  "stored" | "auto" | "lung" | "mediastinum" | "abdomen" | "liver" | "bone" | "brain" | "vessels";

export interface Preset {
  readonly name: PresetName;
  readonly centre: number;
  readonly width: number;
}

const CT: readonly Preset[] = [
  { name: "lung", centre: -600, width: 1500 },
  { name: "mediastinum", centre: 50, width: 350 },
  { name: "abdomen", centre: 40, width: 400 },
  { name: "liver", centre: 60, width: 160 },
  { name: "bone", centre: 480, width: 2500 },
  { name: "brain", centre: 40, width: 80 },
  { name: "vessels", centre: 300, width: 600 },
];

/** Those that make sense for the picture, besides "stored" and "auto", which always do. */
export function presetsFor(data: DicomJson | undefined): readonly Preset[] {
  return data && text(data, TAG.Modality) === "CT" ? CT : [];
}

/** The linear window (PS3.3 C.11.2.1.2.1): both ends belong to it. */
export function windowOf(centre: number, width: number): Window {
  const half = (width - 1) / 2;
  return { lower: centre - 0.5 - half, upper: centre - 0.5 + half };
}

export function centreAndWidth({ lower, upper }: Window): { centre: number; width: number } {
  return { centre: (lower + upper + 1) / 2, width: upper - lower + 1 };
}

/** The window that the object itself asks for; null when it asks for none. */
export function storedWindow(data: DicomJson): Window | null {
  const centre = numbers(data, TAG.WindowCenter)[0];
  const width = numbers(data, TAG.WindowWidth)[0];
  return centre === undefined || width === undefined || width <= 0 ? null : windowOf(centre, width);
}

const SAMPLES = 20_000;

/** Between the darkest and the brightest hundredth of the values: a start for MR and the like. */
export function autoWindow(values: ArrayLike<number>): Window | null {
  const step = Math.max(1, Math.floor(values.length / SAMPLES));
  const sample: number[] = [];
  for (let at = 0; at < values.length; at += step) sample.push(values[at] ?? 0);
  sample.sort((a, b) => a - b);
  const low = sample[Math.floor(sample.length * 0.01)];
  const high = sample[Math.min(sample.length - 1, Math.floor(sample.length * 0.99))];
  if (low === undefined || high === undefined) return null;
  return { lower: low, upper: high > low ? high : low + 1 };
}

/** Whether a picture has colours of its own: windows mean little there. */
export function coloured(data: DicomJson): boolean {
  return (numbers(data, TAG.SamplesPerPixel)[0] ?? 1) > 1;
}
