import { Store } from "../state/store";
import { en, type Messages } from "./en";
import { zh } from "./zh";

export type Language = "en" | "zh-CN";

const KEY = "distal.language";
const CATALOGUES: Record<Language, Messages> = { en, "zh-CN": zh };

/** The first of the person's languages that we speak; English when none is. */
export function preferred(languages: readonly string[]): Language {
  for (const tag of languages) {
    if (/^zh\b/i.test(tag)) return "zh-CN";
    if (/^en\b/i.test(tag)) return "en";
  }
  return "en";
}

function initial(): Language {
  const stored = localStorage.getItem(KEY);
  if (stored === "en" || stored === "zh-CN") return stored;
  return preferred(navigator.languages);
}

export const language = new Store<Language>(initial());

export function messages(): Messages {
  return CATALOGUES[language.value];
}

export function chooseLanguage(value: Language): void {
  language.set(value);
  localStorage.setItem(KEY, value);
}
