/**
 * How large each track is shown, so that the server sends no more than can be seen. Changes are
 * gathered for a moment: a window that is being resized is not worth a message a frame.
 */

import type { ViewQuality } from "../../protocol/messages";

const SETTLE_MS = 400;

/** The encodings have 180, 360 and 720 lines; a little upscaling does not show. */
export function qualityFor(lines: number): ViewQuality {
  if (lines <= 220) return "low";
  return lines <= 440 ? "medium" : "high";
}

export class Views {
  readonly #shown = new Map<string, ViewQuality>();
  readonly #told = new Map<string, ViewQuality>();
  #received: ReadonlySet<string> = new Set();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly tell: (track: string, quality: ViewQuality) => Promise<void>,
    private readonly settleMs = SETTLE_MS,
  ) {}

  /** `lines`: height in device pixels; 0 when it is not shown. */
  show(track: string, lines: number): void {
    this.#shown.set(track, qualityFor(lines));
    this.#settle();
  }

  /** The tracks that are received now. A tile may be there before its track, and waits for it. */
  keep(tracks: ReadonlySet<string>): void {
    for (const ended of this.#received) {
      if (tracks.has(ended)) continue;
      this.#shown.delete(ended);
      this.#told.delete(ended);
    }
    this.#received = tracks;
    this.#settle();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #settle(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#flush(), this.settleMs);
  }

  async #flush(): Promise<void> {
    for (const [track, quality] of this.#shown) {
      if (!this.#received.has(track)) continue;
      if ((this.#told.get(track) ?? "high") === quality) continue;
      this.#told.set(track, quality);
      try {
        await this.tell(track, quality);
      } catch {
        this.#told.delete(track); // told again with the next change
      }
    }
  }
}
