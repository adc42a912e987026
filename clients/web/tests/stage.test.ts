import { describe, expect, it } from "vitest";

import type { Participant, Source } from "../src/protocol/messages";
import type { Room } from "../src/state/room";
import { arrange, fitGrid, tilesOf, type Tile } from "../src/state/stage";

function person(id: string, ...sources: Source[]): Participant {
  return {
    id,
    name: id,
    role: "specialist",
    institution: "",
    state: "online",
    hand_raised_at_ms: null,
    quality: null,
    tracks: sources.map((source) => ({
      id: `${id}-${source}`,
      participant: id,
      kind: source === "microphone" ? "audio" : "video",
      source,
      service_class: "talk",
      codec: "",
      label: "",
      muted: false,
    })),
  };
}

function tiles(...participants: Participant[]): Tile[] {
  return tilesOf({ self: "me", participants } as unknown as Room);
}

const names = (list: readonly Tile[]): string[] => list.map(({ key }) => key);

describe("tiles", () => {
  it("gives everybody one, with or without a camera, and every screen one more", () => {
    const list = tiles(person("me", "camera"), person("a", "microphone"), person("b", "screen"));
    expect(names(list)).toEqual(["me:camera", "a:camera", "b:screen:b-screen", "b:camera"]);
    expect(list.map(({ self }) => self)).toEqual([true, false, false, false]);
    expect(list[1]?.video).toBeNull();
  });
});

describe("the large picture", () => {
  const list = tiles(person("me", "camera"), person("a", "camera"), person("b", "camera"));

  it("is nobody's in a grid, unless one is pinned", () => {
    expect(arrange(list, "grid", null, "a").main).toBeNull();
    expect(arrange(list, "grid", "b:camera", "a").main?.key).toBe("b:camera");
  });

  it("is the speaker's, but never one's own", () => {
    expect(arrange(list, "speaker", null, "b").main?.key).toBe("b:camera");
    expect(arrange(list, "speaker", null, "me").main?.key).toBe("a:camera");
  });

  it("stays when the speaker falls silent", () => {
    expect(arrange(list, "speaker", null, null, "b:camera").main?.key).toBe("b:camera");
  });

  it("is a shared screen while there is one, and a pin before that", () => {
    const shared = tiles(person("me"), person("a", "screen", "camera"), person("b", "camera"));
    expect(arrange(shared, "speaker", null, "b").main?.source).toBe("screen");
    expect(arrange(shared, "speaker", "b:camera", "b").main?.key).toBe("b:camera");
  });

  it("is one's own when nobody else is there, and nothing is shown twice", () => {
    const alone = tiles(person("me", "camera"));
    const { main, others } = arrange(alone, "speaker", null, null);
    expect(main?.self).toBe(true);
    expect(others).toEqual([]);
  });

  it("forgets a pin whose picture is gone", () => {
    expect(arrange(list, "grid", "gone:camera", null).main).toBeNull();
  });
});

describe("the grid", () => {
  it("makes tiles as large as the space allows", () => {
    expect(fitGrid(1, 1600, 900, 8, 160)).toMatchObject({ columns: 1, tileWidth: 1600 });
    expect(fitGrid(4, 1608, 908, 8, 160)).toMatchObject({ columns: 2, tileWidth: 800 });
    expect(fitGrid(2, 360, 640, 8, 160)).toMatchObject({ columns: 1, tileWidth: 360 });
  });

  it("never overflows unless it scrolls", () => {
    for (let count = 1; count <= 60; count++) {
      for (const [width, height] of [
        [352, 600],
        [1424, 760],
        [700, 300],
      ] as const) {
        const { columns, tileWidth, scrolls } = fitGrid(count, width, height, 8, 160);
        expect(columns * tileWidth + 8 * (columns - 1)).toBeLessThanOrEqual(width);
        const rows = Math.ceil(count / columns);
        const high = rows * ((tileWidth * 9) / 16) + 8 * (rows - 1);
        if (!scrolls) expect(high).toBeLessThanOrEqual(height + 1);
        else expect(tileWidth).toBeGreaterThanOrEqual(160);
      }
    }
  });
});
