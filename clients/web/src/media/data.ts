/**
 * Messages between the pages of a room, past the signaling: pointers, annotations, readings. Each
 * label is a data channel on the publishing connection, opened again whenever that is built anew.
 * docs/protocol.md, "Data channels".
 */

/** `newest`: an older message than the newest is worthless, and is never waited for. */
export type DataKind = "newest" | "reliable";

export interface DataMessage {
  readonly sender: string; // participant id, written by the server
  readonly data: string | Uint8Array;
}

type Listener = (message: DataMessage) => void;

interface Label {
  readonly kind: DataKind;
  readonly listeners: Set<Listener>;
  channel: RTCDataChannel | null;
  waiting: string | Uint8Array<ArrayBuffer> | null; // the newest, while our way out is busy
}

const OPTIONS: Record<DataKind, RTCDataChannelInit> = {
  newest: { ordered: false, maxRetransmits: 0 },
  reliable: {},
};
const REOPEN_MS = 5000; // after the server closed a channel: a flood is over by then

export class DataChannels {
  /** The connection needs another negotiation, or a first one. */
  onwanted: () => void = () => undefined;
  readonly #labels = new Map<string, Label>();
  #peer: RTCPeerConnection | null = null;

  get wanted(): boolean {
    return this.#labels.size > 0;
  }

  /** Opens the channel if it is not there yet; the answer stops listening. */
  listen(label: string, kind: DataKind, listener: Listener): () => void {
    let known = this.#labels.get(label);
    if (!known) {
      known = { kind, listeners: new Set(), channel: null, waiting: null };
      this.#labels.set(label, known);
      if (this.#peer) this.#open(this.#peer, label, known);
      if (this.#labels.size === 1) this.onwanted();
    }
    if (known.kind !== kind) throw new Error(`${label} is open as ${known.kind}`);
    const { listeners } = known;
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  /** False when the channel is not open; a `newest` message then need not be sent later. */
  send(label: string, data: string | Uint8Array<ArrayBuffer>): boolean {
    const known = this.#labels.get(label);
    const channel = known?.channel;
    if (!known || channel?.readyState !== "open") return false;
    if (known.kind === "newest" && channel.bufferedAmount > 0) known.waiting = data;
    else put(channel, data);
    return true;
  }

  /** A new connection, before its first offer. */
  attach(peer: RTCPeerConnection): void {
    this.#peer = peer;
    for (const [name, label] of this.#labels) this.#open(peer, name, label);
  }

  detach(): void {
    this.#peer = null;
    for (const label of this.#labels.values()) label.channel = label.waiting = null;
  }

  #open(peer: RTCPeerConnection, name: string, label: Label): void {
    const channel = peer.createDataChannel(name, OPTIONS[label.kind]);
    channel.binaryType = "arraybuffer";
    label.channel = channel;
    label.waiting = null;
    channel.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
      const message = split(data);
      for (const listener of label.listeners) listener(message);
    };
    channel.onbufferedamountlow = () => {
      const { waiting } = label;
      label.waiting = null;
      if (waiting !== null && channel.readyState === "open") put(channel, waiting);
    };
    channel.onclose = () => {
      setTimeout(() => {
        const current = peer === this.#peer && label.channel === channel;
        if (current && peer.connectionState !== "closed") this.#open(peer, name, label);
      }, REOPEN_MS);
    };
  }
}

function put(channel: RTCDataChannel, data: string | Uint8Array<ArrayBuffer>): void {
  if (typeof data === "string") channel.send(data);
  else channel.send(data);
}

/** The server puts the sender and a line feed before each message. */
export function split(data: string | ArrayBuffer): DataMessage {
  if (typeof data === "string") {
    const end = data.indexOf("\n");
    return { sender: data.slice(0, end), data: data.slice(end + 1) };
  }
  const octets = new Uint8Array(data);
  const end = octets.indexOf(10);
  const sender = new TextDecoder().decode(octets.subarray(0, end));
  return { sender, data: octets.subarray(end + 1) };
}
