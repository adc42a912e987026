/**
 * Which tracks are shown and how large, so that the server sends no more than can be seen. Changes
 * are gathered for a moment: a window that is being resized is not worth a message a frame.
 */

import type { ViewQuality } from "../../protocol/messages";

const SETTLE_MS = 400;

/** The encodings have 180, 360 and 720 lines; a little upscaling does not show. */
export function qualityFor(lines: number): ViewQuality {
  if (lines <= 220) return "low";
  return lines <= 440 ? "medium" : "high";
}

/** What is asked of the server. Every shown track is asked for: in a large room it sends few else. */
export interface Wish {
  readonly on: boolean;
  readonly quality: ViewQuality;
  readonly pinned: boolean;
}

function same(a: Wish | undefined, b: Wish): boolean {
  return a?.on === b.on && a.quality === b.quality && a.pinned === b.pinned;
}

export class Views {
  readonly #wishes = new Map<string, Wish>();
  readonly #told = new Map<string, Wish>();
  #received: ReadonlySet<string> = new Set();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly tell: (track: string, wish: Wish) => Promise<void>,
    private readonly settleMs = SETTLE_MS,
  ) {}

  /** `lines`: height in device pixels; 0 when it is not shown. */
  show(track: string, lines: number, pinned = false): void {
    this.#wishes.set(track, { on: lines > 0, quality: qualityFor(lines), pinned });
    this.#settle();
  }

  /** The tracks that are received now. A tile may be there before its track, and waits for it. */
  keep(tracks: ReadonlySet<string>): void {
    for (const ended of this.#received) {
      if (tracks.has(ended)) continue;
      this.#wishes.delete(ended);
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
    for (const [track, wish] of this.#wishes) {
      if (!this.#received.has(track) || same(this.#told.get(track), wish)) continue;
      this.#told.set(track, wish);
      try {
        await this.tell(track, wish);
      } catch {
        this.#told.delete(track); // told again with the next change
      }
    }
  }
}
