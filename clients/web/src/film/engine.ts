/**
 * Cornerstone3D behind the little that the viewer needs of it: started once, tools registered, one
 * tool group for all panes. Loaded only when a study is opened: it is a megabyte.
 */

import {
  Enums,
  RenderingEngine,
  cache,
  getConfiguration,
  getRenderingCapabilities,
  init as startCore,
  metaData,
} from "@cornerstonejs/core";
import loader, { wadors } from "@cornerstonejs/dicom-image-loader";
import {
  AngleTool,
  EllipticalROITool,
  Enums as ToolEnums,
  LengthTool,
  PanTool,
  ProbeTool,
  StackScrollTool,
  ToolGroupManager,
  WindowLevelTool,
  ZoomTool,
  addTool,
  init as startTools,
} from "@cornerstonejs/tools";

import type { FilmTool } from "../protocol/messages";
import type { World } from "./drawing";
import { loadCoarseFirst, loadCompressed } from "./progressive";
import type { Picture } from "./study";

const ENGINE = "distal-film";
const GROUP = "distal-film";
const BESIDE_MM = 0.5; // what is drawn on a picture lies in its plane, but for rounding
const CACHE_BYTES = 1024 ** 3; // a large CT is 0.5 GB
const CACHE_BYTES_PHONE = 384e6; // phones throw pages away beyond a gigabyte

/** What dragging on a picture does. `cross` moves the place where the planes meet. */
export type DragTool =
  "scroll" | "window" | "zoom" | "pan" | "cross" | Exclude<FilmTool, "key_image">;

const nameOf = ({ toolName }: { toolName: string }): string => toolName;
const NAMES: Record<Exclude<DragTool, "cross">, string> = {
  scroll: nameOf(StackScrollTool),
  window: nameOf(WindowLevelTool),
  zoom: nameOf(ZoomTool),
  pan: nameOf(PanTool),
  length: LengthTool.toolName,
  angle: AngleTool.toolName,
  ellipse: EllipticalROITool.toolName,
  probe: ProbeTool.toolName,
};
export const MARK_TOOLS = ["length", "angle", "ellipse", "probe"] as const;

/** The mark tool of a Cornerstone annotation; null for what is none of ours. */
export function markToolOf(toolName: string): (typeof MARK_TOOLS)[number] | null {
  return MARK_TOOLS.find((tool) => NAMES[tool] === toolName) ?? null;
}

export function toolNameOf(tool: keyof typeof NAMES): string {
  return NAMES[tool];
}

type Metadata = Parameters<typeof wadors.metaDataManager.add>[1];
type ToolGroup = NonNullable<ReturnType<typeof ToolGroupManager.createToolGroup>>;

export class Engine {
  readonly rendering: RenderingEngine;
  readonly group: ToolGroup;
  readonly stacks = new Set<{ restore(): void }>();
  resizing = false;
  #frame = 0;

  /** Whether it can cut: not without WebGL. */
  get cuts(): boolean {
    return getRenderingCapabilities().webgl;
  }

  /** Volumes are drawn by WebGL alone, also where stacks are drawn faster without. */
  withGraphics(enable: () => void): void {
    const { rendering } = getConfiguration();
    if (!rendering) {
      enable();
      return;
    }
    const before = rendering.useCPURendering ?? false;
    rendering.useCPURendering = false;
    try {
      enable();
    } finally {
      rendering.useCPURendering = before;
    }
  }

  constructor() {
    this.rendering = new RenderingEngine(ENGINE);
    const group = ToolGroupManager.createToolGroup(GROUP);
    if (!group) throw new Error("a tool group of this name exists");
    this.group = group;
    for (const tool of [
      StackScrollTool,
      WindowLevelTool,
      ZoomTool,
      PanTool,
      LengthTool,
      AngleTool,
      EllipticalROITool,
      ProbeTool,
    ]) {
      addTool(tool);
      group.addTool(nameOf(tool));
    }
    this.use("scroll");
  }

  /** Some pane has another size. One call fits all of them, and takes every camera back. */
  resize(): void {
    if (this.#frame) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.resizing = true;
      try {
        this.rendering.resize(true, false);
      } finally {
        this.resizing = false;
      }
      for (const stack of this.stacks) stack.restore();
    });
  }

  /** What the left button, or one finger, does. The others stay: middle pans, right zooms. */
  use(tool: DragTool): void {
    const { MouseBindings, KeyboardBindings } = ToolEnums;
    const bindings: Record<string, object[]> = {
      [NAMES.pan]: [{ mouseButton: MouseBindings.Auxiliary }],
      [NAMES.zoom]: [{ mouseButton: MouseBindings.Secondary }, { numTouchPoints: 2 }],
      [NAMES.window]: [{ mouseButton: MouseBindings.Primary, modifierKey: KeyboardBindings.Shift }],
      [NAMES.scroll]: [{ mouseButton: MouseBindings.Wheel }],
    };
    if (tool !== "cross") {
      (bindings[NAMES[tool]] ??= []).push({ mouseButton: MouseBindings.Primary });
    }
    for (const name of Object.values(NAMES)) {
      const wanted = bindings[name];
      // A tool keeps its older bindings unless it is disabled in between.
      this.group.setToolPassive(name, { removeAllBindings: true });
      if (wanted) this.group.setToolActive(name, { bindings: wanted });
    }
  }

  /** Cornerstone's name of a picture; its metadata are known from then on. */
  static imageId(picture: Picture): string {
    const imageId = `wadors:${location.origin}${picture.url}`;
    wadors.metaDataManager.add(imageId, picture.data as Metadata);
    loadCoarseFirst(imageId, picture.data);
    return imageId;
  }

  /** From the world to a picture's columns and rows, 0 at its outer edge; null beside its plane. */
  static pixels(picture: Picture): (world: World) => [number, number] | null {
    const plane = metaData.get("imagePlaneModule", Engine.imageId(picture)) as PlaneModule;
    const origin = plane.imagePositionPatient ?? [0, 0, 0];
    const across = plane.rowCosines ?? [1, 0, 0];
    const down = plane.columnCosines ?? [0, 1, 0];
    return (world) => {
      const from = world.map((value, k) => value - (origin[k] ?? 0));
      const along = (axis: readonly number[]): number =>
        axis.reduce((sum, of, k) => sum + of * (from[k] ?? 0), 0);
      const [x, y] = [along(across), along(down)];
      const apart = Math.hypot(
        ...from.map((d, k) => d - x * (across[k] ?? 0) - y * (down[k] ?? 0)),
      );
      if (apart > BESIDE_MM) return null;
      return [x / (plane.columnPixelSpacing ?? 1) + 0.5, y / (plane.rowPixelSpacing ?? 1) + 0.5];
    };
  }
}

interface PlaneModule {
  imagePositionPatient: number[] | null;
  rowCosines: number[] | null;
  columnCosines: number[] | null;
  columnPixelSpacing: number | null;
  rowPixelSpacing: number | null;
}

/** The lines that a tool has written beside what it measured; empty before it has. */
export function textBeside(
  tool: (typeof MARK_TOOLS)[number],
  data: { cachedStats?: object },
): string {
  const target = Object.keys(data.cachedStats ?? {})[0];
  if (target === undefined) return "";
  const made = ToolGroupManager.getToolGroup(GROUP)?.getToolInstance(NAMES[tool]) as
    | { configuration: { getTextLines(data: object, target: string): string[] | undefined } }
    | undefined;
  return (made?.configuration.getTextLines(data, target) ?? []).join("\n");
}

let starting: Promise<Engine> | null = null;

/** The one engine of this page. Where the processor has to emulate WebGL, stacks do without. */
export function startEngine(): Promise<Engine> {
  starting ??= Promise.resolve().then(() => {
    const { softwareRasterizer } = getRenderingCapabilities(); // ten times as slow
    startCore({ rendering: { useCPURendering: softwareRasterizer } } as Parameters<
      typeof startCore
    >[0]);
    startTools();
    loader.init({
      maxWebWorkers: Math.min(4, Math.max(1, (navigator.hardwareConcurrency || 2) - 1)),
    });
    loadCompressed();
    const phone = matchMedia("(pointer: coarse)").matches;
    cache.setMaxCacheSize(phone ? CACHE_BYTES_PHONE : CACHE_BYTES);
    return new Engine();
  });
  starting.catch(() => (starting = null));
  return starting;
}

export const VIEWPORT = Enums.ViewportType;
export const EVENT = Enums.Events;
