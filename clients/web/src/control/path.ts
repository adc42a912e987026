/**
 * The way to the robots: a peer connection of its own, past the media, with one channel that drops
 * what is late and one that does not. When it is lost it is made anew; whoever had control then asks
 * for it again, so there is nothing to be saved by reviving it.
 */

import { iceConfiguration } from "../media/ice";
import { addressed, opened, stamped } from "./envelope";
import type { FromConsole } from "./messages";
import { utf8, type Octets } from "./octets";

const WAITS_MS = [500, 1000, 2000, 4000, 8000];
const AWAY_MS = 1500; // of a path that the browser calls disconnected
const OPEN_MS = 8000;
const QUIET_MS = 4000; // the relay's beat comes every second

export interface Listener {
  order(from: string, octets: Uint8Array): void;
  motion(from: string, message: Uint8Array, keptUs: number): void;
  opened(): void;
  lost(): void;
}

export class Path {
  motion: RTCDataChannel | null = null;
  #order: RTCDataChannel | null = null;
  #peer: RTCPeerConnection | null = null;
  #failures = 0;
  #heardMs = 0;
  #closed = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `exchange`: an offer for the server's answer; rejects when it cannot be had now. */
  constructor(
    private readonly exchange: (sdp: string) => Promise<string>,
    private readonly listener: Listener,
  ) {}

  get open(): boolean {
    return this.#order?.readyState === "open" && this.motion?.readyState === "open";
  }

  connect(): void {
    void this.#connect();
  }

  say(to: string, order: FromConsole): boolean {
    if (this.#order?.readyState !== "open") return false;
    this.#order.send(new TextDecoder().decode(addressed(to, utf8(JSON.stringify(order)))));
    return true;
  }

  /** From the relay to this page and back; null: not known. */
  async roundTripMs(): Promise<number | null> {
    const report = await this.#peer?.getStats();
    for (const entry of (report?.values() ?? []) as Iterable<RTCIceCandidatePairStats>) {
      const { type, nominated, currentRoundTripTime } = entry;
      if (type === "candidate-pair" && nominated && currentRoundTripTime !== undefined) {
        return 1000 * currentRoundTripTime;
      }
    }
    return null;
  }

  /** Time has passed: a way on which nothing comes is none. */
  look(nowMs: number): void {
    if (this.open && nowMs - this.#heardMs > QUIET_MS) this.#again();
  }

  close(): void {
    this.#closed = true;
    this.#drop();
  }

  async #connect(): Promise<void> {
    this.#drop();
    const peer = new RTCPeerConnection(iceConfiguration());
    this.#peer = peer;
    const current = (): boolean => peer === this.#peer;
    const motion = peer.createDataChannel("motion", { ordered: false, maxRetransmits: 0 });
    const order = peer.createDataChannel("order");
    this.motion = motion;
    this.#order = order;
    motion.binaryType = order.binaryType = "arraybuffer";
    motion.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => this.#moved(data);
    order.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
      const envelope = opened(data);
      this.#heardMs = performance.now();
      if (envelope) this.listener.order(envelope.from, envelope.message);
    };
    motion.onopen = order.onopen = () => {
      if (!current() || !this.open) return;
      clearTimeout(this.#timer);
      this.#failures = 0;
      this.#heardMs = performance.now();
      this.listener.opened();
    };
    motion.onclose = order.onclose = () => {
      if (current()) this.#again();
    };
    peer.onconnectionstatechange = () => {
      if (!current()) return;
      if (peer.connectionState === "failed") this.#again();
      else if (peer.connectionState === "disconnected") this.#after(AWAY_MS);
      else if (peer.connectionState === "connected" && this.open) clearTimeout(this.#timer);
    };
    this.#after(OPEN_MS);
    try {
      await peer.setLocalDescription(await peer.createOffer());
      const sdp = await this.exchange(peer.localDescription?.sdp ?? "");
      if (current()) await peer.setRemoteDescription({ type: "answer", sdp });
    } catch (error) {
      console.warn("no way to the robot", error);
      if (current()) this.#again();
    }
  }

  #moved(data: ArrayBuffer): void {
    const envelope = opened(data);
    const relayed = envelope && stamped(envelope.message);
    this.#heardMs = performance.now();
    if (relayed) this.listener.motion(envelope.from, relayed.message, relayed.keptUs);
  }

  #after(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#again(), ms);
  }

  /** It is lost; another one, a little later. */
  #again(): void {
    this.#drop();
    this.listener.lost();
    if (this.#closed) return;
    const waitMs = WAITS_MS[Math.min(this.#failures++, WAITS_MS.length - 1)];
    this.#timer = setTimeout(() => void this.#connect(), waitMs);
  }

  #drop(): void {
    clearTimeout(this.#timer);
    const peer = this.#peer;
    this.#peer = this.motion = this.#order = null;
    peer?.close();
  }
}

/** A message of motion for the robot. */
export function toRobot(robot: string, signed: Uint8Array): Octets {
  return addressed(robot, signed);
}
