import { describe, expect, it } from "vitest";

import { countsOf, Playout, tries } from "../src/media/watch/playout";

/** Looks once a second; `loss` of 1000 packets is missing in each. */
function watch(playout: Playout, losses: readonly number[], tripMs: number | null, fromMs = 0) {
  let received = 0;
  let missing = 0;
  return losses.map((loss, second) => {
    received += 1000 * (1 - loss);
    missing += 1000 * loss;
    return playout.update({ received, missing }, tripMs, fromMs + 1000 * second);
  });
}

describe("waiting for what is sent again", () => {
  it("leaves a clean path to the browser", () => {
    expect(watch(new Playout(), [0, 0, 0.001], 100)).toEqual([null, null, null]);
  });

  it("waits for as many repetitions as the loss makes likely", () => {
    expect(watch(new Playout(), [0, 0.005], 100)[1]).toBe(100);
    expect(watch(new Playout(), [0, 0.02], 100)[1]).toBe(200);
    expect(watch(new Playout(), [0, 0.07], 100)[1]).toBe(300);
  });

  it("never waits so long that people talk at the same time", () => {
    expect(watch(new Playout(), [0, 0.07], 600)[1]).toBe(400);
  });

  it("keeps waiting for a while after the losses", () => {
    const losses = [0, 0.07, ...Array.from({ length: 25 }, () => 0)];
    const waits = watch(new Playout(), losses, 100);
    expect(waits.slice(1, 21)).toEqual(Array.from({ length: 20 }, () => 300));
    expect(waits.at(-1)).toBeNull();
  });

  it("takes the shortest of the last round trips", () => {
    const playout = new Playout();
    playout.update({ received: 0, missing: 0 }, 100, 0);
    expect(playout.update({ received: 930, missing: 70 }, 400, 1000)).toBe(300);
  });

  it("knows nothing without a round trip", () => {
    expect(watch(new Playout(), [0, 0.07], null)).toEqual([null, null]);
  });

  it("counts what was asked for again, or lost where nothing can be asked for", () => {
    expect(
      countsOf([
        { type: "inbound-rtp", packetsReceived: 90, packetsLost: 4, nackCount: 10 },
        { type: "inbound-rtp", packetsReceived: 95, packetsLost: 5 },
        { type: "outbound-rtp", packetsReceived: 1 },
      ]),
    ).toEqual({ received: 185, missing: 15 });
    expect(tries(0)).toBe(0);
  });
});
