/**
 * Receives the others' tracks: one peer connection for each subscribing transport. The server
 * offers, we answer; an offer with other ICE credentials is a transport made afresh.
 */

import type { SubscribeOffer } from "../../protocol/messages";
import { ConnectionLost, RequestError, type ProtocolClient } from "../../protocol/client";
import { Store } from "../../state/store";
import { iceConfiguration } from "../ice";
import { restartPath, watchConnection } from "../patience";
import { LOOK_MS, Playout, wait } from "./playout";
import { Upstream } from "./upstream";

export type RemoteTracks = ReadonlyMap<string, MediaStreamTrack>;

export function iceUfrag(sdp: string): string | null {
  return /^a=ice-ufrag:(\S+)/m.exec(sdp)?.[1] ?? null;
}

class WatchPeer {
  peer: RTCPeerConnection | null = null;
  tracks: RemoteTracks = new Map();
  #playout = new Playout();
  #ufrag: string | null = null;
  #latest: SubscribeOffer | null = null;
  #applied: SubscribeOffer | null = null; // what the connection has taken last
  #unanswered = false;
  #resetDue = false;
  #work: Promise<void> = Promise.resolve();

  constructor(
    readonly transport: string,
    private readonly client: ProtocolClient,
    private readonly onTracks: () => void,
    private readonly onLost: () => void,
    private readonly onPath: (there: boolean) => void,
    private readonly upstream: Upstream,
  ) {}

  take(offer: SubscribeOffer): void {
    this.#latest = offer;
    this.#unanswered = true;
    void this.#next(() => this.#answer(offer));
  }

  /** The socket is back: an answer that it swallowed is given again. */
  resumed(): void {
    if (this.#resetDue) void this.#reset();
    else if (this.#unanswered && this.#latest) this.take(this.#latest);
  }

  /** Gives what is sent again the time to come. */
  async look(): Promise<void> {
    if (this.peer?.connectionState === "connected") {
      const names = new Map([...this.tracks].map(([name, track]) => [track, name]));
      const upstreamMs = (track: MediaStreamTrack): number =>
        this.upstream.waitMs(names.get(track) ?? "");
      await wait(this.peer, this.#playout, upstreamMs, performance.now());
    }
  }

  close(): void {
    this.#latest = null;
    this.peer?.close();
    this.peer = null;
  }

  /** One thing after another; none that fails keeps the next ones from being done. */
  #next(work: () => Promise<void>): Promise<void> {
    this.#work = this.#work.then(work).catch((error: unknown) => console.error(error));
    return this.#work;
  }

  async #answer(offer: SubscribeOffer): Promise<void> {
    if (offer !== this.#latest) return; // a newer one lists all that this one does
    const ufrag = iceUfrag(offer.sdp);
    if (!this.peer || ufrag !== this.#ufrag) {
      this.peer?.close();
      this.peer = this.#connect();
      this.#ufrag = ufrag;
    }
    const peer = this.peer;
    try {
      await peer.setRemoteDescription({ type: "offer", sdp: offer.sdp });
      await peer.setLocalDescription(await peer.createAnswer());
      this.#applied = offer;
      this.#map(peer, offer);
    } catch (error) {
      await this.#refused(peer, error);
      return;
    }
    const sdp = peer.localDescription?.sdp ?? "";
    void this.#send(offer, sdp).catch((error: unknown) => this.#refused(peer, error));
  }

  /** Nothing waits for this: a dead socket takes seconds to be found out, and the path is revived. */
  async #send({ revision }: SubscribeOffer, sdp: string): Promise<void> {
    const { transport } = this;
    await this.client.request({ type: "subscribe_answer", transport, revision, sdp });
    if (revision === this.#latest?.revision) this.#unanswered = false;
  }

  async #refused(peer: RTCPeerConnection, error: unknown): Promise<void> {
    if (error instanceof ConnectionLost || this.peer !== peer) return;
    if (error instanceof RequestError && error.answer.code === "conflict") return;
    console.error("cannot answer an offer", error);
    await this.#lost();
  }

  #map(peer: RTCPeerConnection, offer: SubscribeOffer): void {
    const byMid = new Map(peer.getTransceivers().map((each) => [each.mid, each.receiver.track]));
    this.tracks = new Map(
      offer.tracks.flatMap(({ mid, track }) => {
        const received = byMid.get(mid);
        return received ? [[track, received] as const] : [];
      }),
    );
    this.onTracks();
  }

  #connect(): RTCPeerConnection {
    this.#playout = new Playout();
    const peer = new RTCPeerConnection({ bundlePolicy: "max-bundle", ...iceConfiguration() });
    watchConnection(peer, {
      connected: () => this.onPath(true),
      away: () => this.onPath(false),
      revive: () => this.#next(() => this.#revive(peer)),
      lost: () => {
        if (peer === this.peer) void this.#lost();
      },
      reachable: () => this.client.link.value === "online",
    });
    return peer;
  }

  async #revive(peer: RTCPeerConnection): Promise<void> {
    if (peer !== this.peer || peer.signalingState !== "stable" || !this.#applied) return;
    try {
      await restartPath(peer, this.#applied.sdp);
    } catch (error) {
      console.warn("cannot restart ICE", error);
    }
  }

  async #lost(): Promise<void> {
    this.peer?.close();
    this.peer = null;
    this.onLost();
    await this.#reset();
  }

  /** Asks for an offer afresh; if the socket is gone as well, again when it is back. */
  async #reset(): Promise<void> {
    this.#resetDue = true;
    try {
      await this.client.request({ type: "reset_transport", transport: this.transport });
      this.#resetDue = false;
    } catch (error) {
      if (error instanceof RequestError) this.#resetDue = false;
      else if (!(error instanceof ConnectionLost)) throw error;
    }
  }
}

export class Watcher {
  readonly tracks = new Store<RemoteTracks>(new Map());
  readonly upstream = new Upstream();
  readonly #peers = new Map<string, WatchPeer>();
  readonly #timer = setInterval(() => {
    for (const peer of this.#peers.values()) void peer.look();
  }, LOOK_MS);

  constructor(
    private readonly client: ProtocolClient,
    private readonly onLost: () => void,
    private readonly onPath: (transport: string, there: boolean) => void,
  ) {}

  take(offer: SubscribeOffer): void {
    let peer = this.#peers.get(offer.transport);
    if (!peer) {
      const publish = (): void => this.#publish();
      const onPath = (there: boolean): void => this.onPath(offer.transport, there);
      const { client, onLost, upstream } = this;
      peer = new WatchPeer(offer.transport, client, publish, onLost, onPath, upstream);
      this.#peers.set(offer.transport, peer);
    }
    peer.take(offer);
  }

  resumed(): void {
    for (const peer of this.#peers.values()) peer.resumed();
  }

  connections(): RTCPeerConnection[] {
    return [...this.#peers.values()].flatMap(({ peer }) => (peer ? [peer] : []));
  }

  close(): void {
    clearInterval(this.#timer);
    for (const peer of this.#peers.values()) peer.close();
    this.#peers.clear();
    this.tracks.set(new Map());
  }

  #publish(): void {
    this.tracks.set(new Map([...this.#peers.values()].flatMap(({ tracks }) => [...tracks])));
  }
}
