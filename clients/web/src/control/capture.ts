/** Stills and clips of what is on the screen. */

export interface Capture {
  readonly id: number;
  readonly kind: "still" | "clip";
  readonly atMs: number;
  readonly url: string; // of a blob, until `forget`
  readonly file: string;
}

const CLIP_MAX_MS = 60_000; // an examination's loop has seconds
const KINDS = ["video/webm;codecs=vp8", "video/webm", "video/mp4"];

let made = 0;

function capture(kind: Capture["kind"], blob: Blob, atMs: number): Capture {
  const ending = kind === "still" ? "png" : blob.type.includes("mp4") ? "mp4" : "webm";
  const stamp = new Date(atMs).toISOString().replace(/[-:]/g, "").replace("T", "-").slice(0, 15);
  return {
    id: ++made,
    kind,
    atMs,
    url: URL.createObjectURL(blob),
    file: `ultrasound-${kind}-${stamp}.${ending}`,
  };
}

export function forget({ url }: Capture): void {
  URL.revokeObjectURL(url);
}

/** Null: there is no picture. */
export async function still(video: HTMLVideoElement): Promise<Capture | null> {
  if (video.videoWidth === 0) return null;
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d")?.drawImage(video, 0, 0);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/png"));
  return blob && capture("still", blob, Date.now());
}

/** A clip in the making. */
export class Clip {
  readonly startedMs = Date.now();
  readonly #recorder: MediaRecorder;
  readonly #parts: Blob[] = [];
  readonly #timer: ReturnType<typeof setTimeout>;

  /** Throws where the browser records nothing. `onend` comes after `stop`, or after a minute. */
  constructor(track: MediaStreamTrack, onend: (clip: Capture) => void) {
    const mimeType = KINDS.find((kind) => MediaRecorder.isTypeSupported(kind));
    const stream = new MediaStream([track]);
    this.#recorder = new MediaRecorder(stream, mimeType === undefined ? {} : { mimeType });
    this.#recorder.ondataavailable = ({ data }) => this.#parts.push(data);
    this.#recorder.onstop = () => {
      clearTimeout(this.#timer);
      onend(
        capture("clip", new Blob(this.#parts, { type: this.#recorder.mimeType }), this.startedMs),
      );
    };
    this.#recorder.start(1000);
    this.#timer = setTimeout(() => this.stop(), CLIP_MAX_MS);
  }

  stop(): void {
    if (this.#recorder.state !== "inactive") this.#recorder.stop();
  }
}
