import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import {
  activated,
  cameraLayers,
  layered,
  limited,
  takesLayers,
} from "../src/media/publish/layers";
import { Views, qualityFor, type Wish } from "../src/media/watch/views";

describe("what is published", () => {
  it("has layers only where the server can change between them", () => {
    expect(layered("VP8")).toBe(true);
    expect(layered("H264")).toBe(true);
    expect(layered("AV1")).toBe(false);
    expect(layered(undefined)).toBe(false);
  });

  it("has as many encodings as browsers take for a camera of this size", () => {
    const rids = (lines: number) => cameraLayers(lines).map(({ rid }) => rid);
    expect(rids(720)).toEqual(["l", "m", "h"]);
    expect(rids(480)).toEqual(["l", "h"]);
    expect(rids(240)).toEqual(["h"]);
  });

  it("sends the encodings that are watched and no others", () => {
    const next = activated(cameraLayers(720), ["m"]);
    expect(next?.map(({ active }) => active)).toEqual([false, true, false]);
    expect(next && activated(next, ["m"])).toBeNull();
  });

  it("never stops the only encoding there is", () => {
    expect(activated([{ active: true }], [])).toBeNull();
  });

  it("takes less where it is the only one, and as much as before afterwards", () => {
    const next = limited([{ maxBitrate: 2_500_000 }], 2_500_000, 400_000);
    expect(next).toEqual([{ maxBitrate: 400_000 }]);
    expect(next && limited(next, 2_500_000, 400_000)).toBeNull();
    expect(next && limited(next, 2_500_000, undefined)).toEqual([{ maxBitrate: 2_500_000 }]);
    expect(limited([{ maxBitrate: 2_500_000 }], 2_500_000, 9_000_000)).toBeNull();
    expect(limited(cameraLayers(720), 2_500_000, 400_000)).toBeNull();
  });

  it("reads from the answer whether several encodings are taken", () => {
    const section = (mid: string, more: string): string =>
      `m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:${mid}\r\n${more}`;
    const answer = section("0", "") + section("1", "a=simulcast:recv l;m;h\r\n");
    expect(takesLayers(answer, "0")).toBe(false);
    expect(takesLayers(answer, "1")).toBe(true);
    expect(takesLayers(answer, "2")).toBe(false);
  });
});

describe("how large a track is shown", () => {
  const told: [string, Wish][] = [];
  let fail = false;
  let views: Views;
  const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(500);
  const low: Wish = { on: true, quality: "low", pinned: false };

  beforeEach(() => {
    vi.useFakeTimers();
    told.length = 0;
    fail = false;
    views = new Views(async (track, wish) => {
      if (fail) throw new Error("no such track yet");
      told.push([track, wish]);
      await Promise.resolve();
    });
    views.keep(new Set(["a"]));
  });
  afterEach(() => {
    views.close();
    vi.useRealTimers();
  });

  it("becomes one of three qualities", () => {
    expect([0, 180, 360, 441, 1080].map(qualityFor)).toEqual([
      "low",
      "low",
      "medium",
      "high",
      "high",
    ]);
  });

  it("is told once it has settled, and not again", async () => {
    for (const lines of [700, 500, 300, 150]) views.show("a", lines);
    await settle();
    views.show("a", 140);
    await settle();
    expect(told).toEqual([["a", low]]);
  });

  it("is told of a large one too: of many cameras the server sends only those asked for", async () => {
    views.show("a", 720);
    await settle();
    expect(told).toEqual([["a", { ...low, quality: "high" }]]);
  });

  it("ends when the track is not shown any more, and begins again with it", async () => {
    for (const lines of [100, 0, 100]) {
      views.show("a", lines);
      await settle();
    }
    expect(told.map(([, { on }]) => on)).toEqual([true, false, true]);
  });

  it("says what is pinned", async () => {
    views.show("a", 100, true);
    await settle();
    views.show("a", 100, false);
    await settle();
    expect(told.map(([, { pinned }]) => pinned)).toEqual([true, false]);
  });

  it("waits for a track that is shown before it is received", async () => {
    views.show("b", 100);
    views.keep(new Set(["a"]));
    await settle();
    expect(told).toEqual([]);
    views.keep(new Set(["a", "b"]));
    await settle();
    expect(told).toEqual([["b", low]]);
  });

  it("is told again for a track that the server did not know yet", async () => {
    fail = true;
    views.show("a", 100);
    await settle();
    fail = false;
    views.keep(new Set(["a"]));
    await settle();
    expect(told).toEqual([["a", low]]);
  });

  it("is forgotten with its track", async () => {
    views.show("a", 100);
    await settle();
    views.keep(new Set());
    views.keep(new Set(["a"]));
    views.show("a", 100);
    await settle();
    expect(told).toEqual([
      ["a", low],
      ["a", low],
    ]);
  });
});
