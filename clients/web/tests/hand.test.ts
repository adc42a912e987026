import { describe, expect, it } from "vitest";

import {
  Hand,
  OPEN,
  shaped,
  together,
  type Grip,
  type Pose,
  type Target,
} from "../src/control/hand";
import { between, length, minus, ofVector, rotate, ZERO } from "../src/control/vectors";

const DOWN = ofVector([Math.PI, 0, 0]); // the beam points down, into a body that lies below
const HOME: Pose = { position: [0.4, 0, 0.2], orientation: DOWN };
const SPEED_M_S = 0.1;
const HELD: Grip = { ...OPEN, deadman: true };
const PRESS: Grip = { ...HELD, move: [0, 0, 1] };

/** A hand before a robot that follows at once, or not at all. */
class Bench {
  readonly hand = new Hand();
  probe = HOME;
  nowMs = 1000;
  last: Target | null = null;
  follows = true;

  run(grip: Grip, ms: number, tripMs = 20): Target {
    for (const end = this.nowMs + ms; this.nowMs < end; this.nowMs += 10) {
      this.last = this.hand.step(grip, this.probe, SPEED_M_S, tripMs, this.nowMs);
      if (this.follows && this.last.deadman && !this.last.clutch) this.probe = this.last;
    }
    if (!this.last) throw new Error("no step");
    return this.last;
  }
}

const moved = (pose: Pose): number => length(minus(pose.position, HOME.position));
const still = (target: Target): boolean => length(target.velocity) + length(target.turning) === 0;

describe("the hand", () => {
  it("moves nothing without the deadman", () => {
    const bench = new Bench();
    const target = bench.run({ ...PRESS, deadman: false }, 500);
    expect(target).toMatchObject({ ...HOME, deadman: false });
    expect(still(target)).toBe(true);
  });

  it("goes where it is asked, at its share of the robot's speed, once the deadman is held", () => {
    const bench = new Bench();
    bench.run(OPEN, 100);
    bench.hand.speed = 0.5;
    const target = bench.run(PRESS, 1000);
    expect(target.position[2]).toBeCloseTo(HOME.position[2] - 0.05, 2); // 0.1 m/s, half of it
    expect(target.velocity[2]).toBeCloseTo(-0.05, 3);
  });

  it("begins gently", () => {
    const bench = new Bench();
    bench.run(HELD, 50);
    expect(length(bench.run(PRESS, 10).velocity)).toBeLessThan(0.01);
  });

  it("stands still at once when the deadman is let go, and starts from the probe again", () => {
    const bench = new Bench();
    bench.run(OPEN, 20);
    bench.run(PRESS, 500);
    expect(still(bench.run({ ...PRESS, deadman: false }, 10))).toBe(true);
    bench.probe = { ...HOME, position: [0.5, 0.1, 0.2] }; // moved by somebody else
    const target = bench.run(HELD, 10);
    expect(target.position).toEqual(bench.probe.position);
  });

  it("moves and the probe does not while the clutch is held", () => {
    const bench = new Bench();
    bench.run(OPEN, 20);
    const target = bench.run({ ...PRESS, clutch: true }, 500);
    expect(target).toMatchObject({ position: HOME.position, deadman: true, clutch: true });
    expect(moved(bench.run(HELD, 10))).toBe(0); // nothing jumps when it is let go
  });

  it("that was lost must be opened before it counts again", () => {
    const bench = new Bench();
    bench.run(OPEN, 20);
    bench.run(PRESS, 200);
    bench.hand.letGo();
    const there = bench.probe.position;
    expect(bench.run(PRESS, 500)).toMatchObject({ deadman: false, position: there });
    bench.run(OPEN, 20);
    expect(bench.run(PRESS, 200).deadman).toBe(true);
    expect(bench.probe.position).not.toEqual(there);
  });

  it("does not save up what the robot does not follow", () => {
    const bench = new Bench();
    bench.run(OPEN, 20);
    bench.follows = false;
    const pushed = bench.run(PRESS, 5000);
    expect(moved(pushed)).toBeLessThan(0.012); // at 0.03 m/s: what the arm lags, and a little
    expect(length(pushed.velocity)).toBeLessThan(0.005);
    expect(moved(bench.run(HELD, 2000))).toBeLessThan(0.0042);
  });

  it("leaves a slow network more room", () => {
    const near = new Bench();
    const far = new Bench();
    for (const bench of [near, far]) {
      bench.run(OPEN, 20);
      bench.follows = false;
    }
    expect(moved(far.run(PRESS, 3000, 300))).toBeGreaterThan(moved(near.run(PRESS, 3000, 20)));
  });

  it("turns about the probe's own axes", () => {
    const bench = new Bench();
    bench.run(OPEN, 20);
    const target = bench.run({ ...HELD, turn: [0, 0, 1] }, 1000);
    expect(rotate(target.orientation, [0, 0, 1])[2]).toBeCloseTo(-1, 5); // the beam stays
    expect(length(between(HOME.orientation, target.orientation))).toBeCloseTo(0.15, 1);
  });

  it("goes on from where it was when the page stumbled", () => {
    const bench = new Bench();
    bench.run(OPEN, 20);
    bench.run(PRESS, 500);
    const there = moved(bench.probe);
    bench.nowMs += 5000;
    expect(moved(bench.run(PRESS, 10)) - there).toBeLessThan(0.002);
  });
});

describe("devices", () => {
  it("are one hand, no stronger than one", () => {
    const one: Grip = { ...OPEN, move: [1, 0, 0] };
    const all = together([one, one, HELD]);
    expect(all).toMatchObject({ move: [1, 0, 0], turn: ZERO, deadman: true, clutch: false });
  });

  it("have no slack about the middle, and an end", () => {
    expect(shaped(0.1)).toBeCloseTo(0);
    expect(shaped(-1)).toBe(-1);
    expect(shaped(0.5)).toBeLessThan(0.25);
  });
});
