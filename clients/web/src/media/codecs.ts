import type { Capabilities, CodecPreferences, Kind } from "../protocol/messages";

const REPAIR = new Set(["rtx", "red", "ulpfec", "flexfec-03", "cn", "telephone-event"]);

interface Codec {
  readonly mimeType: string;
  readonly sdpFmtpLine?: string;
}

function nameOf(codec: Codec): string {
  return codec.mimeType.slice(codec.mimeType.indexOf("/") + 1);
}

/** Baseline only: everybody decodes it, and nothing is transcoded. */
function servesAll(codec: Codec): boolean {
  if (nameOf(codec).toLowerCase() !== "h264") return true;
  const profile = /profile-level-id=([0-9a-f]{2})/i.exec(codec.sdpFmtpLine ?? "");
  return profile === null || profile[1] === "42";
}

/** The browser's codecs that the room takes, in the room's order, with retransmission. */
export function preferredCodecs<T extends Codec>(
  available: readonly T[],
  policy: readonly string[],
): T[] {
  const wanted = policy.flatMap((name) =>
    available.filter(
      (codec) => nameOf(codec).toLowerCase() === name.toLowerCase() && servesAll(codec),
    ),
  );
  if (wanted.length === 0) return [];
  return [...wanted, ...available.filter((codec) => nameOf(codec).toLowerCase() === "rtx")];
}

export function applyPreferences(
  transceiver: RTCRtpTransceiver,
  kind: Kind,
  policy: CodecPreferences,
): void {
  const available = RTCRtpSender.getCapabilities(kind)?.codecs ?? [];
  const codecs = preferredCodecs(available, policy[kind]);
  // An older Firefox cannot choose; the server's answer then does.
  if (codecs.length > 0 && "setCodecPreferences" in transceiver) {
    transceiver.setCodecPreferences(codecs);
  }
}

/** Sound may be asked for again: browsers do not offer it, but do it when an answer says so. */
export function offeringRepeats(sdp: string): string {
  return sdp.replace(/^a=rtpmap:(\d+) opus\/.*$/gim, (line, type: string) => {
    const offer = `a=rtcp-fb:${type} nack`;
    return sdp.includes(`${offer}\r\n`) ? line : `${line}\r\n${offer}`;
  });
}

/** The names of what a browser decodes, each once. */
export function codecNames(available: readonly Codec[]): string[] {
  const names = available.map(nameOf).filter((name) => !REPAIR.has(name.toLowerCase()));
  return [...new Set(names)].slice(0, 16);
}

export function capabilities(): Capabilities {
  return {
    audio: codecNames(RTCRtpReceiver.getCapabilities("audio")?.codecs ?? []),
    video: codecNames(RTCRtpReceiver.getCapabilities("video")?.codecs ?? []),
  };
}
