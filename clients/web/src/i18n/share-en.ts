import type { Audience, Factor, LinkEventKind, LinkState } from "../share/links";
import type { VisitProblemCode } from "../share/visit";

const audience: Record<Audience, string> = { patient: "The patient", doctor: "An outside doctor" };
const factor: Record<Factor, string> = {
  birth_date: "the patient's birth date",
  code: "a 6-digit code",
};
const state: Record<LinkState, string> = {
  ready: "open",
  preparing: "being prepared",
  expired: "expired",
  revoked: "taken back",
  closed: "closed after too many wrong answers",
  failed: "nothing could be shown without the name",
};
const event: Record<LinkEventKind, string> = {
  made: "Link made",
  prepared: "Prepared",
  failed: "Not prepared",
  looked: "Link followed",
  wrong: "Wrong answer",
  locked: "Locked for a time",
  opened: "Opened",
  viewed: "Images looked at",
  downloaded: "Files downloaded",
  refused: "Refused",
  revoked: "Taken back",
};
const problems: Record<VisitProblemCode, { what: string; next: string }> = {
  unknown: {
    what: "This link opens nothing",
    next: "Check that the whole link was copied, or ask the hospital for another.",
  },
  expired: {
    what: "This link has expired",
    next: "Ask the hospital for a new one if you still need the images.",
  },
  revoked: {
    what: "This link has been taken back",
    next: "Ask the hospital for a new one if you still need the images.",
  },
  closed: {
    what: "This link is closed",
    next: "There were too many wrong answers. Ask the hospital for a new link.",
  },
  failed: { what: "This link opens nothing", next: "Ask the hospital for another." },
  preparing: {
    what: "The images are still being prepared",
    next: "Try again in a minute. Nothing has been lost.",
  },
  wrong: { what: "That is not right", next: "" },
  locked: { what: "Too many wrong answers", next: "" },
  busy: { what: "Too many tries at once", next: "Wait a minute, then try again." },
  unreachable: {
    what: "The server cannot be reached",
    next: "Check the connection, then try again. Nothing has been lost.",
  },
};

export const shareEn = {
  share: "Link",
  title: "Share this study",
  close: "Close",
  cancel: "Cancel",
  loading: "Loading…",
  failed: "This could not be done. Try again.",
  notYours: "Only doctors of the hospital that the study belongs to can share it.",

  cannot:
    "This study cannot be shared: its images name several patients, or it has too many links. Look at it first.",

  forWhom: "For whom",
  audience,
  howLong: "For how long",
  ttl: { hour: "1 hour", day: "1 day", week: "7 days", month: "30 days" },
  factorTitle: "Who opens it must know",
  factor,
  factorHint: {
    birth_date: "It is asked for before anything is shown.",
    code: "It is shown to you once. Tell it by telephone, not with the link.",
  } satisfies Record<Factor, string>,
  nameless: "Without name, for teaching",
  namelessText:
    "Names, numbers, dates and text in the images are removed from a copy. What could hold text and cannot be cleaned is left out. Look at it yourself before you pass it on.",
  prepares: (done: number, count: number): string =>
    count > 0 ? `${done} of ${count} images` : "in a moment",
  shows: (shown: number, withheld: number): string =>
    withheld > 0 ? `${shown} images, ${withheld} left out` : `${shown} images`,
  make: "Make link",
  making: "Making…",

  ready: "The link is ready",
  readyText: "It is shown only now.",
  link: "Link",
  copy: "Copy link",
  copied: "Copied",
  print: "Print",
  qr: "QR code of the link",
  digits: "Code",
  digitsText: "Tell it by telephone. It is shown only now.",
  until: (at: string): string => `Opens until ${at}`,
  another: "Make another",

  links: "Links of this study",
  noLinks: "No links yet",
  linkLine: (forWhom: string, factorText: string): string => `${forWhom} · with ${factorText}`,
  state,
  accesses: (count: number): string =>
    count === 0 ? "not opened yet" : count === 1 ? "opened once" : `opened ${count} times`,
  last: (at: string): string => `last ${at}`,
  madeBy: (name: string): string => `by ${name}`,
  revoke: "Take back",
  revokeTitle: "Take this link back?",
  revokeText: "It opens nothing any more, and who is looking at the images now loses them.",
  history: "History",
  event,

  sheetTitle: "Your images",
  sheetScan: "Scan the code with your phone, or type the address:",
  sheetFactor: {
    birth_date: "You will be asked for the patient's birth date.",
    code: "You will be asked for a code. The hospital tells you by telephone.",
  } satisfies Record<Factor, string>,

  pageTitle: "Images from your hospital",
  landing: "Images have been shared with you",
  landingText: "Open them here. You will be asked a question first.",
  landingButton: "Continue",
  from: (sender: string): string => (sender ? `Images from ${sender}` : "Images shared with you"),
  birthDate: "Patient's birth date",
  birthDateText: "So that nobody else can open them.",
  year: "Year",
  month: "Month",
  day: "Day",
  codeField: "6-digit code",
  codeText: "The hospital has told it to you.",
  open: "Open images",
  opening: "Opening…",
  noDay: "This is no date. Year with four digits, then month and day.",
  noCode: "The code has six digits.",
  left: (count: number): string =>
    count === 1 ? "You can try once more." : `You can try ${count} more times.`,
  lockedUntil: (at: string): string =>
    `Try again after ${at}, or ask the hospital. The images are safe.`,
  problems,
  again: "Try again",
  bar: (sender: string, at: string): string => `${sender || "Shared"} · until ${at}`,
  leave: "Finish",
  leftTitle: "You have closed the images",
  leftText: "They can be opened again with the same link until it expires.",
  reopen: "Open again",
  notMedical: "For looking only. Ask your doctor what the images mean.",
};

export type ShareMessages = typeof shareEn;
