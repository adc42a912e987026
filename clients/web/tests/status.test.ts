import { describe, expect, it } from "vitest";

import { NOWHERE, type Why } from "../src/control/lease";
import { Cause, Mode } from "../src/control/messages";
import { lineOf, type Situation } from "../src/control/status";
import { PaintedConsole, paintedState } from "../src/dev/painted-robot";
import { controlEn } from "../src/i18n/control-en";

function line(mode: keyof typeof Mode, cause: keyof typeof Cause, change: Partial<Situation> = {}) {
  const standing = { ...NOWHERE, stage: "held" as const, epoch: 1, state: paintedState() };
  const newest = new PaintedConsole({ mode, cause }).newest();
  const here = { obstacle: null, present: true, deadman: false, clutch: false, self: "me" };
  const now = { standing, newest, fresh: true, silentMs: 8, nameOf: (id: string) => id, ...here };
  const { title, text, tone } = lineOf({ ...now, ...change }, controlEn);
  return `${tone}: ${title} ${text}`;
}

describe("the console's line", () => {
  it("says what to do", () => {
    expect(line("READY", "RELEASED")).toContain("Hold D");
    expect(line("READY", "RELEASED", { deadman: true })).toContain("Let go, then hold again");
    expect(line("FOLLOWING", "NONE", { deadman: true })).toContain("good: Moving");
  });

  it("says why the probe stands still", () => {
    expect(line("FROZEN", "BLIND")).toContain("caution: Frozen: the picture is too old");
    expect(line("LATCHED", "SILENCE")).toContain(
      "danger: Held: no command for 0.3 s. Ask for control again.",
    );
    expect(line("FOLLOWING", "NONE", { fresh: false, silentMs: 1300 })).toContain("For 1.3 s");
  });

  it("says who hands over to whom", () => {
    const state = { ...paintedState(), holder: "Smith", asking: ["me"] };
    const digits = { ...NOWHERE, stage: "digits" as const, digits: "116085" };
    const told = (change: object): string =>
      line("READY", "NONE", { standing: { ...digits, state: { ...state, ...change } } });
    expect(told({})).toContain("Smith has control and may hand over to you.");
    expect(told({ grants: "at_once" })).toContain("Smith has control and may hand over to you.");
    expect(told({ successor: "me" })).toContain("Smith hands over to you.");
    expect(told({ successor: "Li" })).toContain("may hand over to you.");
    expect(told({ holder: "" })).not.toContain("hand over");
    const watching = { ...NOWHERE, stage: "watching" as const };
    const seen = { standing: { ...watching, state: { ...state, successor: "Li" } } };
    expect(line("READY", "NONE", seen)).toContain("Li gets control when the operator agrees.");
  });

  it("does not say how control ended when that is no longer so", () => {
    const why: Why = { kind: "handed_over", to: "Li" };
    const told = (change: object, ended: Why = why): string => {
      const state = { ...paintedState(), ...change };
      return line("IDLE", "NONE", {
        standing: { ...NOWHERE, stage: "watching", state, why: ended },
      });
    };
    expect(told({ holder: "Li" })).toContain("Li has control now.");
    expect(told({ mode: "latched", cause: "stop" })).toContain("danger: Stopped");
    expect(told({})).toContain("Nobody has control");
    expect(told({ holder: "Wang" })).toContain("Watching: Wang has control");
    expect(told({ holder: "Li" }, { kind: "released" })).toContain("Watching: Li has control");
    expect(told({ mode: "latched", cause: "stop" }, { kind: "released" })).toContain("Stopped");
    const denied: Why = { kind: "denied", reason: "operator" };
    expect(told({ holder: "Li" }, denied)).toContain("declined");
  });

  it("says why control has ended", () => {
    const why = (kind: Why): string =>
      line("IDLE", "NONE", {
        standing: { ...NOWHERE, stage: "watching", state: paintedState(), why: kind },
      });
    expect(why({ kind: "hidden" })).toContain("page was hidden");
    expect(why({ kind: "ended", cause: "none", mode: "idle" })).toContain("taken control back");
    expect(why({ kind: "denied", reason: "operator" })).toContain("declined");
  });
});
