import { afterEach, describe, expect, it, vi } from "vitest";

import { fileOf, type Made } from "../src/control/capture";
import { Case, HELD_MAX, type Capture } from "../src/control/case";
import { codeOf, KeepProblem, type Kept } from "../src/control/keep";
import { caseOf } from "../src/elements/ultrasound/cases";
import type { FilmView } from "../src/protocol/messages";
import type { Call } from "../src/state/call";
import { SharedFilm } from "../src/state/film";

const KEPT: Kept = { study: "1.2.3", institution: "county", patient: "张三" };

function made(kind: Made["kind"] = "still", atMs = 0): Made {
  const type = kind === "still" ? "image/png" : "video/webm;codecs=vp8";
  return { kind, blob: new Blob(["picture"], { type }), atMs, tickMs: 0 };
}

/** A server whose answers the test gives. */
class Server {
  readonly asked: Capture[] = [];
  readonly signals: AbortSignal[] = [];
  readonly sent: ((share: number) => void)[] = [];
  readonly #answers: { resolve: (kept: Kept) => void; reject: (problem: Error) => void }[] = [];
  readonly case = new Case((capture, sent, signal) => {
    this.asked.push(capture);
    this.sent.push(sent);
    this.signals.push(signal);
    return new Promise((resolve, reject) => this.#answers.push({ resolve, reject }));
  });

  async keeps(index: number): Promise<void> {
    this.#answers[index]?.resolve(KEPT);
    await new Promise((done) => setTimeout(done));
  }

  async fails(index: number, problem: Error): Promise<void> {
    this.#answers[index]?.reject(problem);
    await new Promise((done) => setTimeout(done));
  }

  get fates(): string[] {
    return this.case.captures.value.map(({ fate }) => fate.at);
  }
}

describe("a capture", () => {
  it("is kept when the server has said so, and not before", async () => {
    const server = new Server();
    server.case.add(made(), "1.2.3");
    expect(server.fates).toEqual(["keeping"]);
    server.sent[0]?.(1); // all of it has gone out: that is no answer
    expect(server.fates).toEqual(["keeping"]);
    expect(server.case.unkept).toBe(1);
    await server.keeps(0);
    expect(server.case.captures.value[0]?.fate).toEqual({ at: "kept", as: KEPT });
    expect(server.case.unkept).toBe(0);
  });

  it("that was not kept stays, and goes out again as the same one", async () => {
    const server = new Server();
    server.case.study.set("1.2.3");
    server.case.add(made(), server.case.study.value);
    server.case.study.set("9.9.9"); // the next patient
    await server.fails(0, new KeepProblem("unreachable", "HTTP 0"));
    expect(server.case.captures.value[0]?.fate).toMatchObject({
      at: "failed",
      code: "unreachable",
    });
    server.case.retryAll();
    server.case.retryAll(); // pressed twice
    expect(server.asked).toHaveLength(2);
    const [first, second] = server.asked;
    expect(second?.id).toBe(first?.id);
    expect(second?.study).toBe("1.2.3");
    expect(second?.blob).toBe(first?.blob);
    await server.keeps(1);
    expect(server.fates).toEqual(["kept"]);
  });

  it("has a name of its own that a UID can be made of", () => {
    const server = new Server();
    server.case.add(made(), null);
    server.case.add(made(), null);
    const [one, other] = server.asked.map(({ id }) => id);
    expect(one).toMatch(/^[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}$/);
    expect(one).not.toBe(other);
  });

  it("leaves the page for newer ones only when it is kept", async () => {
    const server = new Server();
    for (let count = 0; count < HELD_MAX; count++) server.case.add(made(), null);
    expect(server.case.full).toBe(true);
    await server.fails(0, new Error("something else"));
    for (let count = 1; count < HELD_MAX; count++) await server.keeps(count);
    expect(server.case.full).toBe(false);
    for (let count = 0; count < 5; count++) server.case.add(made(), null);
    expect(server.fates.filter((fate) => fate === "failed")).toHaveLength(1);
    expect(server.fates.filter((fate) => fate === "keeping")).toHaveLength(5);
    expect(server.fates.filter((fate) => fate === "kept")).toHaveLength(HELD_MAX - 1);
  });

  it("that somebody lets go of goes out no farther", async () => {
    const server = new Server();
    server.case.add(made(), null);
    server.case.remove(server.asked[0]?.id ?? "");
    expect(server.signals[0]?.aborted).toBe(true);
    await server.fails(0, new KeepProblem("unreachable", ""));
    expect(server.fates).toEqual([]);
  });

  it("is a file with its kind and time", () => {
    const atMs = Date.UTC(2026, 10, 22, 9, 41, 5);
    expect(fileOf(made("still", atMs))).toBe("ultrasound-still-20261122-094105.png");
    expect(fileOf(made("clip", atMs))).toBe("ultrasound-clip-20261122-094105.webm");
  });
});

describe("what the server answers", () => {
  it("is a reason", () => {
    expect([401, 403, 404, 409, 422, 429, 503, 507, 500, 0].map(codeOf)).toEqual([
      "forbidden",
      "forbidden",
      "missing",
      "outside",
      "unreadable",
      "busy",
      "busy",
      "full",
      "failed",
      "unreachable",
    ]);
  });
});

describe("a call's case", () => {
  afterEach(() => vi.unstubAllGlobals());

  it("knows which study is open, is one for each call, and asks before it is lost", () => {
    let leave: ((event: Event) => void) | undefined;
    vi.stubGlobal("addEventListener", (_: string, act: typeof leave) => (leave = act));
    vi.stubGlobal("XMLHttpRequest", undefined); // nothing goes out
    const film = new SharedFilm(() => Promise.resolve(true));
    const call = { film, token: "t" } as unknown as Call;
    const its = caseOf(call);
    expect(caseOf(call)).toBe(its);
    expect(its.study.value).toBeNull();
    film.entered("me", { presenter: "li", view: view("1.2.3"), cursor: null, marks: [] });
    expect(its.study.value).toBe("1.2.3");
    const asked = (): boolean => {
      const event = new Event("beforeunload", { cancelable: true });
      leave?.(event);
      return event.defaultPrevented;
    };
    expect(asked()).toBe(false);
    its.add(made(), its.study.value);
    expect(asked()).toBe(true);
    film.entered("me", { presenter: null, view: null, cursor: null, marks: [] });
    expect(its.study.value).toBeNull();
  });
});

function view(study: string): FilmView {
  return { study, panes: [] } as unknown as FilmView;
}
