/** What is kept with a study: read when its series come, and again when they grow. */

import type { DicomWeb } from "./dicomweb";
import { concerns, keyReferences, savedViews, type SavedView } from "./presentation";
import type { SeriesRow } from "./study";
import type { DicomJson } from "./tags";

const SERIES = 40; // of states and key objects; more are those of a machine
const OBJECTS = 200; // of one of them
const KEPT = new Set(["PR", "KO"]);

/** Whether a series is shown by what is done with it, and not among the pictures. */
export function isKept(row: SeriesRow): boolean {
  return KEPT.has(row.modality);
}

export class Saved {
  views: readonly SavedView[] = [];
  #keys: ReturnType<typeof keyReferences> = [];
  #seen = "";

  /** Reads what is new; whether anything is. Rejects as DicomWeb does. */
  async read(
    web: DicomWeb,
    study: string,
    rows: readonly SeriesRow[],
    signal: AbortSignal,
  ): Promise<boolean> {
    const kept = rows.filter((row) => isKept(row) && row.count <= OBJECTS).slice(-SERIES);
    const seen = kept.map(({ uid, count }) => `${uid}:${count}`).join();
    if (seen === this.#seen) return false;
    const objects: DicomJson[] = [];
    for (const { uid } of kept) objects.push(...(await web.metadata(study, uid, signal)));
    this.views = savedViews(objects);
    this.#keys = keyReferences(objects);
    this.#seen = seen;
    return true;
  }

  /** How many key images each series has, with those that are marked now. */
  keys(now: ReadonlyMap<string, ReadonlySet<string>>): Map<string, number> {
    const all = new Map([...now].map(([series, places]) => [series, new Set(places)]));
    for (const { series, instance, frames } of this.#keys) {
      const places = all.get(series) ?? new Set<string>();
      for (const frame of frames.length ? frames : [1]) places.add(`${instance}/${frame}`);
      all.set(series, places);
    }
    return new Map([...all].map(([series, places]) => [series, places.size]));
  }

  isKey(instance: string, frame: number): boolean {
    return this.#keys.some((key) => concerns(key, instance, frame));
  }
}
