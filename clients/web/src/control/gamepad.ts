/**
 * A gamepad or a joystick as a grip. Left shoulder: deadman, right shoulder: clutch, triggers: press
 * and lift, left stick: along and across, right stick: rock and tilt, cross: turn, B or menu: stop.
 * A joystick without the standard mapping: trigger is the deadman, its twist turns.
 */

import { OPEN, shaped, type Grip } from "./hand";

export interface PadState extends Grip {
  readonly stop: boolean;
}

const B = { deadman: 4, clutch: 5, lift: 6, press: 7, stop: 1, menu: 9, left: 14, right: 15 };
const J = { deadman: 0, clutch: 1, press: 2, lift: 3, stop: 4 };
const CUE_MS = 120;

export function gripOf(pad: Pick<Gamepad, "axes" | "buttons" | "mapping" | "connected">): PadState {
  if (!pad.connected) return { ...OPEN, stop: false };
  const axis = (index: number): number => shaped(pad.axes[index] ?? 0);
  const held = (index: number): boolean => pad.buttons[index]?.pressed ?? false;
  const pulled = (index: number): number => shaped(pad.buttons[index]?.value ?? 0);
  if (pad.mapping !== "standard") {
    return {
      move: [axis(0), -axis(1), Number(held(J.press)) - Number(held(J.lift))],
      turn: [0, 0, axis(2)],
      deadman: held(J.deadman),
      clutch: held(J.clutch),
      stop: held(J.stop),
    };
  }
  return {
    move: [axis(0), -axis(1), pulled(B.press) - pulled(B.lift)],
    turn: [-axis(3), axis(2), Number(held(B.right)) - Number(held(B.left))],
    deadman: held(B.deadman),
    clutch: held(B.clutch),
    stop: held(B.stop) || held(B.menu),
  };
}

/** The first one that is plugged in and has been touched; browsers show no other. */
export function pluggedIn(): Gamepad | null {
  if (!("getGamepads" in navigator)) return null;
  return navigator.getGamepads().find((pad) => pad?.connected) ?? null;
}

/** How strongly it trembles: from the warning on, and fully at the hard limit. */
export function cueOf(force: number, warn: number, hard: number): number {
  if (force < warn) return 0;
  return Math.min(1, 0.25 + (0.75 * (force - warn)) / (hard - warn));
}

export function tremble(pad: Gamepad, strength: number): void {
  if (strength <= 0 || !("vibrationActuator" in pad)) return;
  void pad.vibrationActuator
    .playEffect("dual-rumble", {
      duration: CUE_MS,
      strongMagnitude: strength,
      weakMagnitude: strength / 2,
    })
    .catch(() => undefined);
}
