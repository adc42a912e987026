/**
 * What was captured in a consultation, and what became of each. It outlives the console's element:
 * a console that is put away and opened again shows the same.
 *
 * The invariant: a capture is `kept` only after the server has said so, and one that is not kept is
 * never let go of but by the person's own word.
 */

import { Store } from "../state/store";
import type { Made } from "./capture";
import { KeepProblem, type KeepCode, type Kept, type Send } from "./keep";

export type Fate =
  | { readonly at: "keeping"; readonly share: number } // of its bytes that have gone out
  | { readonly at: "kept"; readonly as: Kept }
  | { readonly at: "failed"; readonly code: KeepCode; readonly detail: string };

export interface Capture extends Made {
  readonly id: string; // a UUID: sent twice, it is stored once
  readonly study: string | null; // the one that was open in the room then; the patient is its patient
  readonly url: string; // of the blob, until it is let go of
  readonly fate: Fate;
}

export const HELD_MAX = 40; // stills of half a megabyte, or some clips of ten

export class Case {
  readonly captures = new Store<readonly Capture[]>([]);
  readonly study = new Store<string | null>(null); // that is open in the room now
  readonly #under = new Map<string, AbortController>();

  constructor(private readonly send: Send) {}

  /** Those that would be lost with the page. */
  get unkept(): number {
    return this.captures.value.filter(({ fate }) => fate.at !== "kept").length;
  }

  /** So many wait for their way out that no more are taken. */
  get full(): boolean {
    return this.unkept >= HELD_MAX;
  }

  /** Takes it in and sends it. `study`: the one that was open when it was begun. */
  add(made: Made, study: string | null): void {
    const url = URL.createObjectURL(made.blob);
    const fate: Fate = { at: "keeping", share: 0 };
    const capture = { ...made, id: uuid(), study, url, fate };
    const all = [capture, ...this.captures.value];
    const over = all.filter(({ fate }) => fate.at === "kept").slice(HELD_MAX - 1);
    for (const { url } of over) URL.revokeObjectURL(url);
    this.captures.set(all.filter((one) => !over.includes(one)));
    void this.#keep(capture);
  }

  retry(id: string): void {
    const capture = this.captures.value.find((one) => one.id === id);
    if (capture?.fate.at === "failed") void this.#keep(capture);
  }

  retryAll(): void {
    for (const { id } of this.captures.value) this.retry(id);
  }

  /** The person lets go of it; what is kept stays in the archive. */
  remove(id: string): void {
    this.#under.get(id)?.abort();
    const capture = this.captures.value.find((one) => one.id === id);
    if (capture) URL.revokeObjectURL(capture.url);
    this.captures.update((all) => all.filter((one) => one.id !== id));
  }

  async #keep(capture: Capture): Promise<void> {
    const { id } = capture;
    if (this.#under.has(id)) return;
    const abort = new AbortController();
    this.#under.set(id, abort);
    this.#become(id, { at: "keeping", share: 0 });
    try {
      const sent = (share: number): void => this.#become(id, { at: "keeping", share });
      this.#become(id, { at: "kept", as: await this.send(capture, sent, abort.signal) });
    } catch (error) {
      const problem =
        error instanceof KeepProblem ? error : new KeepProblem("failed", String(error));
      this.#become(id, { at: "failed", code: problem.code, detail: problem.detail });
    } finally {
      this.#under.delete(id);
    }
  }

  #become(id: string, fate: Fate): void {
    this.captures.update((all) => all.map((one) => (one.id === id ? { ...one, fate } : one)));
  }
}

/** A random one; `crypto.randomUUID` is for pages with https alone. */
function uuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
