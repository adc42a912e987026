import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { FilmMark, FilmState, FilmView } from "../src/protocol/messages";
import { SharedFilm, type FilmIntent } from "../src/state/film";

const nothing: FilmState = { presenter: null, view: null, cursor: null, marks: [] };

function view(frame: number): FilmView {
  return { study: "1.2", layout: "one", panes: [{ frame } as never], active: 0 };
}

function mark(uid: string, removed = false): FilmMark {
  return { uid, removed, points: [] } as unknown as FilmMark;
}

const frameOf = (intent: FilmIntent | undefined): number | undefined =>
  intent?.type === "film_update" ? intent.view?.panes[0]?.frame : undefined;

describe("the shared film", () => {
  let asked: FilmIntent[];
  let answers: (() => void)[];
  let film: SharedFilm;

  beforeEach(() => {
    vi.useFakeTimers();
    asked = [];
    answers = [];
    film = new SharedFilm(
      (intent) => {
        asked.push(intent);
        return new Promise((resolve) => answers.push(() => resolve(true)));
      },
      () => Date.now(),
    );
    film.entered("me", nothing);
  });
  afterEach(() => void vi.useRealTimers());

  const lead = (): void =>
    film.receive({ type: "film_changed", seq: 1, film: { ...nothing, presenter: "me" } });
  const answered = async (): Promise<void> => {
    answers.shift()?.();
    await vi.advanceTimersByTimeAsync(0);
  };

  it("says nothing of one's own view unless one leads", () => {
    film.show(view(1));
    film.point({ point: [] } as never);
    expect(asked).toEqual([]);
  });

  it("sends the first change at once and then only the newest, 25 times a second", async () => {
    lead();
    film.show(view(1));
    expect(asked.map(frameOf)).toEqual([1]);
    for (let frame = 2; frame <= 9; frame++) film.show(view(frame));
    await answered();
    await vi.advanceTimersByTimeAsync(39);
    expect(asked.length).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(asked.map(frameOf)).toEqual([1, 9]);
  });

  it("waits for a slow network instead of filling it", async () => {
    lead();
    for (let frame = 1; frame <= 20; frame++) {
      film.show(view(frame));
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(asked.length).toBe(2);
    await answered();
    expect(asked.map(frameOf)).toEqual([1, 2, 20]);
  });

  it("follows whoever leads, and hears nothing of itself", () => {
    film.receive({ type: "film_changed", seq: 1, film: { ...nothing, presenter: "you" } });
    expect(film.led).toBe(false);
    film.receive({ type: "film_moved", seq: 2, view: view(3), cursor: null, marks: [] });
    expect(film.led).toBe(true);
    expect(film.view.value?.panes[0]?.frame).toBe(3);
    film.receive({
      type: "film_moved",
      seq: 3,
      view: null,
      cursor: { frame: 1 } as never,
      marks: [],
    });
    expect(film.view.value?.panes[0]?.frame).toBe(3);
    expect(film.cursor.value).not.toBeNull();
  });

  it("keeps each mark as the room has it", () => {
    const moved = (uid: string, revision: number, removed = false): void =>
      film.receive({
        type: "film_moved",
        seq: revision,
        view: null,
        cursor: null,
        marks: [{ mark: mark(uid, removed), revision, by: "you" }],
      });
    moved("a", 1);
    moved("b", 2);
    moved("a", 3);
    expect(film.marks.value.get("a")?.revision).toBe(3);
    moved("a", 4, true);
    expect([...film.marks.value.keys()]).toEqual(["b"]);
  });

  it("says again where the presenter is after his connection was lost", async () => {
    lead();
    film.show(view(1));
    await answered();
    await vi.advanceTimersByTimeAsync(100);
    film.show(view(2));
    await answered();
    await vi.advanceTimersByTimeAsync(100);
    film.receive({
      type: "film_changed",
      seq: 9,
      film: { ...nothing, presenter: "me", view: view(1) },
    });
    expect(asked.map(frameOf)).toEqual([1, 2, 2]);
    expect(film.view.value?.panes[0]?.frame).toBe(2);
  });

  it("lets go of what was to be sent when another takes the lead", async () => {
    lead();
    film.show(view(1));
    film.show(view(2));
    film.receive({
      type: "film_changed",
      seq: 2,
      film: { ...nothing, presenter: "you", view: view(7) },
    });
    await answered();
    await vi.advanceTimersByTimeAsync(100);
    expect(asked.map(frameOf)).toEqual([1]);
    expect(film.view.value?.panes[0]?.frame).toBe(7);
  });
});
