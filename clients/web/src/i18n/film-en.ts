import type { FilmProblemCode } from "../film/dicomweb";
import type { PresetName } from "../film/presets";
import type { NotSolid } from "../film/solid";

const presets: Record<PresetName, string> = {
  stored: "As stored",
  auto: "Automatic",
  lung: "Lung",
  mediastinum: "Mediastinum",
  abdomen: "Abdomen",
  liver: "Liver",
  bone: "Bone",
  brain: "Brain",
  vessels: "Vessels",
};

const noPlanes: Record<NotSolid | "graphics", string> = {
  kind: "Planes are for CT, MR and PET.",
  few: "There are too few images for planes.",
  frames: "Planes are not made of multi-frame images.",
  unplaced: "The images do not say where they lie in the body, so no planes can be made.",
  mixed: "The images differ in size or direction, so no planes can be made of them.",
  slanted: "The scanner was tilted: planes would be wrong.",
  uneven: "The distances between the images differ, so planes would be wrong.",
  large: "This series is too large for planes on this device.",
  graphics: "This browser has no 3-D graphics (WebGL), which planes need.",
};

const problems: Record<FilmProblemCode, { what: string; next: string }> = {
  signed_out: {
    what: "You are not signed in for images",
    next: "Open them from the consultation, or give your join link below.",
  },
  forbidden: {
    what: "These images are not shared with you",
    next: "Ask the doctor who leads the consultation to share them.",
  },
  missing: {
    what: "These images are not on this server",
    next: "They may not have arrived yet, or have been withdrawn. Go back to the list.",
  },
  unavailable: {
    what: "This server has no image archive running",
    next: "Ask whoever looks after the server. The call goes on without images.",
  },
  unreachable: {
    what: "The server cannot be reached",
    next: "Check the connection, then try again. Nothing has been lost.",
  },
  failed: {
    what: "The images could not be opened",
    next: "Try again. If it goes on, give the details below to your support.",
  },
};

export const filmEn = {
  studies: "Studies",
  problems,
  presets,
  again: "Try again",
  details: "Details for support",
  back: "All studies",
  close: "Close images",
  loading: "Loading…",

  searchField: "Name, patient number",
  search: "Search",
  modality: "Kind",
  anyModality: "All kinds",
  none: "No studies yet",
  noneText:
    "They appear here as soon as a scanner or another archive sends them: by DICOM to this server, or by STOW-RS.",
  notFound: "No study matches this search",
  clearSearch: "Show all",
  found: (count: number): string => (count === 1 ? "1 study" : `${count} studies`),
  images: (count: number): string => (count === 1 ? "1 image" : `${count} images`),
  noName: "No name",
  noDescription: "No description",
  sex: { M: "male", F: "female", O: "other" } as Record<string, string>,
  years: (count: number): string => `${count} y`,
  months: (count: number): string => `${count} mo`,
  days: (count: number): string => `${count} d`,
  patientNumber: (id: string): string => `No. ${id}`,

  signInTitle: "Open the images",
  signInText: "Paste the join link or token that was given to you.",
  signInField: "Join link or token",
  signInButton: "Open",
  signInWrong: "This link or token is not good, or not any more.",

  seriesList: "Series",
  emptyStudy: "This study has no images yet",
  emptyStudyText: "They appear here while they arrive.",
  notPictures: "There is nothing in this series that can be shown",
  pane: (index: number): string => `Image area ${index}`,
  keysHelp:
    "Arrow up and down: next image. Plus and minus: zoom. W, I, R, F: window, invert, rotate, mirror. Space: play. K: key image. 0: as at first.",
  pictureOf: (index: number, count: number): string => `${index} / ${count}`,
  position: (mm: string): string => `pos ${mm} mm`,
  thickness: (mm: string): string => `thickness ${mm} mm`,
  window: (centre: number, width: number): string => `C ${centre}  W ${width}`,
  zoom: (percent: number): string => `Zoom ${percent} %`,
  scrollbar: "Image in the series",
  pictureFailed: "This image cannot be drawn here",
  serverPicture: "Drawn by the server",
  serverPictureText: "for looking only: no measuring",

  tools: "Image tools",
  tool: {
    scroll: "Scroll",
    window: "Window",
    zoom: "Zoom",
    pan: "Move",
    cross: "Crosshair",
    length: "Length",
    angle: "Angle",
    ellipse: "Area",
    probe: "Value",
  },
  preset: "Presets",
  invert: "Invert",
  rotate: "Rotate",
  mirror: "Mirror",
  reset: "Reset",
  play: "Play",
  stop: "Stop",
  keyImage: "Key image",
  keyImages: (count: number): string => (count === 1 ? "1 key image" : `${count} key images`),
  keysOnly: "Key images only",
  save: "Save",
  saveTitle: "Save this view with the study",
  saveName: "Title (may be left empty)",
  saveWhat: (measurements: number, keys: number): string =>
    `What is on the screen: image, window, region and rotation, ${
      measurements === 1 ? "1 measurement" : `${measurements} measurements`
    }, ${keys === 1 ? "1 key image" : `${keys} key images`}.`,
  saveNote: "Stored as new DICOM objects under your name. The images themselves stay as they are.",
  saving: "Saving…",
  saved: "Saved",
  savedText: "It is in the list of saved views of this study, for everybody who may see the study.",
  saveForbidden:
    "Nothing was saved: this study belongs to another institution, or your role does not save. A doctor of that institution can save it.",
  saveFailed: "Nothing was saved.",
  done: "Done",
  savedViews: "Saved views",
  savedView: (title: string, who: string): string =>
    `Saved view: ${[title, who].filter(Boolean).join(" · ")}`,
  leaveView: "Hide what was saved",
  layout: { one: "One", two: "Two", planes: "Planes" },
  planes: { axial: "Axial", sagittal: "Sagittal", coronal: "Coronal" },
  noPlanes,
  planesLoading: (done: number, all: number): string => `Loading ${done} of ${all} images`,
  planesFailed: "The planes cannot be made. The single images can still be looked at.",
  planesLed: "Who has no 3-D graphics sees the single images at this place.",
  planesElsewhere: (name: string): string =>
    `${name} shows planes. Here you see the single images at that place.`,
  thick: "Thickness",
  thin: "One slice",
  brightest: (mm: number): string => `MIP ${mm} mm`,
  removeMarks: "Delete all",
  removeMarksTitle: "Delete all measurements of this series?",
  removeMarksText: "They disappear for everybody who looks at it now.",
  cancel: "Cancel",
  more: "More",
  linked: "Scroll together",

  lead: "Lead the others",
  leadStop: "Stop leading",
  leading: "You lead: the others see what you see",
  led: (name: string): string => `${name} leads`,
  following: (name: string): string => `You follow ${name}`,
  alone: (name: string): string => `You look alone; ${name} leads`,
  follow: "Follow",
  lookAlone: "Look alone",

  report: "Report",
  document: "Document",
  openDocument: "Open the document",
  noText: "This report has no text",
};

export type FilmMessages = typeof filmEn;
