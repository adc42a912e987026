/** Studies, series and their pictures, as the server's DICOM JSON tells of them. Pure logic. */

import { DicomWeb, holderIn } from "./dicomweb";
import { items, number, numbers, personName, TAG, text, texts, type DicomJson } from "./tags";

export interface Patient {
  readonly name: string;
  readonly id: string;
  readonly issuer: string; // who gave the id: the same one of another is another person's
  readonly sex: string; // M, F, O or empty
  readonly birthDate: string; // YYYYMMDD or empty
  readonly age: string; // 065Y, 003M …, or empty
}

export interface StudyRow {
  readonly uid: string;
  readonly holder: string; // the institution, where several may hold it
  readonly patient: Patient;
  readonly date: string;
  readonly time: string;
  readonly description: string;
  readonly accession: string;
  readonly institution: string;
  readonly modalities: readonly string[];
  readonly series: number | null;
  readonly images: number | null;
}

export interface SeriesRow {
  readonly uid: string;
  readonly number: number | null;
  readonly modality: string;
  readonly description: string;
  readonly count: number;
}

/** One frame of one object: what a pane shows at a time. */
export interface Picture {
  readonly instance: string;
  readonly frame: number; // from 1
  readonly url: string; // of the frame, WADO-RS
  readonly data: DicomJson;
}

export type SeriesKind = "pictures" | "document" | "report" | "other";

export interface Series extends SeriesRow {
  readonly study: string;
  readonly kind: SeriesKind;
  readonly pictures: readonly Picture[];
  readonly objects: readonly DicomJson[];
}

export function patientOf(data: DicomJson): Patient {
  return {
    name: personName(data, TAG.PatientName),
    id: text(data, TAG.PatientID),
    issuer: text(data, TAG.IssuerOfPatientID),
    sex: text(data, TAG.PatientSex),
    birthDate: text(data, TAG.PatientBirthDate),
    age: text(data, TAG.PatientAge),
  };
}

export function studyRow(data: DicomJson): StudyRow {
  return {
    uid: text(data, TAG.StudyInstanceUID),
    holder: holderIn(text(data, TAG.RetrieveURL)),
    patient: patientOf(data),
    date: text(data, TAG.StudyDate),
    time: text(data, TAG.StudyTime),
    description: text(data, TAG.StudyDescription),
    accession: text(data, TAG.AccessionNumber),
    institution: text(data, TAG.InstitutionName),
    modalities: texts(data, TAG.ModalitiesInStudy),
    series: number(data, TAG.NumberOfStudyRelatedSeries),
    images: number(data, TAG.NumberOfStudyRelatedInstances),
  };
}

export function seriesRow(data: DicomJson): SeriesRow {
  return {
    uid: text(data, TAG.SeriesInstanceUID),
    number: number(data, TAG.SeriesNumber),
    modality: text(data, TAG.Modality),
    description: text(data, TAG.SeriesDescription),
    count: number(data, TAG.NumberOfSeriesRelatedInstances) ?? 0,
  };
}

/** Newest first. */
export function byDate(rows: readonly StudyRow[]): StudyRow[] {
  return [...rows].sort((a, b) => `${b.date}${b.time}`.localeCompare(`${a.date}${a.time}`));
}

/** As they are, but with a patient's other studies behind the first of them, wherever made. */
export function byPatient(rows: readonly StudyRow[]): StudyRow[] {
  const groups = new Map<string, StudyRow[]>();
  for (const row of rows) {
    const { id, issuer } = row.patient;
    const key = id ? JSON.stringify([id, issuer]) : row.uid;
    const group = groups.get(key);
    if (group) group.push(row);
    else groups.set(key, [row]);
  }
  return [...groups.values()].flat();
}

export function byNumber(rows: readonly SeriesRow[]): SeriesRow[] {
  const at = (row: SeriesRow): number => row.number ?? Number.MAX_SAFE_INTEGER;
  return [...rows].sort((a, b) => at(a) - at(b) || a.uid.localeCompare(b.uid));
}

const NO_PICTURES = new Set(["SR", "DOC", "PR", "KO", "SEG", "RTSTRUCT", "REG", "OT-DOC"]);

/** Whether a series may hold pictures, as far as its modality tells before it is read. */
export function mayHavePictures({ modality }: SeriesRow): boolean {
  return !NO_PICTURES.has(modality);
}

const SR = "1.2.840.10008.5.1.4.1.1.88."; // structured reports (PS3.4 B.5)

function kindOf(data: DicomJson): SeriesKind {
  if (text(data, TAG.SOPClassUID).startsWith(SR) || items(data, TAG.ContentSequence).length > 0)
    return "report";
  if (data[TAG.EncapsulatedDocument] || text(data, TAG.MIMETypeOfEncapsulatedDocument))
    return "document";
  return number(data, TAG.Rows) && number(data, TAG.Columns) ? "pictures" : "other";
}

type Vector = readonly [number, number, number];

function vector(values: readonly number[], from = 0): Vector | null {
  const [x, y, z] = values.slice(from, from + 3);
  return x === undefined || y === undefined || z === undefined ? null : [x, y, z];
}

const dot = (a: Vector, b: Vector): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

/** Across the picture's plane: rows × columns (PS3.3 C.7.6.2.1.1); null without geometry. */
export function normalOf(data: DicomJson): Vector | null {
  const turned = numbers(data, TAG.ImageOrientationPatient);
  const row = vector(turned);
  const column = vector(turned, 3);
  if (!row || !column) return null;
  return [
    row[1] * column[2] - row[2] * column[1],
    row[2] * column[0] - row[0] * column[2],
    row[0] * column[1] - row[1] * column[0],
  ];
}

/** How far along the series' direction a picture lies, in mm; null without geometry. */
export function depthOf(data: DicomJson, normal: Vector | null): number | null {
  const position = vector(numbers(data, TAG.ImagePositionPatient));
  return position && normal ? dot(position, normal) : null;
}

/** In the order in which they lie in the body; those without geometry as they are numbered. */
export function sorted(objects: readonly DicomJson[]): DicomJson[] {
  const normal = objects[0] ? normalOf(objects[0]) : null;
  const order = objects.map((data) => ({
    data,
    depth: depthOf(data, normal),
    number: number(data, TAG.InstanceNumber) ?? Number.MAX_SAFE_INTEGER,
  }));
  const lies = normal !== null && order.every(({ depth }) => depth !== null);
  order.sort((a, b) => {
    const apart = lies ? (a.depth ?? 0) - (b.depth ?? 0) : 0;
    return Math.abs(apart) > 1e-3 ? apart : a.number - b.number;
  });
  // The end at which the numbers begin comes first.
  const first = order[0];
  const last = order.at(-1);
  if (lies && first && last && first.number > last.number) order.reverse();
  return order.map(({ data }) => data);
}

const FRAMES = 20_000; // of one series: what a page can hold in a list

export function seriesOf(study: string, row: SeriesRow, objects: readonly DicomJson[]): Series {
  const kinds = objects.map(kindOf);
  const kind = kinds.includes("pictures") ? "pictures" : (kinds[0] ?? "other");
  const shown = sorted(objects.filter((_, index) => kinds[index] === kind));
  const pictures: Picture[] = [];
  if (kind === "pictures") {
    for (const data of shown) {
      const instance = text(data, TAG.SOPInstanceUID);
      const frames = Math.max(1, number(data, TAG.NumberOfFrames) ?? 1);
      for (let frame = 1; frame <= frames && pictures.length < FRAMES; frame++) {
        const url = DicomWeb.frame(study, row.uid, instance, frame);
        pictures.push({ instance, frame, url, data });
      }
    }
  }
  return { ...row, study, kind, pictures, objects: shown };
}

/** Where a picture is in its series; -1 when it is not there (yet). */
export function indexOf(series: Series, instance: string, frame: number): number {
  return series.pictures.findIndex((p) => p.instance === instance && p.frame === frame);
}

/** The picture of another series that lies nearest, when both are in one frame of reference. */
export function nearest(to: Picture, series: Series): number | null {
  const frame = text(to.data, TAG.FrameOfReferenceUID);
  const first = series.pictures[0]?.data;
  if (!frame || !first || text(first, TAG.FrameOfReferenceUID) !== frame) return null;
  const normal = normalOf(first);
  const own = normalOf(to.data);
  if (!normal || !own || Math.abs(dot(normal, own)) < 0.9) return null; // other planes
  const depth = depthOf(to.data, normal);
  if (depth === null) return null;
  let best: number | null = null;
  let least = Number.POSITIVE_INFINITY;
  series.pictures.forEach((picture, index) => {
    const at = depthOf(picture.data, normal);
    const apart = at === null ? Number.POSITIVE_INFINITY : Math.abs(at - depth);
    if (apart < least) [best, least] = [index, apart];
  });
  return best;
}

/** Milliseconds a frame, as the object says; a calm pace for stacks that say nothing. */
export function framePaceMs(data: DicomJson): number {
  const said = number(data, TAG.FrameTime);
  const rate = number(data, TAG.RecommendedDisplayFrameRate) ?? number(data, TAG.CineRate);
  const pace = said ?? (rate ? 1000 / rate : 100);
  return Math.min(2000, Math.max(16, pace || 100));
}
