import { language } from "./language";
import { shareEn, type ShareMessages } from "./share-en";
import { shareZh } from "./share-zh";

/** The words of links: they come with the dialog and with the page, not with the room. */
export function shareMessages(): ShareMessages {
  return language.value === "zh-CN" ? shareZh : shareEn;
}

/** A moment as the language writes it, without seconds. */
export function moment(ms: number): string {
  return new Intl.DateTimeFormat(language.value, {
    dateStyle: "medium",
    timeStyle: "short",
  }).format(ms);
}

/** The time alone, of today. */
export function timeOf(ms: number): string {
  return new Intl.DateTimeFormat(language.value, { hour: "2-digit", minute: "2-digit" }).format(ms);
}
