import { describe, expect, it } from "vitest";

import { best, narrowed, needless, turnWay, verdictOf, type Way } from "../src/state/ways";

const ANSWER = [
  "v=0",
  "a=candidate:1 1 udp 2130706431 203.0.113.10 10000 typ host",
  "a=candidate:2 1 udp 2130706175 2001:db8::1 10000 typ host",
  "a=candidate:3 1 udp 2130705919 127.0.0.1 10000 typ host",
  "a=candidate:4 1 tcp 1671430143 203.0.113.10 443 typ host tcptype passive",
  "a=end-of-candidates",
  "",
].join("\r\n");

function way(kind: Way["kind"], at: "works" | "fails" | "absent" | "testing" | "needs_link"): Way {
  const states = {
    works: { at, rttMs: 10, loss: 0 },
    fails: { at, detail: "" },
  } as Record<string, Way["state"]>;
  return { id: kind, kind, opening: null, state: states[at] ?? ({ at } as Way["state"]) };
}

describe("an answer narrowed to one way", () => {
  it("keeps one kind of candidate and all else, and says what to open", () => {
    const udp4 = narrowed(ANSWER, "udp4");
    expect(udp4?.sdp.match(/a=candidate/g)).toHaveLength(2);
    expect(udp4?.sdp).toContain("a=end-of-candidates\r\n");
    expect(udp4?.opening).toEqual({ protocol: "UDP", hosts: ["203.0.113.10"], ports: [10000] });
    expect(narrowed(ANSWER, "udp6")?.opening.hosts).toEqual(["2001:db8::1"]);
    expect(narrowed(ANSWER, "tcp")?.opening).toEqual({
      protocol: "TCP",
      hosts: ["203.0.113.10"],
      ports: [443],
    });
  });

  it("is nothing where the server offers none", () => {
    expect(narrowed("v=0\r\na=end-of-candidates\r\n", "udp4")).toBeNull();
  });
});

describe("a TURN URL", () => {
  it("tells its transport, host and port", () => {
    expect(turnWay("turn:turn.example?transport=udp")).toEqual({
      kind: "turn_udp",
      opening: { protocol: "UDP", hosts: ["turn.example"], ports: [3478] },
    });
    expect(turnWay("turn:[2001:db8::1]:99?transport=tcp")).toEqual({
      kind: "turn_tcp",
      opening: { protocol: "TCP", hosts: ["2001:db8::1"], ports: [99] },
    });
    expect(turnWay("turns:turn.example")?.opening.ports).toEqual([5349]);
    expect(turnWay("stun:turn.example")).toBeNull();
  });
});

describe("the verdict", () => {
  const socket = way("websocket", "works");

  it("waits for every way", () => {
    expect(verdictOf([]).at).toBe("testing");
    expect(verdictOf([socket, way("udp4", "works"), way("tcp", "testing")]).at).toBe("testing");
  });

  it("names the way that a call takes", () => {
    const ways = [socket, way("turn_tls", "works"), way("udp6", "works"), way("udp4", "fails")];
    expect(verdictOf(ways)).toMatchObject({ at: "direct", way: { kind: "udp6" } });
    const detour = [socket, way("turn_tls", "works"), way("turn_udp", "fails")];
    expect(verdictOf(detour)).toMatchObject({ at: "detour", way: { kind: "turn_tls" } });
  });

  it("tells nothing good without a WebSocket", () => {
    expect(verdictOf([way("websocket", "fails"), way("udp4", "works")]).at).toBe("no_signaling");
  });

  it("does not give up before the TURN server was tested", () => {
    const blocked = [socket, way("udp4", "fails")];
    expect(verdictOf([...blocked, way("turn", "needs_link")]).at).toBe("no_direct");
    expect(verdictOf([...blocked, way("turn", "absent")]).at).toBe("none");
  });

  it("asks for no opening that would not help", () => {
    const ways = [way("udp4", "fails"), way("udp6", "works"), way("turn_udp", "fails")];
    expect(ways.map((each) => needless(each, ways))).toEqual([true, false, true]);
    const detour = [way("udp4", "fails"), way("turn_tcp", "works"), way("turn_tls", "fails")];
    expect(detour.map((each) => needless(each, detour))).toEqual([false, false, true]);
    expect(best([socket])).toBeNull();
  });
});
