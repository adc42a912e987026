import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { cueOf, gripOf, pluggedIn, tremble } from "../src/control/gamepad";
import { Grips } from "../src/control/grips";
import { OPEN, type Pose } from "../src/control/hand";
import type { ForceLimits } from "../src/control/messages";
import { length, minus, ofVector } from "../src/control/vectors";

const HOME: Pose = { position: [0.4, 0, 0.2], orientation: ofVector([Math.PI, 0, 0]) };
const LIMITS: ForceLimits = { warn_n: 10, soft_n: 15, hard_n: 25 };
const LB = 4;
const RB = 5;
const DEAD = 0.12;

interface Said {
  axes?: readonly number[];
  pressed?: readonly number[];
  pulled?: Readonly<Record<number, number>>;
  mapping?: GamepadMappingType;
  connected?: boolean;
  index?: number;
  id?: string;
  vibrationActuator?: { playEffect: (kind: string, how: object) => Promise<string> };
}

/** As `navigator.getGamepads` has them: plain values of one moment. */
function pad(said: Said = {}): Gamepad {
  const { axes = [0, 0, 0, 0], pressed = [], pulled = {}, ...rest } = said;
  const buttons = Array.from({ length: 17 }, (_, index) => {
    const value = pulled[index] ?? Number(pressed.includes(index));
    return { pressed: value > 0.5, touched: value > 0, value };
  });
  const plain = { mapping: "standard", connected: true, index: 0, id: "Pad", ...rest };
  return { axes, buttons, ...plain } as unknown as Gamepad;
}

const joystick = (said: Said): Gamepad => pad({ mapping: "", id: "Stick", ...said });

describe("a gamepad of the standard mapping", () => {
  it("holds the deadman and the clutch by its shoulders, and by nothing else", () => {
    const resting = gripOf(pad());
    expect(resting).toMatchObject({ deadman: false, clutch: false, stop: false });
    expect(length(resting.move) + length(resting.turn)).toBe(0);
    for (let button = 0; button < 17; button++) {
      const grip = gripOf(pad({ pressed: [button] }));
      expect([grip.deadman, grip.clutch]).toEqual([button === LB, button === RB]);
      expect(grip.stop).toBe(button === 1 || button === 9);
    }
  });

  it("slides with the left stick, rocks and tilts with the right one", () => {
    expect(gripOf(pad({ axes: [1, 0, 0, 0] })).move).toEqual([1, -0, 0]);
    expect(gripOf(pad({ axes: [0, -1, 0, 0] })).move).toEqual([0, 1, 0]); // away is up
    expect(gripOf(pad({ axes: [0, 0, 1, 0] })).turn).toEqual([-0, 1, 0]);
    expect(gripOf(pad({ axes: [0, 0, 0, 1] })).turn[0]).toBe(-1);
  });

  it("presses and lifts as far as the triggers are pulled, and turns with the cross", () => {
    expect(gripOf(pad({ pulled: { 7: 1 } })).move[2]).toBe(1);
    expect(gripOf(pad({ pulled: { 6: 1 } })).move[2]).toBe(-1);
    const half = gripOf(pad({ pulled: { 7: 0.5 } })).move[2];
    expect(half).toBeGreaterThan(0);
    expect(half).toBeLessThan(0.5);
    expect(gripOf(pad({ pressed: [15] })).turn[2]).toBe(1);
    expect(gripOf(pad({ pressed: [14] })).turn[2]).toBe(-1);
    expect(gripOf(pad({ pressed: [14, 15] })).turn[2]).toBe(0);
  });

  it("does nothing by a stick's slack, more the farther it goes, and never more than all", () => {
    let before = 0;
    for (let step = 0; step <= 200; step++) {
      const axis = step / 160; // a worn stick says more than one
      const there = gripOf(pad({ axes: [axis, 0, 0, 0] })).move[0];
      const back = gripOf(pad({ axes: [-axis, 0, 0, 0] })).move[0];
      expect(back).toBeCloseTo(-there);
      if (axis <= DEAD) expect(Math.abs(there)).toBe(0);
      expect(there).toBeGreaterThanOrEqual(before);
      expect(there).toBeLessThanOrEqual(1);
      before = there;
    }
    expect(before).toBe(1);
  });

  it("says nothing once it is unplugged, and nothing by what it lacks", () => {
    const everything = Array.from({ length: 17 }, (_, index) => index);
    const gone = pad({ axes: [1, 1, 1, 1], pressed: everything, connected: false });
    expect(gripOf(gone)).toEqual({ ...OPEN, stop: false });
    const bare = { axes: [], buttons: [], mapping: "standard", connected: true } as const;
    expect(gripOf(bare)).toMatchObject({ deadman: false, clutch: false, stop: false });
    expect(length(gripOf(bare).move) + length(gripOf(bare).turn)).toBe(0);
  });
});

describe("a joystick of its own mapping", () => {
  it("has the deadman at its trigger, then clutch, press, lift and stop", () => {
    expect(gripOf(joystick({ pressed: [0] }))).toMatchObject({ deadman: true, clutch: false });
    expect(gripOf(joystick({ pressed: [1] }))).toMatchObject({ deadman: false, clutch: true });
    expect(gripOf(joystick({ pressed: [2] })).move[2]).toBe(1);
    expect(gripOf(joystick({ pressed: [3] })).move[2]).toBe(-1);
    expect(gripOf(joystick({ pressed: [4] })).stop).toBe(true);
    expect(gripOf(joystick({ pressed: [LB + 1] }))).toMatchObject({ deadman: false, stop: false });
  });

  it("slides with the stick and turns with its twist", () => {
    const grip = gripOf(joystick({ axes: [0.5, -1, -1] }));
    expect(grip.move[0]).toBeGreaterThan(0);
    expect(grip.move[1]).toBe(1);
    expect(grip.turn).toEqual([0, 0, -1]);
    expect(gripOf(joystick({ axes: [0, 0] })).turn[2]).toBe(0); // it has no twist
  });
});

describe("the force in a gamepad", () => {
  it("is felt from the warning on, and grows to the hard limit", () => {
    expect(cueOf(9.99, 10, 25)).toBe(0);
    expect(cueOf(10, 10, 25)).toBe(0.25);
    expect(cueOf(17.5, 10, 25)).toBeGreaterThan(cueOf(15, 10, 25));
    expect([cueOf(25, 10, 25), cueOf(90, 10, 25)]).toEqual([1, 1]);
  });

  it("shakes what can shake, and disturbs nothing else", async () => {
    const playEffect = vi.fn(() => Promise.reject(new Error("it is away")));
    tremble(pad(), 1);
    tremble(pad({ vibrationActuator: { playEffect } }), 0);
    expect(playEffect).not.toHaveBeenCalled();
    tremble(pad({ vibrationActuator: { playEffect } }), 0.5);
    expect(playEffect).toHaveBeenCalledWith(
      "dual-rumble",
      expect.objectContaining({ strongMagnitude: 0.5 }),
    );
    await Promise.resolve(); // its failure is nobody's
  });
});

describe("a hand at a gamepad", () => {
  let pads: (Gamepad | null)[] = [];
  let focus = true;
  let stops = 0;
  let nowMs = 0;
  let grips: Grips;

  beforeEach(() => {
    [pads, focus, stops, nowMs] = [[], true, 0, 1000];
    vi.stubGlobal("navigator", { getGamepads: () => pads });
    vi.stubGlobal("document", { hasFocus: () => focus });
    grips = new Grips(() => (stops += 1));
  });
  afterEach(() => vi.unstubAllGlobals());

  /** What is asked of a robot that stays where it is. */
  function run(ms: number) {
    let target = grips.step(HOME, 0.1, 20, nowMs);
    for (const end = nowMs + ms; nowMs < end; nowMs += 10)
      target = grips.step(HOME, 0.1, 20, nowMs);
    const moved = length(minus(target.position, HOME.position)) > 0 || length(target.velocity) > 0;
    return { deadman: target.deadman, moved };
  }

  const pushed = (said: Said = {}): Gamepad => pad({ axes: [1, 0, 0, 0], pressed: [LB], ...said });
  const MOVES = { deadman: true, moved: true };
  const RESTS = { deadman: false, moved: false };

  it("moves while the shoulder is held", () => {
    pads = [pad()];
    run(20);
    pads = [pad({ axes: [1, 0, 0, 0] })];
    expect(run(100)).toEqual(RESTS);
    pads = [pushed()];
    expect(run(100)).toEqual(MOVES);
    expect(grips.held.value).toMatchObject({ deadman: true, gamepad: "Pad" });
    pads = [pad({ axes: [1, 0, 0, 0] })];
    expect(run(10)).toEqual(RESTS);
  });

  it("moves nothing when it is plugged in with the shoulder pressed, until it was let go", () => {
    run(50); // hands in the lap: without the gamepad nothing is held
    pads = [pushed()];
    expect(run(500)).toEqual(RESTS);
    pads = [pad()];
    run(10);
    pads = [pushed()];
    expect(run(100)).toEqual(MOVES);
  });

  it("is let go when the gamepad is unplugged, and must be seen so when it is back", () => {
    pads = [pad()];
    run(20);
    pads = [pushed()];
    expect(run(100)).toEqual(MOVES);
    pads = [null]; // as browsers leave its place
    expect(run(10)).toEqual(RESTS);
    expect(grips.held.value.gamepad).toBeNull();
    pads = [pushed()];
    expect(run(500)).toEqual(RESTS);
    pads = [pushed({ connected: false })]; // as others do
    expect(run(10)).toEqual(RESTS);
    pads = [pad()];
    run(10);
    pads = [pushed()];
    expect(run(100)).toEqual(MOVES);
  });

  it("does not go over to another gamepad that is pressed", () => {
    pads = [pad()];
    run(20);
    pads = [pushed()];
    run(100);
    pads = [null, pushed({ index: 1 })];
    expect(run(500)).toEqual(RESTS);
  });

  it("lets go with the keyboard too when a gamepad comes or goes", () => {
    run(20);
    grips.key("KeyD", true);
    grips.key("ArrowRight", true);
    expect(run(100)).toEqual(MOVES);
    pads = [pad()];
    expect(run(100)).toEqual(RESTS);
  });

  it("is no hand while the page has no focus", () => {
    pads = [pad()];
    run(20);
    pads = [pushed()];
    expect(run(100)).toEqual(MOVES);
    focus = false;
    expect(run(10)).toEqual(RESTS);
  });

  it("rests in the clutch", () => {
    pads = [pad()];
    run(20);
    pads = [pushed({ pressed: [LB, RB] })];
    expect(run(100)).toEqual({ deadman: true, moved: false });
    expect(grips.held.value.clutch).toBe(true);
  });

  it("stops by its button, with or without the shoulder", () => {
    pads = [pad({ pressed: [1] })];
    grips.step(HOME, 0.1, 20, nowMs);
    pads = [pushed({ pressed: [LB, 9] })];
    grips.step(HOME, 0.1, 20, nowMs);
    expect(stops).toBe(2);
  });

  it("feels the force ten times a second at most", () => {
    const playEffect = vi.fn(() => Promise.resolve("complete"));
    pads = [pad({ vibrationActuator: { playEffect } })];
    for (let ms = 0; ms < 1000; ms += 10) grips.feel(20, LIMITS, 1000 + ms);
    expect(playEffect).toHaveBeenCalledTimes(10);
    grips.feel(5, LIMITS, 3000);
    expect(playEffect).toHaveBeenCalledTimes(10);
  });

  it("does without, where the browser knows no gamepads", () => {
    vi.stubGlobal("navigator", {});
    expect(pluggedIn()).toBeNull();
    expect(run(20)).toEqual(RESTS);
  });
});
