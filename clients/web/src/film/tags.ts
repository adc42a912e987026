/** DICOM JSON (PS3.18 annex F), read field by field: nothing in it is taken for granted. */

export interface DicomElement {
  vr: string;
  Value?: unknown[];
  BulkDataURI?: string;
  InlineBinary?: string;
}
export type DicomJson = Record<string, DicomElement | undefined>;

/** Tags by the standard's keywords (PS3.6), as DICOM JSON writes them. */
export const TAG = {
  SOPClassUID: "00080016",
  SOPInstanceUID: "00080018",
  StudyDate: "00080020",
  StudyTime: "00080030",
  AccessionNumber: "00080050",
  Modality: "00080060",
  ModalitiesInStudy: "00080061",
  InstitutionName: "00080080",
  RetrieveURL: "00081190",
  CodeValue: "00080100",
  CodeMeaning: "00080104",
  StudyDescription: "00081030",
  SeriesDescription: "0008103E",
  ReferencedSeriesSequence: "00081115",
  ReferencedImageSequence: "00081140",
  ReferencedSOPInstanceUID: "00081155",
  ReferencedFrameNumber: "00081160",
  ReferencedSOPSequence: "00081199",
  RecommendedDisplayFrameRate: "00082144",
  PatientName: "00100010",
  PatientID: "00100020",
  IssuerOfPatientID: "00100021",
  PatientBirthDate: "00100030",
  PatientSex: "00100040",
  PatientAge: "00101010",
  SliceThickness: "00180050",
  CineRate: "00180040",
  FrameTime: "00181063",
  StudyInstanceUID: "0020000D",
  SeriesInstanceUID: "0020000E",
  SeriesNumber: "00200011",
  InstanceNumber: "00200013",
  ImagePositionPatient: "00200032",
  ImageOrientationPatient: "00200037",
  FrameOfReferenceUID: "00200052",
  NumberOfStudyRelatedSeries: "00201206",
  NumberOfStudyRelatedInstances: "00201208",
  NumberOfSeriesRelatedInstances: "00201209",
  SamplesPerPixel: "00280002",
  PhotometricInterpretation: "00280004",
  PixelSpacing: "00280030",
  NumberOfFrames: "00280008",
  Rows: "00280010",
  Columns: "00280011",
  BitsAllocated: "00280100",
  WindowCenter: "00281050",
  WindowWidth: "00281051",
  SoftcopyVOILUTSequence: "00283110",
  ValueType: "0040A040",
  ConceptNameCodeSequence: "0040A043",
  ConceptCodeSequence: "0040A168",
  TextValue: "0040A160",
  DateTime: "0040A120",
  Date: "0040A121",
  PersonName: "0040A123",
  MeasuredValueSequence: "0040A300",
  NumericValue: "0040A30A",
  MeasurementUnitsCodeSequence: "004008EA",
  ContentSequence: "0040A730",
  CurrentRequestedProcedureEvidenceSequence: "0040A375",
  EncapsulatedDocument: "00420011",
  MIMETypeOfEncapsulatedDocument: "00420012",
  GraphicAnnotationSequence: "00700001",
  BoundingBoxAnnotationUnits: "00700003",
  AnchorPointAnnotationUnits: "00700004",
  GraphicAnnotationUnits: "00700005",
  UnformattedTextValue: "00700006",
  TextObjectSequence: "00700008",
  GraphicObjectSequence: "00700009",
  BoundingBoxTopLeftHandCorner: "00700010",
  AnchorPoint: "00700014",
  GraphicData: "00700022",
  GraphicType: "00700023",
  ImageHorizontalFlip: "00700041",
  ImageRotation: "00700042",
  DisplayedAreaTopLeftHandCorner: "00700052",
  DisplayedAreaBottomRightHandCorner: "00700053",
  DisplayedAreaSelectionSequence: "0070005A",
  ContentLabel: "00700080",
  ContentDescription: "00700081",
  PresentationCreationDate: "00700082",
  PresentationCreationTime: "00700083",
  ContentCreatorName: "00700084",
  PresentationLUTShape: "20500020",
} as const;
export type Tag = (typeof TAG)[keyof typeof TAG];

function values(data: DicomJson, tag: Tag): readonly unknown[] {
  const found: unknown = data[tag]?.Value;
  return Array.isArray(found) ? found : [];
}

/** The first value as text; empty when there is none. */
export function text(data: DicomJson, tag: Tag): string {
  const value = values(data, tag)[0];
  return typeof value === "string" || typeof value === "number" ? String(value).trim() : "";
}

export function texts(data: DicomJson, tag: Tag): string[] {
  return values(data, tag)
    .filter((value) => typeof value === "string" || typeof value === "number")
    .map((value) => String(value).trim())
    .filter(Boolean);
}

export function numbers(data: DicomJson, tag: Tag): number[] {
  return values(data, tag).map(Number).filter(Number.isFinite);
}

export function number(data: DicomJson, tag: Tag): number | null {
  return numbers(data, tag)[0] ?? null;
}

export function items(data: DicomJson, tag: Tag): DicomJson[] {
  return values(data, tag).filter(
    (value): value is DicomJson => typeof value === "object" && value !== null,
  );
}

/** A person's name as people read it: written characters first, else letters without carets. */
export function personName(data: DicomJson, tag: Tag): string {
  const value = values(data, tag)[0];
  if (typeof value === "string") return readable(value.split("=")[1] ?? value);
  if (typeof value !== "object" || value === null) return "";
  const { Ideographic, Alphabetic } = value as Record<string, unknown>;
  const [name] = [Ideographic, Alphabetic].filter((each) => typeof each === "string" && each);
  return readable(typeof name === "string" ? name : "");
}

/** FAMILY^GIVEN^MIDDLE^PREFIX^SUFFIX: Chinese parts close up, others are spaced. */
function readable(name: string): string {
  const parts = name.split("^").map((part) => part.trim());
  return parts.filter(Boolean).join(/\p{Script=Han}/u.test(name) ? "" : " ");
}
