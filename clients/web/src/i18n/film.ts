import { filmEn, type FilmMessages } from "./film-en";
import { filmZh } from "./film-zh";
import { language } from "./language";

/** The viewer's words: they come with the viewer, not with the room. */
export function filmMessages(): FilmMessages {
  return language.value === "zh-CN" ? filmZh : filmEn;
}
