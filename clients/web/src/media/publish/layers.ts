/**
 * Several encodings of one camera, so that a small picture costs its viewers little. Which of them
 * are sent follows what is watched: the server says so (`layers_wanted`).
 */

/** From the smallest picture up, as the protocol asks; 720 lines give 180, 360 and 720. */
export const CAMERA_LAYERS: readonly RTCRtpEncodingParameters[] = [
  { rid: "l", scaleResolutionDownBy: 4, maxBitrate: 150_000, maxFramerate: 30, active: true },
  { rid: "m", scaleResolutionDownBy: 2, maxBitrate: 600_000, maxFramerate: 30, active: false },
  { rid: "h", scaleResolutionDownBy: 1, maxBitrate: 2_500_000, maxFramerate: 30, active: true },
];

/** Codecs whose layers the server can change between. */
const LAYERED = ["vp8", "h264"];

export function layered(codec: string | undefined): boolean {
  return codec !== undefined && LAYERED.includes(codec.toLowerCase());
}

/** Whether the answer to this section takes several encodings. */
export function takesLayers(answer: string, mid: string): boolean {
  const section = answer.split(/^m=/m).find((part) => part.includes(`\na=mid:${mid}\r\n`));
  return section?.includes("\na=simulcast:recv ") ?? false;
}

/** What `encodings` become when these rids are watched; null when nothing changes. */
export function activated(
  encodings: readonly RTCRtpEncodingParameters[],
  rids: readonly string[],
): RTCRtpEncodingParameters[] | null {
  const next = encodings.map((one) => ({
    ...one,
    active: one.rid === undefined || rids.includes(one.rid),
  }));
  return next.some(({ active }, n) => active !== (encodings[n]?.active ?? true)) ? next : null;
}
