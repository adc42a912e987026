/**
 * A series as a block of values, loaded once for the planes that cut it, with what they have in
 * common: the one place where they meet, the window, and how thick they cut.
 */

import { cache, eventTarget, volumeLoader } from "@cornerstonejs/core";

import type { World } from "./drawing";
import { Engine, EVENT } from "./engine";
import { autoWindow, storedWindow, type Window } from "./presets";
import { depthOf, normalOf, type Picture, type Series } from "./study";

/** What is told when the planes meet elsewhere, or are drawn otherwise. */
export interface Watching {
  changed(): void;
}

type Volume = Awaited<ReturnType<typeof volumeLoader.createAndCacheVolume>>;
type Loading = Volume & {
  load(): void;
  cancelLoading(): void;
  framesLoaded: number;
  framesProcessed: number;
};

const blocks = new Map<string, Block>();
let count = 0;

export class Block {
  readonly id = `distal-block-${++count}:`;
  readonly #planes = new Set<Watching>();
  readonly loaded: Promise<void>;
  #focus: World | null = null;
  #window: Window | null = null;
  #invert = false;
  #thick = 0;
  #volume: Loading | null = null;
  #done = 0;
  #end: () => void = () => undefined;

  /** The block of a series, for one plane more; it goes when the last one leaves it. */
  static of(series: Series, plane: Watching): Block {
    const key = `${series.uid} ${series.pictures.length}`;
    const block = blocks.get(key) ?? new Block(series, key);
    blocks.set(key, block);
    block.#planes.add(plane);
    return block;
  }

  private constructor(
    readonly series: Series,
    private readonly key: string,
  ) {
    this.loaded = this.#load();
    this.loaded.catch(() => undefined); // each plane says it
  }

  leave(plane: Watching): void {
    this.#planes.delete(plane);
    if (this.#planes.size > 0) return;
    blocks.delete(this.key);
    this.#end();
    this.#volume?.cancelLoading();
    if (cache.getVolumeLoadObject(this.id)) cache.removeVolumeLoadObject(this.id);
  }

  /** Pictures that have arrived, while not all have. */
  get progress(): number | null {
    return this.#done < this.series.pictures.length ? this.#done : null;
  }

  /** A block with holes would show tissue where there is none: all pictures, or nothing. */
  async #load(): Promise<void> {
    const imageIds = this.series.pictures.map((picture) => Engine.imageId(picture));
    const volume = (await volumeLoader.createAndCacheVolume(this.id, { imageIds })) as Loading;
    this.#volume = volume;
    if (this.#planes.size === 0) throw new Error("nobody waits for it any more");
    await new Promise<void>((resolve, reject) => {
      const look = (): void => {
        this.#done = volume.framesLoaded;
        this.#tell();
        if (volume.framesProcessed < imageIds.length) return;
        const missing = imageIds.length - volume.framesLoaded;
        if (missing === 0) resolve();
        else reject(new Error(`${missing} of ${imageIds.length} images could not be read`));
      };
      const names = [EVENT.IMAGE_VOLUME_MODIFIED, EVENT.IMAGE_LOAD_ERROR];
      for (const name of names) eventTarget.addEventListener(name, look);
      this.#end = () => {
        for (const name of names) eventTarget.removeEventListener(name, look);
      };
      volume.load();
      look();
    }).finally(() => this.#end());
  }

  #tell(): void {
    for (const plane of this.#planes) plane.changed();
  }

  // --- what the planes have in common ---

  get focus(): World {
    return this.#focus ?? this.#middle();
  }

  set focus(focus: World) {
    const kept = this.#within(focus);
    if (this.#focus && kept.every((value, k) => Math.abs(value - (this.#focus?.[k] ?? 0)) < 1e-3)) {
      return;
    }
    this.#focus = kept;
    this.#tell();
  }

  get window(): Window {
    const { data } = this.#middlePicture ?? {};
    return this.#window ?? (data && storedWindow(data)) ?? this.#measured();
  }

  set window(window: Window | null) {
    this.#window = window;
    this.#tell();
  }

  /** By the values of the picture in the middle. */
  autoWindow(): void {
    this.window = this.#measured();
  }

  get invert(): boolean {
    return this.#invert;
  }

  set invert(invert: boolean) {
    this.#invert = invert;
    this.#tell();
  }

  /** Millimetres of which the brightest is shown; 0: one slice. */
  get thick(): number {
    return this.#thick;
  }

  set thick(thick: number) {
    this.#thick = thick;
    this.#tell();
  }

  /** The acquired picture that lies nearest to where the planes meet. */
  get nearest(): Picture | null {
    const { pictures } = this.series;
    const normal = pictures[0] ? normalOf(pictures[0].data) : null;
    if (!normal) return null;
    const depth = this.focus.reduce((sum, value, k) => sum + value * (normal[k] ?? 0), 0);
    const apart = (picture: Picture): number =>
      Math.abs((depthOf(picture.data, normal) ?? 0) - depth);
    return pictures.reduce((best, each) => (apart(each) < apart(best) ? each : best));
  }

  get #middlePicture(): Picture | undefined {
    return this.series.pictures[Math.floor(this.series.pictures.length / 2)];
  }

  /** The block's corners, at the outer edges of its values. */
  get corners(): World[] {
    const found: World[] = [];
    for (const i of [0, 1])
      for (const j of [0, 1]) for (const k of [0, 1]) found.push(this.#at([i, j, k]));
    return found;
  }

  /** The place at shares of the block's three axes, from edge to edge. */
  #at(share: World): World {
    const volume = this.#volume;
    if (!volume) return [0, 0, 0];
    const { origin, direction, spacing, dimensions } = volume;
    return [0, 1, 2].map((k) =>
      [0, 1, 2].reduce(
        (sum, n) =>
          sum +
          ((share[n] ?? 0) * (dimensions[n] ?? 1) - 0.5) *
            (spacing[n] ?? 1) *
            (direction[3 * n + k] ?? 0),
        origin[k] ?? 0,
      ),
    ) as World;
  }

  #middle(): World {
    return this.#at([0.5, 0.5, 0.5]);
  }

  #within(place: World): World {
    const volume = this.#volume;
    if (!volume) return place;
    const { origin, direction, spacing, dimensions } = volume;
    const share = [0, 1, 2].map((n) => {
      const along = [0, 1, 2].reduce(
        (sum, k) => sum + ((place[k] ?? 0) - (origin[k] ?? 0)) * (direction[3 * n + k] ?? 0),
        0,
      );
      const at = along / (spacing[n] ?? 1);
      return (Math.min((dimensions[n] ?? 1) - 1, Math.max(0, at)) + 0.5) / (dimensions[n] ?? 1);
    });
    return this.#at(share as World);
  }

  #measured(): Window {
    const middle = this.#middlePicture;
    const image = middle && cache.getImage(Engine.imageId(middle));
    return (image && autoWindow(image.getPixelData())) ?? { lower: 0, upper: 255 };
  }
}
