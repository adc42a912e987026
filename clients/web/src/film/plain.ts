/**
 * A series as pictures that the server draws: for browsers, networks and objects with which
 * nothing else works. It scrolls, zooms, turns and sets windows; it does not measure.
 */

import type { Drawing, DrawingNews, Place, World } from "./drawing";
import { DicomWeb } from "./dicomweb";
import type { DragTool } from "./engine";
import { Hand, type Held } from "./hand";
import { FIRST_LOOK, type Look } from "./look";
import { centreAndWidth, coloured, storedWindow, type Window } from "./presets";
import type { Picture, Series } from "./study";
import { number, numbers, TAG, text } from "./tags";

const SIZE = 1024; // pixels of a picture: enough for a phone, small enough for its network

export class Plain implements Drawing, Held {
  readonly stack = null;
  readonly cut = null;
  readonly #image = document.createElement("img");
  readonly #hand: Hand;
  #series: Series | null = null;
  #index = 0;
  #look = FIRST_LOOK;
  #waiting = false;

  constructor(
    readonly element: HTMLElement,
    private readonly news: DrawingNews,
    tool: () => DragTool,
  ) {
    this.#hand = new Hand(this, tool);
    this.#image.alt = "";
    this.#image.draggable = false;
    this.#image.style.cssText =
      "position:absolute;inset:0;width:100%;height:100%;object-fit:contain;";
    this.#image.onload = () => this.#loaded();
    this.#image.onerror = () => {
      this.#loaded();
      this.news.failed(this.#image.src);
    };
    element.append(this.#image);
  }

  close(): void {
    this.#hand.close();
    this.#image.onload = this.#image.onerror = null;
    this.#image.remove();
  }

  open(series: Series, index: number): Promise<boolean> {
    const other = this.#series?.uid !== series.uid;
    this.#series = series;
    this.#index = Math.max(0, Math.min(series.pictures.length - 1, index));
    if (other) this.#look = { ...FIRST_LOOK, invert: this.#inverse };
    this.#draw();
    return Promise.resolve(true);
  }

  get series(): Series | null {
    return this.#series;
  }

  get shown(): Picture | null {
    return this.#series?.pictures[this.#index] ?? null;
  }

  get count(): number {
    return this.#series?.pictures.length ?? 0;
  }

  get index(): number {
    return this.#index;
  }

  set index(index: number) {
    const wanted = Math.max(0, Math.min((this.#series?.pictures.length ?? 1) - 1, index));
    if (wanted === this.#index) return;
    this.#index = wanted;
    this.#draw();
  }

  get look(): Look {
    return this.#look;
  }

  set look(look: Look) {
    this.#look = look;
    this.#draw();
  }

  window(window: Window | null): void {
    const voi = window ? [window.lower, window.upper] : null;
    this.look = { ...this.#look, voi };
  }

  autoWindow(): void {
    this.window(null);
  }

  reset(): void {
    this.look = { ...FIRST_LOOK, invert: this.#inverse };
  }

  resized(): void {
    this.#place();
  }

  shareAt(place: Place): Place {
    const at = this.#matrix().inverse().transformPoint({ x: place[0], y: place[1] });
    const [columns, rows] = this.#size();
    return [at.x / columns, at.y / rows];
  }

  get seen(): Window | null {
    const [lower, upper] = (this.shown && plainWindow(this.shown, this.#look).voi) ?? [];
    return lower === undefined || upper === undefined ? null : { lower, upper };
  }

  worldAt(place: Place): World | null {
    const [column, row] = this.shareAt(place);
    const [columns, rows] = this.#size();
    return this.#plane()?.world(column * columns, row * rows) ?? null;
  }

  placeOf(world: readonly number[]): Place | null {
    const pixel = this.#plane()?.pixel(world);
    if (!pixel) return null;
    const at = this.#matrix().transformPoint({ x: pixel[0], y: pixel[1] });
    return [at.x, at.y];
  }

  placeAt(share: readonly [number, number]): Place {
    const [columns, rows] = this.#size();
    const at = this.#matrix().transformPoint({ x: share[0] * columns, y: share[1] * rows });
    return [at.x, at.y];
  }

  /** One request at a time: fast scrolling skips pictures instead of queueing them. */
  #draw(): void {
    this.#place();
    const picture = this.shown;
    if (picture && !this.#waiting) {
      const { voi } = this.#look;
      const [lower, upper] = voi ?? [];
      const wanted =
        lower === undefined || upper === undefined || coloured(picture.data)
          ? null
          : centreAndWidth({ lower, upper });
      const url = DicomWeb.rendered(
        picture.url,
        wanted && [Math.round(wanted.centre), Math.max(1, Math.round(wanted.width))],
        SIZE,
      );
      if (!this.#image.src.endsWith(url)) {
        this.#waiting = true;
        this.#image.src = url;
      }
    }
    this.news.changed();
  }

  #loaded(): void {
    this.#waiting = false;
    this.#draw();
  }

  /** Its small values are white: what the server draws is inverted already. */
  get #inverse(): boolean {
    const { data } = this.shown ?? {};
    return data ? text(data, TAG.PhotometricInterpretation) === "MONOCHROME1" : false;
  }

  #size(): Place {
    const data = this.shown?.data ?? {};
    return [number(data, TAG.Columns) ?? 1, number(data, TAG.Rows) ?? 1];
  }

  /** From the picture's pixels to the pane's. */
  #matrix(): DOMMatrix {
    const { clientWidth: width, clientHeight: height } = this.element;
    const [columns, rows] = this.#size();
    const look = this.#look;
    const scale = Math.min(width / columns, height / rows) * look.zoom;
    return new DOMMatrix()
      .translate(width / 2, height / 2)
      .scale(look.flip_h ? -1 : 1, look.flip_v ? -1 : 1)
      .rotate(look.rotation)
      .scale(scale)
      .translate(-(look.centre[0] ?? 0.5) * columns, -(look.centre[1] ?? 0.5) * rows);
  }

  #place(): void {
    const { clientWidth: width, clientHeight: height } = this.element;
    const [columns, rows] = this.#size();
    const fit = Math.min(width / columns, height / rows);
    if (!Number.isFinite(fit) || fit <= 0) return;
    const unplaced = new DOMMatrix()
      .translate(width / 2, height / 2)
      .scale(fit)
      .translate(-columns / 2, -rows / 2);
    this.#image.style.transformOrigin = "0 0";
    this.#image.style.transform = this.#matrix().multiply(unplaced.inverse()).toString();
    this.#image.style.filter = this.#look.invert === this.#inverse ? "" : "invert(1)";
  }

  #plane(): { world(x: number, y: number): World; pixel(world: readonly number[]): Place } | null {
    const data = this.shown?.data;
    if (!data) return null;
    const origin = numbers(data, TAG.ImagePositionPatient);
    const turned = numbers(data, TAG.ImageOrientationPatient);
    const [byRow = 1, byColumn = 1] = numbers(data, TAG.PixelSpacing);
    const axes = turned.length === 6 ? turned : [1, 0, 0, 0, 1, 0];
    const at = (k: number): number => origin[k] ?? 0;
    return {
      world: (x, y) =>
        [0, 1, 2].map(
          (k) =>
            at(k) + (x - 0.5) * byColumn * (axes[k] ?? 0) + (y - 0.5) * byRow * (axes[3 + k] ?? 0),
        ) as World,
      pixel: (world) => {
        const along = (from: number): number =>
          [0, 1, 2].reduce((sum, k) => sum + ((world[k] ?? 0) - at(k)) * (axes[from + k] ?? 0), 0);
        return [along(0) / byColumn + 0.5, along(3) / byRow + 0.5];
      },
    };
  }
}

/** The window that a plain picture is drawn with, for the corner text. */
export function plainWindow(picture: Picture, look: Look): Look {
  if (look.voi || coloured(picture.data)) return look;
  const stored = storedWindow(picture.data);
  return stored ? { ...look, voi: [stored.lower, stored.upper] } : look;
}
