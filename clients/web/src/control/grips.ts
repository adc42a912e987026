/** All devices in the specialist's hands, and what is shown of them. */

import { Store } from "../state/store";
import type { Held } from "./console";
import { keyOf, Keyboard, Pads, type PadName, type Touch } from "./devices";
import { cueOf, gripOf, pluggedIn, tremble } from "./gamepad";
import {
  Hand,
  OPEN,
  SPEED_MAX,
  SPEED_MIN,
  together,
  type Grip,
  type Pose,
  type Target,
} from "./hand";
import type { ForceLimits } from "./messages";

const CUE_MS = 100;
const SPEED_STEP = 0.1;

export class Grips {
  readonly held: Store<Held>;
  readonly #hand = new Hand();
  readonly #keyboard = new Keyboard();
  readonly #pads = new Pads();
  #clutch = false; // by its button
  #rotating = false;
  #gamepad: string | null = null;
  #place: number | null = null; // of the gamepad among those that are plugged in
  #trembledMs = 0;

  /** `onStop`: the gamepad's own button. */
  constructor(private readonly onStop: () => void) {
    this.held = new Store(this.#shown(OPEN));
  }

  key(code: string, down: boolean): boolean {
    const key = keyOf(code);
    if (!key) return false;
    if (key === "rotate") {
      if (down) this.rotate(!this.#rotating);
    } else if (key === "slower" || key === "faster") {
      const step = key === "slower" ? -SPEED_STEP : SPEED_STEP;
      if (down) this.setSpeed(this.#hand.speed + step);
    } else this.#keyboard.press(key, down);
    return true;
  }

  touch(pad: PadName, touch: Touch): void {
    this.#pads.touch(pad, touch);
  }

  clutch(on: boolean): void {
    this.#clutch = on;
    this.#show(OPEN);
  }

  /** What pressed until now does not turn from now on. */
  rotate(on: boolean): void {
    this.#rotating = on;
    this.letGo();
  }

  setSpeed(share: number): void {
    this.#hand.speed = Math.min(SPEED_MAX, Math.max(SPEED_MIN, Math.round(share * 10) / 10));
    this.#show(OPEN);
  }

  /** Nothing moves until the deadman has been let go and pressed again. */
  letGo(): void {
    this.#keyboard.clear();
    this.#pads.clear();
    this.#hand.letGo();
    this.#show(OPEN);
  }

  /** A hand elsewhere is no hand here: a page without the focus hears no key being let go. */
  step(probe: Pose, speed: number, roundTripMs: number, nowMs: number): Target {
    const grip = document.hasFocus() ? this.#grip() : OPEN;
    this.#show(grip);
    return this.#hand.step(grip, probe, speed, roundTripMs, nowMs);
  }

  /** A browser can give no more of a force than a trembling gamepad. */
  feel(forceN: number, { warn_n, hard_n }: ForceLimits, nowMs: number): void {
    if (nowMs - this.#trembledMs < CUE_MS) return;
    this.#trembledMs = nowMs;
    const pad = pluggedIn();
    if (pad) tremble(pad, cueOf(forceN, warn_n, hard_n));
  }

  #grip(): Grip {
    const pad = pluggedIn();
    const stick = pad ? gripOf(pad) : { ...OPEN, stop: false };
    this.#take(pad);
    if (stick.stop) this.onStop();
    const parts = [this.#keyboard.grip(this.#rotating), this.#pads.grip(this.#rotating), stick];
    const whole = together(parts);
    return { ...whole, clutch: whole.clutch || this.#clutch };
  }

  /** One that comes with its deadman pressed, or goes so, moves nothing. */
  #take(pad: Gamepad | null): void {
    const id = pad?.id ?? null;
    const place = pad?.index ?? null;
    if (id === this.#gamepad && place === this.#place) return;
    this.#gamepad = id;
    this.#place = place;
    this.letGo();
  }

  #show(grip: Grip): void {
    const now = this.#shown(grip);
    const was = this.held.value;
    const keys = Object.keys(now) as (keyof Held)[];
    if (keys.some((key) => now[key] !== was[key])) this.held.set(now);
  }

  #shown({ deadman, clutch }: Grip): Held {
    const rotating = this.#rotating;
    const speed = this.#hand.speed;
    return { deadman, clutch: clutch || this.#clutch, rotating, speed, gamepad: this.#gamepad };
  }
}
