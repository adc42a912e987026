import { describe, expect, it, vi } from "vitest";

vi.stubGlobal("localStorage", { getItem: () => "en", setItem: () => undefined });
vi.stubGlobal("navigator", { languages: ["en"] });

const { imageLoader } = await import("@cornerstonejs/core");
const { wishOf } = await import("../src/elements/film/keys");
const { DicomWeb, readFrom, studiesQuery } = await import("../src/film/dicomweb");
const { sameLook, turned, zoomed, FIRST_LOOK } = await import("../src/film/look");
const { placeOfUrl } = await import("../src/film/places");
const { autoWindow, centreAndWidth, presetsFor, windowOf } = await import("../src/film/presets");
const { comesCoarseFirst, loadCoarseFirst, loadCompressed } =
  await import("../src/film/progressive");
const { reportLines } = await import("../src/film/report");
const { letters } = await import("../src/film/sides");
const { notSolid } = await import("../src/film/solid");
const { asStack } = await import("../src/film/planes");
const { byPatient, framePaceMs, indexOf, nearest, seriesOf, studyRow } =
  await import("../src/film/study");
const { personName, TAG } = await import("../src/film/tags");
const { age, day } = await import("../src/film/words");
const { filmEn } = await import("../src/i18n/film-en");
const { filmZh } = await import("../src/i18n/film-zh");

type Data = import("../src/film/tags").DicomJson;

function slice(number: number, z: number, more: Data = {}): Data {
  return {
    [TAG.SOPInstanceUID]: { vr: "UI", Value: [`1.2.${number}`] },
    [TAG.InstanceNumber]: { vr: "IS", Value: [number] },
    [TAG.Rows]: { vr: "US", Value: [4] },
    [TAG.Columns]: { vr: "US", Value: [4] },
    [TAG.ImagePositionPatient]: { vr: "DS", Value: [0, 0, z] },
    [TAG.ImageOrientationPatient]: { vr: "DS", Value: [1, 0, 0, 0, 1, 0] },
    [TAG.FrameOfReferenceUID]: { vr: "UI", Value: ["1.9"] },
    ...more,
  };
}

const row = { uid: "1.5", number: 1, modality: "CT", description: "", count: 0 };
const numbersOf = (series: ReturnType<typeof seriesOf>): string[] =>
  series.pictures.map(({ instance, frame }) => `${instance}/${frame}`);

describe("a series", () => {
  it("lies as it lies in the body, beginning where the numbers begin", () => {
    const up = seriesOf("1.1", row, [slice(3, 30), slice(1, 10), slice(2, 20)]);
    expect(numbersOf(up)).toEqual(["1.2.1/1", "1.2.2/1", "1.2.3/1"]);
    const down = seriesOf("1.1", row, [slice(1, 30), slice(3, 10), slice(2, 20)]);
    expect(numbersOf(down)).toEqual(["1.2.1/1", "1.2.2/1", "1.2.3/1"]);
    const wrong = seriesOf("1.1", row, [slice(1, 10), slice(9, 20), slice(2, 30)]);
    expect(numbersOf(wrong)).toEqual(["1.2.1/1", "1.2.9/1", "1.2.2/1"]);
  });

  it("goes by numbers where there is no geometry, and by frames within an object", () => {
    const nowhere = { [TAG.ImagePositionPatient]: undefined };
    const frames = { ...nowhere, [TAG.NumberOfFrames]: { vr: "IS", Value: [2] } };
    const series = seriesOf("1.1", row, [slice(2, 0, nowhere), slice(1, 0, frames)]);
    expect(numbersOf(series)).toEqual(["1.2.1/1", "1.2.1/2", "1.2.2/1"]);
    expect(indexOf(series, "1.2.1", 2)).toBe(1);
    expect(indexOf(series, "1.2.7", 1)).toBe(-1);
  });

  it("finds the picture of another series that lies nearest", () => {
    const thick = seriesOf("1.1", row, [slice(1, 0), slice(2, 5), slice(3, 10)]);
    const thin = seriesOf("1.1", row, [slice(11, 4.4)]);
    const picture = thin.pictures[0];
    expect(picture && nearest(picture, thick)).toBe(1);
    const other = { [TAG.FrameOfReferenceUID]: { vr: "UI", Value: ["1.8"] } };
    expect(picture && nearest(picture, seriesOf("1.1", row, [slice(1, 0, other)]))).toBeNull();
  });

  it("is a report or a document when it has no pictures", () => {
    const report = { [TAG.SOPClassUID]: { vr: "UI", Value: ["1.2.840.10008.5.1.4.1.1.88.11"] } };
    expect(seriesOf("1.1", row, [report]).kind).toBe("report");
    const pdf = { [TAG.MIMETypeOfEncapsulatedDocument]: { vr: "LO", Value: ["application/pdf"] } };
    expect(seriesOf("1.1", row, [pdf]).kind).toBe("document");
    expect(seriesOf("1.1", row, [{}]).kind).toBe("other");
    expect(seriesOf("1.1", row, []).pictures).toEqual([]);
  });

  it("plays at the pace that it asks for, within reason", () => {
    expect(framePaceMs({ [TAG.FrameTime]: { vr: "DS", Value: [33.3] } })).toBeCloseTo(33.3);
    expect(framePaceMs({ [TAG.CineRate]: { vr: "IS", Value: [25] } })).toBe(40);
    expect(framePaceMs({ [TAG.FrameTime]: { vr: "DS", Value: [0] } })).toBe(100);
    expect(framePaceMs({})).toBe(100);
  });
});

describe("a study that several hold", () => {
  it("is read from whose row it was", () => {
    const at = (address: string): string =>
      studyRow({ [TAG.RetrieveURL]: { vr: "UR", Value: [address] } }).holder;
    expect(at("https://here/dicomweb/studies/1.2")).toBe("");
    expect(at("https://here/dicomweb/of/village%207/studies/1.2")).toBe("village 7");
    expect(at("https://here/dicomweb/of/%/studies/1.2")).toBe("");
    readFrom("village 7");
    expect(DicomWeb.instance("1.2", "1.5", "1.6")).toMatch(
      /^\/dicomweb\/of\/village%207\/studies\/1.2\//,
    );
    readFrom("");
    expect(DicomWeb.instance("1.2", "1.5", "1.6")).toMatch(/^\/dicomweb\/studies\/1.2\//);
  });
});

describe("what the server says", () => {
  it("is read without trusting its shape", () => {
    expect(studyRow({}).patient.name).toBe("");
    expect(
      studyRow({ [TAG.ModalitiesInStudy]: { vr: "CS", Value: ["CT", null] } }).modalities,
    ).toEqual(["CT"]);
    const name = (value: unknown): string =>
      personName({ [TAG.PatientName]: { vr: "PN", Value: [value] } }, TAG.PatientName);
    expect(name({ Alphabetic: "Wang^Xiaodong", Ideographic: "王^小东" })).toBe("王小东");
    expect(name({ Alphabetic: "Doe^Jane^^Dr" })).toBe("Doe Jane Dr");
    expect(name("Doe^Jane")).toBe("Doe Jane");
    expect(name(null)).toBe("");
  });

  it("becomes the lines of a report, however deep", () => {
    const code = (text: string): Data => ({ [TAG.CodeMeaning]: { vr: "LO", Value: [text] } });
    const named = (text: string) => ({ vr: "SQ", Value: [code(text)] });
    const lines = reportLines({
      [TAG.ConceptNameCodeSequence]: named("Report"),
      [TAG.ContentSequence]: {
        vr: "SQ",
        Value: [
          {
            [TAG.ValueType]: { vr: "CS", Value: ["NUM"] },
            [TAG.ConceptNameCodeSequence]: named("Length"),
            [TAG.MeasuredValueSequence]: {
              vr: "SQ",
              Value: [
                {
                  [TAG.NumericValue]: { vr: "DS", Value: [12.5] },
                  [TAG.MeasurementUnitsCodeSequence]: named("mm"),
                },
              ],
            },
          },
        ],
      },
    });
    expect(lines).toEqual([
      { depth: 0, name: "Report", value: "" },
      { depth: 1, name: "Length", value: "12.5 mm" },
    ]);
  });

  it("is searched by name, or by number when there is a digit in it", () => {
    const query = (words: string): URLSearchParams =>
      new URLSearchParams(studiesQuery({ words, modality: "CT" }));
    expect(query(" 王 ").get("PatientName")).toBe("*王*");
    expect(query("H2026").get("PatientID")).toBe("H2026*");
    expect(query("").get("ModalitiesInStudy")).toBe("CT");
  });

  it("names objects by address", () => {
    const url = "wadors:http://h/dicomweb/studies/1.1/series/1.5/instances/1.2.3/frames/7";
    expect(placeOfUrl(url)).toEqual({ study: "1.1", series: "1.5", instance: "1.2.3", frame: 7 });
    expect(placeOfUrl("http://h/else")).toBeNull();
  });
});

describe("windows", () => {
  it("are as the standard has them", () => {
    expect(windowOf(40, 400)).toEqual({ lower: -160, upper: 239 });
    expect(centreAndWidth({ lower: -160, upper: 239 })).toEqual({ centre: 40, width: 400 });
    expect(presetsFor({ [TAG.Modality]: { vr: "CS", Value: ["CT"] } }).length).toBeGreaterThan(4);
    expect(presetsFor({ [TAG.Modality]: { vr: "CS", Value: ["MR"] } })).toEqual([]);
  });

  it("are found in the values, without the outliers", () => {
    const values = [...Array.from({ length: 1000 }, (_, at) => at), 60_000];
    const window = autoWindow(values);
    expect(window?.upper).toBeLessThan(1000);
    expect(autoWindow([7, 7])).toEqual({ lower: 7, upper: 8 });
    expect(autoWindow([])).toBeNull();
  });
});

describe("a look", () => {
  it("turns to the right for the eye, mirrored or not", () => {
    expect(turned(FIRST_LOOK).rotation).toBe(90);
    expect(turned({ ...FIRST_LOOK, flip_h: true }).rotation).toBe(270);
  });

  it("is the same within what rounding does, and not beyond", () => {
    const look = { ...FIRST_LOOK, voi: [-160, 240] };
    expect(sameLook(look, { ...look, zoom: 1.0001, rotation: 360, voi: [-160.2, 240] })).toBe(true);
    expect(sameLook(look, { ...look, voi: null })).toBe(false);
    expect(sameLook(look, { ...look, centre: [0.6, 0.5] })).toBe(false);
    expect(zoomed(FIRST_LOOK, 1e9).zoom).toBeLessThan(100);
  });

  it("names the sides of the body", () => {
    expect(letters([1, 0, 0])).toBe("L");
    expect(letters([0, -1, 0])).toBe("A");
    expect(letters([0, 0.6, 0.8])).toBe("HP");
  });
});

describe("the viewer's words", () => {
  const texts = (value: unknown): string[] =>
    typeof value === "string"
      ? [value]
      : typeof value === "object" && value !== null
        ? Object.values(value).flatMap(texts)
        : [];

  it("are each in its own language", () => {
    expect(texts(filmEn).filter((text) => /\p{Script=Han}/u.test(text))).toEqual([]);
    expect(texts(filmZh).filter((text) => text && !/\p{Script=Han}/u.test(text))).toEqual([]);
  });

  it("tell ages and days", () => {
    const patient = { name: "", id: "", issuer: "", sex: "M", birthDate: "19610304", age: "" };
    expect(age(patient, "20260303", filmEn)).toBe("64 y");
    expect(age({ ...patient, age: "003M" }, "", filmEn)).toBe("3 mo");
    expect(age({ ...patient, birthDate: "" }, "20260303", filmEn)).toBe("");
    expect(day("20261120")).toMatch(/2026/);
    expect(day("unknown")).toBe("unknown");
  });
});

describe("keys", () => {
  it("scroll, zoom and do what the buttons do, in either case", () => {
    expect(wishOf("ArrowDown", 4, 9)).toEqual({ index: 5 });
    expect(wishOf("PageUp", 4, 9)).toEqual({ index: -6 });
    expect(wishOf("Home", 4, 9)).toEqual({ index: 0 });
    expect(wishOf("End", 4, 9)).toEqual({ index: 9 });
    expect(wishOf("-", 4, 9)).toEqual({ zoom: 1 / 1.2 });
    expect(wishOf("I", 4, 9)).toEqual({ do: "invert" });
    expect(wishOf(" ", 4, 9)).toEqual({ do: "play" });
  });
  it("leave all others to the page", () => {
    for (const key of ["Tab", "Escape", "Enter", "m", "toString"]) {
      expect(wishOf(key, 0, 9)).toBeNull();
    }
  });
});

describe("cutting a series in planes", () => {
  const spacing = { [TAG.PixelSpacing]: { vr: "DS", Value: [0.5, 0.5] } };
  const block = (change: (number: number) => Data = () => ({}), count = 5, modality = "CT") =>
    seriesOf(
      "1.1",
      { ...row, modality },
      Array.from({ length: count }, (_, n) => slice(n, 2 * n, { ...spacing, ...change(n) })),
    );
  const at = (z: number, y = 0): Data => ({
    [TAG.ImagePositionPatient]: { vr: "DS", Value: [0, y, z] },
  });
  const why = (series: ReturnType<typeof block>, most = 1e6): string | null =>
    notSolid(series, most);

  it("needs pictures that lie evenly one behind the other", () => {
    expect(why(block())).toBeNull();
    expect(why(block((n) => at(2 * n + 0.05 * (n % 2))))).toBeNull();
    expect(why(block((n) => at(n === 4 ? 10 : 2 * n)))).toBe("uneven");
    expect(why(block((n) => at(Math.floor(n / 2))))).toBe("uneven");
    expect(why(block((n) => at(2 * n, n)))).toBe("slanted");
    expect(why(block(() => at(7)))).toBe("uneven");
  });

  it("says why it cannot be", () => {
    expect(why(block(undefined, 3))).toBe("few");
    expect(why(block(undefined, 5, "US"))).toBe("kind");
    expect(why(block(() => ({ [TAG.SamplesPerPixel]: { vr: "US", Value: [3] } })))).toBe("kind");
    expect(why(block(() => ({ [TAG.NumberOfFrames]: { vr: "IS", Value: [2] } })))).toBe("frames");
    expect(why(block(() => ({ [TAG.FrameOfReferenceUID]: undefined })))).toBe("unplaced");
    expect(why(block((n) => ({ [TAG.Rows]: { vr: "US", Value: [4 + (n % 2)] } })))).toBe("mixed");
    expect(why(block(), 5 * 4 * 4 * 2)).toBeNull();
    expect(why(block(), 5 * 4 * 4 * 2 - 1)).toBe("large");
  });

  it("is one picture for who cannot cut", () => {
    const pane = { ...FIRST_LOOK, series: "1.5", instance: "1.2.3", frame: 1 };
    const planes = (["axial", "sagittal", "coronal"] as const).map((plane) => ({
      ...pane,
      plane,
      zoom: 3,
      voi: [1, 2],
      focus: [0, 0, 1],
      thick: 0,
    }));
    const shown = asStack({ study: "1.1", layout: "planes", active: 2, panes: planes });
    expect(shown).toMatchObject({ layout: "one", active: 0 });
    expect(shown.panes).toMatchObject([{ plane: "acquired", zoom: 1, voi: [1, 2], focus: null }]);
  });
});

describe("pictures that come coarse first", () => {
  const radiograph = (more: Data = {}): Data => ({
    [TAG.Rows]: { vr: "US", Value: [3036] },
    [TAG.Columns]: { vr: "US", Value: [3036] },
    [TAG.BitsAllocated]: { vr: "US", Value: [16] },
    [TAG.PhotometricInterpretation]: { vr: "CS", Value: ["MONOCHROME1"] },
    ...more,
  });

  it("are large and grey", () => {
    expect(comesCoarseFirst(radiograph())).toBe(true);
    expect(comesCoarseFirst(radiograph({ [TAG.Rows]: { vr: "US", Value: [512] } }))).toBe(false);
    for (const [tag, value] of [
      [TAG.PhotometricInterpretation, "RGB"],
      [TAG.BitsAllocated, 32],
    ] as const) {
      expect(comesCoarseFirst(radiograph({ [tag]: { vr: "CS", Value: [value] } }))).toBe(false);
    }
  });

  it("come compressed where they come whole, and only they", async () => {
    const asked: string[] = [];
    const open = (_method: string, url: string): number => asked.push(url);
    const nothing = (): void => undefined;
    vi.stubGlobal("XMLHttpRequest", function () {
      return { open, send: nothing, setRequestHeader: nothing };
    });
    loadCompressed();
    loadCoarseFirst("wadors:http://here/large", radiograph());
    void imageLoader.loadImage("wadors:http://here/large");
    void imageLoader.loadImage("wadors:http://here/small");
    await vi.waitFor(() => expect(asked).toHaveLength(2));
    expect(asked[0]).toMatch(/^http:\/\/here\/large\?accept=.*1\.2\.840\.10008\.1\.2\.4\.202$/);
    expect(asked[1]).toBe("http://here/small");
  });
});

describe("a list of several hospitals' studies", () => {
  it("puts a patient's together, and nobody else's of the same number", () => {
    const of = (uid: string, id: string, issuer: string) =>
      studyRow({
        [TAG.StudyInstanceUID]: { vr: "UI", Value: [uid] },
        [TAG.PatientID]: { vr: "LO", Value: [id] },
        [TAG.IssuerOfPatientID]: { vr: "LO", Value: [issuer] },
      });
    const rows = [of("1", "P1", "A"), of("2", "P1", "B"), of("3", "", ""), of("4", "P1", "A")];
    rows.push(of("5", "", ""));
    expect(byPatient(rows).map(({ uid }) => uid)).toEqual(["1", "4", "2", "3", "5"]);
  });
});
