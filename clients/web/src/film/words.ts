/** Dates, ages and corner texts as people read them. Pure, but for the chosen language. */

import type { FilmMessages } from "../i18n/film-en";
import { language } from "../i18n/language";
import type { Look } from "./look";
import { centreAndWidth } from "./presets";
import type { Patient, Series } from "./study";
import { number, numbers, TAG } from "./tags";

/** YYYYMMDD as the language writes a day; other text as it is. */
export function day(date: string): string {
  const match = /^(\d{4})(\d{2})(\d{2})/.exec(date);
  if (!match) return date;
  const [, year, month, of] = match;
  const at = new Date(Number(year), Number(month) - 1, Number(of));
  return new Intl.DateTimeFormat(language.value, { dateStyle: "medium" }).format(at);
}

/** HHMM[SS] as HH:MM. */
export function hour(time: string): string {
  const match = /^(\d{2})(\d{2})/.exec(time);
  return match ? `${match[1] ?? ""}:${match[2] ?? ""}` : "";
}

/** As the object says, else from the birth date on the day of the study. */
export function age(patient: Patient, studyDate: string, t: FilmMessages): string {
  const said = /^(\d{3})([YMWD])$/.exec(patient.age);
  if (said) {
    const count = Number(said[1]);
    if (said[2] === "Y") return t.years(count);
    if (said[2] === "M") return t.months(count);
    return t.days(said[2] === "W" ? count * 7 : count);
  }
  const born = patient.birthDate;
  if (!/^\d{8}$/.test(born) || !/^\d{8}$/.test(studyDate)) return "";
  const years = Math.floor((Number(studyDate) - Number(born)) / 10_000);
  return years >= 0 && years < 130 ? t.years(years) : "";
}

export function patientLine(patient: Patient, studyDate: string, t: FilmMessages): string[] {
  return [
    t.sex[patient.sex] ?? "",
    age(patient, studyDate, t),
    patient.id ? t.patientNumber(patient.id) : "",
    patient.id ? patient.issuer : "",
  ].filter(Boolean);
}

const rounded = (value: number): string => String(Math.round(value * 10) / 10);

/** The corner texts: where in the series, null in a cut through it, and how it is drawn. */
export function corners(
  series: Series,
  index: number | null,
  look: Look | null,
  t: FilmMessages,
): { place: string[]; drawn: string[] } {
  const picture = index === null ? undefined : series.pictures[index];
  const place = index === null ? [] : [t.pictureOf(index + 1, series.pictures.length)];
  if (picture) {
    if (!numbers(picture.data, TAG.NumberOfFrames).some((frames) => frames > 1)) {
      const z = numbers(picture.data, TAG.ImagePositionPatient)[2];
      if (z !== undefined) place.push(t.position(rounded(z)));
    }
    const thick = number(picture.data, TAG.SliceThickness);
    if (thick) place.push(t.thickness(rounded(thick)));
  }
  const drawn: string[] = [];
  if (look) {
    drawn.push(t.zoom(Math.round(look.zoom * 100)));
    const [lower, upper] = look.voi ?? [];
    if (lower !== undefined && upper !== undefined) {
      const { centre, width } = centreAndWidth({ lower, upper });
      drawn.push(t.window(Math.round(centre), Math.round(width)));
    }
  }
  return { place, drawn };
}
