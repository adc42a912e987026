/** Tries each way to the server by itself, and keeps what came of it. */

import { exchangeProbe, networkOffers, type NetworkOffers } from "../protocol/network";
import { Problem } from "../state/problem";
import { Store } from "../state/store";
import {
  narrowed,
  turnWay,
  type Opening,
  type Way,
  type WayKind,
  type WayState,
} from "../state/ways";
import { measureNetwork } from "./network-check";

const MESSAGES = { echoes: 100, spacingMs: 20 };
const SOCKET_MS = 8000;
const DIRECT = ["udp4", "udp6", "tcp"] as const;

class Absent extends Error {}

export class Reach {
  readonly ways = new Store<readonly Way[]>([]);

  constructor(private readonly socketUrl: string) {}

  get running(): boolean {
    return this.ways.value.some(({ state }) => state.at === "testing");
  }

  /** Once through; `token` for the TURN server. Throws Problem when the token is refused. */
  async run(token: string | null): Promise<void> {
    if (this.running) return;
    const kinds: WayKind[] = ["websocket", ...DIRECT, "turn"];
    const state: WayState = { at: "testing" };
    this.ways.set(kinds.map((kind) => ({ id: kind, kind, opening: null, state })));
    const offers = networkOffers(token);
    await Promise.all([
      this.#websocket(),
      ...DIRECT.map((kind) => this.#direct(kind, offers)),
      this.#turn(offers),
    ]);
  }

  #change(id: string, change: Partial<Way>): void {
    this.ways.update((ways) => ways.map((way) => (way.id === id ? { ...way, ...change } : way)));
  }

  async #websocket(): Promise<void> {
    const { hostname, port, protocol } = new URL(this.socketUrl);
    const usual = protocol === "wss:" ? 443 : 80;
    const hosts = [hostname.replace(/^\[|\]$/g, "")];
    const opening: Opening = { protocol: "TCP", hosts, ports: [Number(port) || usual] };
    this.#change("websocket", { opening });
    this.#change("websocket", { state: await socketState(this.socketUrl) });
  }

  async #direct(kind: (typeof DIRECT)[number], offers: Promise<NetworkOffers>): Promise<void> {
    const ports = await offers.then(
      ({ udp_ports }) => udp_ports,
      () => [],
    );
    await this.#measure(kind, {}, (answer) => {
      const only = narrowed(answer, kind);
      if (!only) throw new Absent();
      const all = kind === "tcp" || ports.length === 0 ? only.opening.ports : ports;
      this.#change(kind, { opening: { ...only.opening, ports: all } });
      return only.sdp;
    });
  }

  async #turn(asked: Promise<NetworkOffers>): Promise<void> {
    let offers: NetworkOffers;
    try {
      offers = await asked;
    } catch (error) {
      const refused = error instanceof Problem && error.code === "visit_over";
      const detail = error instanceof Error ? error.message : String(error);
      this.#change("turn", { state: refused ? { at: "needs_link" } : { at: "untested", detail } });
      if (refused) throw error;
      return;
    }
    if (!offers.turn) this.#change("turn", { state: { at: "absent" } });
    else if (offers.ice_servers.length === 0) this.#change("turn", { state: { at: "needs_link" } });
    else await this.#turnServers(offers);
  }

  async #turnServers({ ice_servers }: NetworkOffers): Promise<void> {
    const found = ice_servers.flatMap((server) =>
      server.urls.flatMap((url) => {
        const way = turnWay(url);
        return way ? [{ ...way, id: url, server: { ...server, urls: [url] } }] : [];
      }),
    );
    const state: WayState = { at: "testing" };
    this.ways.update((ways) => [
      ...ways.filter(({ id }) => id !== "turn"),
      ...found.map(({ id, kind, opening }) => ({ id, kind, opening, state })),
    ]);
    await Promise.all(
      found.map(({ id, server }) =>
        this.#measure(
          id,
          { iceServers: [server], iceTransportPolicy: "relay" },
          (answer) => answer,
        ),
      ),
    );
  }

  async #measure(
    id: string,
    configuration: RTCConfiguration,
    choose: (answer: string) => string,
  ): Promise<void> {
    const exchange = async (offer: string): Promise<string> => choose(await exchangeProbe(offer));
    try {
      const { rttMs, loss } = await measureNetwork(exchange, { configuration, ...MESSAGES });
      this.#change(id, { state: { at: "works", rttMs, loss } });
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      if (error instanceof Absent) this.#change(id, { state: { at: "absent" } });
      else
        this.#change(id, {
          state: { at: error instanceof Problem ? "untested" : "fails", detail },
        });
    }
  }
}

/** Whether frames pass both ways: some proxies open a WebSocket and swallow what is in it. */
function socketState(url: string): Promise<WayState> {
  return new Promise((resolve) => {
    const socket = new WebSocket(url);
    const end = (state: WayState): void => {
      clearTimeout(timer);
      socket.onclose = socket.onerror = null;
      socket.close();
      resolve(state);
    };
    const timer = setTimeout(
      () => end({ at: "fails", detail: `no answer within ${SOCKET_MS} ms` }),
      SOCKET_MS,
    );
    let sentMs = 0;
    socket.onopen = () => {
      sentMs = performance.now();
      socket.send(JSON.stringify({ type: "ping", id: 0 })); // refused before hello, yet answered
    };
    socket.onmessage = () => end({ at: "works", rttMs: performance.now() - sentMs, loss: null });
    socket.onclose = ({ code }) => end({ at: "fails", detail: `closed: ${String(code)}` });
    socket.onerror = () => end({ at: "fails", detail: "the WebSocket cannot be opened" });
  });
}
