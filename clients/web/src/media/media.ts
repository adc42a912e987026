/** The media of one stay in the room: what we send, what we receive, and how well. */

import type {
  CodecPreferences,
  ServiceClass,
  SubscribeOffer,
  TransportGroup,
} from "../protocol/messages";
import { ConnectionLost, RequestError, type ProtocolClient } from "../protocol/client";
import type { LocalMedia } from "../state/call";
import { trackOf, type Room } from "../state/room";
import type { DataChannels } from "./data";
import { Publisher, type Outgoing } from "./publish/publisher";
import { entriesOf, readTracks, roundTripMs, type TrackStats } from "./stats";
import { Sound } from "./watch/sound";
import { Views } from "./watch/views";
import { Watcher } from "./watch/watcher";

const REPORT_MS = 2000;

/** What of the person's devices is to be sent, and as what. */
export function outgoing(media: LocalMedia, kinds: readonly ("audio" | "video")[]): Outgoing[] {
  const { microphone, camera, screen } = media;
  const all: (Outgoing & { kind: "audio" | "video" })[] = [];
  const add = (
    kind: "audio" | "video",
    source: Outgoing["source"],
    track: MediaStreamTrack | null,
    muted: boolean,
  ): void => {
    const label = (track?.label ?? "").slice(0, 120);
    all.push({ kind, source, track, muted, label, serviceClass: "talk" });
  };
  add("audio", "microphone", microphone.track, microphone.muted || !microphone.track);
  add("video", "camera", camera.track, camera.muted || !camera.track);
  if (screen) add("video", "screen", screen.video, false);
  if (screen?.audio) add("audio", "screen_audio", screen.audio, false);
  return all.filter(({ kind }) => kinds.includes(kind));
}

export function groupOf(groups: readonly TransportGroup[], service: ServiceClass): string {
  return groups.find(({ classes }) => classes.includes(service))?.name ?? "main";
}

/** Of the encodings that are sent now, the one that people mean by the camera's resolution. */
export function largest(encodings: readonly TrackStats[]): TrackStats | undefined {
  const sent = encodings.filter(({ framesPerSecond }) => (framesPerSecond ?? 0) > 0);
  return sent.sort((a, b) => (b.width ?? 0) - (a.width ?? 0))[0];
}

export class Media {
  readonly publisher: Publisher;
  readonly watcher: Watcher;
  readonly sound = new Sound();
  readonly views: Views;
  readonly #away = new Set<string>(); // transports without a path
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(
    private readonly client: ProtocolClient,
    groups: readonly TransportGroup[],
    codecs: CodecPreferences,
    private readonly callbacks: {
      refused(error: Error): void;
      lost(): void;
      /** Some path to the server is away, or all are there again. */
      away(away: boolean): void;
    },
    data: DataChannels | null = null,
  ) {
    const transport = `publish:${groupOf(groups, "talk")}`;
    const onPath = (of: string, there: boolean): void => this.#pathChanged(of, there);
    const onOwnPath = (there: boolean): void => onPath(transport, there);
    const { refused } = callbacks;
    this.publisher = new Publisher(transport, client, codecs, refused, onOwnPath, data);
    this.watcher = new Watcher(client, callbacks.lost, onPath);
    this.watcher.tracks.subscribe((tracks) => this.sound.update([...tracks.values()]));
    this.views = new Views(async (track, wish) => {
      await client.request({ type: "subscribe", track, ...wish });
    });
    this.watcher.tracks.subscribe((tracks) => this.views.keep(new Set(tracks.keys())));
    this.#timer = setInterval(() => void this.#report(), REPORT_MS);
  }

  take(offer: SubscribeOffer): void {
    this.watcher.take(offer);
  }

  resumed(): void {
    this.publisher.resumed();
    this.watcher.resumed();
  }

  close(): void {
    clearInterval(this.#timer);
    this.publisher.close();
    this.watcher.close();
    this.sound.close();
    this.views.close();
  }

  /** Every stream in and out, as the browser counts it. */
  async stats(room: Room): Promise<TrackStats[]> {
    const incoming = [...this.watcher.tracks.value];
    const reports = this.watcher.connections().map(async (peer) =>
      readTracks(entriesOf(await peer.getStats()), ({ trackIdentifier }) => {
        const id = incoming.find(([, track]) => track.id === trackIdentifier)?.[0];
        return id === undefined ? undefined : trackOf(room, id);
      }),
    );
    const own = this.publisher.peer;
    if (own) reports.push(this.#ownStats(own, room.self));
    return (await Promise.all(reports)).flat();
  }

  async #ownStats(peer: RTCPeerConnection, participant: string): Promise<TrackStats[]> {
    return readTracks(entriesOf(await peer.getStats()), ({ mid }) => {
      const source = this.publisher.sourceOf(mid ?? null);
      return source && { participant, source };
    });
  }

  #pathChanged(transport: string, there: boolean): void {
    if (there) this.#away.delete(transport);
    else this.#away.add(transport);
    this.callbacks.away(this.#away.size > 0);
    if (there) this.client.mediaBack();
  }

  async #report(): Promise<void> {
    const own = this.publisher.peer;
    const peer = own ?? this.watcher.connections()[0];
    if (!peer || this.client.link.value !== "online") return;
    const entries = entriesOf(await peer.getStats());
    const encodings = readTracks(entries, ({ mid }) => {
      const source = own ? this.publisher.sourceOf(mid ?? null) : undefined;
      return source && { participant: "", source };
    }).filter(({ source }) => source === "camera");
    const camera = largest(encodings);
    try {
      await this.client.request({
        type: "report_quality",
        rtt_ms: roundTripMs(entries),
        width: camera?.width ?? null,
        height: camera?.height ?? null,
        frames_per_second: camera?.framesPerSecond ?? null,
      });
    } catch (error) {
      if (!(error instanceof RequestError || error instanceof ConnectionLost)) throw error;
    }
  }
}
