import { Store } from "../../state/store";

/** Plays the others' voices; browsers may hold sound back until the person has clicked. */
export class Sound {
  readonly blocked = new Store(false);
  readonly #players = new Map<MediaStreamTrack, HTMLAudioElement>();
  #speaker: string | null = null;

  update(tracks: readonly MediaStreamTrack[]): void {
    const voices = new Set(tracks.filter((track) => track.kind === "audio"));
    for (const [track, player] of this.#players) {
      if (voices.has(track)) continue;
      player.srcObject = null;
      this.#players.delete(track);
    }
    for (const track of voices) {
      if (this.#players.has(track)) continue;
      const player = new Audio();
      player.srcObject = new MediaStream([track]);
      this.#players.set(track, player);
      void this.#route(player);
      void this.#play(player);
    }
    if (this.#players.size === 0) this.blocked.set(false);
  }

  async setSpeaker(id: string | null): Promise<void> {
    this.#speaker = id;
    await Promise.all([...this.#players.values()].map((player) => this.#route(player)));
  }

  async unblock(): Promise<void> {
    this.blocked.set(false);
    await Promise.all([...this.#players.values()].map((player) => this.#play(player)));
  }

  close(): void {
    this.update([]);
  }

  async #play(player: HTMLAudioElement): Promise<void> {
    try {
      await player.play();
    } catch (error) {
      if (error instanceof DOMException && error.name === "NotAllowedError") this.blocked.set(true);
    }
  }

  async #route(player: HTMLAudioElement): Promise<void> {
    if (this.#speaker === null || !("setSinkId" in player)) return;
    await player.setSinkId(this.#speaker).catch(() => undefined); // unplugged: the default plays on
  }
}
