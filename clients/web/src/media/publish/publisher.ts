/**
 * Sends this page's tracks over one transport. The page says what should be sent; `#reconcile`
 * brings the peer connection there, one negotiation at a time, and starts again from what is wanted
 * when the socket or the connection was lost in between. We offer, the server answers.
 */

import type { CodecPreferences, ServiceClass, Source } from "../../protocol/messages";
import { ConnectionLost, RequestError, type ProtocolClient } from "../../protocol/client";
import { applyPreferences, offeringRepeats } from "../codecs";
import type { DataChannels } from "../data";
import { iceConfiguration, renewServers } from "../ice";
import { pathless, restartPath, watchConnection } from "../patience";
import { activated, cameraLayers, layered, limited, linesOf, takesLayers } from "./layers";

/** One thing to send. Without a track it keeps its place, silent, as a camera does that is off. */
export interface Outgoing {
  readonly source: Source;
  readonly track: MediaStreamTrack | null;
  readonly muted: boolean;
  readonly label: string;
  readonly serviceClass: ServiceClass;
}

interface Slot {
  readonly source: Source;
  readonly transceiver: RTCRtpTransceiver;
  sending: boolean;
  track: string | null; // the server's id of it
  muted: boolean; // as the server knows it
  label: string;
  readonly encodings: number;
}

const ENCODING: Record<Source, RTCRtpEncodingParameters> = {
  camera: { maxBitrate: 2_500_000, maxFramerate: 30 },
  device: { maxBitrate: 4_000_000, maxFramerate: 30 },
  screen: { maxBitrate: 2_500_000, maxFramerate: 15 },
  microphone: { maxBitrate: 48_000 },
  screen_audio: { maxBitrate: 96_000 },
};
const REBUILD_MS = [0, 1000, 2000, 4000, 8000];

export class Publisher {
  #peer: RTCPeerConnection | null = null;
  #slots: Slot[] = [];
  #wanted: readonly Outgoing[] = [];
  #codecs: CodecPreferences;
  readonly #watched = new Map<string, readonly string[]>(); // rids by the server's track id
  readonly #limits = new Map<string, number>(); // bit/s by the server's track id
  #stale = false; // the server has yet to see the present state of the peer connection
  #answer: string | null = null; // the server's last one
  #revived = false; // with ICE credentials that the server has not seen
  #away = false; // there is no path to the server
  #resetDue = false; // the server still holds a transport whose other end is gone
  #running = false;
  #again = false;
  #failures = 0;
  #closed = false;

  constructor(
    readonly transport: string,
    private readonly client: ProtocolClient,
    codecs: CodecPreferences,
    private readonly onRefused: (error: Error) => void,
    private readonly onPath: (there: boolean) => void,
    private readonly data: DataChannels | null = null,
  ) {
    this.#codecs = codecs;
    if (data) {
      data.onwanted = () => {
        this.#stale = true;
        void this.#run();
      };
    }
  }

  get peer(): RTCPeerConnection | null {
    return this.#peer;
  }

  update(wanted: readonly Outgoing[]): void {
    this.#wanted = wanted;
    void this.#run();
  }

  setCodecs(codecs: CodecPreferences): void {
    this.#codecs = codecs;
    if (this.#slots.some((slot) => slot.sending)) this.#stale = true;
    void this.#run();
  }

  /** Somebody watches these encodings of a track, and nobody the others. */
  setLayers(track: string, rids: readonly string[]): void {
    this.#watched.set(track, rids);
    void this.#run();
  }

  /** Nobody who watches a track has room for more than so many bits a second; null: somebody has. */
  setLimit(track: string, bps: number | null): void {
    if (bps === null) this.#limits.delete(track);
    else this.#limits.set(track, bps);
    void this.#run();
  }

  /** The socket is back: whatever was cut short goes on. */
  resumed(): void {
    void this.#run();
  }

  /** What the server calls the track of this source. */
  sourceOf(mid: string | null): Source | undefined {
    return this.#slots.find((slot) => slot.transceiver.mid === mid)?.source;
  }

  close(): void {
    this.#closed = true;
    this.data?.detach();
    this.#peer?.close();
    this.#peer = null;
    this.#slots = [];
  }

  async #run(): Promise<void> {
    this.#again = true;
    if (this.#running) return;
    this.#running = true;
    try {
      while (this.#again && !this.#closed) {
        this.#again = false; // what is wanted from here on gets a turn, however this one ends
        await this.#reconcile().catch((error: unknown) => {
          // After a lost socket `resumed` comes; a refusal stays until something else is wanted.
          if (error instanceof RequestError) this.onRefused(error);
          else if (!(error instanceof ConnectionLost)) console.error("cannot publish", error);
        });
      }
    } finally {
      this.#running = false;
    }
  }

  async #reconcile(): Promise<void> {
    if (this.#resetDue) {
      await this.client.request({ type: "reset_transport", transport: this.transport });
      this.#resetDue = false;
    }
    if (!this.#peer && !this.data?.wanted && !this.#wanted.some((out) => out.track)) return;
    const peer = (this.#peer ??= this.#connect());
    for (const out of this.#wanted) await this.#place(peer, out);
    for (const slot of this.#slots) {
      if (!slot.sending || this.#wanted.some((out) => out.source === slot.source)) continue;
      slot.sending = false;
      slot.track = null;
      slot.transceiver.direction = "inactive";
      await slot.transceiver.sender.replaceTrack(null);
      this.#stale = true;
    }
    if (this.#stale) await this.#negotiate(peer);
    for (const slot of this.#slots) await this.#activate(slot);
    for (const slot of this.#slots) await this.#limit(slot);
    for (const out of this.#wanted) await this.#tell(out);
  }

  async #activate({ track, encodings: offered, transceiver: { sender } }: Slot): Promise<void> {
    const rids = track === null || offered < 2 ? undefined : this.#watched.get(track);
    if (!rids) return;
    const parameters = sender.getParameters();
    const encodings = activated(parameters.encodings, rids);
    if (encodings) await sender.setParameters({ ...parameters, encodings });
  }

  async #limit({ track, source, transceiver: { sender } }: Slot): Promise<void> {
    if (track === null) return;
    const parameters = sender.getParameters();
    const most = ENCODING[source].maxBitrate;
    const encodings = limited(parameters.encodings, most, this.#limits.get(track));
    if (encodings) await sender.setParameters({ ...parameters, encodings });
  }

  /** The room's codec has no layers here: the one encoding that is left is the whole picture. */
  async #widen(sender: RTCRtpSender): Promise<void> {
    const parameters = sender.getParameters();
    const [first] = parameters.encodings;
    if (!first || first.scaleResolutionDownBy === 1) return;
    Object.assign(first, { ...ENCODING.camera, active: true, scaleResolutionDownBy: 1 });
    await sender.setParameters(parameters);
  }

  async #place(peer: RTCPeerConnection, out: Outgoing): Promise<void> {
    let slot = this.#slots.find((other) => other.source === out.source);
    if (slot && out.track && this.#encodings(out, out.track).length !== slot.encodings) {
      this.#slots = this.#slots.filter((other) => other !== slot); // another camera, of other size
      slot.transceiver.direction = "inactive";
      await slot.transceiver.sender.replaceTrack(null);
      slot = undefined;
    }
    if (!slot) {
      if (!out.track) return;
      const sendEncodings = this.#encodings(out, out.track);
      const transceiver = peer.addTransceiver(out.track, { direction: "sendonly", sendEncodings });
      const { source, muted, label } = out;
      const encodings = sendEncodings.length;
      const slot = { source, transceiver, sending: true, track: null, muted, label, encodings };
      this.#slots.push(slot);
      this.#stale = true;
      return;
    }
    if (!slot.sending && out.track) {
      slot.sending = true;
      slot.transceiver.direction = "sendonly";
      this.#stale = true;
    }
    const { sender } = slot.transceiver;
    const track = this.#away && out.track?.kind === "audio" ? null : out.track;
    if (sender.track !== track) await sender.replaceTrack(track);
  }

  /**
   * Without a path a browser stops its pictures, but keeps all the sound, and pours a minute of it
   * out when the path is back, before the first new picture. So none is given to it meanwhile.
   */
  #pathChanged(there: boolean): void {
    this.#away = !there;
    void this.#run();
    this.onPath(there);
  }

  #encodings({ source }: Outgoing, track: MediaStreamTrack): RTCRtpEncodingParameters[] {
    const layers = source === "camera" && layered(this.#codecs.video[0]);
    const encodings = layers ? cameraLayers(linesOf(track)) : [];
    return encodings.length > 1 ? encodings : [ENCODING[source]];
  }

  async #negotiate(peer: RTCPeerConnection): Promise<void> {
    this.#stale = false; // what changes from here on needs a negotiation of its own
    try {
      await this.#offer(peer);
    } catch (error) {
      this.#stale = true;
      throw error;
    }
  }

  async #offer(peer: RTCPeerConnection): Promise<void> {
    const sending = this.#slots.filter((slot) => slot.sending);
    for (const { transceiver } of sending) {
      applyPreferences(
        transceiver,
        transceiver.receiver.track.kind as "audio" | "video",
        this.#codecs,
      );
    }
    const iceRestart = this.#revived || pathless(peer);
    if (iceRestart) renewServers(peer);
    await peer.setLocalDescription(await peer.createOffer({ iceRestart }));
    const media = sending.flatMap(({ source, transceiver: { mid } }) => {
      const out = this.#wanted.find((wanted) => wanted.source === source);
      if (mid === null || !out) return [];
      const { serviceClass, label, muted } = out;
      return [{ mid, source, service_class: serviceClass, label, muted }];
    });
    const sdp = offeringRepeats(peer.localDescription?.sdp ?? "");
    const answer = await this.client.request({
      type: "publish",
      transport: this.transport,
      sdp,
      media,
    });
    if (peer !== this.#peer) return; // rebuilt meanwhile
    await peer.setRemoteDescription({ type: "answer", sdp: answer.sdp });
    this.#answer = answer.sdp;
    this.#revived = false;
    for (const { mid, track } of answer.tracks) {
      const slot = sending.find(({ transceiver }) => transceiver.mid === mid);
      const told = media.find((item) => item.mid === mid);
      if (slot && told) Object.assign(slot, { track, muted: told.muted, label: told.label });
      if (slot && slot.encodings > 1 && !takesLayers(answer.sdp, mid)) {
        await this.#widen(slot.transceiver.sender);
      }
    }
  }

  /** Tells the room what has changed without a negotiation: muted or not, another device's name. */
  async #tell(out: Outgoing): Promise<void> {
    const slot = this.#slots.find((other) => other.source === out.source);
    if (!slot?.track || (slot.muted === out.muted && slot.label === out.label)) return;
    const { muted, label } = out;
    await this.client.request({ type: "update_track", track: slot.track, muted, label });
    slot.muted = muted;
    slot.label = label;
  }

  #connect(): RTCPeerConnection {
    const peer = new RTCPeerConnection({ bundlePolicy: "max-bundle", ...iceConfiguration() });
    watchConnection(peer, {
      connected: () => {
        this.#failures = 0;
        this.#pathChanged(true);
      },
      away: () => this.#pathChanged(false),
      revive: () => this.#revive(peer),
      lost: () => {
        if (peer === this.#peer) void this.#rebuild();
      },
      reachable: () => this.client.link.value === "online",
    });
    this.#answer = null;
    this.#revived = false;
    this.data?.attach(peer);
    this.#stale = true;
    return peer;
  }

  /** What waits for a negotiation restarts with it, and needs the server. */
  async #revive(peer: RTCPeerConnection): Promise<void> {
    if (peer !== this.#peer || this.#running || this.#stale || this.#answer === null) return;
    if (peer.signalingState !== "stable") return;
    this.#running = true;
    try {
      this.#revived = true;
      await restartPath(peer, this.#answer);
    } catch (error) {
      console.warn("cannot restart ICE", error);
    } finally {
      this.#running = false;
      if (this.#again) void this.#run();
    }
  }

  async #rebuild(): Promise<void> {
    this.data?.detach();
    this.#peer?.close();
    this.#peer = null;
    this.#slots = [];
    this.#away = false;
    this.#resetDue = true; // before anything else is offered: `resumed` may come while we wait
    const delay = REBUILD_MS[Math.min(this.#failures++, REBUILD_MS.length - 1)];
    await new Promise((resolve) => setTimeout(resolve, delay));
    if (!this.#closed) void this.#run();
  }
}
