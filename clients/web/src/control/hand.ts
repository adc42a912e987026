/**
 * The specialist's hand: what keys, pads and sticks say becomes a target for the probe.
 *
 * The invariant: without the deadman held, or with the clutch held, the target is the probe itself,
 * as it was observed last; so that pressing the one or letting go of the other moves nothing. With
 * it, the target goes on from there at the asked speed, and never runs far ahead of the probe: what
 * the robot does not follow (a limit, a slow network) is not saved up to be made good later.
 */

import {
  atMost,
  between,
  length,
  minus,
  normal,
  ofVector,
  plus,
  product,
  rotate,
  times,
  unit,
  UPRIGHT,
  ZERO,
  type Quaternion,
  type Vector,
} from "./vectors";

/** Each −1 to 1. `x` along the image, `y` across it, `z` into the body; turns about the same. */
export interface Grip {
  readonly move: Vector;
  readonly turn: Vector;
  readonly deadman: boolean;
  readonly clutch: boolean;
}

export const OPEN: Grip = { move: ZERO, turn: ZERO, deadman: false, clutch: false };

export interface Pose {
  readonly position: Vector;
  readonly orientation: Quaternion;
}

export interface Target extends Pose {
  readonly velocity: Vector;
  readonly turning: Vector;
  readonly deadman: boolean;
  readonly clutch: boolean;
}

export const SPEED_MIN = 0.1;
export const SPEED_MAX = 1;
const TURN_RAD_S = 0.5; // at full speed; below the robot's own limit
const SMOOTH_S = 0.06; // of the hand's tremble and a key's edge
const STEP_MAX_S = 0.05; // a page that stumbled goes on from where it was
const AHEAD_M = 0.004; // of the probe, at rest: what a resting hand may still press
const AHEAD_RAD = 0.04;
const AHEAD_MAX_M = 0.03; // a robot takes a target far away for somebody's mistake
const AHEAD_MAX_RAD = 0.3;
const LAG_S = 0.15; // of the arm behind its target
const FORGET_S = 0.2; // how fast the room that a fast hand was given closes again
const STICK_DEAD = 0.12;

/** A stick's axis without its slack, finer about the middle. */
export function shaped(value: number): number {
  const beyond = Math.max(0, Math.abs(value) - STICK_DEAD) / (1 - STICK_DEAD);
  return Math.sign(value) * Math.min(1, beyond) ** 2;
}

/** Several devices are one hand. */
export function together(grips: readonly Grip[]): Grip {
  const sum = (part: (grip: Grip) => Vector): Vector =>
    grips.reduce<Vector>((all, grip) => plus(all, part(grip)), ZERO);
  return {
    move: atMost(
      sum((grip) => grip.move),
      1,
    ),
    turn: atMost(
      sum((grip) => grip.turn),
      1,
    ),
    deadman: grips.some(({ deadman }) => deadman),
    clutch: grips.some(({ clutch }) => clutch),
  };
}

export class Hand {
  /** Of the robot's speed, SPEED_MIN to SPEED_MAX. */
  speed = 0.3;
  #armed = false; // the deadman has been seen released
  #target: Pose = { position: ZERO, orientation: UPRIGHT };
  #move = ZERO; // smoothed
  #turn = ZERO;
  #fastest = 0; // lately, m/s
  #quickest = 0; // lately, rad/s
  #lastMs: number | null = null;

  /** The grip is lost, whatever the devices say: the deadman must be seen released first. */
  letGo(): void {
    this.#armed = false;
  }

  /** `most`: the robot's speed, m/s. `roundTripMs`: how old the probe's pose is, and the answer. */
  step(grip: Grip, probe: Pose, most: number, roundTripMs: number, nowMs: number): Target {
    const stepS = Math.min(Math.max((nowMs - (this.#lastMs ?? nowMs)) / 1000, 0), STEP_MAX_S);
    this.#lastMs = nowMs;
    if (!grip.deadman) this.#armed = true;
    const deadman = grip.deadman && this.#armed;
    if (!deadman || grip.clutch) {
      this.#rest(probe);
      return { ...probe, velocity: ZERO, turning: ZERO, deadman, clutch: grip.clutch };
    }
    return { ...this.#follow(grip, probe, most, roundTripMs, stepS), deadman, clutch: false };
  }

  #rest(probe: Pose): void {
    this.#target = probe;
    this.#move = this.#turn = ZERO;
    this.#fastest = this.#quickest = 0;
  }

  #follow(grip: Grip, probe: Pose, most: number, roundTripMs: number, stepS: number) {
    const share = 1 - Math.exp(-stepS / SMOOTH_S);
    const smooth = (now: Vector, asked: Vector): Vector =>
      plus(now, times(minus(asked, now), share));
    this.#move = smooth(this.#move, atMost(grip.move, 1));
    this.#turn = smooth(this.#turn, atMost(grip.turn, 1));

    const before = this.#target;
    const speed = rotate(before.orientation, times(this.#move, most * this.speed));
    const turning = rotate(before.orientation, times(this.#turn, TURN_RAD_S * this.speed));
    const aheadS = LAG_S + roundTripMs / 1000;
    const fade = Math.exp(-stepS / (FORGET_S + roundTripMs / 1000));
    this.#fastest = Math.max(length(speed), this.#fastest * fade);
    this.#quickest = Math.max(length(turning), this.#quickest * fade);

    const position = plus(before.position, times(speed, stepS));
    const orientation = normal(product(ofVector(times(turning, stepS)), before.orientation));
    const away = atMost(
      minus(position, probe.position),
      Math.min(AHEAD_M + this.#fastest * aheadS, AHEAD_MAX_M),
    );
    const turned = atMost(
      between(probe.orientation, orientation),
      Math.min(AHEAD_RAD + this.#quickest * aheadS, AHEAD_MAX_RAD),
    );
    this.#target = {
      position: plus(probe.position, away),
      orientation: normal(product(ofVector(turned), probe.orientation)),
    };
    return {
      ...this.#target,
      velocity: led(speed, minus(this.#target.position, before.position), stepS),
      turning: led(turning, between(before.orientation, this.#target.orientation), stepS),
    };
  }
}

/** The velocity that leads the target: as asked, but no faster than the target really goes. */
function led(asked: Vector, gone: Vector, stepS: number): Vector {
  const long = length(asked);
  if (stepS === 0 || long === 0) return ZERO;
  const way = unit(asked);
  const along = (gone[0] * way[0] + gone[1] * way[1] + gone[2] * way[2]) / stepS;
  return times(way, Math.min(Math.max(along, 0), long));
}
