/** What the console says of itself in one line: a tone, a title, and what to do. Pure. */

import type { ControlMessages } from "../i18n/control-en";
import type { Obstacle } from "./console";
import type { Observation } from "./layout";
import type { Standing, Why } from "./lease";
import { Cause, Held, Mode, type CauseName, type ModeName, type State } from "./messages";

export type Tone = "quiet" | "good" | "caution" | "danger";

export interface Line {
  readonly tone: Tone;
  readonly title: string;
  readonly text: string;
}

export interface Situation {
  readonly standing: Standing;
  readonly newest: Observation | null;
  readonly fresh: boolean;
  readonly silentMs: number | null;
  readonly obstacle: Obstacle | null;
  readonly present: boolean; // there is a robot in the room
  readonly deadman: boolean;
  readonly clutch: boolean; // with the deadman
  readonly self: string;
  readonly nameOf: (participant: string) => string;
}

/** A number of the wire as the word that the reliable channel uses. */
export function modeOf(mode: number): ModeName {
  return wordOf(Mode, mode, "idle") as ModeName;
}

export function causeOf(cause: number): CauseName {
  return wordOf(Cause, cause, "none") as CauseName;
}

function wordOf(
  words: Readonly<Record<string, number>>,
  number: number,
  otherwise: string,
): string {
  return (
    Object.keys(words)
      .find((word) => words[word] === number)
      ?.toLowerCase() ?? otherwise
  );
}

export function lineOf(now: Situation, c: ControlMessages): Line {
  const { standing, present } = now;
  const { stage, why, state } = standing;
  const s = c.status;
  if (stage === "absent" || !state) {
    if (why) return ended(why, null, now, c);
    if (!present) return { tone: "quiet", title: s.noRobot, text: s.noRobotText };
    return { tone: "quiet", title: s.connecting, text: "" };
  }
  switch (stage) {
    case "asking":
      return { tone: "quiet", title: s.asking, text: s.askingText };
    case "digits":
      return { tone: "quiet", title: s.digits, text: waiting(state, now, c) };
    case "held":
      return held(now, c);
    case "watching":
      return why && !overtaken(why, state) ? ended(why, state, now, c) : watching(state, now, c);
  }
}

/** Whose word it takes, after the two have compared the digits. */
function waiting(state: State, { nameOf, self }: Situation, c: ControlMessages): string {
  const { digitsAtOnce, offered, mayOffer } = c.status;
  const { holder, successor, grants } = state;
  if (holder && holder !== self) {
    return successor === self ? offered(nameOf(holder)) : mayOffer(nameOf(holder));
  }
  return grants === "at_once" ? digitsAtOnce : "";
}

/** How control ended is old news once the robot is stopped, or in another's hands than was said. */
function overtaken(why: Why, { mode, cause, holder }: State): boolean {
  if (why.kind === "denied") return false;
  if (atRest(mode) && cause === "stop") return true;
  if (why.kind === "handed_over") return holder !== why.to;
  return holder !== "" && why.kind !== "no_answer";
}

function watching(state: State, { nameOf, obstacle }: Situation, c: ControlMessages): Line {
  const s = c.status;
  if (state.holder) {
    const { holder, successor } = state;
    const text = successor ? c.handingOver(nameOf(successor)) : s.watchingText;
    return { tone: "quiet", title: s.watching(nameOf(holder)), text };
  }
  if (atRest(state.mode)) return rested(state.mode, state.cause, c);
  return { tone: "quiet", title: s.free, text: obstacle ? c.obstacles[obstacle] : s.freeText };
}

function held({ newest, fresh, silentMs, deadman, clutch }: Situation, c: ControlMessages): Line {
  const s = c.status;
  if (!newest || !fresh) {
    const text = silentMs === null ? "" : s.silentText((silentMs / 1000).toFixed(1));
    return { tone: "danger", title: s.silent, text };
  }
  const mode = modeOf(newest.mode);
  const cause = causeOf(newest.cause);
  if (mode === "frozen") {
    return { tone: "caution", title: s.frozen(c.causes[cause]), text: s.frozenText };
  }
  if (atRest(mode)) return rested(mode, cause, c);
  if (clutch) return { tone: "good", title: s.clutch, text: "" };
  if (mode === "following") return moving(newest.flags, c);
  if (cause === "far") return { tone: "caution", title: s.far, text: s.farText };
  return { tone: "good", title: s.ready, text: deadman ? s.farText : s.readyText("D") };
}

function moving(flags: number, c: ControlMessages): Line {
  const { moving, movingText, limited } = c.status;
  const text =
    flags & Held.FORCE_HARD
      ? limited.hard
      : flags & (Held.FORCE_SOFT | Held.FORCE_RATE)
        ? limited.force
        : flags & Held.WORKSPACE
          ? limited.workspace
          : flags & Held.TILT
            ? limited.tilt
            : "";
  return { tone: text ? "caution" : "good", title: moving, text: text || movingText };
}

export function atRest(mode: ModeName): boolean {
  return mode === "holding" || mode === "retreating" || mode === "latched";
}

/** It stands still by its own rules; only a fresh grant leads out. */
function rested(mode: ModeName, cause: CauseName, c: ControlMessages): Line {
  const stopped = cause === "stop";
  const reason = cause === "silence" ? c.heldSilence : c.heldBy(c.causes[cause] || c.modes[mode]);
  const title = stopped ? `${c.status.stopped}: ${c.causes.stop}` : reason;
  return { tone: "danger", title, text: stopped ? c.clearFirst : c.askAgain };
}

function ended(why: Why, state: State | null, now: Situation, c: ControlMessages): Line {
  const s = c.status;
  switch (why.kind) {
    case "ended": {
      const { mode, cause } = state ?? why;
      if (atRest(mode) || atRest(why.mode))
        return rested(mode, cause === "none" ? why.cause : cause, c);
      return { tone: "caution", title: s.takenBack, text: "" };
    }
    case "denied":
      return { tone: "caution", title: c.denied[why.reason], text: "" };
    case "handed_over":
      return { tone: "quiet", title: s.handedOver(now.nameOf(why.to)), text: s.watchingText };
    case "gone":
      return { tone: "danger", title: s.gone, text: s.goneText };
    case "closing":
      return { tone: "caution", title: s.closing, text: "" };
    case "path":
      return { tone: "danger", title: s.path, text: "" };
    case "hidden":
      return { tone: "caution", title: s.hidden, text: c.askAgain };
    case "no_answer":
      return { tone: "caution", title: s.noAnswer, text: "" };
    case "released":
      return { tone: "quiet", title: s.released, text: "" };
    case "withdrawn":
      return { tone: "quiet", title: s.withdrawn, text: "" };
  }
}
