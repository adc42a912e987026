/**
 * How far this console is with one robot: pure, with the time passed in.
 *
 *     absent → watching → asking → digits → held → watching, with a reason
 *
 * The invariant: `held` begins with the robot's own word under this lease's key, and ends with the
 * first sign that it is over, whoever gives it. Nothing leads back to it but asking anew.
 */

import type { CauseName, Denied, ModeName, State } from "./messages";
import type { Heard } from "./orders";

export type Stage = "absent" | "watching" | "asking" | "digits" | "held";

/** Why there is no control any more, or none yet. */
export type Why =
  | { kind: "ended"; cause: CauseName; mode: ModeName }
  | { kind: "denied"; reason: Denied["reason"] }
  | { kind: "handed_over"; to: string }
  | { kind: "released" | "withdrawn" | "hidden" | "gone" | "closing" | "path" | "no_answer" };

export interface Standing {
  readonly stage: Stage;
  readonly digits: string | null;
  readonly epoch: number; // of the lease that is held; else 0
  readonly why: Why | null; // of the last end, until control is asked for again
  readonly state: State | null; // what the robot has said of itself
}

const ANSWER_MS = 8000; // for the robot's key, and then for a sign of its operator's side

export const NOWHERE: Standing = {
  stage: "absent",
  digits: null,
  epoch: 0,
  why: null,
  state: null,
};

export class Lease {
  #now: Standing = NOWHERE;
  #askedMs = 0;
  #leaving: Why | null = null; // what one has just said oneself

  /** `self`: this participant; `robot`: the other. */
  constructor(
    readonly self: string,
    readonly robot: string,
  ) {}

  get standing(): Standing {
    return this.#now;
  }

  // --- what one wants ---

  ask(nowMs: number): void {
    if (this.#now.stage !== "watching") return;
    this.#askedMs = nowMs;
    this.#leaving = null;
    this.#to("asking", null);
  }

  /** The keys are exchanged; two people compare these. */
  compare(digits: string): void {
    if (this.#now.stage === "asking") this.#now = { ...this.#now, stage: "digits", digits };
  }

  /** Asked for no longer, or given back: the robot's own word may come later. */
  leave(why: Why): void {
    if (this.#now.stage === "held") this.#leaving = why;
    else if (this.#now.stage !== "absent") this.#to("watching", why);
  }

  /** One has come back before the robot took one for gone. */
  stay(): void {
    this.#leaving = null;
  }

  // --- what happens ---

  /** The robot's word under the lease's key. */
  granted(epoch: number): boolean {
    const { state, stage } = this.#now;
    const over = state && (state.epoch > epoch || (state.epoch === epoch && !this.#mine(state)));
    if (stage !== "digits" && stage !== "asking") return false;
    if (over) {
      this.#to("watching", { kind: "ended", cause: state.cause, mode: state.mode });
      return false;
    }
    this.#now = { ...this.#now, stage: "held", digits: null, epoch, why: null };
    return true;
  }

  hear(order: Heard): void {
    switch (order.type) {
      case "state":
        this.#state(order);
        break;
      case "denied":
        if (this.#now.stage === "asking" || this.#now.stage === "digits") {
          this.#to("watching", { kind: "denied", reason: order.reason });
        }
        break;
      case "gone":
        if (order.name === this.robot) this.#away({ kind: "gone" });
        break;
      case "closing":
        this.#away({ kind: "closing" });
        break;
      case "beat":
      case "show":
      case "sealed":
        break; // the exchange of keys is not this page's
    }
  }

  /** The connection to the relay is gone. */
  lost(): void {
    this.#away({ kind: "path" });
  }

  /** Time has passed. */
  look(nowMs: number): void {
    if (this.#now.stage === "asking" && nowMs - this.#askedMs > ANSWER_MS) {
      this.#to("watching", { kind: "no_answer" });
    }
  }

  #state(state: State): void {
    const { stage, epoch } = this.#now;
    this.#now = { ...this.#now, state, stage: stage === "absent" ? "watching" : stage };
    if (stage !== "held" || state.epoch < epoch) return;
    if (state.epoch === epoch && this.#mine(state)) return;
    const { cause, mode } = state;
    const given = state.epoch > epoch && state.holder !== "" && state.holder !== this.self;
    const why: Why = given
      ? { kind: "handed_over", to: state.holder }
      : (this.#leaving ?? { kind: "ended", cause, mode });
    this.#to("watching", why);
  }

  #mine(state: State): boolean {
    return state.holder === this.self;
  }

  #away(why: Why): void {
    const had = this.#now.stage !== "absent" && this.#now.stage !== "watching";
    this.#now = { ...NOWHERE, why: had ? why : this.#now.why };
  }

  #to(stage: Stage, why: Why | null): void {
    this.#now = { ...this.#now, stage, why, digits: null, epoch: 0 };
  }
}
