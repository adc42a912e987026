/**
 * How long pictures and sound wait before they are played, so that what was lost and is sent again
 * still comes in time. The browser cannot know: a pure receiver learns no round trip time from RTCP,
 * so its own buffer stays shorter than a repetition takes.
 *
 * What was lost on its publisher's way to the server comes later by his round trips as well
 * (upstream.ts). A repetition takes a round trip, and the request or the answer may be lost as well: the more is
 * lost, the more tries there should be time for. Without losses nothing waits.
 */

import { entriesOf, roundTripMs } from "../stats";

const TRIES: readonly (readonly [loss: number, tries: number])[] = [
  [0.04, 3],
  [0.01, 2],
  [0.003, 1],
];
const WAIT_MAX_MS = 400; // beyond, people talk at the same time (ITU-T G.114)
const HOLD_MS = 20_000; // waiting less speeds the sound up: not after each quiet moment
const TRIPS = 5; // the shortest of the last ones: a full queue on the way is not distance
export const LOOK_MS = 1000;

/** Packets of all streams of one connection, ever growing. */
export interface Counts {
  readonly received: number;
  readonly missing: number; // lost, or asked for again
}

export function tries(loss: number): number {
  return TRIES.find(([from]) => loss >= from)?.[1] ?? 0;
}

export class Playout {
  #before: Counts | null = null;
  #trips: number[] = [];
  #held: { readonly until: number; readonly waitMs: number } = { until: 0, waitMs: 0 };

  /** What the next seconds' media should wait, at `nowMs`; null leaves it to the browser. */
  update(counts: Counts, roundTripMs: number | null, nowMs: number): number | null {
    const before = this.#before;
    this.#before = counts;
    if (!before) return this.hear(null, roundTripMs, nowMs);
    const received = counts.received - before.received;
    const missing = counts.missing - before.missing;
    return this.hear(
      missing > 0 ? missing / Math.max(1, received + missing) : 0,
      roundTripMs,
      nowMs,
    );
  }

  /** The same, told the share of packets that was lost lately; null is not known. */
  hear(loss: number | null, roundTripMs: number | null, nowMs: number): number | null {
    if (roundTripMs !== null) this.#trips = [...this.#trips.slice(1 - TRIPS), roundTripMs];
    if (loss !== null && this.#trips.length > 0) {
      const waitMs = Math.min(WAIT_MAX_MS, tries(loss) * Math.min(...this.#trips));
      if (waitMs >= this.#held.waitMs || nowMs >= this.#held.until) {
        this.#held = { until: nowMs + HOLD_MS, waitMs };
      }
    }
    return this.#held.waitMs > 0 ? Math.round(this.#held.waitMs) : null;
  }
}

export function together(ownMs: number | null, upstreamMs: number): number | null {
  return upstreamMs > 0 ? Math.min(WAIT_MAX_MS, (ownMs ?? 0) + upstreamMs) : ownMs;
}

interface Inbound {
  type: string;
  packetsReceived?: number;
  packetsLost?: number;
  nackCount?: number;
}

/** A stream that may ask again counts what it asked for; another what it lost. */
export function countsOf(entries: readonly Inbound[]): Counts {
  let received = 0;
  let missing = 0;
  for (const entry of entries) {
    if (entry.type !== "inbound-rtp") continue;
    received += entry.packetsReceived ?? 0;
    missing += Math.max(entry.packetsLost ?? 0, entry.nackCount ?? 0);
  }
  return { received, missing };
}

/**
 * Has a connection's media wait, a track as much longer as its publisher's way up needs; browsers
 * without this wish keep their own ways.
 */
export async function wait(
  peer: RTCPeerConnection,
  playout: Playout,
  upstreamMs: (track: MediaStreamTrack) => number,
  nowMs: number,
): Promise<void> {
  const entries = entriesOf(await peer.getStats());
  const ownMs = playout.update(countsOf(entries), roundTripMs(entries), nowMs);
  for (const receiver of peer.getReceivers()) {
    const target = together(ownMs, upstreamMs(receiver.track));
    if ("jitterBufferTarget" in receiver && receiver.jitterBufferTarget !== target) {
      receiver.jitterBufferTarget = target;
    }
  }
}
