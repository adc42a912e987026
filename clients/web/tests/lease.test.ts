import { beforeEach, describe, expect, it } from "vitest";

import { Lease } from "../src/control/lease";
import type { State } from "../src/control/messages";
import { paintedState } from "../src/dev/painted-robot";

const ME = "p-me";
const ROBOT = "p-robot";
const NOBODY = "";

function state(epoch: number, holder: string, change: Partial<State> = {}): State {
  return { ...paintedState(), epoch, holder, cause: "none", mode: "idle", ...change };
}

let lease: Lease;
beforeEach(() => {
  lease = new Lease(ME, ROBOT);
});

function hold(epoch = 5): void {
  lease.hear(state(epoch - 1, NOBODY));
  lease.ask(0);
  lease.compare("123456");
  lease.granted(epoch);
  lease.hear(state(epoch, ME, { mode: "ready" }));
}

describe("a lease", () => {
  it("begins with watching, as soon as the robot says what it is", () => {
    expect(lease.standing.stage).toBe("absent");
    lease.ask(0);
    expect(lease.standing.stage).toBe("absent");
    lease.hear(state(4, NOBODY));
    expect(lease.standing.stage).toBe("watching");
  });

  it("is asked for, compared, granted", () => {
    lease.hear(state(4, NOBODY));
    lease.ask(0);
    expect(lease.standing).toMatchObject({ stage: "asking", digits: null });
    lease.compare("123456");
    expect(lease.standing).toMatchObject({ stage: "digits", digits: "123456" });
    expect(lease.granted(5)).toBe(true);
    expect(lease.standing).toMatchObject({ stage: "held", epoch: 5, digits: null });
  });

  it("is not had by anybody's word but the robot's under the key", () => {
    lease.hear(state(4, NOBODY));
    lease.hear(state(5, ME));
    expect(lease.standing.stage).toBe("watching");
    expect(lease.granted(5)).toBe(false); // never asked for
  });

  it("that is over already is not begun", () => {
    lease.hear(state(4, NOBODY));
    lease.ask(0);
    lease.compare("123456");
    lease.hear(state(5, NOBODY, { cause: "sensor" })); // over before its word was read
    expect(lease.granted(5)).toBe(false);
    expect(lease.standing).toMatchObject({ stage: "watching", why: { cause: "sensor" } });
  });

  it("ends with the robot's word, and says why", () => {
    hold();
    lease.hear(state(5, ME, { mode: "frozen", cause: "blind" }));
    expect(lease.standing.stage).toBe("held");
    lease.hear(state(5, NOBODY, { mode: "holding", cause: "silence" }));
    const why = { kind: "ended", cause: "silence", mode: "holding" };
    expect(lease.standing).toMatchObject({ stage: "watching", epoch: 0, why });
  });

  it("goes to somebody else", () => {
    hold();
    lease.hear(state(6, "p-other"));
    expect(lease.standing).toMatchObject({ stage: "watching", why: { kind: "handed_over" } });
  });

  it("that was given back says so", () => {
    hold();
    lease.leave({ kind: "released" });
    expect(lease.standing.stage).toBe("held"); // until the robot has heard it
    lease.hear(state(5, NOBODY, { mode: "holding", cause: "stop" }));
    expect(lease.standing.why).toEqual({ kind: "released" });
  });

  it("is not held by an older word that comes late", () => {
    hold();
    lease.hear(state(4, NOBODY));
    expect(lease.standing.stage).toBe("held");
  });

  it("can be denied, withdrawn, and waited for in vain", () => {
    lease.hear(state(4, NOBODY));
    lease.ask(0);
    lease.hear({ type: "denied", reason: "operator" });
    expect(lease.standing).toMatchObject({ stage: "watching", why: { reason: "operator" } });
    lease.ask(0);
    expect(lease.standing.why).toBeNull();
    lease.leave({ kind: "withdrawn" });
    expect(lease.standing).toMatchObject({ stage: "watching", why: { kind: "withdrawn" } });
    lease.ask(1000);
    lease.look(5000);
    expect(lease.standing.stage).toBe("asking");
    lease.look(10_000);
    expect(lease.standing).toMatchObject({ stage: "watching", why: { kind: "no_answer" } });
  });

  it("ends with the robot, the relay or the way to it", () => {
    for (const [end, kind] of [
      [() => lease.hear({ type: "gone", name: ROBOT }), "gone"],
      [() => lease.hear({ type: "closing" }), "closing"],
      [() => lease.lost(), "path"],
    ] as const) {
      lease = new Lease(ME, ROBOT);
      hold();
      end();
      expect(lease.standing).toMatchObject({ stage: "absent", epoch: 0, why: { kind } });
      expect(lease.granted(5)).toBe(false);
    }
  });

  it("does not care for another's going", () => {
    hold();
    lease.hear({ type: "gone", name: "p-other" });
    expect(lease.standing.stage).toBe("held");
  });
});
