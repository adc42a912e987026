/** The ways from a browser to the relay: what each needs open, and what all of them add up to. */

/** From the best to the last resort; any one that works carries a call. */
export const MEDIA = ["udp4", "udp6", "tcp", "turn_udp", "turn_tcp", "turn_tls", "turn"] as const;
export type MediaWay = (typeof MEDIA)[number];
export type WayKind = "websocket" | MediaWay;

/** What a firewall has to let out, and the answers back in. */
export interface Opening {
  readonly protocol: "UDP" | "TCP";
  readonly hosts: readonly string[];
  readonly ports: readonly number[];
}

export type WayState =
  | { at: "testing" }
  | { at: "works"; rttMs: number; loss: number | null }
  | { at: "fails"; detail: string }
  | { at: "absent" } // this server has none
  | { at: "needs_link" } // for who is invited
  | { at: "untested"; detail: string }; // the test itself could not be made

export interface Way {
  readonly id: string;
  readonly kind: WayKind;
  readonly opening: Opening | null;
  readonly state: WayState;
}

export type Verdict =
  | { at: "testing" }
  | { at: "direct"; way: Way }
  | { at: "detour"; way: Way }
  | { at: "no_direct" } // the TURN server is there, and was not tested
  | { at: "none" }
  | { at: "no_signaling" }
  | { at: "untested" };

interface Candidate {
  readonly line: string;
  readonly kind: "udp4" | "udp6" | "tcp";
  readonly host: string;
  readonly port: number;
}

function candidateOf(line: string): Candidate | null {
  const [, , protocol = "", , host = "", port] = line.trim().split(" ");
  if (!line.startsWith("a=candidate:")) return null;
  const udp = host.includes(":") ? "udp6" : "udp4";
  const kind = protocol.toLowerCase() === "tcp" ? "tcp" : udp;
  return { line, kind, host, port: Number(port) };
}

const LOOPBACK = /^(127\.|::1$)/;

/** The answer with one kind of candidate alone, and what it needs; null where it has none. */
export function narrowed(
  answer: string,
  kind: "udp4" | "udp6" | "tcp",
): { sdp: string; opening: Opening } | null {
  const lines = answer.split("\r\n");
  const all = lines.map(candidateOf).filter((found) => found !== null);
  const kept = all.filter((found) => found.kind === kind);
  if (kept.length === 0) return null;
  const sdp = lines
    .filter((line) => kept.some((found) => found.line === line) || !candidateOf(line))
    .join("\r\n");
  const outside = kept.filter(({ host }) => !LOOPBACK.test(host));
  const said = outside.length > 0 ? outside : kept;
  const opening: Opening = {
    protocol: kind === "tcp" ? "TCP" : "UDP",
    hosts: [...new Set(said.map(({ host }) => host))],
    ports: [...new Set(said.map(({ port }) => port))],
  };
  return { sdp, opening };
}

/** What a TURN URL (RFC 7065) is, and what it needs. */
export function turnWay(url: string): { kind: WayKind; opening: Opening } | null {
  const match = /^(turns?):(\[[^\]]+\]|[^:?]+)(?::(\d+))?(?:\?transport=(\w+))?$/.exec(url);
  if (!match) return null;
  const [, scheme, host = "", port, transport] = match;
  const secure = scheme === "turns";
  const udp = !secure && transport !== "tcp";
  const kind = secure ? "turn_tls" : udp ? "turn_udp" : "turn_tcp";
  const opening: Opening = {
    protocol: udp ? "UDP" : "TCP",
    hosts: [host.replace(/^\[|\]$/g, "")],
    ports: [port ? Number(port) : secure ? 5349 : 3478],
  };
  return { kind, opening };
}

const rank = ({ kind }: Way): number => MEDIA.indexOf(kind as MediaWay);

/** The way that a call would take: browsers try all, and prefer the direct ones. */
export function best(ways: readonly Way[]): Way | null {
  const works = ways.filter(({ kind, state }) => kind !== "websocket" && state.at === "works");
  return works.sort((a, b) => rank(a) - rank(b))[0] ?? null;
}

/** Whether a way that fails is of no account, because one that is better works. */
export function needless(way: Way, ways: readonly Way[]): boolean {
  const used = best(ways);
  const direct = used?.kind === "udp4" || used?.kind === "udp6";
  const fails = way.state.at === "fails" && way.kind !== "websocket";
  return fails && used !== null && (direct || rank(used) < rank(way));
}

export function verdictOf(ways: readonly Way[]): Verdict {
  if (ways.length === 0 || ways.some(({ state }) => state.at === "testing")) {
    return { at: "testing" };
  }
  const socket = ways.find(({ kind }) => kind === "websocket");
  if (socket?.state.at === "fails") return { at: "no_signaling" };
  const used = best(ways);
  if (used) return { at: used.kind.startsWith("udp") ? "direct" : "detour", way: used };
  if (ways.some(({ state }) => state.at === "untested")) return { at: "untested" };
  return { at: ways.some(({ state }) => state.at === "needs_link") ? "no_direct" : "none" };
}
