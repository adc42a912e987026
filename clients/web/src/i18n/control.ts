import { controlEn, type ControlMessages } from "./control-en";
import { controlZh } from "./control-zh";
import { language } from "./language";

/** The ultrasound console's words: they come with it, not with the room. */
export function controlMessages(): ControlMessages {
  return language.value === "zh-CN" ? controlZh : controlEn;
}
