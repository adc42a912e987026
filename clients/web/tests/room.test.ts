import { describe, expect, it } from "vitest";

import type {
  Participant,
  RoomState,
  ServerEvent,
  Shortage,
  TrackInfo,
} from "../src/protocol/messages";
import { apply, byHand, roomOf, trackOf, type Room } from "../src/state/room";

function person(id: string, change: Partial<Participant> = {}): Participant {
  return {
    id,
    name: id.toUpperCase(),
    role: "specialist",
    institution: "",
    state: "online",
    hand_raised_at_ms: null,
    tracks: [],
    quality: null,
    ...change,
  };
}

function track(id: string, participant: string, change: Partial<TrackInfo> = {}): TrackInfo {
  return {
    id,
    participant,
    kind: "video",
    source: "camera",
    service_class: "talk",
    codec: "VP8",
    label: "",
    muted: false,
    ...change,
  };
}

function room(...participants: Participant[]): Room {
  const state: RoomState = {
    room: "demo",
    title: "Demonstration",
    locked: false,
    started_at_ms: 1000,
    codecs: { audio: ["opus"], video: ["VP8"] },
    participants,
    chat: [],
    waiting: [],
    active_speaker: null,
    players: 0,
    robots: [],
    film: { presenter: null, view: null, cursor: null, marks: [] },
  };
  return roomOf(state, "me");
}

describe("the room follows its events", () => {
  it("takes a newcomer once, even when told twice", () => {
    const joined = { type: "participant_joined", seq: 1, participant: person("a") } as const;
    const after = apply(apply(room(person("me")), joined), joined);
    expect(after.participants.map(({ id }) => id)).toEqual(["me", "a"]);
  });

  it("forgets who left, and that they spoke", () => {
    const before = { ...room(person("me"), person("a")), activeSpeaker: "a" };
    const after = apply(before, {
      type: "participant_left",
      seq: 1,
      participant: "a",
      reason: "left",
    });
    expect(after.participants).toHaveLength(1);
    expect(after.activeSpeaker).toBeNull();
  });

  it("adds, changes and removes tracks of the right person", () => {
    const before = room(person("me"), person("a"));
    const added = apply(before, { type: "track_added", seq: 1, track: track("t", "a") });
    expect(trackOf(added, "t")?.muted).toBe(false);
    const muted = track("t", "a", { muted: true });
    const updated = apply(added, { type: "track_updated", seq: 2, track: muted });
    expect(updated.participants[1]?.tracks).toEqual([muted]);
    const gone = apply(updated, { type: "track_removed", seq: 3, track: "t", participant: "a" });
    expect(trackOf(gone, "t")).toBeUndefined();
    expect(before.participants[1]?.tracks).toEqual([]); // what was drawn is not changed behind
  });

  it("keeps the quality of those of whom nothing new is told", () => {
    const quality = {
      participant: "a",
      level: "fair",
      rtt_ms: 80,
      loss_up: 0,
      gaps_up: 0,
      loss_down: 0,
      bitrate_up_bps: 0,
      bitrate_down_bps: 0,
      estimate_down_bps: null,
      width: null,
      height: null,
      frames_per_second: null,
    } as const;
    const before = room(person("me"), person("a", { quality }));
    const after = apply(before, { type: "quality", seq: 1, participants: [] });
    expect(after.participants[1]?.quality?.level).toBe("fair");
  });

  it("remembers who spoke, the last one first", () => {
    let now = room(person("me"), person("a"), person("b"));
    for (const participant of ["a", "b", null, "a"]) {
      now = apply(now, { type: "active_speaker", seq: 1, participant });
    }
    expect(now.spoke).toEqual(["a", "b"]);
    now = apply(now, { type: "participant_left", seq: 2, participant: "a", reason: "left" });
    expect(now.spoke).toEqual(["b"]);
  });

  it("knows what the network is too slow for, until that is over or the track ends", () => {
    const short = (shortage: Shortage, track = "t") =>
      ({ type: "shortage_changed", seq: 1, track, shortage }) as const;
    let now = apply(apply(room(person("me")), short("still")), short("reduced", "u"));
    expect([...now.shortages]).toEqual([
      ["t", "still"],
      ["u", "reduced"],
    ]);
    now = apply(now, short("none", "u"));
    now = apply(now, { type: "track_removed", seq: 2, track: "t", participant: "me" });
    expect(now.shortages.size).toBe(0);
  });

  it("goes on when a newer server tells what it does not know", () => {
    const before = room(person("me"), person("a"));
    const event = { type: "of_tomorrow", seq: 1 } as unknown as ServerEvent;
    expect(apply(before, event)).toBe(before);
  });

  it("bounds the chat", () => {
    let now = room(person("me"));
    for (let index = 0; index < 600; index++) {
      const line = { id: String(index), participant: "me", name: "Me", role: "host" } as const;
      now = apply(now, {
        type: "chat_added",
        seq: index,
        line: { ...line, at_ms: index, text: "x" },
      });
    }
    expect(now.chat).toHaveLength(500);
    expect(now.chat.at(-1)?.id).toBe("599");
  });
});

it("lists hands in the order they went up, then the others as they came", () => {
  const people = [
    person("a"),
    person("b", { hand_raised_at_ms: 20 }),
    person("c"),
    person("d", { hand_raised_at_ms: 10 }),
  ];
  expect(byHand(people).map(({ id }) => id)).toEqual(["d", "b", "a", "c"]);
});
