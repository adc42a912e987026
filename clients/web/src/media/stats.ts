/** What the browser counts, told by participant and source: for support and for tests. */

import type { Kind, Source } from "../protocol/messages";

export interface TrackStats {
  direction: "in" | "out";
  participant: string;
  source: Source;
  kind: Kind;
  label?: string; // what its sender calls the device
  rid?: string; // of several encodings
  bytes: number;
  packets: number;
  packetsLost?: number;
  codec?: string;
  framesDecoded?: number;
  framesEncoded?: number;
  width?: number;
  height?: number;
  framesPerSecond?: number;
  totalAudioEnergy?: number;
}

/** The members of the browser's reports that are read here; each report has only some of them. */
interface Entry {
  id: string;
  type: string;
  kind?: Kind;
  mid?: string;
  rid?: string;
  trackIdentifier?: string;
  codecId?: string;
  mimeType?: string;
  bytesReceived?: number;
  bytesSent?: number;
  packetsReceived?: number;
  packetsSent?: number;
  packetsLost?: number;
  framesDecoded?: number;
  framesEncoded?: number;
  frameWidth?: number;
  frameHeight?: number;
  framesPerSecond?: number;
  totalAudioEnergy?: number;
  nominated?: boolean;
  state?: string;
  currentRoundTripTime?: number;
}

export function entriesOf(report: RTCStatsReport): Entry[] {
  const entries: Entry[] = [];
  report.forEach((entry: Entry) => entries.push(entry));
  return entries;
}

export interface Owner {
  participant: string;
  source: Source;
  label?: string;
}

/** One line for each RTP stream that `ownerOf` knows. */
export function readTracks(
  entries: readonly Entry[],
  ownerOf: (entry: Entry) => Owner | undefined,
): TrackStats[] {
  const codecs = new Map(entries.map((entry) => [entry.id, entry.mimeType]));
  return entries.flatMap((entry) => {
    const inbound = entry.type === "inbound-rtp";
    if (!inbound && entry.type !== "outbound-rtp") return [];
    const owner = ownerOf(entry);
    if (!owner || !entry.kind) return [];
    const stats: TrackStats = {
      participant: owner.participant,
      source: owner.source,
      direction: inbound ? "in" : "out",
      kind: entry.kind,
      bytes: (inbound ? entry.bytesReceived : entry.bytesSent) ?? 0,
      packets: (inbound ? entry.packetsReceived : entry.packetsSent) ?? 0,
    };
    const optional: [keyof TrackStats, string | number | undefined][] = [
      ["label", owner.label],
      ["rid", entry.rid],
      ["codec", entry.codecId && codecs.get(entry.codecId)],
      ["packetsLost", entry.packetsLost],
      ["framesDecoded", entry.framesDecoded],
      ["framesEncoded", entry.framesEncoded],
      ["width", entry.frameWidth],
      ["height", entry.frameHeight],
      ["framesPerSecond", entry.framesPerSecond],
      ["totalAudioEnergy", entry.totalAudioEnergy],
    ];
    for (const [key, value] of optional) {
      if (value !== undefined) Object.assign(stats, { [key]: value });
    }
    return [stats];
  });
}

/** Round trip of the path in use, in milliseconds. */
export function roundTripMs(entries: readonly Entry[]): number | null {
  const pair = entries.find(
    (entry) =>
      entry.type === "candidate-pair" &&
      entry.state === "succeeded" &&
      entry.nominated !== false &&
      entry.currentRoundTripTime !== undefined,
  );
  return pair?.currentRoundTripTime === undefined ? null : pair.currentRoundTripTime * 1000;
}
