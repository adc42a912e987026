/**
 * Several encodings of one camera, so that a small picture costs its viewers little. Which of them
 * are sent follows what is watched: the server says so (`layers_wanted`).
 */

type Encoding = RTCRtpEncodingParameters & { scaleResolutionDownBy: number; maxBitrate: number };

const WHOLE: Encoding = {
  rid: "h",
  scaleResolutionDownBy: 1,
  maxBitrate: 2_500_000,
  maxFramerate: 30,
  active: true,
};
const HALF: Encoding = { ...WHOLE, rid: "m", scaleResolutionDownBy: 2, maxBitrate: 600_000 };
const QUARTER: Encoding = { ...WHOLE, rid: "l", scaleResolutionDownBy: 4, maxBitrate: 150_000 };

/**
 * The encodings for a camera of so many lines, from the smallest picture up, as the protocol asks.
 * Browsers refuse more of them for small pictures, and drop the largest then: below 540 lines two,
 * below 360 one. The middle one waits until somebody asks for it.
 */
export function cameraLayers(lines: number): Encoding[] {
  if (lines >= 540) return [QUARTER, { ...HALF, active: false }, WHOLE];
  return lines >= 360 ? [{ ...HALF, rid: "l" }, WHOLE] : [WHOLE];
}

/** The shorter side of what the camera gives; a phone held upright has its lines across. */
export function linesOf(track: MediaStreamTrack): number {
  const { width = 0, height = 0 } = track.getSettings();
  return Math.min(width, height);
}

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

/** What a single encoding becomes that may take so many bits a second; null when nothing changes. */
export function limited(
  encodings: readonly RTCRtpEncodingParameters[],
  most: number | undefined,
  limit: number | undefined,
): RTCRtpEncodingParameters[] | null {
  const [one, ...others] = encodings;
  if (!one || others.length > 0) return null; // of several the server chooses
  const maxBitrate = Math.min(most ?? Infinity, limit ?? Infinity);
  return one.maxBitrate === maxBitrate || maxBitrate === Infinity ? null : [{ ...one, maxBitrate }];
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
