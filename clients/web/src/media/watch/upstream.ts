/**
 * What publishers lose on their way to the server is asked for again there, and comes to everybody
 * later by a round trip of theirs for each try. The room's quality reports tell both.
 */

import type { Participant } from "../../protocol/messages";
import { Playout } from "./playout";

export class Upstream {
  readonly #playouts = new Map<string, Playout>();
  #waits: ReadonlyMap<string, number> = new Map();

  /** At each report. */
  update(participants: readonly Participant[], nowMs: number): void {
    const waits = new Map<string, number>();
    const present = new Set<string>();
    for (const { id, quality, tracks } of participants) {
      present.add(id);
      const playout = this.#playouts.get(id) ?? new Playout();
      this.#playouts.set(id, playout);
      const waitMs = playout.hear(quality?.gaps_up ?? null, quality?.rtt_ms ?? null, nowMs);
      if (waitMs !== null) for (const track of tracks) waits.set(track.id, waitMs);
    }
    for (const id of this.#playouts.keys()) if (!present.has(id)) this.#playouts.delete(id);
    this.#waits = waits;
  }

  /** How long the server's track may have to wait for what it lost. */
  waitMs(track: string): number {
    return this.#waits.get(track) ?? 0;
  }
}
