/**
 * Which frame of the ultrasound is on the screen now, by its RTP timestamp: the robot judges by it
 * how old is what she sees, on one clock. Browsers call back for frames that are really shown, so a
 * page that is hidden sees nothing.
 */

const LOST_MS = 300; // without a new frame: she sees a still picture
const SPEED_MS = 1000;

export interface Seen {
  readonly rtp: number;
  /** From the machine's camera to this screen; null where the browser does not know. */
  readonly delayMs: number | null;
}

interface Shown {
  readonly rtp: number | null;
  readonly delayMs: number | null;
  readonly atMs: number;
}

/** Frames as they are shown; pure but for who calls it. */
export class Frames {
  #shown: Shown[] = [];

  shown(rtp: number | null, delayMs: number | null, nowMs: number): void {
    this.#shown = [
      ...this.#shown.filter(({ atMs }) => nowMs - atMs < SPEED_MS),
      { rtp, delayMs, atMs: nowMs },
    ];
  }

  /** The newest, while they really come. */
  seen(nowMs: number): Seen | null {
    const last = this.#shown.at(-1);
    if (last === undefined || nowMs - last.atMs > LOST_MS) return null;
    return last.rtp === null ? null : { rtp: last.rtp, delayMs: last.delayMs };
  }

  /** Since the last one; null: none has come yet. */
  silentMs(nowMs: number): number | null {
    const last = this.#shown.at(-1);
    return last ? nowMs - last.atMs : null;
  }

  /** Shown in the last second. */
  perSecond(nowMs: number): number {
    return this.#shown.filter(({ atMs }) => nowMs - atMs < SPEED_MS).length;
  }

  /** The middle one of the last second, as far as it is known. */
  delayMs(nowMs: number): number | null {
    const known = this.#shown.filter(({ atMs }) => nowMs - atMs < SPEED_MS);
    const sorted = known.flatMap(({ delayMs }) => delayMs ?? []).sort((a, b) => a - b);
    return sorted[sorted.length >> 1] ?? null;
  }

  /** Frames come, but the browser does not say which. */
  get nameless(): boolean {
    return this.#shown.length > 0 && this.#shown.every(({ rtp }) => rtp === null);
  }

  forget(): void {
    this.#shown = [];
  }
}

/** Tells `frames` what a video element shows; the answer ends it. */
export function watchFrames(video: HTMLVideoElement, frames: Frames): () => void {
  if (!("requestVideoFrameCallback" in video)) return () => undefined;
  let ended = false;
  let handle = 0;
  const next = (): void => {
    handle = video.requestVideoFrameCallback((_, metadata) => {
      if (ended) return;
      const { captureTime, expectedDisplayTime, rtpTimestamp } = metadata;
      const delayMs = captureTime === undefined ? null : expectedDisplayTime - captureTime;
      frames.shown(rtpTimestamp ?? null, delayMs, performance.now());
      next();
    });
  };
  next();
  return () => {
    ended = true;
    video.cancelVideoFrameCallback(handle);
    frames.forget();
  };
}
