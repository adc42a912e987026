import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import {
  ConnectionLost,
  ProtocolClient,
  RequestError,
  backOffMs,
  tryMs,
} from "../src/protocol/client";
import type { ServerEvent, Welcome } from "../src/protocol/messages";

interface Sent {
  type: string;
  id: number;
  resume?: { session: string; seq: number; media: boolean };
}

/** A socket whose other end is the test. */
class FakeSocket {
  static readonly OPEN = 1;
  static made: FakeSocket[] = [];
  readyState = 0;
  sent: Sent[] = [];
  onopen: (() => void) | null = null;
  onclose: (() => void) | null = null;
  onerror: (() => void) | null = null;
  onmessage: ((message: { data: string }) => void) | null = null;

  constructor() {
    FakeSocket.made.push(this);
  }
  send(text: string): void {
    this.sent.push(JSON.parse(text) as Sent);
  }
  close(): void {
    if (this.readyState === 0) setTimeout(() => this.onclose?.(), 0);
    this.readyState = 3;
  }
  open(): void {
    this.readyState = 1;
    this.onopen?.();
  }
  drop(): void {
    this.readyState = 3;
    this.onclose?.();
  }
  say(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
  last(): Sent {
    const sent = this.sent.at(-1);
    if (!sent) throw new Error("nothing was sent");
    return sent;
  }
}

function socket(index: number): FakeSocket {
  const made = FakeSocket.made[index];
  if (!made) throw new Error(`no socket ${index}`);
  return made;
}

async function settle(): Promise<void> {
  await vi.advanceTimersByTimeAsync(0);
}

function welcome(re: number, change: Partial<Welcome> = {}): object {
  return { type: "welcome", re, version: 1, session: "s1", resumed: false, ...change };
}

describe("the protocol client", () => {
  let events: ServerEvent[];
  let reconnected: Welcome[];
  let client: ProtocolClient;

  beforeEach(() => {
    vi.useFakeTimers();
    FakeSocket.made = [];
    vi.stubGlobal("WebSocket", FakeSocket);
    vi.stubGlobal("document", { addEventListener: vi.fn(), removeEventListener: vi.fn() });
    vi.stubGlobal("addEventListener", vi.fn());
    vi.stubGlobal("removeEventListener", vi.fn());
    events = [];
    reconnected = [];
    client = new ProtocolClient("ws://x/ws", {
      event: (event) => events.push(event),
      reconnected: (again) => reconnected.push(again),
      progress: vi.fn(),
      failed: vi.fn(),
    });
  });

  afterEach(() => {
    client.close();
    vi.useRealTimers();
  });

  async function online(): Promise<FakeSocket> {
    const connected = client.connect("token");
    socket(0).open();
    await settle();
    socket(0).say(welcome(socket(0).last().id));
    await connected;
    return socket(0);
  }

  it("says hello first, then gives each request its own answer", async () => {
    const first = await online();
    expect(first.sent[0]).toMatchObject({ type: "hello", version: 1, token: "token" });
    const hand = client.request({ type: "raise_hand", up: true });
    const lock = client.request({ type: "lock", locked: true });
    const [, handSent, lockSent] = first.sent;
    first.say({ type: "error", re: lockSent?.id, code: "forbidden", reason: "no", field: null });
    first.say({ type: "ok", re: handSent?.id });
    await expect(hand).resolves.toMatchObject({ type: "ok" });
    await expect(lock).rejects.toBeInstanceOf(RequestError);
  });

  it("hands on every event once, in order", async () => {
    const first = await online();
    first.say({ type: "room_locked", seq: 1, locked: true });
    first.say({ type: "room_locked", seq: 2, locked: false });
    first.say({ type: "room_locked", seq: 2, locked: false });
    expect(events.map(({ seq }) => seq)).toEqual([1, 2]);
  });

  it("takes a socket for lost that leaves a request unanswered, though it says other things", async () => {
    const first = await online();
    const unanswered = client.request({ type: "reset_transport", transport: "publish:main" });
    const rejected = expect(unanswered).rejects.toBeInstanceOf(ConnectionLost);
    for (let seq = 1; seq <= 15; seq += 1) {
      first.say({ type: "room_locked", seq, locked: true });
      expect(client.link.value).toBe("online");
      await vi.advanceTimersByTimeAsync(1000);
    }
    await rejected;
    expect(client.link.value).toBe("reconnecting");
  });

  it("resumes after the last event seen when the socket drops", async () => {
    const first = await online();
    first.say({ type: "room_locked", seq: 7, locked: true });
    const lost = client.request({ type: "ping" });
    first.drop();
    await expect(lost).rejects.toBeInstanceOf(ConnectionLost);
    expect(client.link.value).toBe("reconnecting");
    await vi.advanceTimersByTimeAsync(400);
    socket(1).open();
    await settle();
    expect(socket(1).last().resume).toEqual({ session: "s1", seq: 7, media: true });
    socket(1).say(welcome(socket(1).last().id, { resumed: true }));
    await settle();
    expect(client.link.value).toBe("online");
    expect(reconnected).toHaveLength(1);
  });

  it("begins anew on the same socket when the session is gone", async () => {
    const first = await online();
    first.say({ type: "room_locked", seq: 7, locked: true });
    first.drop();
    await vi.advanceTimersByTimeAsync(400);
    socket(1).open();
    await settle();
    const { id } = socket(1).last();
    socket(1).say({ type: "error", re: id, code: "session_gone", reason: "", field: null });
    await settle();
    expect(socket(1).last().resume).toBeUndefined();
    socket(1).say(welcome(socket(1).last().id, { session: "s2" }));
    await settle();
    socket(1).say({ type: "room_locked", seq: 1, locked: false });
    expect(events.at(-1)?.seq).toBe(1);
    expect(reconnected[0]?.resumed).toBe(false);
  });

  it("takes a silent socket for dead", async () => {
    const first = await online();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(first.sent.filter(({ type }) => type === "ping").length).toBeGreaterThan(1);
    expect(client.link.value).toBe("reconnecting");
  });

  it("gives a try up that hangs, and makes another", async () => {
    (await online()).drop();
    await vi.advanceTimersByTimeAsync(4000);
    expect(FakeSocket.made.length).toBeGreaterThan(2);
    const { length } = FakeSocket.made;
    socket(length - 1).open();
    await settle();
    socket(length - 1).say(welcome(socket(length - 1).last().id, { resumed: true }));
    await settle();
    expect(client.link.value).toBe("online");
    await vi.advanceTimersByTimeAsync(1500);
    expect(FakeSocket.made).toHaveLength(length);
  });

  it("does not wait for a hanging try, nor for a sleeping socket, when media are back", async () => {
    await online();
    await vi.advanceTimersByTimeAsync(4000);
    client.mediaBack();
    await vi.advanceTimersByTimeAsync(150);
    expect(FakeSocket.made).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(600);
    client.mediaBack();
    await vi.advanceTimersByTimeAsync(1);
    expect(FakeSocket.made).toHaveLength(3);
    socket(2).open();
    await settle();
    socket(2).say(welcome(socket(2).last().id, { resumed: true }));
    await settle();
    expect(client.link.value).toBe("online");
  });

  it("is told why the first hello was refused", async () => {
    const connected = client.connect("forged");
    socket(0).open();
    await settle();
    const { id } = socket(0).last();
    const refused = { type: "error", re: id, code: "unauthorized", reason: "forged", field: null };
    const told = expect(connected).rejects.toBeInstanceOf(RequestError);
    socket(0).say(refused);
    await told;
  });

  it("refuses requests while there is no connection", async () => {
    await expect(client.request({ type: "ping" })).rejects.toBeInstanceOf(ConnectionLost);
  });
});

it("waits longer each time, never more than a second", () => {
  expect(backOffMs(0, 1)).toBe(100);
  expect(backOffMs(1, 1)).toBe(200);
  expect(backOffMs(30, 1)).toBe(1000);
  expect(backOffMs(30, 0)).toBe(500);
});

it("tries shortly, and now and then for long, as a slow network needs", () => {
  const tries = [0, 1, 2, 3, 4].map(tryMs);
  expect(tries.filter((ms) => ms <= 1500)).toHaveLength(4);
  expect(tries[3]).toBeGreaterThan(5000);
});
