import type { Act } from "./tools";

/** Another picture, another size, or what a button of the tools does. */
export type Wish = { index: number } | { zoom: number } | Act;

const STEPS = new Map<string, number>(
  Object.entries({
    ArrowUp: -1,
    ArrowLeft: -1,
    ArrowDown: 1,
    ArrowRight: 1,
    PageUp: -10,
    PageDown: 10,
  }),
);
const ZOOM = 1.2;
const WISHES = new Map<string, Wish>(
  Object.entries<Wish>({
    "+": { zoom: ZOOM },
    "=": { zoom: ZOOM },
    "-": { zoom: 1 / ZOOM },
    " ": { do: "play" },
    "0": { do: "reset" },
    i: { do: "invert" },
    r: { do: "rotate" },
    f: { do: "mirror" },
    k: { do: "key" },
    w: { do: "tool", tool: "window" },
  }),
);

/** What a key asks for at the picture of that index among so many; nothing for all other keys. */
export function wishOf(key: string, index: number, count: number): Wish | null {
  if (key === "Home") return { index: 0 };
  if (key === "End") return { index: count };
  const step = STEPS.get(key);
  if (step !== undefined) return { index: index + step };
  return WISHES.get(key.toLowerCase()) ?? null;
}
