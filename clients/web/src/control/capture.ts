/** Stills and clips of what is on the screen. */

/** What was made, before anybody keeps it. */
export interface Made {
  readonly kind: "still" | "clip";
  readonly blob: Blob;
  readonly atMs: number; // the wall's clock, for people
  readonly tickMs: number; // this page's, which nobody sets
}

const CLIP_MAX_MS = 60_000; // an examination's loop has seconds
const KINDS = ["video/webm;codecs=vp8", "video/webm", "video/mp4"];

/** A name for a file that somebody downloads. */
export function fileOf({ kind, blob, atMs }: Made): string {
  const ending = kind === "still" ? "png" : blob.type.includes("mp4") ? "mp4" : "webm";
  const stamp = new Date(atMs).toISOString().replace(/[-:]/g, "").replace("T", "-").slice(0, 15);
  return `ultrasound-${kind}-${stamp}.${ending}`;
}

/** Null: there is no picture. */
export async function still(video: HTMLVideoElement): Promise<Made | null> {
  if (video.videoWidth === 0) return null;
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d")?.drawImage(video, 0, 0);
  const now = { atMs: Date.now(), tickMs: performance.now() };
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/png"));
  return blob && { kind: "still", blob, ...now };
}

/** A clip in the making. */
export class Clip {
  readonly startedMs = Date.now();
  readonly #tickMs = performance.now();
  readonly #recorder: MediaRecorder;
  readonly #parts: Blob[] = [];
  readonly #timer: ReturnType<typeof setTimeout>;

  /** Throws where the browser records nothing. `onend` comes after `stop`, or after a minute. */
  constructor(track: MediaStreamTrack, onend: (clip: Made) => void) {
    const mimeType = KINDS.find((kind) => MediaRecorder.isTypeSupported(kind));
    const stream = new MediaStream([track]);
    this.#recorder = new MediaRecorder(stream, mimeType === undefined ? {} : { mimeType });
    this.#recorder.ondataavailable = ({ data }) => this.#parts.push(data);
    this.#recorder.onstop = () => {
      clearTimeout(this.#timer);
      const blob = new Blob(this.#parts, { type: this.#recorder.mimeType });
      onend({ kind: "clip", blob, atMs: this.startedMs, tickMs: this.#tickMs });
    };
    this.#recorder.start(1000);
    this.#timer = setTimeout(() => this.stop(), CLIP_MAX_MS);
  }

  stop(): void {
    if (this.#recorder.state !== "inactive") this.#recorder.stop();
  }
}
