import { describe, expect, it } from "vitest";

import { NOWHERE, type Why } from "../src/control/lease";
import { Cause, Mode } from "../src/control/messages";
import { lineOf, type Situation } from "../src/control/status";
import { PaintedConsole, paintedState } from "../src/dev/painted-robot";
import { controlEn } from "../src/i18n/control-en";

function line(mode: keyof typeof Mode, cause: keyof typeof Cause, change: Partial<Situation> = {}) {
  const standing = { ...NOWHERE, stage: "held" as const, epoch: 1, state: paintedState() };
  const newest = new PaintedConsole({ mode, cause }).newest();
  const here = { obstacle: null, present: true, deadman: false, clutch: false };
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
