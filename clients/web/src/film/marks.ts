/**
 * Measurements and key images: Cornerstone's annotations on one side, the room's marks on the
 * other. What comes from the room is not sent back: while it is applied, nothing is heard.
 */

import { eventTarget } from "@cornerstonejs/core";
import { annotation as annotations, Enums, utilities, type Types } from "@cornerstonejs/tools";

import type { FilmMark } from "../protocol/messages";
import type { SharedFilm } from "../state/film";
import type { World } from "./drawing";
import { Engine, MARK_TOOLS, markToolOf, textBeside, toolNameOf } from "./engine";
import { figureOf, type KeptFigure, type KeptPlace } from "./keeping";
import { placeOfUrl } from "./places";
import type { Stack } from "./stack";
import { normalOf, type Series } from "./study";
import { numbers, TAG } from "./tags";

type Annotation = Types.Annotation;

export interface MarksNeeds {
  /** Whether what is drawn now goes to the room. */
  sharing(): boolean;
  /** The series that are open in a pane, and the stacks that show them. */
  stacks(): readonly Stack[];
  changed(): void;
}

const { ANNOTATION_ADDED, ANNOTATION_COMPLETED, ANNOTATION_MODIFIED, ANNOTATION_REMOVED } =
  Enums.Events;
const HEARD = [ANNOTATION_ADDED, ANNOTATION_COMPLETED, ANNOTATION_MODIFIED];

/** Mark ids of key images say which picture they mean: to mark it twice is to mark it once. */
function keyUid(instance: string, frame: number): string {
  return `k${frame}-${instance}`.slice(0, 64);
}

export class Marks {
  readonly #marks = new Map<string, FilmMark>();
  #revisions = new Map<string, number>();
  readonly #lastBy = new Map<string, string>(); // whose change of a mark is on the screen
  #applying = false;
  readonly #end: () => void;

  constructor(
    private readonly shared: SharedFilm | null,
    private readonly needs: MarksNeeds,
  ) {
    for (const name of HEARD) eventTarget.addEventListener(name, this.#drawn);
    eventTarget.addEventListener(ANNOTATION_REMOVED, this.#removed);
    this.#end = shared?.marks.subscribe(() => this.take()) ?? (() => undefined);
    this.take();
  }

  close(): void {
    for (const name of HEARD) eventTarget.removeEventListener(name, this.#drawn);
    eventTarget.removeEventListener(ANNOTATION_REMOVED, this.#removed);
    this.#end();
    annotations.state.removeAllAnnotations();
  }

  // --- what is drawn here ---

  readonly #drawn = (event: Event): void => {
    if (this.#applying) return;
    const { annotation } = (event as CustomEvent<{ annotation: Annotation }>).detail;
    const mark = markOf(annotation);
    // Figures are worked out later, also those of a mark that the room has moved: that is no news,
    // and told to the room it would take the mark back to where it was then.
    if (mark && !sameEnds(mark, this.#marks.get(mark.uid))) this.#put(mark);
  };

  readonly #removed = (event: Event): void => {
    if (this.#applying) return;
    const { annotation } = (event as CustomEvent<{ annotation: Annotation }>).detail;
    const mark = this.#marks.get(annotation.annotationUID ?? "");
    if (mark) this.#put({ ...mark, removed: true });
  };

  #put(mark: FilmMark): void {
    if (mark.removed) this.#marks.delete(mark.uid);
    else this.#marks.set(mark.uid, mark);
    this.#lastBy.set(mark.uid, this.shared?.self ?? "");
    if (this.needs.sharing()) this.shared?.mark(mark);
    this.needs.changed();
  }

  // --- what comes from the room ---

  /** Brings the panes up to what the room has; what is not on the screen waits. */
  take(): void {
    const theirs = this.shared?.marks.value ?? new Map<string, never>();
    for (const [uid, revision] of this.#revisions) {
      if (theirs.has(uid) || revision === 0) continue;
      this.#revisions.delete(uid);
      this.#lastBy.delete(uid);
      this.#marks.delete(uid);
      this.#quietly(() => annotations.state.removeAnnotation(uid));
    }
    for (const { mark, revision, by } of theirs.values()) {
      if (revision <= (this.#revisions.get(mark.uid) ?? 0)) continue;
      this.#revisions.set(mark.uid, revision);
      // One's own comes back older than one's hand is by now; unless another's came in between.
      if (by === this.shared?.self && this.#lastBy.get(mark.uid) === by) continue;
      this.#lastBy.set(mark.uid, by);
      this.#marks.set(mark.uid, mark);
      this.#quietly(() => this.#move(mark));
    }
    this.#quietly(() => this.#draw());
    this.needs.changed();
  }

  #quietly(change: () => void): void {
    this.#applying = true;
    try {
      change();
    } finally {
      this.#applying = false;
    }
  }

  #move(mark: FilmMark): void {
    const drawn = annotations.state.getAnnotation(mark.uid) as Annotation | undefined;
    if (!drawn?.data.handles) return;
    drawn.data.handles.points = mark.points.map(world);
    drawn.invalidated = true;
  }

  /** Draws the marks that belong to a series on the screen and are not drawn yet. */
  #draw(): void {
    for (const stack of this.needs.stacks()) {
      for (const mark of this.#marks.values()) {
        if (mark.series !== stack.series?.uid || mark.tool === "key_image") continue;
        if (annotations.state.getAnnotation(mark.uid) as Annotation | undefined) continue;
        const made = annotationOf(mark, stack.series);
        if (made) annotations.state.addAnnotation(made, stack.element);
      }
      utilities.triggerAnnotationRenderForViewportIds([stack.id]);
    }
  }

  // --- for the viewer ---

  count(series: Series): number {
    return [...this.#marks.values()].filter(
      (mark) => mark.series === series.uid && mark.tool !== "key_image",
    ).length;
  }

  erase(series: Series): void {
    for (const mark of [...this.#marks.values()]) {
      if (mark.series !== series.uid || mark.tool === "key_image") continue;
      this.#put({ ...mark, removed: true });
      this.#quietly(() => annotations.state.removeAnnotation(mark.uid));
    }
    this.#quietly(() => this.#draw());
  }

  isKey(instance: string, frame: number): boolean {
    return this.#marks.has(keyUid(instance, frame));
  }

  /** The key images of each series, as OBJECT/FRAME. */
  keys(): ReadonlyMap<string, ReadonlySet<string>> {
    const found = new Map<string, Set<string>>();
    for (const { tool, series, instance, frame } of this.#marks.values()) {
      if (tool !== "key_image") continue;
      found.set(series, (found.get(series) ?? new Set()).add(`${instance}/${frame}`));
    }
    return found;
  }

  /** The series of a study in which something is measured. */
  measuredSeries(study: string): string[] {
    const found = [...this.#marks.values()].filter(
      (mark) => mark.study === study && mark.tool !== "key_image",
    );
    return [...new Set(found.map(({ series }) => series))];
  }

  /** What is measured in a series, in its pictures' own pixels, and what stands beside it. */
  figures(series: Series): KeptFigure[] {
    return [...this.#marks.values()].flatMap((mark) => {
      const tool = MARK_TOOLS.find((each) => each === mark.tool);
      const picture = series.pictures.find(
        ({ instance, frame }) => instance === mark.instance && frame === mark.frame,
      );
      if (mark.series !== series.uid || !tool || !picture) return [];
      const pixel = Engine.pixels(picture);
      const drawn = annotations.state.getAnnotation(mark.uid) as Annotation | undefined;
      const text = drawn ? textBeside(tool, drawn.data) : "";
      const at = text ? drawn?.data.handles?.textBox?.worldPosition : undefined;
      const points = mark.points.flatMap((point) => {
        const found = pixel(world(point));
        return found ? [found] : [];
      });
      if (points.length < mark.points.length) return []; // drawn across the pictures
      return [figureOf({ ...mark, tool }, points, text, at ? pixel(world(at)) : null)];
    });
  }

  measurements(study: string): number {
    return [...this.#marks.values()].filter(
      (mark) => mark.study === study && mark.tool !== "key_image",
    ).length;
  }

  /** The key images of a study. */
  keyPlaces(study: string): KeptPlace[] {
    return [...this.#marks.values()]
      .filter((mark) => mark.study === study && mark.tool === "key_image")
      .map(({ instance, frame }) => ({ instance, frame }));
  }

  toggleKey(at: Omit<FilmMark, "uid" | "tool" | "points" | "removed">): void {
    const uid = keyUid(at.instance, at.frame);
    this.#put({ ...at, uid, tool: "key_image", points: [], removed: this.#marks.has(uid) });
  }
}

function sameEnds(mark: FilmMark, known: FilmMark | undefined): boolean {
  return known !== undefined && String(mark.points) === String(known.points);
}

function world(point: readonly number[]): World {
  return [point[0] ?? 0, point[1] ?? 0, point[2] ?? 0];
}

/** Null for what is none of ours, or not on a picture that we know. */
function markOf(annotation: Annotation): FilmMark | null {
  const { annotationUID: uid, metadata, data } = annotation;
  const tool = markToolOf(metadata?.toolName ?? "");
  const place = placeOfUrl(metadata?.referencedImageId ?? "");
  const points = data.handles?.points;
  if (!uid || !metadata || !tool || !place || !points) return null;
  return {
    ...place,
    uid,
    tool,
    frame_of_reference: (metadata.FrameOfReferenceUID ?? "").slice(0, 64),
    points: points.map((point) => world(point)),
    removed: false,
  };
}

/** As Cornerstone would have made it; null when the picture has not arrived here. */
function annotationOf(mark: FilmMark, series: Series): Annotation | null {
  const picture = series.pictures.find(
    ({ instance, frame }) => instance === mark.instance && frame === mark.frame,
  );
  const tool = MARK_TOOLS.find((each) => each === mark.tool);
  if (!picture || !tool) return null;
  const turned = numbers(picture.data, TAG.ImageOrientationPatient);
  const normal = normalOf(picture.data) ?? [0, 0, 1];
  const down = turned.length === 6 ? turned.slice(3) : [0, 1, 0];
  const back = (vector: readonly number[]): World => world(vector.map((value) => -value));
  return {
    annotationUID: mark.uid,
    highlighted: false,
    isLocked: false,
    isVisible: true,
    invalidated: true,
    metadata: {
      toolName: toolNameOf(tool),
      FrameOfReferenceUID: mark.frame_of_reference,
      referencedImageId: Engine.imageId(picture),
      viewPlaneNormal: back(normal),
      viewUp: back(down),
    },
    data: {
      label: "",
      cachedStats: {},
      handles: {
        points: mark.points.map(world),
        activeHandleIndex: null,
        textBox: {
          hasMoved: false,
          worldPosition: [0, 0, 0],
          worldBoundingBox: {
            topLeft: [0, 0, 0],
            topRight: [0, 0, 0],
            bottomLeft: [0, 0, 0],
            bottomRight: [0, 0, 0],
          },
        },
      },
    },
  };
}
