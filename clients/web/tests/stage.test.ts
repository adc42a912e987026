import { describe, expect, it } from "vitest";

import type { Participant, Source } from "../src/protocol/messages";
import type { Room } from "../src/state/room";
import { arrange, choose, fitGrid, placesIn, tilesOf, type Tile } from "../src/state/stage";

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

describe("a room with more people than screen", () => {
  const ids = ["a", "b", "c", "d", "e", "f"];
  const list = tiles(...ids.map((id) => person(id, "camera")));
  const key = (id: string): string => `${id}:camera`;

  it("shows all where there is room, in the order in which they came", () => {
    expect(choose(list, 6, ["f"], null, []).shown).toBe(list);
  });

  it("shows who spoke last, and gives a newcomer the place of the one who leaves", () => {
    const spoke = ["a", "b", "c"];
    const before = choose(list, 3, spoke, null, []).shown.map((tile) => tile.key);
    expect(before).toEqual(["a", "b", "c"].map(key));
    const { shown, rest } = choose(list, 3, ["e", ...spoke], null, before);
    expect(names(shown)).toEqual(["a", "b", "e"].map(key));
    expect(names(rest)).toEqual(["c", "d", "f"].map(key));
  });

  it("never moves one who stays", () => {
    let before: string[] = [];
    let spoke: string[] = [];
    for (let n = 0; n < 200; n++) {
      const speaker = ids[(n * n + 3 * n) % 6] ?? "a";
      spoke = [speaker, ...spoke.filter((id) => id !== speaker)];
      const now = names(choose(list, 4, spoke, null, before).shown);
      expect(now).toContain(key(speaker));
      for (const [place, tile] of before.entries()) {
        if (now.includes(tile)) expect(now[place]).toBe(tile);
      }
      expect(now.filter((tile) => !before.includes(tile)).length).toBeLessThanOrEqual(n ? 1 : 4);
      before = now;
    }
  });

  it("puts what is pinned, what is shared and oneself before all speakers", () => {
    const crowd = tiles(person("a", "camera"), person("b", "camera", "screen"), person("me"));
    const { shown } = choose(crowd, 3, ["b"], "a:camera", []);
    expect(names(shown).sort()).toEqual(["a:camera", "b:screen:b-screen", "me:camera"]);
  });

  it("gives a picture rather to a camera that is on", () => {
    const crowd = tiles(person("a"), person("b", "camera"), person("c", "camera"));
    expect(names(choose(crowd, 2, [], null, []).shown)).toEqual(["b:camera", "c:camera"]);
    expect(names(choose(crowd, 2, ["a"], null, []).shown)).toEqual(["a:camera", "b:camera"]);
  });

  it("fits without scrolling", () => {
    for (const [width, height] of [
      [352, 600],
      [1424, 760],
      [700, 300],
    ] as const) {
      const count = placesIn(width, height, 8, 160);
      expect(fitGrid(count, width, height, 8, 160).scrolls).toBe(false);
    }
  });
});
