/** Saved views are read as they were written: saved.json is what the server makes of sessions. */

import { describe, expect, it } from "vitest";

import { figureOf, keptPaneOf, type KeptFigure, type KeptSession } from "../src/film/keeping";
import { FIRST_LOOK, sameLook, type Look } from "../src/film/look";
import {
  figuresOn,
  keyReferences,
  lookIn,
  savedViews,
  type Pixel,
  type SavedView,
} from "../src/film/presentation";
import { areaOf, lookAt, turnOf, type Size } from "../src/film/region";
import { Saved } from "../src/film/saved";
import { TAG, text, type DicomJson } from "../src/film/tags";
import examples from "./saved.json";

const pictures = examples.pictures as unknown as DicomJson[];
const saved = examples.saved as unknown as Record<
  string,
  { session: KeptSession; objects: DicomJson[] }
>;
const PANE: Size = [900, 600];

function picture(instance: string, frame: number) {
  const data = pictures.find((each) => text(each, TAG.SOPInstanceUID) === instance);
  if (!data) throw new Error("no such picture");
  return { instance, frame, data, url: "" };
}

function reading(name: string): { session: KeptSession; view: SavedView; objects: DicomJson[] } {
  const example = saved[name];
  const view = example && savedViews(example.objects)[0];
  if (!view) throw new Error(`no view in ${name}`);
  return { ...example, view };
}

/** Random numbers that are the same in every run. */
function random(seed: number): () => number {
  return () => {
    seed = (seed * 1664525 + 1013904223) % 2 ** 32;
    return seed / 2 ** 32;
  };
}

describe("a saved view", () => {
  it.each(Object.keys(saved))("is seen as it was kept: %s", (name) => {
    const { session, view } = reading(name);
    expect(view.title).toBe(session.title || "VIEW 1");
    expect([view.who, view.date, view.time]).toEqual(["李医生", "20261122", "161500"]);
    expect(view.panes.length).toBe(session.panes.length);
    session.panes.forEach((pane, at) => {
      const state = view.panes[at];
      if (!state) throw new Error("a pane is missing");
      const [first] = state.images;
      expect(first?.instance).toBe(pane.instance);
      expect(first?.frames[0] ?? 1).toBe(pane.frame);
      const look = lookIn(state, picture(pane.instance, pane.frame), PANE);
      const again = keptPaneOf(picture(pane.instance, pane.frame), look, PANE);
      expect([again.rotation, again.flip, again.invert, again.voi]).toEqual([
        pane.rotation,
        pane.flip,
        pane.invert,
        pane.voi,
      ]);
      const [left, top, right, bottom] = again.area;
      expect(left).toBeLessThanOrEqual(pane.area[0] + 1e-9);
      expect(top).toBeLessThanOrEqual(pane.area[1] + 1e-9);
      expect(right).toBeGreaterThanOrEqual(pane.area[2] - 1e-9);
      expect(bottom).toBeGreaterThanOrEqual(pane.area[3] - 1e-9);
    });
    for (const figure of session.figures) {
      const drawn = figuresOn(view, figure.instance, figure.frame);
      expect(drawn.flatMap((each) => each.text).join("\n")).toBe(figure.text);
      const written = drawn.find(({ text }) => text.length > 0);
      expect(written?.at).toEqual(figure.at ?? figure.points.at(-1));
      const line = drawn.find(({ points }) => points.length > 0)?.points ?? [];
      if (figure.kind !== "ellipse") expect(line).toEqual(figure.points);
      else {
        for (const [x, y] of figure.points) {
          expect(Math.min(...line.map(([u, v]) => Math.hypot(u - x, v - y)))).toBeLessThan(1e-3);
        }
      }
      if (figure.frame > 1) expect(figuresOn(view, figure.instance, 1)).toEqual([]);
    }
  });

  it("names the key images, with their series", () => {
    const { session, objects } = reading("a measured slice");
    const found = keyReferences(objects);
    expect(found.map(({ instance }) => instance)).toEqual(
      session.keys.map(({ instance }) => instance),
    );
    expect(new Set(found.map(({ series }) => series))).toEqual(
      new Set([text(picture(found[0]?.instance ?? "", 1).data, TAG.SeriesInstanceUID)]),
    );
    expect(keyReferences(reading("two panes").objects)[0]?.frames).toEqual([3]);
  });

  it("does not star what was rejected", () => {
    const { objects } = reading("a measured slice");
    const rejected = structuredClone(objects);
    const title = rejected.at(-1)?.[TAG.ConceptNameCodeSequence]?.Value?.[0] as DicomJson;
    title[TAG.CodeValue] = { vr: "SH", Value: ["113001"] };
    expect(keyReferences(rejected)).toEqual([]);
  });

  it("is read and starred once, whoever marks it too", async () => {
    const { objects, session } = reading("a measured slice");
    const keeper = new Saved();
    let asked = 0;
    const web = {
      metadata: () => {
        asked += 1;
        return Promise.resolve(asked === 1 ? objects : []);
      },
    } as never;
    const row = (modality: string, uid: string) => ({
      ...{ uid, modality, number: 1, description: "", count: 1 },
    });
    const rows = [row("CT", "1.1"), row("PR", "1.2"), row("KO", "1.3")];
    const signal = new AbortController().signal;
    expect(await keeper.read(web, "1", rows, signal)).toBe(true);
    expect(await keeper.read(web, "1", rows, signal)).toBe(false);
    expect(asked).toBe(2);
    expect(keeper.views.length).toBe(1);
    const [first, second] = session.keys;
    expect(keeper.isKey(first?.instance ?? "", 1)).toBe(true);
    expect(keeper.isKey(first?.instance ?? "", 2)).toBe(true); // of all frames there are
    const series = text(picture(first?.instance ?? "", 1).data, TAG.SeriesInstanceUID);
    const now = new Map([[series, new Set([`${second?.instance ?? ""}/1`, "1.9/1"])]]);
    expect(keeper.keys(now)).toEqual(new Map([[series, 3]]));
  });

  it("of others is bounded, and nonsense in it is nothing", () => {
    const next = random(7);
    const junk = [null, -1, 1e300, "NaN", "", "PIXEL", [], {}, [{}], true];
    const mangle = (value: unknown): unknown => {
      if (next() < 0.08) return junk[Math.floor(next() * junk.length)];
      if (Array.isArray(value)) return value.map(mangle);
      if (typeof value !== "object" || value === null) return value;
      return Object.fromEntries(
        Object.entries(value).flatMap(([key, each]) =>
          next() < 0.05 ? [] : [[key, key === "vr" ? each : mangle(each)]],
        ),
      );
    };
    for (const { objects } of Object.values(saved)) {
      for (let round = 0; round < 40; round++) {
        const views = savedViews(
          objects.map((each) => mangle(each)).filter((each) => Boolean(each)) as DicomJson[],
        );
        keyReferences(objects.map((each) => mangle(each) as DicomJson).filter(Boolean));
        for (const view of views) {
          for (const state of view.states) {
            const { instance } = state.images[0] ?? { instance: "" };
            lookIn(state, { instance, frame: 1, data: pictures[0] ?? {} }, PANE);
            figuresOn(view, instance, 1);
          }
        }
      }
    }
    const huge = structuredClone(reading("a measured slice").objects);
    const annotations = huge[0]?.[TAG.GraphicAnnotationSequence];
    if (annotations) annotations.Value = Array(50_000).fill(annotations.Value?.[0]);
    expect(savedViews(huge)[0]?.states[0]?.figures.length).toBeLessThanOrEqual(1000);
  });

  it("of another's puts shares of the area where the picture's are", () => {
    for (const name of Object.keys(saved).filter((each) => each.startsWith("turned"))) {
      const { objects, session } = reading(name);
      const [object] = structuredClone(objects);
      if (!object) throw new Error("no state");
      const corner = (x: number, y: number): DicomJson => ({
        [TAG.GraphicAnnotationUnits]: { vr: "CS", Value: ["DISPLAY"] },
        [TAG.GraphicType]: { vr: "CS", Value: ["POLYLINE"] },
        [TAG.GraphicData]: { vr: "FL", Value: [x, y, 0.5, 0.5] },
      });
      object[TAG.GraphicAnnotationSequence] = {
        vr: "SQ",
        Value: [{ [TAG.GraphicObjectSequence]: { vr: "SQ", Value: [corner(0, 0)] } }],
      };
      const [pane] = session.panes;
      const [drawn] = savedViews([object])[0]?.states[0]?.figures ?? [];
      const [left, top, right, bottom] = pane?.area ?? [0, 0, 0, 0];
      // The pixel that the state itself calls its top left is where 0, 0 is.
      const [column, row] = object[TAG.DisplayedAreaSelectionSequence]?.Value?.map(
        (item) => (item as DicomJson)[TAG.DisplayedAreaTopLeftHandCorner]?.Value as number[],
      )[0] ?? [0, 0];
      expect(drawn?.points).toEqual([
        [column === left + 1 ? left : right, row === top + 1 ? top : bottom],
        [(left + right) / 2, (top + bottom) / 2],
      ]);
    }
  });
});

describe("the part of a picture that is seen", () => {
  const data: DicomJson = {
    [TAG.Rows]: { vr: "US", Value: [400] },
    [TAG.Columns]: { vr: "US", Value: [500] },
    [TAG.PixelSpacing]: { vr: "DS", Value: [0.8, 0.5] },
  };

  it("comes back as the same look, in a pane of any form", () => {
    const next = random(3);
    for (let round = 0; round < 300; round++) {
      const pane: Size = [100 + next() * 1500, 100 + next() * 1000];
      const look: Look = {
        ...FIRST_LOOK,
        zoom: 0.2 + next() * 20,
        centre: [next(), next()],
        rotation: Math.floor(next() * 4) * 90,
        flip_h: next() < 0.5,
        flip_v: next() < 0.5,
      };
      const { rotation, flip } = turnOf(look);
      const found = lookAt(areaOf(look, data, pane), rotation, data, pane);
      const again = { ...look, ...found, rotation, flip_h: flip, flip_v: false };
      expect(sameLook(again, { ...look, rotation, flip_h: flip, flip_v: false })).toBe(true);
    }
  });

  it("is the whole picture at first, and half as much at twice the size", () => {
    const pane: Size = [500, 640]; // as the picture lies, in mm
    const close = (area: readonly number[], wanted: readonly number[]): void =>
      area.forEach((value, at) => expect(value).toBeCloseTo(wanted[at] ?? NaN));
    close(areaOf(FIRST_LOOK, data, pane), [0, 0, 500, 400]);
    close(areaOf({ ...FIRST_LOOK, zoom: 2 }, data, pane), [125, 100, 375, 300]);
  });

  it("upside down is half a turn and a mirror", () => {
    const turn = { rotation: 90, flip_h: false, flip_v: true };
    expect(turnOf(turn)).toEqual({ rotation: 270, flip: true });
    expect(turnOf({ ...turn, rotation: -90, flip_h: true })).toEqual({ rotation: 90, flip: false });
  });
});

describe("a measured ellipse", () => {
  it("is given by its longer axis first", () => {
    const mark = { instance: "1.2", frame: 1, tool: "ellipse" as const };
    const points: Pixel[] = [
      [5, 10],
      [5, 0],
      [4, 5],
      [6, 5],
    ];
    const kept = (given: Pixel[]): KeptFigure["points"] => figureOf(mark, given, "").points;
    expect(kept(points)).toEqual([points[1], points[0], points[2], points[3]]);
    const lying = points.map(([x, y]): Pixel => [y, x]);
    expect(kept([lying[2], lying[3], lying[0], lying[1]] as Pixel[])[0]).toEqual(lying[0]);
  });
});
