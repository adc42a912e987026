const INTERVAL_MS = 60;
const FLOOR_DB = -60;

/** Loudness as a share of the meter: -60 dB and less is 0, full scale 1. */
export function meterLevel(samples: Float32Array): number {
  let energy = 0;
  for (const sample of samples) energy += sample * sample;
  const db = 10 * Math.log10(energy / Math.max(1, samples.length) + 1e-12);
  return Math.min(1, Math.max(0, 1 - db / FLOOR_DB));
}

/** Follows the loudness of a track until closed. */
export class Meter {
  readonly #context = new AudioContext();
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(track: MediaStreamTrack, onLevel: (level: number) => void) {
    const analyser = new AnalyserNode(this.#context, { fftSize: 1024 });
    this.#context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    this.#timer = setInterval(() => {
      if (this.#context.state === "suspended") void this.#context.resume().catch(() => undefined);
      analyser.getFloatTimeDomainData(samples);
      onLevel(meterLevel(samples));
    }, INTERVAL_MS);
  }

  close(): void {
    clearInterval(this.#timer);
    void this.#context.close();
  }
}
