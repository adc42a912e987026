/** Keys and pads as one grip each: what is held now, and nothing of what it means for the probe. */

import { OPEN, type Grip } from "./hand";
import { ZERO, type Vector } from "./vectors";

/** By `KeyboardEvent.code`: where a key lies, whatever is written on it. */
export const KEYS = {
  deadman: ["KeyD"],
  clutch: ["KeyC"],
  rotate: ["KeyR"],
  left: ["ArrowLeft"],
  right: ["ArrowRight"],
  far: ["ArrowUp"],
  near: ["ArrowDown"],
  press: ["KeyJ", "PageDown"],
  lift: ["KeyK", "PageUp"],
  slower: ["Minus", "NumpadSubtract"],
  faster: ["Equal", "NumpadAdd"],
} as const;

export type Key = keyof typeof KEYS;

const NAMED = new Map<string, Key>(
  (Object.keys(KEYS) as Key[]).flatMap((key) => KEYS[key].map((code) => [code, key] as const)),
);

export function keyOf(code: string): Key | undefined {
  return NAMED.get(code);
}

export class Keyboard {
  readonly #down = new Set<Key>();

  press(key: Key, down: boolean): void {
    if (down) this.#down.add(key);
    else this.#down.delete(key);
  }

  clear(): void {
    this.#down.clear();
  }

  grip(rotating: boolean): Grip {
    const axis = (more: Key, less: Key): number =>
      Number(this.#down.has(more)) - Number(this.#down.has(less));
    const sideways = axis("right", "left");
    const away = axis("far", "near");
    const into = axis("press", "lift");
    return {
      ...led(rotating, sideways, away, into),
      deadman: this.#down.has("deadman"),
      clutch: this.#down.has("clutch"),
    };
  }
}

/** Along, across and into; or, turning: rock in the image's plane, tilt across it, turn about the beam. */
export function led(rotating: boolean, x: number, y: number, z: number) {
  const turn: Vector = [y, x, z];
  return rotating ? { move: ZERO, turn } : { move: [x, y, z] as Vector, turn: ZERO };
}

export type PadName = "slide" | "depth";

/** Where a pad is held, −1 to 1 from where it was touched; null: it is not. */
export type Touch = { readonly x: number; readonly y: number } | null;

/** Two pads on the screen. Touching one holds the deadman; where it is touched is its middle. */
export class Pads {
  readonly #touches: Record<PadName, Touch> = { slide: null, depth: null };

  touch(pad: PadName, touch: Touch): void {
    this.#touches[pad] = touch;
  }

  clear(): void {
    this.#touches.slide = this.#touches.depth = null;
  }

  grip(rotating: boolean): Grip {
    const { slide, depth } = this.#touches;
    if (!slide && !depth) return OPEN;
    const flat = led(rotating, slide?.x ?? 0, slide?.y ?? 0, 0);
    const move: Vector = [flat.move[0], flat.move[1], -(depth?.y ?? 0)]; // down is into the body
    const turn: Vector = [flat.turn[0], flat.turn[1], depth?.x ?? 0];
    return { move, turn, deadman: true, clutch: false };
  }
}
