/**
 * How well the link does, from the messages themselves: the round trip through network and robot,
 * and what of the robot's observations is lost. Pure, with the time passed in.
 */

import type { Level } from "../protocol/messages";

const REMEMBERED = 512; // commands: five seconds
const WINDOW_MS = 2000;
const QUIET_MS = 300; // no word from the robot: what is shown is not now

/** As control/governor.py has them: slower above the first, no motion above the second. */
export const FAIR_MS = 200;
export const POOR_MS = 300;
export const STILL_MS = 500;
export const BLIND_MS = 300;
const LOSS_FAIR = 0.02;
const LOSS_POOR = 0.1;

interface Came {
  readonly sequence: number;
  readonly atMs: number;
}

export class Health {
  readonly #sentMs = new Map<number, number>();
  #trips: { ms: number; atMs: number }[] = [];
  #came: Came[] = [];

  /** A new lease counts its commands anew. */
  reset(): void {
    this.#sentMs.clear();
    this.#trips = [];
  }

  sent(sequence: number, nowMs: number): void {
    this.#sentMs.set(sequence, nowMs);
    const old = sequence - REMEMBERED;
    if (old > 0) this.#sentMs.delete(old);
  }

  /** An observation; `applied` is null for who sends no commands. */
  heard(
    sequence: number,
    applied: { sequence: number; ageUs: number } | null,
    nowMs: number,
  ): void {
    const last = this.#came.at(-1)?.sequence ?? 0;
    if (sequence < last - REMEMBERED) this.#came = []; // the robot has begun anew
    this.#came.push({ sequence, atMs: nowMs });
    const sentMs = applied ? this.#sentMs.get(applied.sequence) : undefined;
    if (applied && sentMs !== undefined) {
      this.#trips.push({ ms: Math.max(0, nowMs - sentMs - applied.ageUs / 1000), atMs: nowMs });
    }
    this.#forget(nowMs);
  }

  /** The middle one of the last two seconds; null: not known. */
  roundTripMs(nowMs: number): number | null {
    this.#forget(nowMs);
    const sorted = this.#trips.map(({ ms }) => ms).sort((a, b) => a - b);
    return sorted[sorted.length >> 1] ?? null;
  }

  /** The share of the observations that did not come; null: none came at all. */
  loss(nowMs: number): number | null {
    this.#forget(nowMs);
    const numbers = this.#came.map(({ sequence }) => sequence);
    if (numbers.length < 2) return null;
    const all = Math.max(...numbers) - Math.min(...numbers) + 1;
    return Math.max(0, 1 - new Set(numbers).size / all);
  }

  /** Since the robot's last word; null: it has said none lately. */
  silentMs(nowMs: number): number | null {
    const last = this.#came.at(-1);
    return last ? nowMs - last.atMs : null;
  }

  /** Whether the probe's pose on the screen is the present one. */
  fresh(nowMs: number): boolean {
    return (this.silentMs(nowMs) ?? Number.POSITIVE_INFINITY) < QUIET_MS;
  }

  #forget(nowMs: number): void {
    const young = ({ atMs }: { atMs: number }): boolean => nowMs - atMs <= WINDOW_MS;
    this.#trips = this.#trips.filter(young);
    this.#came = this.#came.filter((one, index, all) => young(one) || index === all.length - 1);
  }
}

/** A word for it. */
export function levelOf(
  roundTripMs: number | null,
  pictureMs: number | null,
  loss: number | null,
): Level | null {
  if (roundTripMs === null && pictureMs === null) return null;
  const worst = Math.max(roundTripMs ?? 0, pictureMs ?? 0);
  if (worst > POOR_MS || (loss ?? 0) > LOSS_POOR) return "poor";
  return worst > FAIR_MS || (loss ?? 0) > LOSS_FAIR ? "fair" : "good";
}
