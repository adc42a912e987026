import { Store } from "../state/store";

export type Theme = "light" | "dark";
const KEY = "distal.theme";

function stored(): Theme {
  const value = localStorage.getItem(KEY);
  if (value === "light" || value === "dark") return value;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

/** How pages and forms look; rooms are dark whatever it says. */
export const theme = new Store<Theme>(stored());

theme.subscribe((value) => localStorage.setItem(KEY, value));
