import { describe, expect, it } from "vitest";

import { Health, levelOf } from "../src/control/health";
import { Pulse, type Way } from "../src/control/pulse";
import { Frames } from "../src/control/sight";

class Channel implements Way {
  readyState: RTCDataChannelState = "open";
  bufferedAmount = 0;
  readonly sent: number[] = [];
  send(data: Uint8Array): void {
    this.sent.push(data[0] ?? 0);
  }
}

function pulseOver(channel: Channel | null) {
  let next = 0;
  const waiting: (() => void)[] = [];
  const pulse = new Pulse(
    () => channel,
    () =>
      new Promise((resolve) => {
        const sequence = ++next;
        waiting.push(() => resolve({ sequence, octets: new Uint8Array(150).fill(sequence) }));
      }),
  );
  return { pulse, signed: (index: number) => waiting[index]?.() };
}

describe("the pulse", () => {
  it("sends what was signed", async () => {
    const channel = new Channel();
    const { pulse, signed } = pulseOver(channel);
    const beat = pulse.beat();
    signed(0);
    expect(await beat).toBe(true);
    expect(channel.sent).toEqual([1]);
  });

  it("sends nothing while more than two packets wait in the browser", async () => {
    const channel = new Channel();
    const { pulse, signed } = pulseOver(channel);
    channel.bufferedAmount = 5000;
    expect(await pulse.beat()).toBe(false);
    channel.bufferedAmount = 0;
    const beat = pulse.beat();
    channel.bufferedAmount = 301; // filled up while it was signed
    signed(0);
    expect(await beat).toBe(false);
    expect(channel.sent).toEqual([]);
  });

  it("never sends an older one after a newer", async () => {
    const channel = new Channel();
    const { pulse, signed } = pulseOver(channel);
    const beats = [pulse.beat(), pulse.beat()];
    signed(1);
    await beats[1];
    signed(0);
    expect(await Promise.all(beats)).toEqual([false, true]);
    expect(channel.sent).toEqual([2]);
  });

  it("sends nothing after it was stopped, whatever was on its way", async () => {
    const channel = new Channel();
    const { pulse, signed } = pulseOver(channel);
    const beat = pulse.beat();
    pulse.stop();
    signed(0);
    expect(await beat).toBe(false);
    expect(channel.sent).toEqual([]);
  });

  it("waits for a channel that is open", async () => {
    const closed = new Channel();
    closed.readyState = "closing";
    expect(await pulseOver(closed).pulse.beat()).toBe(false);
    expect(await pulseOver(null).pulse.beat()).toBe(false);
  });
});

describe("the link's health", () => {
  it("knows the round trip without the robot's own time", () => {
    const health = new Health();
    health.sent(7, 1000);
    health.heard(1, { sequence: 7, ageUs: 12_000 }, 1050);
    expect(health.roundTripMs(1050)).toBeCloseTo(38);
    expect(health.roundTripMs(9000)).toBeNull(); // long ago
  });

  it("knows what was lost, whatever the order in which the rest came", () => {
    const health = new Health();
    for (const sequence of [1, 2, 4, 3, 6, 8, 9, 10]) health.heard(sequence, null, 1000);
    expect(health.loss(1000)).toBeCloseTo(0.2);
  });

  it("knows when the robot has fallen silent, and when it has begun anew", () => {
    const health = new Health();
    expect(health.fresh(0)).toBe(false);
    health.heard(90_000, null, 1000);
    expect([health.fresh(1200), health.fresh(1400)]).toEqual([true, false]);
    for (const sequence of [1, 2, 3]) health.heard(sequence, null, 1500);
    expect(health.loss(1500)).toBe(0);
  });

  it("has a word", () => {
    expect(levelOf(null, null, null)).toBeNull();
    expect(levelOf(38, 92, 0)).toBe("good");
    expect(levelOf(38, 250, 0)).toBe("fair");
    expect(levelOf(38, 92, 0.2)).toBe("poor");
    expect(levelOf(450, 92, 0)).toBe("poor");
  });
});

describe("the picture on the screen", () => {
  it("is seen while its frames come, and known by its timestamp", () => {
    const frames = new Frames();
    expect(frames.seen(0)).toBeNull();
    frames.shown(90_000, 85, 1000);
    expect(frames.seen(1100)).toEqual({ rtp: 90_000, delayMs: 85 });
    expect(frames.seen(1400)).toBeNull(); // a still picture
    expect(frames.silentMs(1400)).toBe(400);
  });

  it("is not seen where the browser does not say which frame it is", () => {
    const frames = new Frames();
    frames.shown(null, null, 1000);
    expect(frames.seen(1010)).toBeNull();
    expect(frames.nameless).toBe(true);
  });

  it("has a rate and a delay", () => {
    const frames = new Frames();
    for (let index = 0; index < 30; index++) frames.shown(index, index, 1000 + 33 * index);
    expect(frames.perSecond(1990)).toBe(30);
    expect(frames.delayMs(1990)).toBe(15);
    expect(frames.perSecond(9000)).toBe(0);
  });
});
