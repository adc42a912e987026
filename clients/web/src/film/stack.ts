/** One series in one pane, drawn by Cornerstone: which picture, and how it is looked at. */

import { getShouldUseCPURendering, type StackViewport, type Types } from "@cornerstonejs/core";
import { utilities } from "@cornerstonejs/tools";

import type { Drawing, DrawingNews, Place as Flat, World as Vec } from "./drawing";
import { Engine, EVENT, VIEWPORT } from "./engine";
import { FIRST_LOOK, type Look } from "./look";
import { autoWindow, coloured, type Window } from "./presets";
import type { Picture, Series } from "./study";

type Measured = ReturnType<StackViewport["getImageData"]>;

const mirrored = (across = false, down = false): boolean => across !== down;
const STEP = 100; // pixels on the screen, to measure by
let count = 0;

export class Stack implements Drawing {
  readonly stack = this;
  readonly cut = null;
  readonly id = `stack-${++count}`;
  readonly #viewport: StackViewport;
  #ids: string[] = [];
  #series: Series | null = null;
  #wanted = 0;
  #opening = 0;
  #kept: Look | null = null; // as it was before the pane changed its size
  #voi: Types.VOIRange | null = null; // what is drawn

  constructor(
    private readonly engine: Engine,
    readonly element: HTMLDivElement,
    private readonly news: DrawingNews,
  ) {
    engine.rendering.enableElement({
      viewportId: this.id,
      type: VIEWPORT.STACK,
      element,
      defaultOptions: { background: [0, 0, 0] },
    });
    this.#viewport = engine.rendering.getViewport<StackViewport>(this.id);
    if (getShouldUseCPURendering()) placedByMiddles(this.#viewport);
    engine.group.addViewport(this.id, engine.rendering.id);
    engine.stacks.add(this);
    element.addEventListener(EVENT.STACK_NEW_IMAGE, this.#changed);
    element.addEventListener(EVENT.VOI_MODIFIED, this.#windowed);
    element.addEventListener(EVENT.CAMERA_MODIFIED, this.#changed);
  }

  close(): void {
    this.#opening += 1;
    this.element.removeEventListener(EVENT.STACK_NEW_IMAGE, this.#changed);
    this.element.removeEventListener(EVENT.VOI_MODIFIED, this.#windowed);
    this.element.removeEventListener(EVENT.CAMERA_MODIFIED, this.#changed);
    utilities.stackContextPrefetch.disable(this.element);
    this.engine.stacks.delete(this);
    this.engine.group.removeViewports(this.engine.rendering.id, this.id);
    this.engine.rendering.disableElement(this.id);
  }

  readonly #windowed = (event: Event): void => {
    this.#voi = (event as Types.EventTypes.VoiModifiedEvent).detail.range;
    this.#changed();
  };

  readonly #changed = (): void => {
    if (this.engine.resizing) return;
    this.#kept = this.shown ? this.look : null;
    this.news.changed();
  };

  /** Shows a series from one of its pictures on; false when another was opened meanwhile. */
  async open(series: Series, index: number): Promise<boolean> {
    const opening = ++this.#opening;
    const grown =
      this.#series?.uid === series.uid &&
      series.pictures.length >= this.#ids.length &&
      this.index >= 0;
    const look = grown ? this.look : null;
    this.#series = series;
    this.#ids = series.pictures.map((picture) => Engine.imageId(picture));
    this.#wanted = index;
    this.#voi = null;
    try {
      await this.#viewport.setStack(this.#ids, index);
    } catch (error) {
      if (opening === this.#opening) this.news.failed(String(error));
      return false;
    }
    if (opening !== this.#opening) return false;
    this.#voi = this.#viewport.getProperties().voiRange ?? null;
    if (look) this.look = look;
    else this.#fit();
    this.#kept = this.look;
    this.#viewport.render();
    utilities.stackContextPrefetch.enable(this.element);
    this.news.changed();
    return true;
  }

  get series(): Series | null {
    return this.#series;
  }

  get count(): number {
    return this.#ids.length;
  }

  /** Which picture is on the screen, or on its way there. */
  get index(): number {
    return this.#wanted;
  }

  set index(index: number) {
    const last = this.#ids.length - 1;
    const wanted = Math.max(0, Math.min(last, index));
    if (wanted === this.#wanted || last < 0) return;
    this.#wanted = wanted;
    this.#viewport.setImageIdIndex(wanted).catch((error: unknown) => {
      if (this.#wanted === wanted) this.news.failed(String(error));
    });
  }

  /** The picture that is on the screen. Dragging scrolls without asking, so that is the truth. */
  get shown(): Picture | null {
    this.#wanted = this.#viewport.getTargetImageIdIndex();
    return this.#series?.pictures[this.#viewport.getCurrentImageIdIndex()] ?? null;
  }

  get look(): Look {
    const { rotation = 0, flipHorizontal, flipVertical } = this.#viewport.getViewPresentation();
    const { voiRange: told, invert } = this.#viewport.getProperties();
    // Without WebGL a new picture is drawn by the window before, and its own is told.
    const voiRange = getShouldUseCPURendering() ? (this.#voi ?? told) : told;
    const data = this.shown?.data;
    return {
      zoom: this.#zoom,
      centre: this.#centre(),
      rotation: mirrored(flipHorizontal, flipVertical) ? (360 - rotation) % 360 : rotation,
      flip_h: flipHorizontal ?? false,
      flip_v: flipVertical ?? false,
      voi: voiRange && data && !coloured(data) ? [voiRange.lower, voiRange.upper] : null,
      invert: invert ?? false,
    };
  }

  set look(look: Look) {
    const [lower, upper] = look.voi ?? [];
    this.#viewport.setProperties({
      invert: look.invert,
      ...(lower !== undefined && upper !== undefined ? { voiRange: { lower, upper } } : {}),
    });
    this.#turn(look);
    this.#zoom = look.zoom;
    this.#moveCentre(look.centre);
    this.#viewport.render();
  }

  /** A look is turned and then mirrored; Cornerstone mirrors and then turns. */
  #turn({ rotation, flip_h, flip_v }: Look): void {
    // Not setViewPresentation: it takes no mirroring back.
    this.#viewport.setCamera({ flipHorizontal: flip_h, flipVertical: flip_v });
    this.#viewport.setViewPresentation({
      rotation: mirrored(flip_h, flip_v) ? (360 - rotation) % 360 : rotation,
    });
  }

  window(window: Window | null): void {
    if (window) this.#viewport.setProperties({ voiRange: window });
    else {
      const { invert } = this.#viewport.getProperties();
      const { look } = this;
      this.#viewport.resetProperties();
      this.look = { ...look, voi: this.look.voi, invert: invert ?? false };
    }
    this.#viewport.render();
  }

  /** By the values of the picture on the screen. */
  autoWindow(): void {
    const image = this.#viewport.getCornerstoneImage();
    const window = autoWindow(image.getPixelData());
    if (!window) return;
    const { slope, intercept } = image;
    const scaled = image.preScale?.scaled === true;
    const at = (value: number): number => (scaled ? value : value * slope + intercept);
    this.window({ lower: at(window.lower), upper: at(window.upper) });
  }

  reset(): void {
    this.#viewport.resetProperties();
    this.#fit();
    this.#viewport.render();
    this.news.changed();
  }

  /** The whole picture, as it is. */
  #fit(): void {
    this.#viewport.resetCamera();
    this.#turn(FIRST_LOOK);
    this.#zoom = 1;
    this.#moveCentre([0.5, 0.5]);
  }

  resized(): void {
    this.engine.resize();
  }

  /** Zoom and centre are shares of the pane, so they stay when it grows or shrinks. */
  restore(): void {
    if (this.#kept) this.look = this.#kept;
  }

  // --- places ---

  /** A place on the screen (CSS pixels within the pane) in the picture's world, mm. */
  worldAt(place: Flat): Vec {
    return this.#viewport.canvasToWorld(place);
  }

  placeOf(world: readonly number[]): Flat {
    return this.#viewport.worldToCanvas(world as Vec);
  }

  placeAt(share: readonly [number, number]): Flat | null {
    const world = this.#plane()?.at([...share]);
    return world ? this.placeOf(world) : null;
  }

  get camera(): { viewPlaneNormal: Vec; viewUp: Vec } {
    const { viewPlaneNormal, viewUp } = this.#viewport.getCamera();
    return { viewPlaneNormal: viewPlaneNormal as Vec, viewUp: viewUp as Vec };
  }

  #plane(): { at: (share: Flat) => Vec; share: (world: Vec) => Flat } | null {
    // Nothing to speak of before the first picture, whatever the types say.
    const data = this.#viewport.getImageData() as Measured | undefined;
    if (!data) return null;
    const { origin, direction, spacing, dimensions } = data;
    const axis = (from: 0 | 3): Vec => [
      direction[from],
      direction[from + 1] ?? 0,
      direction[from + 2] ?? 0,
    ];
    const axes = [axis(0), axis(3)] as const;
    const at = (share: Flat): Vec =>
      [0, 1, 2].map(
        (k) =>
          (origin[k] ?? 0) +
          [0, 1].reduce(
            (sum, n) =>
              sum +
              ((share[n] ?? 0) * (dimensions[n] ?? 1) - 0.5) *
                (spacing[n] ?? 1) *
                (axes[n]?.[k] ?? 0),
            0,
          ),
      ) as Vec;
    const share = (world: Vec): Flat =>
      [0, 1].map((n) => {
        const along = [0, 1, 2].reduce(
          (sum, k) => sum + ((world[k] ?? 0) - (origin[k] ?? 0)) * (axes[n]?.[k] ?? 0),
          0,
        );
        return (along / (spacing[n] ?? 1) + 0.5) / (dimensions[n] ?? 1);
      }) as Flat;
    return { at, share };
  }

  /** 1: the whole picture fits. Cornerstone's own zoom is another thing without WebGL. */
  get #zoom(): number {
    const data = this.#viewport.getImageData() as Measured | undefined;
    if (!data) return 1;
    const { clientWidth, clientHeight } = this.element;
    const { dimensions, spacing } = data;
    const fit = Math.min(
      clientWidth / (dimensions[0] * spacing[0]),
      clientHeight / (dimensions[1] * spacing[1]),
    );
    const [from, to] = [this.worldAt([0, 0]), this.worldAt([STEP, 0])];
    const mm = Math.hypot(...to.map((value, k) => value - (from[k] ?? 0)));
    const zoom = STEP / mm / fit;
    return Number.isFinite(zoom) && zoom > 0 ? zoom : 1;
  }

  set #zoom(zoom: number) {
    this.#viewport.setZoom((this.#viewport.getZoom() * zoom) / this.#zoom);
  }

  get #middle(): Flat {
    return [this.element.clientWidth / 2, this.element.clientHeight / 2];
  }

  #centre(): number[] {
    return this.#plane()?.share(this.worldAt(this.#middle)) ?? [0.5, 0.5];
  }

  #moveCentre(centre: readonly number[]): void {
    const world = this.#plane()?.at([centre[0] ?? 0.5, centre[1] ?? 0.5]);
    if (!world) return;
    if (getShouldUseCPURendering()) {
      // Drawn by the processor, a pan that is read is no pan that can be set.
      this.#viewport.setCamera({ focalPoint: world });
      return;
    }
    const place = this.placeOf(world);
    const [x, y] = this.#viewport.getPan();
    const [middleX, middleY] = this.#middle;
    this.#viewport.setPan([x + middleX - place[0], y + middleY - place[1]]);
  }
}

/**
 * Without WebGL Cornerstone takes the corner of a pixel for its middle, where DICOM places it: marks
 * would lie half a pixel beside what they mark, and a value be read from the pixel beyond.
 */
function placedByMiddles(viewport: StackViewport): void {
  const { canvasToWorld, worldToCanvas } = viewport;
  let image: unknown = null;
  let pixel: Vec = [0, 0, 0]; // from a pixel to the next one across and down
  const moved = (world: Vec, by: number): Vec => {
    const shown: unknown = viewport.getCornerstoneImage();
    if (image !== shown) {
      const data = viewport.getImageData() as Measured | undefined;
      if (!data) return world; // nothing to speak of before the first picture
      const [across, down] = data.spacing;
      image = shown;
      pixel = [0, 1, 2].map(
        (k) => (data.direction[k] ?? 0) * across + (data.direction[3 + k] ?? 0) * down,
      ) as Vec;
    }
    return world.map((value, k) => value + by * (pixel[k] ?? 0)) as Vec;
  };
  viewport.canvasToWorld = (place) => moved(canvasToWorld(place), -0.5);
  viewport.worldToCanvas = (world) => worldToCanvas(moved(world, 0.5));
}
