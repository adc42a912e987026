/**
 * Mouse, wheel and fingers on pictures that have no tools of their own. What one finger or the left
 * button does is the chosen tool; two fingers zoom and move, and the wheel scrolls, everywhere.
 */

import type { Place } from "./drawing";
import type { DragTool } from "./engine";
import { zoomed, type Look } from "./look";
import { centreAndWidth, windowOf, type Window } from "./presets";

const STEP = 12; // pixels dragged to the next picture
const WINDOW = 1 / 400; // of its width to a pixel
const ZOOM = 1.01; // to a pixel
const [MIDDLE, RIGHT] = [4, 2]; // buttons

/** What a hand moves. */
export interface Held {
  readonly element: HTMLElement;
  index: number;
  look: Look;
  /** Which share of the picture's columns and rows lies at a place. */
  shareAt(place: Place): Place;
  /** The window on the screen; null where there is none, as in colour. */
  readonly seen: Window | null;
}

export class Hand {
  readonly #down = new Map<number, Place>();
  readonly #ends = new AbortController();
  #rest = 0; // pixels dragged that were not a whole step

  constructor(
    private readonly held: Held,
    private readonly tool: () => DragTool,
  ) {
    const { element } = held;
    const { signal } = this.#ends;
    element.addEventListener("wheel", this.#wheel, { signal, passive: false });
    element.addEventListener("pointerdown", this.#press, { signal });
    element.addEventListener("pointermove", this.#move, { signal });
    element.addEventListener("pointerup", this.#lift, { signal });
    element.addEventListener("pointercancel", this.#lift, { signal });
  }

  close(): void {
    this.#ends.abort();
  }

  readonly #wheel = (event: WheelEvent): void => {
    event.preventDefault();
    this.held.index += Math.sign(event.deltaY);
  };

  readonly #press = (event: PointerEvent): void => {
    this.held.element.setPointerCapture(event.pointerId);
    this.#down.set(event.pointerId, this.#at(event));
    this.#rest = 0;
  };

  readonly #lift = (event: PointerEvent): void => {
    this.#down.delete(event.pointerId);
  };

  readonly #move = (event: PointerEvent): void => {
    const from = this.#down.get(event.pointerId);
    if (!from) return;
    const to = this.#at(event);
    this.#down.set(event.pointerId, to);
    const other = [...this.#down].find(([id]) => id !== event.pointerId)?.[1];
    if (other) this.#pinch(from, to, other);
    else if (event.buttons & MIDDLE) this.#pan(from, to);
    else if (event.buttons & RIGHT) this.#zoom(ZOOM ** (from[1] - to[1]), to);
    else this.#drag(from, to);
  };

  #at(event: PointerEvent): Place {
    const box = this.held.element.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  #drag(from: Place, to: Place): void {
    switch (this.tool()) {
      case "window":
        this.#window(to[0] - from[0], to[1] - from[1]);
        return;
      case "zoom":
        this.#zoom(ZOOM ** (from[1] - to[1]), to);
        return;
      case "pan":
        this.#pan(from, to);
        return;
      default: {
        this.#rest += to[1] - from[1];
        const steps = Math.trunc(this.#rest / STEP);
        this.#rest -= steps * STEP;
        if (steps !== 0) this.held.index += steps;
      }
    }
  }

  #window(dx: number, dy: number): void {
    const { seen, look } = this.held;
    if (!seen) return;
    const { centre, width } = centreAndWidth(seen);
    const gain = Math.max(0.5, width * WINDOW);
    const { lower, upper } = windowOf(centre + dy * gain, Math.max(1, width + dx * gain));
    this.held.look = { ...look, voi: [lower, upper] };
  }

  #pan(from: Place, to: Place): void {
    const { look } = this.held;
    const [a, b] = [this.held.shareAt(from), this.held.shareAt(to)];
    const centre = look.centre.map((value, k) => value - (b[k] ?? 0) + (a[k] ?? 0));
    this.held.look = { ...look, centre };
  }

  /** What lies at a place stays there. */
  #zoom(factor: number, place: Place): void {
    const { look } = this.held;
    const fixed = this.held.shareAt(place);
    const larger = zoomed(look, factor);
    const by = larger.zoom / look.zoom;
    const centre = look.centre.map((value, k) => (fixed[k] ?? 0) + (value - (fixed[k] ?? 0)) / by);
    this.held.look = { ...larger, centre };
  }

  #pinch(from: Place, to: Place, other: Place): void {
    const apart = (place: Place): number => Math.hypot(place[0] - other[0], place[1] - other[1]);
    const between = (place: Place): Place => [(place[0] + other[0]) / 2, (place[1] + other[1]) / 2];
    this.#pan(between(from), between(to));
    if (apart(from) > 0 && apart(to) > 0) this.#zoom(apart(to) / apart(from), between(to));
  }
}
