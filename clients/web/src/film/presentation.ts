/**
 * Presentation states (PS3.3 A.33) and key objects (A.35.4) as the viewer uses them. They come from
 * anywhere: what is too much or makes no sense is left out. Pure logic.
 */

import type { Look } from "./look";
import { windowOf } from "./presets";
import { lookAt, type Area, type Size } from "./region";
import { items, number, numbers, personName, TAG, text, type DicomJson, type Tag } from "./tags";

const STATES = 200; // of a study
const IMAGES = 5000; // of a state
const FIGURES = 1000;
const POINTS = 4000; // of a figure
const LETTERS = 2000; // of a text
const ARC = 48; // corners of what is round

export type Pixel = readonly [column: number, row: number];

/** A line to draw, and what is written at some place. One without points is text alone. */
export interface Figure {
  readonly on: Reference | null; // null: all pictures of the state
  readonly points: readonly Pixel[];
  readonly text: readonly string[];
  readonly at: Pixel | null;
}

/** An object, and which of its frames; none means all. */
export interface Reference {
  readonly instance: string;
  readonly frames: readonly number[];
}

interface Of<T> {
  readonly on: readonly Reference[]; // none: all pictures of the state
  readonly is: T;
}

export interface State {
  readonly label: string;
  readonly title: string;
  readonly who: string;
  readonly date: string;
  readonly time: string;
  readonly series: string; // its own
  readonly images: readonly (Reference & { series: string })[];
  readonly areas: readonly Of<Area>[];
  readonly windows: readonly Of<readonly [number, number]>[]; // centre, width
  readonly rotation: number;
  readonly flip: boolean;
  readonly inverse: boolean | null; // null: in colour
  readonly figures: readonly Figure[];
}

/** What was kept at one time: the states of its panes, and of what was marked elsewhere. */
export interface SavedView {
  readonly id: string;
  readonly title: string;
  readonly who: string;
  readonly date: string;
  readonly time: string;
  readonly panes: readonly State[];
  readonly states: readonly State[];
}

const SOP = "1.2.840.10008.5.1.4.1.1.";
const STATE_CLASSES = new Set([`${SOP}11.1`, `${SOP}11.2`]); // grey, colour
const KEY_OBJECTS = `${SOP}88.59`;
// PS3.16 CID 7010: these name what nobody shall look at.
const REJECTED = new Set(["113001", "113037", "113038", "113039"]);
const MARKED = "MARKS"; // our own label for what was on no pane

function references(item: DicomJson, tag: Tag = TAG.ReferencedImageSequence): Reference[] {
  return items(item, tag)
    .slice(0, IMAGES)
    .map((one) => ({
      instance: text(one, TAG.ReferencedSOPInstanceUID),
      frames: numbers(one, TAG.ReferencedFrameNumber),
    }))
    .filter(({ instance }) => instance !== "");
}

export function concerns(on: Reference, instance: string, frame: number): boolean {
  return on.instance === instance && (on.frames.length === 0 || on.frames.includes(frame));
}

function areaIn(item: DicomJson): Area | null {
  const [x, y] = numbers(item, TAG.DisplayedAreaTopLeftHandCorner);
  const [u, v] = numbers(item, TAG.DisplayedAreaBottomRightHandCorner);
  if (x === undefined || y === undefined || u === undefined || v === undefined) return null;
  return [Math.min(x, u) - 1, Math.min(y, v) - 1, Math.max(x, u), Math.max(y, v)];
}

function windowIn(item: DicomJson): readonly [number, number] | null {
  const centre = number(item, TAG.WindowCenter);
  const width = number(item, TAG.WindowWidth);
  return centre === null || width === null || width < 1 ? null : [centre, width];
}

function each<T>(data: DicomJson, tag: Tag, read: (item: DicomJson) => T | null): Of<T>[] {
  return items(data, tag)
    .slice(0, IMAGES)
    .flatMap((item) => {
      const is = read(item);
      return is === null ? [] : [{ on: references(item), is }];
    });
}

/** From a place in the displayed area, 0 to 1, to the picture: the area is turned and mirrored. */
function shareOf(area: Area, rotation: number, flip: boolean): (share: Pixel) => Pixel {
  const [left, top, right, bottom] = area;
  return ([across, down]) => {
    const x = flip ? 1 - across : across;
    const turned: Record<number, Pixel> = {
      90: [down, 1 - x],
      180: [1 - x, 1 - down],
      270: [1 - down, x],
    };
    const [column, row] = turned[rotation] ?? [x, down];
    return [left + column * (right - left), top + row * (bottom - top)];
  };
}

type ToPixel = (units: string, x: number | undefined, y: number | undefined) => Pixel | null;

function pairs(values: readonly number[], units: string, toPixel: ToPixel): Pixel[] {
  const found: Pixel[] = [];
  for (let at = 0; at + 1 < values.length && found.length < POINTS; at += 2) {
    const pixel = toPixel(units, values[at], values[at + 1]);
    if (pixel) found.push(pixel);
  }
  return found;
}

/** Around a middle, with two half axes. */
function round(middle: Pixel, a: Pixel, b: Pixel): Pixel[] {
  return Array.from({ length: ARC + 1 }, (_, n) => {
    const at = (2 * Math.PI * n) / ARC;
    const along = (of: 0 | 1): number => middle[of] + a[of] * Math.cos(at) + b[of] * Math.sin(at);
    return [along(0), along(1)];
  });
}

/** The line through what PS3.3 C.10.5.1.2 gives of a figure; a point is a small cross. */
function lineOf(type: string, given: readonly Pixel[]): Pixel[] {
  const [first, second, third, fourth] = given;
  if (!first) return [];
  if (type === "POINT") return [first];
  if (type === "CIRCLE" && second) {
    const radius = Math.hypot(second[0] - first[0], second[1] - first[1]);
    return round(first, [radius, 0], [0, radius]);
  }
  if (type === "ELLIPSE" && second && third && fourth) {
    const half = (from: Pixel, to: Pixel): Pixel => [(to[0] - from[0]) / 2, (to[1] - from[1]) / 2];
    const middle: Pixel = [(first[0] + second[0]) / 2, (first[1] + second[1]) / 2];
    return round(middle, half(first, second), half(third, fourth));
  }
  return type === "POLYLINE" || type === "INTERPOLATED" ? [...given] : [];
}

function figuresIn(data: DicomJson, toPixel: ToPixel): Figure[] {
  const figures: Figure[] = [];
  for (const item of items(data, TAG.GraphicAnnotationSequence).slice(0, FIGURES)) {
    const on = references(item);
    const lines = items(item, TAG.GraphicObjectSequence)
      .slice(0, FIGURES)
      .map((graphic) => {
        const units = text(graphic, TAG.GraphicAnnotationUnits);
        const given = pairs(numbers(graphic, TAG.GraphicData), units, toPixel);
        return lineOf(text(graphic, TAG.GraphicType), given);
      })
      .filter((points) => points.length > 0);
    const texts = items(item, TAG.TextObjectSequence)
      .slice(0, FIGURES)
      .map((object) => {
        const [x, y] = numbers(object, TAG.AnchorPoint);
        const [left, top] = numbers(object, TAG.BoundingBoxTopLeftHandCorner);
        return {
          text: text(object, TAG.UnformattedTextValue)
            .slice(0, LETTERS)
            .split(/\r\n|\r|\n/),
          at:
            toPixel(text(object, TAG.AnchorPointAnnotationUnits), x, y) ??
            toPixel(text(object, TAG.BoundingBoxAnnotationUnits), left, top),
        };
      })
      .filter((one) => one.at !== null && one.text.some(Boolean));
    const drawn = [
      ...lines.map((points) => ({ points, text: [] as string[], at: null })),
      ...texts.map((one) => ({ points: [], ...one })),
    ];
    for (const one of drawn) {
      for (const picture of on.length ? on : [null]) {
        if (figures.length >= FIGURES) return figures;
        figures.push({ on: picture, ...one });
      }
    }
  }
  return figures;
}

function stateOf(data: DicomJson): State {
  const quarters = Math.round((number(data, TAG.ImageRotation) ?? 0) / 90);
  const rotation = (((quarters % 4) + 4) % 4) * 90;
  const flip = text(data, TAG.ImageHorizontalFlip) === "Y";
  const areas = each(data, TAG.DisplayedAreaSelectionSequence, areaIn);
  const share = areas[0] && shareOf(areas[0].is, rotation, flip);
  const toPixel: ToPixel = (units, x, y) => {
    if (x === undefined || y === undefined) return null;
    if (units === "PIXEL") return [x, y];
    return units === "DISPLAY" && share ? share([x, y]) : null;
  };
  const images = items(data, TAG.ReferencedSeriesSequence)
    .slice(0, IMAGES)
    .flatMap((item) => {
      const series = text(item, TAG.SeriesInstanceUID);
      return references(item).map((reference) => ({ ...reference, series }));
    })
    .slice(0, IMAGES);
  const label = text(data, TAG.ContentLabel);
  const shape = text(data, TAG.PresentationLUTShape);
  return {
    label,
    title: text(data, TAG.ContentDescription) || text(data, TAG.SeriesDescription),
    who: personName(data, TAG.ContentCreatorName),
    date: text(data, TAG.PresentationCreationDate),
    time: text(data, TAG.PresentationCreationTime),
    series: text(data, TAG.SeriesInstanceUID),
    images,
    areas,
    windows: each(data, TAG.SoftcopyVOILUTSequence, windowIn),
    rotation,
    flip,
    inverse: shape === "" ? null : shape === "INVERSE",
    figures: figuresIn(data, toPixel),
  };
}

/** The views that objects of a study keep, the latest first. */
export function savedViews(objects: readonly DicomJson[]): SavedView[] {
  const together = new Map<string, State[]>();
  const found = objects
    .filter((data) => STATE_CLASSES.has(text(data, TAG.SOPClassUID)))
    .slice(0, STATES);
  for (const data of found) {
    const state = stateOf(data);
    if (state.images.length === 0) continue;
    const { series, title, date, time } = state;
    const id = [series, title, date, time].join(" ");
    together.set(id, [...(together.get(id) ?? []), state]);
  }
  return [...together.entries()]
    .flatMap(([id, states]) => {
      const [first] = states;
      if (!first) return [];
      const panes = states.filter(({ label }) => label !== MARKED);
      const { who, date, time } = first;
      return [
        {
          id,
          title: first.title || first.label,
          who,
          date,
          time,
          states,
          panes: panes.length ? panes : [first],
        },
      ];
    })
    .sort((a, b) => `${b.date}${b.time}`.localeCompare(`${a.date}${a.time}`));
}

/** In which series each object is that a document speaks of (PS3.3 C.17.2). */
function seriesIn(data: DicomJson): Map<string, string> {
  const found = new Map<string, string>();
  for (const study of items(data, TAG.CurrentRequestedProcedureEvidenceSequence)) {
    for (const series of items(study, TAG.ReferencedSeriesSequence)) {
      const uid = text(series, TAG.SeriesInstanceUID);
      for (const { instance } of references(series, TAG.ReferencedSOPSequence)) {
        found.set(instance, uid);
      }
    }
  }
  return found;
}

/** The pictures that documents call key images. */
export function keyReferences(objects: readonly DicomJson[]): (Reference & { series: string })[] {
  return objects
    .filter((data) => text(data, TAG.SOPClassUID) === KEY_OBJECTS)
    .slice(0, STATES)
    .filter((data) => {
      const title = items(data, TAG.ConceptNameCodeSequence)[0];
      return !title || !REJECTED.has(text(title, TAG.CodeValue));
    })
    .flatMap((data) => {
      const series = seriesIn(data);
      return items(data, TAG.ContentSequence)
        .filter((item) => text(item, TAG.ValueType) === "IMAGE")
        .flatMap((item) => references(item, TAG.ReferencedSOPSequence))
        .map((one) => ({ ...one, series: series.get(one.instance) ?? "" }));
    })
    .slice(0, IMAGES);
}

function holds<T>(found: readonly Of<T>[], instance: string, frame: number): T | undefined {
  const on = found.find((one) => one.on.some((each) => concerns(each, instance, frame)));
  return (on ?? found.find((one) => one.on.length === 0))?.is;
}

/** How a picture is to be looked at in a pane of that size. */
export function lookIn(
  state: State,
  picture: { instance: string; frame: number; data: DicomJson },
  pane: Size,
): Look {
  const { instance, frame, data } = picture;
  const area = holds(state.areas, instance, frame);
  const window = holds(state.windows, instance, frame);
  const voi = window && windowOf(...window);
  return {
    ...(area ? lookAt(area, state.rotation, data, pane) : { zoom: 1, centre: [0.5, 0.5] }),
    rotation: state.rotation,
    flip_h: state.flip,
    flip_v: false,
    voi: voi ? [voi.lower, voi.upper] : null,
    invert: state.inverse ?? false,
  };
}

/** What a view has drawn on a picture. */
export function figuresOn(view: SavedView, instance: string, frame: number): Figure[] {
  return view.states.flatMap((state) =>
    state.figures.filter(({ on }) =>
      on
        ? concerns(on, instance, frame)
        : state.images.some((image) => concerns(image, instance, frame)),
    ),
  );
}
