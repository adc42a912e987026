import { describe, expect, it } from "vitest";

import type { Participant, Quality } from "../src/protocol/messages";
import { together } from "../src/media/watch/playout";
import { Upstream } from "../src/media/watch/upstream";

function person(id: string, gaps_up: number | null, rtt_ms: number | null): Participant {
  const quality = { participant: id, level: "good", gaps_up, rtt_ms } as Quality;
  return { id, quality, tracks: [{ id: `${id}-camera` }] } as unknown as Participant;
}

describe("waiting for what publishers lose", () => {
  it("gives each as many of his round trips as his losses need", () => {
    const upstream = new Upstream();
    upstream.update([person("a", 0.05, 100), person("b", 0, 100), person("c", 0.02, 60)], 0);
    expect(upstream.waitMs("a-camera")).toBe(300);
    expect(upstream.waitMs("b-camera")).toBe(0);
    expect(upstream.waitMs("c-camera")).toBe(120);
    expect(upstream.waitMs("unknown")).toBe(0);
  });

  it("goes on for a while, and forgets who has left", () => {
    const upstream = new Upstream();
    upstream.update([person("a", 0.05, 100)], 0);
    upstream.update([person("a", 0, 100)], 10_000);
    expect(upstream.waitMs("a-camera")).toBe(300);
    upstream.update([person("a", 0, 100)], 40_000);
    expect(upstream.waitMs("a-camera")).toBe(0);
    upstream.update([], 42_000);
    upstream.update([person("a", null, 100)], 44_000);
    expect(upstream.waitMs("a-camera")).toBe(0);
  });

  it("knows nothing without a round trip", () => {
    const upstream = new Upstream();
    upstream.update([person("a", 0.05, null)], 0);
    expect(upstream.waitMs("a-camera")).toBe(0);
  });

  it("comes on top of one's own waiting, within what a conversation bears", () => {
    expect(together(null, 0)).toBeNull();
    expect(together(100, 0)).toBe(100);
    expect(together(null, 120)).toBe(120);
    expect(together(100, 120)).toBe(220);
    expect(together(300, 300)).toBe(400);
  });
});
