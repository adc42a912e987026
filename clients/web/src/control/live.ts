/** The console of one robot over the real path: joins the exchange of keys, the hand and the pulse. */

import type { Grants } from "../protocol/messages";
import { Store } from "../state/store";
import { UNKNOWN, type Console, type Figures, type Obstacle, type Robot } from "./console";
import type { PadName, Touch } from "./devices";
import { RELAY } from "./envelope";
import { Grips } from "./grips";
import { Health, levelOf } from "./health";
import { canAgree, LeaseKey, Side } from "./keys";
import { decodeObservation, encodeCommand, type Observation } from "./layout";
import { Lease, NOWHERE, type Standing, type Why } from "./lease";
import { Flag, TAG_BYTES, type FromHolder, type Imaging, type Sealed, type Show } from "./messages";
import { base64, fromBase64 } from "./octets";
import { open, read, seal } from "./orders";
import { Path, toRobot } from "./path";
import { Pulse } from "./pulse";
import { Frames, watchFrames } from "./sight";
import { length } from "./vectors";

const LOOK_MS = 200;
const BEHIND = 1000; // observations
const PHONE = "(max-width: 719px), (max-height: 479px)";

export interface Surroundings {
  readonly self: string;
  readonly grants: Pick<Grants, "control">;
  exchange(sdp: string): Promise<string>;
}

/** What of a lease is not the lease's own business. */
interface Exchange {
  readonly side: Side;
  key: LeaseKey | null;
  number: number; // of the sealed messages, this way
  withdrawn: boolean;
}

export class LiveConsole implements Console {
  readonly robot: Store<Robot | null>;
  readonly standing = new Store<Standing>(NOWHERE);
  readonly obstacle = new Store<Obstacle | null>(null);
  readonly figures = new Store<Figures>(UNKNOWN);
  readonly self: string;

  readonly #path: Path;
  readonly #pulse: Pulse;
  readonly #lease: Lease;
  readonly #grips = new Grips(() => this.stop());
  readonly held = this.#grips.held;
  readonly #health = new Health();
  readonly #frames = new Frames();
  readonly #nobody: Promise<LeaseKey> | null;
  readonly #phone = matchMedia(PHONE);
  #exchange: Exchange | null = null;
  #newest: Observation | null = null;
  #proven = false;
  #sequence = 0;
  #stopping = false;
  #relayMs: number | null = null;
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(
    private readonly around: Surroundings,
    robot: Robot,
  ) {
    this.self = around.self;
    this.robot = new Store<Robot | null>(robot);
    this.#lease = new Lease(around.self, robot.id);
    this.#nobody = canAgree() ? LeaseKey.nobody() : null;
    this.#path = new Path((sdp) => around.exchange(sdp), {
      order: (from, octets) => void this.#ordered(from, octets),
      motion: (from, message) => void this.#moved(from, message),
      opened: () => undefined,
      lost: () => this.#lost(),
    });
    this.#pulse = new Pulse(
      () => this.#path.motion,
      () => this.#command(),
    );
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
    document.addEventListener("visibilitychange", this.#sight);
    addEventListener("blur", this.#unhand);
    addEventListener("gamepaddisconnected", this.#unhand);
    this.#path.connect();
    this.#look();
  }

  newest(): Observation | null {
    return this.#newest;
  }

  watch(video: HTMLVideoElement): () => void {
    return watchFrames(video, this.#frames);
  }

  close(): void {
    this.release();
    clearInterval(this.#timer);
    document.removeEventListener("visibilitychange", this.#sight);
    removeEventListener("blur", this.#unhand);
    removeEventListener("gamepaddisconnected", this.#unhand);
    this.#pulse.stop();
    setTimeout(() => this.#path.close(), LOOK_MS); // the last word is on its way
  }

  // --- who has control ---

  ask(): void {
    if (this.obstacle.value || !this.#path.open) return;
    this.#lease.ask(performance.now());
    if (this.#lease.standing.stage === "asking") void this.#commit();
    this.#tell();
  }

  async #commit(): Promise<void> {
    const side = await Side.create();
    if (this.#lease.standing.stage !== "asking") return;
    const exchange = { side, key: null, number: 0, withdrawn: false };
    this.#exchange = exchange;
    this.#say({ type: "ask", commitment: base64(exchange.side.commitment) });
  }

  withdraw(): void {
    if (this.#exchange) this.#exchange.withdrawn = true;
    this.#lease.leave({ kind: "withdrawn" });
    this.#tell();
  }

  release(): void {
    this.#leave({ kind: "released" }, (epoch, number) => ({ type: "release", epoch, number }));
  }

  handOver(to: string): void {
    const { epoch, stage } = this.#lease.standing;
    if (stage === "held") {
      void this.#sealed((number) => ({ type: "hand_over", epoch, number, to }));
    }
  }

  adjust(imaging: Imaging): void {
    const { epoch, stage } = this.#lease.standing;
    if (stage === "held") {
      void this.#sealed((number) => ({ type: "adjust", epoch, number, imaging }));
    }
  }

  /** On both ways at once: the one that drops and the one that does not. */
  stop(): void {
    if (this.#stopping && this.#pulse.running) return; // each command says so already
    this.#stopping = true;
    this.#unhand();
    this.#say({ type: "stop" });
    void this.#pulse.beat();
  }

  #leave(why: Why, make: (epoch: number, number: number) => FromHolder): void {
    const { epoch, stage } = this.#lease.standing;
    if (stage === "held") void this.#sealed((number) => make(epoch, number));
    else if (stage === "asking" || stage === "digits") this.withdraw();
    this.#unhand();
    this.#lease.leave(why);
    this.#tell();
  }

  #say(order: Parameters<Path["say"]>[1]): void {
    const robot = this.robot.value;
    if (robot) this.#path.say(robot.id, order);
  }

  async #sealed(make: (number: number) => FromHolder): Promise<void> {
    const exchange = this.#exchange;
    if (exchange?.key) this.#say(await seal(make(++exchange.number), exchange.key));
  }

  async #ordered(from: string, octets: Uint8Array): Promise<void> {
    const order = read(octets);
    if (!order) return;
    if (from === RELAY) {
      if (order.type === "gone" || order.type === "closing") this.#lease.hear(order);
    } else if (from === this.#lease.robot) {
      if (order.type === "show") await this.#shown(order);
      else if (order.type === "sealed") await this.#granted(order);
      else if (order.type === "state" || order.type === "denied") this.#lease.hear(order);
    }
    this.#tell();
  }

  async #shown({ point, nonce }: Show): Promise<void> {
    const exchange = this.#exchange;
    if (!exchange || exchange.key || exchange.withdrawn) return;
    const names = { robot: this.#lease.robot, console: this.self };
    try {
      const robot = { point: fromBase64(point), nonce: fromBase64(nonce) };
      const { key, digits } = await exchange.side.agree(robot, names);
      if (exchange !== this.#exchange) return;
      exchange.key = key;
      const { shown } = exchange.side;
      this.#say({ type: "reveal", point: base64(shown.point), nonce: base64(shown.nonce) });
      this.#lease.compare(digits);
    } catch (error) {
      console.warn("the robot shows no key", error);
    }
  }

  async #granted(sealed: Sealed): Promise<void> {
    const exchange = this.#exchange;
    const word = exchange?.key ? await open(sealed, exchange.key) : null;
    if (!exchange || !word || exchange !== this.#exchange) return;
    if (exchange.withdrawn) {
      const { epoch } = word;
      await this.#sealed((number) => ({ type: "release", epoch, number }));
      return;
    }
    if (!this.#lease.granted(word.epoch)) return;
    this.#newest = null; // from here on what is under this key alone
    this.#sequence = 0;
    this.#stopping = false;
    this.#health.reset();
    this.#unhand();
    if (!document.hidden) this.#pulse.start();
  }

  // --- a hundred times a second ---

  async #command() {
    const { stage, epoch, state } = this.#lease.standing;
    const key = this.#exchange?.key;
    const probe = this.#newest;
    const robot = this.robot.value;
    if (stage !== "held" || !key || !probe || !state || !robot) return null;
    const nowMs = performance.now();
    if (!this.#health.fresh(nowMs)) this.#unhand();
    const trip = this.#health.roundTripMs(nowMs) ?? 0;
    const target = this.#grips.step(probe, state.speed_m_s, trip, nowMs);
    this.#grips.feel(length(probe.force), state.limits, nowMs);
    const seen = this.#frames.seen(nowMs);
    const sequence = ++this.#sequence;
    const body = encodeCommand({
      flags:
        (target.deadman ? Flag.DEADMAN : 0) |
        (target.clutch ? Flag.CLUTCH : 0) |
        (this.#stopping ? Flag.STOP : 0) |
        (seen ? Flag.SEES : 0),
      epoch,
      sequence,
      sent_us: 1000 * nowMs,
      seen_sequence: probe.sequence,
      seen_rtp: seen?.rtp ?? 0,
      position: target.position,
      orientation: target.orientation,
      velocity: target.velocity,
      turning: target.turning,
      energy_j: 0, // a hand without a force in it puts none in
    });
    const octets = toRobot(robot.id, await key.sign(body));
    this.#health.sent(sequence, nowMs);
    return { sequence, octets };
  }

  async #moved(from: string, message: Uint8Array): Promise<void> {
    if (from !== this.#lease.robot) return;
    const { stage, state } = this.#lease.standing;
    const key = stage === "held" ? this.#exchange?.key : await this.#nobody;
    const checked = key ? await key.verify(message) : null;
    // Under somebody else's key there is nothing to check it by: good enough to look at.
    const watched = stage !== "held" && (!key || (state !== null && state.holder !== ""));
    const body = checked ?? (watched ? message.subarray(0, -TAG_BYTES) : null);
    if (!body) return;
    let seen: Observation;
    try {
      seen = decodeObservation(body);
    } catch {
      return;
    }
    const nowMs = performance.now();
    const holds = stage === "held";
    const applied = { sequence: seen.applied_sequence, ageUs: seen.applied_age_us };
    this.#health.heard(seen.sequence, holds ? applied : null, nowMs);
    this.#proven = checked !== null;
    const before = this.#newest;
    const behind = before ? before.sequence - seen.sequence : 0;
    if (behind > 0 && behind < BEHIND) return; // overtaken; farther behind, it has begun anew
    this.#newest = seen;
    if (before?.mode !== seen.mode || before.cause !== seen.cause) this.#figure(nowMs);
  }

  // --- the hand ---

  key(code: string, down: boolean): boolean {
    return this.standing.value.stage === "held" && this.#grips.key(code, down);
  }

  touch(pad: PadName, touch: Touch): void {
    this.#grips.touch(pad, touch);
  }

  clutch(on: boolean): void {
    this.#grips.clutch(on);
  }

  rotate(on: boolean): void {
    this.#grips.rotate(on);
  }

  setSpeed(share: number): void {
    this.#grips.setSpeed(share);
  }

  readonly #unhand = (): void => this.#grips.letGo();

  readonly #sight = (): void => {
    if (this.#lease.standing.stage !== "held") return;
    this.#unhand();
    if (document.hidden) {
      this.#lease.leave({ kind: "hidden" });
      void this.#pulse.beat().then(() => this.#pulse.stop());
    } else {
      this.#lease.stay();
      this.#pulse.start();
    }
  };

  // --- what is shown ---

  #lost(): void {
    this.#lease.lost();
    this.#newest = null;
    this.#tell();
  }

  #look(): void {
    const nowMs = performance.now();
    this.#lease.look(nowMs);
    this.#path.look(nowMs);
    this.obstacle.set(this.#obstacleNow());
    void this.#path.roundTripMs().then((ms) => (this.#relayMs = ms));
    this.#tell();
    this.#figure(nowMs);
  }

  #obstacleNow(): Obstacle | null {
    if (!this.around.grants.control) return "grant";
    if (!canAgree()) return "insecure";
    if (this.#phone.matches) return "small";
    return this.#frames.nameless ? "nameless" : null;
  }

  #figure(nowMs: number): void {
    const trip = this.#health.roundTripMs(nowMs);
    const roundTripMs = trip ?? this.#relayMs;
    const pictureMs = this.#frames.delayMs(nowMs);
    const loss = this.#health.loss(nowMs);
    this.figures.set({
      level: levelOf(roundTripMs, pictureMs, loss),
      roundTripMs,
      whole: trip !== null,
      pictureMs,
      pictureSilentMs: this.#frames.silentMs(nowMs),
      framesPerSecond: this.#frames.perSecond(nowMs),
      loss,
      silentMs: this.#health.silentMs(nowMs),
      fresh: this.#health.fresh(nowMs),
      proven: this.#proven,
    });
  }

  #tell(): void {
    const { stage } = this.#lease.standing;
    if (stage !== "held" && this.#pulse.running) this.#pulse.stop();
    if (stage === "watching" || stage === "absent") {
      if (!this.#exchange?.withdrawn) this.#exchange = null;
      this.#stopping = false;
    }
    this.standing.set(this.#lease.standing);
  }
}
