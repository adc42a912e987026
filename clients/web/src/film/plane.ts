/**
 * One plane through a series, drawn by Cornerstone's volume viewport. The invariant: the plane
 * goes through where the block's planes meet, whoever moved last, this one or another.
 */

import { Enums, type VolumeViewport } from "@cornerstonejs/core";

import { Block } from "./block";
import type { Cut, Drawing, DrawingNews, Place, World } from "./drawing";
import { EVENT, VIEWPORT, type Engine } from "./engine";
import { FIRST_LOOK, type Look } from "./look";
import type { Window } from "./presets";
import type { Picture, Series } from "./study";

type Camera = Record<"focalPoint" | "position" | "viewPlaneNormal" | "viewUp", World>;

interface Extent {
  readonly from: World; // the corner at the top left, in the plane's own directions
  readonly wide: number; // mm
  readonly high: number;
}

const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, k) => sum + value * (b[k] ?? 0), 0);
const plus = (a: readonly number[], b: readonly number[], by: number): World =>
  [0, 1, 2].map((k) => (a[k] ?? 0) + by * (b[k] ?? 0)) as World;

let count = 0;

export class Plane implements Drawing, Cut {
  readonly stack = null;
  readonly cut = this;
  readonly id = `plane-${++count}`;
  readonly #viewport: VolumeViewport;
  #block: Block | null = null;
  #ready = false;
  #opening = 0;
  #drawing = false; // what is heard now comes from here
  #drawn = ""; // window, inversion and thickness that are on the screen
  #kept: Look | null = null; // as it was before the pane changed its size

  constructor(
    private readonly engine: Engine,
    readonly element: HTMLDivElement,
    readonly plane: Cut["plane"],
    private readonly news: DrawingNews,
  ) {
    const orientation = Enums.OrientationAxis[axisOf(plane)];
    engine.withGraphics(() =>
      engine.rendering.enableElement({
        viewportId: this.id,
        type: VIEWPORT.ORTHOGRAPHIC,
        element,
        defaultOptions: { background: [0, 0, 0], orientation },
      }),
    );
    this.#viewport = engine.rendering.getViewport<VolumeViewport>(this.id);
    engine.group.addViewport(this.id, engine.rendering.id);
    engine.stacks.add(this);
    element.addEventListener(EVENT.CAMERA_MODIFIED, this.#moved);
    element.addEventListener(EVENT.VOI_MODIFIED, this.#windowed);
  }

  close(): void {
    this.#opening += 1;
    this.element.removeEventListener(EVENT.CAMERA_MODIFIED, this.#moved);
    this.element.removeEventListener(EVENT.VOI_MODIFIED, this.#windowed);
    this.engine.stacks.delete(this);
    this.engine.group.removeViewports(this.engine.rendering.id, this.id);
    this.engine.rendering.disableElement(this.id);
    this.#block?.leave(this);
  }

  async open(series: Series): Promise<boolean> {
    const opening = ++this.#opening;
    const before = this.#block;
    const block = (this.#block = Block.of(series, this));
    this.#ready = false;
    this.#drawn = "";
    before?.leave(this);
    this.news.changed();
    try {
      await block.loaded;
      if (opening !== this.#opening) return false;
      await this.#viewport.setVolumes([{ volumeId: block.id }], false, true);
    } catch (error) {
      if (opening === this.#opening) this.news.failed(String(error));
      return false;
    }
    if (opening !== this.#opening) return false;
    this.#ready = true;
    this.#quietly(() => this.#viewport.resetCamera());
    this.#aim(FIRST_LOOK);
    this.changed();
    return true;
  }

  // --- what the planes have in common ---

  /** The block says: the planes meet elsewhere, or are drawn otherwise. */
  changed(): void {
    const block = this.#block;
    if (block && this.#ready) {
      this.#quietly(() => {
        this.#cutAt(block.focus);
        this.#draw(block);
      });
    }
    this.news.changed();
  }

  #cutAt(focus: World): void {
    const { focalPoint, position, viewPlaneNormal } = this.#camera();
    const away = dot(focus, viewPlaneNormal) - dot(focalPoint, viewPlaneNormal);
    if (Math.abs(away) < 1e-4) return; // the other planes need not be drawn again
    this.#viewport.setCamera({
      focalPoint: plus(focalPoint, viewPlaneNormal, away),
      position: plus(position, viewPlaneNormal, away),
    });
    this.#viewport.render();
  }

  #draw({ window: { lower, upper }, invert, thick }: Block): void {
    const wanted = `${lower} ${upper} ${invert} ${thick}`;
    if (this.#drawn === wanted) return;
    this.#drawn = wanted;
    const { MAXIMUM_INTENSITY_BLEND, COMPOSITE } = Enums.BlendModes;
    this.#viewport.setProperties({ voiRange: { lower, upper }, invert });
    this.#viewport.setBlendMode(thick > 0 ? MAXIMUM_INTENSITY_BLEND : COMPOSITE);
    this.#viewport.setSlabThickness(thick);
    this.#viewport.render();
  }

  #quietly(change: () => void): void {
    const before = this.#drawing;
    this.#drawing = true;
    try {
      change();
    } finally {
      this.#drawing = before;
    }
  }

  /** Scrolled, moved or zoomed by a tool. */
  readonly #moved = (): void => {
    const block = this.#block;
    if (this.#drawing || this.engine.resizing || !block || !this.#ready) return;
    this.#kept = this.look;
    const { focalPoint, viewPlaneNormal } = this.#camera();
    const away = dot(focalPoint, viewPlaneNormal) - dot(block.focus, viewPlaneNormal);
    if (Math.abs(away) < 1e-3) this.news.changed();
    else block.focus = plus(block.focus, viewPlaneNormal, away);
  };

  readonly #windowed = (): void => {
    const block = this.#block;
    if (this.#drawing || !block || !this.#ready) return;
    const voi = this.#viewport.getProperties()?.voiRange;
    if (voi) block.window = { lower: voi.lower, upper: voi.upper };
  };

  get focus(): World | null {
    return this.#ready ? (this.#block?.focus ?? null) : null;
  }

  set focus(focus: World | null) {
    if (focus && this.#block) this.#block.focus = focus;
  }

  get thick(): number {
    return this.#block?.thick ?? 0;
  }

  set thick(thick: number) {
    if (this.#block) this.#block.thick = thick;
  }

  get progress(): number | null {
    return this.#ready ? null : (this.#block?.progress ?? this.series?.pictures.length ?? null);
  }

  // --- as every drawing ---

  get series(): Series | null {
    return this.#block?.series ?? null;
  }

  get shown(): Picture | null {
    return this.#ready ? (this.#block?.nearest ?? null) : null;
  }

  get count(): number {
    return this.#ready ? this.#viewport.getNumberOfSlices() : 0;
  }

  get index(): number {
    return this.#ready ? this.#viewport.getSliceIndex() : 0;
  }

  set index(index: number) {
    if (!this.#ready) return;
    const wanted = Math.max(0, Math.min(this.count - 1, index));
    if (wanted !== this.index) this.#viewport.scroll(wanted - this.index);
  }

  get look(): Look {
    const block = this.#block;
    if (!block || !this.#ready) return FIRST_LOOK;
    const { lower, upper } = block.window;
    const { wide, high, from } = this.#extent();
    const { focalPoint } = this.#camera();
    const [right, down] = this.#axes();
    const at = plus(focalPoint, from, -1);
    return {
      ...FIRST_LOOK,
      zoom: this.#scale() / this.#fit(wide, high),
      centre: [dot(at, right) / wide, dot(at, down) / high],
      voi: [lower, upper],
      invert: block.invert,
    };
  }

  set look(look: Look) {
    const block = this.#block;
    if (!block || !this.#ready) return;
    this.#aim(look);
    const [lower, upper] = look.voi ?? [];
    if (lower !== undefined && upper !== undefined) block.window = { lower, upper };
    if (block.invert !== look.invert) block.invert = look.invert;
    this.news.changed();
  }

  /** What lies in the middle, and how large. */
  #aim(look: Look): void {
    const { wide, high, from } = this.#extent();
    const [right, down] = this.#axes();
    const { focalPoint, position, viewPlaneNormal } = this.#camera();
    const inPlane = plus(
      plus(from, right, (look.centre[0] ?? 0.5) * wide),
      down,
      (look.centre[1] ?? 0.5) * high,
    );
    const depth = dot(focalPoint, viewPlaneNormal) - dot(inPlane, viewPlaneNormal);
    const middle = plus(inPlane, viewPlaneNormal, depth);
    const back = dot(plus(position, focalPoint, -1), viewPlaneNormal);
    this.#quietly(() =>
      this.#viewport.setCamera({
        focalPoint: middle,
        position: plus(middle, viewPlaneNormal, back),
        parallelScale: this.element.clientHeight / 2 / (this.#fit(wide, high) * look.zoom),
      }),
    );
    this.#viewport.render();
    this.#kept = look;
  }

  window(window: Window | null): void {
    if (this.#block) this.#block.window = window;
  }

  autoWindow(): void {
    this.#block?.autoWindow();
  }

  reset(): void {
    const block = this.#block;
    if (!block) return;
    this.look = FIRST_LOOK;
    block.thick = 0;
    block.window = null;
  }

  resized(): void {
    this.engine.resize();
  }

  restore(): void {
    if (this.#kept) this.look = this.#kept;
  }

  worldAt(place: Place): World | null {
    return this.#ready ? this.#viewport.canvasToWorld(place) : null;
  }

  /** Null for what lies in another slice. */
  placeOf(world: readonly number[]): Place | null {
    if (!this.#ready) return null;
    const { focalPoint, viewPlaneNormal } = this.#camera();
    const apart = Math.abs(dot(world, viewPlaneNormal) - dot(focalPoint, viewPlaneNormal));
    if (apart > 1 + this.thick / 2) return null;
    return this.#viewport.worldToCanvas(world as World);
  }

  /** It is none of a single picture. */
  placeAt(): null {
    return null;
  }

  // --- the plane itself ---

  #camera(): Camera {
    return this.#viewport.getCamera() as Camera;
  }

  /** To the right and down on the screen. */
  #axes(): readonly [World, World] {
    const {
      viewUp: [a, b, c],
      viewPlaneNormal: [x, y, z],
    } = this.#camera();
    return [
      [b * z - c * y, c * x - a * z, a * y - b * x],
      [-a, -b, -c],
    ];
  }

  #extent(): Extent {
    const [right, down] = this.#axes();
    const corners = this.#block?.corners ?? [];
    const alongs = corners.map((corner) => dot(corner, right));
    const downs = corners.map((corner) => dot(corner, down));
    const [left, top] = [Math.min(...alongs), Math.min(...downs)];
    return {
      from: plus(plus([0, 0, 0], right, left), down, top),
      wide: Math.max(...alongs) - left,
      high: Math.max(...downs) - top,
    };
  }

  /** Pixels of the screen to a millimetre. */
  #scale(): number {
    return this.element.clientHeight / 2 / (this.#viewport.getCamera().parallelScale ?? 1);
  }

  #fit(wide: number, high: number): number {
    return Math.min(this.element.clientWidth / wide, this.element.clientHeight / high);
  }
}

function axisOf(plane: Cut["plane"]): "AXIAL" | "SAGITTAL" | "CORONAL" {
  return plane === "axial" ? "AXIAL" : plane === "sagittal" ? "SAGITTAL" : "CORONAL";
}
