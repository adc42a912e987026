import type { Notice, NoticeBody } from "./call";
import { Store } from "./store";

const PASSING_MS = 6000;
const KEPT = 3; // more are not read; the oldest goes
const STAYS: ReadonlySet<NoticeBody["kind"]> = new Set(["mute_asked", "device_lost"]);

/** Short news in one place. What asks for something stays until it is answered. */
export class Notices {
  readonly all = new Store<readonly Notice[]>([]);
  #nextId = 1;

  add(body: NoticeBody): void {
    const notice: Notice = { ...body, id: this.#nextId++ };
    this.all.update((notices) => [
      ...notices
        .filter((other) => other.kind !== body.kind || !STAYS.has(body.kind))
        .slice(1 - KEPT),
      notice,
    ]);
    if (!STAYS.has(body.kind)) setTimeout(() => this.dismiss(notice.id), PASSING_MS);
  }

  dismiss(id: number): void {
    this.all.update((notices) => notices.filter((notice) => notice.id !== id));
  }

  clear(): void {
    this.all.set([]);
  }
}
