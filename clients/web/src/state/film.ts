/**
 * The studies that the room looks at together, as this page knows them, and what it sends of its
 * own. The invariant: of view, cursor and each mark only the newest is ever sent, at most 25 times
 * a second and never more than two updates without an answer, so that a slow network shows fewer
 * steps and not old ones.
 */

import type {
  FilmChanged,
  FilmCursor,
  FilmMark,
  FilmMarked,
  FilmMoved,
  FilmState,
  FilmUpdate,
  FilmView,
} from "../protocol/messages";
import { Store } from "./store";

const EVERY_MS = 40;
const UNANSWERED = 2;
const MARKS = 16; // of one update

export type FilmIntent =
  { type: "film_lead"; on: boolean } | { type: "film_close" } | Omit<FilmUpdate, "id">;

export class SharedFilm {
  readonly presenter = new Store<string | null>(null);
  readonly view = new Store<FilmView | null>(null);
  readonly cursor = new Store<FilmCursor | null>(null);
  readonly marks = new Store<ReadonlyMap<string, FilmMarked>>(new Map());

  #self = "";

  #newView: FilmView | null = null;
  #ownCursor: FilmCursor | null = null;
  #cursorMoved = false;
  readonly #newMarks = new Map<string, FilmMark>();
  #unanswered = 0;
  #sentMs = Number.NEGATIVE_INFINITY;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly ask: (intent: FilmIntent) => Promise<boolean>,
    private readonly now: () => number = () => performance.now(),
  ) {}

  get self(): string {
    return this.#self;
  }

  get leading(): boolean {
    return this.presenter.value !== null && this.presenter.value === this.#self;
  }

  /** Somebody else shows something. */
  get led(): boolean {
    return this.presenter.value !== null && !this.leading && this.view.value !== null;
  }

  // --- news ---

  entered(self: string, state: FilmState): void {
    this.#self = self;
    this.#take(state);
  }

  receive(event: FilmChanged | FilmMoved): void {
    if (event.type === "film_changed") {
      this.#take(event.film);
      return;
    }
    if (!this.leading) {
      if (event.view) this.view.set(event.view);
      this.cursor.set(event.cursor);
    }
    if (event.marks.length === 0) return;
    const marks = new Map(this.marks.value);
    for (const marked of event.marks) {
      if (marked.mark.removed) marks.delete(marked.mark.uid);
      else marks.set(marked.mark.uid, marked);
    }
    this.marks.set(marks);
  }

  #take(state: FilmState): void {
    this.marks.set(new Map(state.marks.map((marked) => [marked.mark.uid, marked])));
    if (this.leading && state.presenter === this.#self && this.view.value) {
      this.show(this.view.value); // back after a lost connection: the room may have an older one
      return;
    }
    this.view.set(state.view);
    this.cursor.set(state.cursor);
    this.presenter.set(state.presenter);
    if (this.leading) return;
    this.#newView = this.#ownCursor = null;
    this.#cursorMoved = false;
  }

  // --- intents ---

  lead(on: boolean): Promise<boolean> {
    return this.ask({ type: "film_lead", on });
  }

  close(): Promise<boolean> {
    return this.ask({ type: "film_close" });
  }

  /** What this page shows now; goes out when it leads. */
  show(view: FilmView): void {
    if (!this.leading) return;
    this.#newView = view;
    this.view.set(view);
    this.#soon();
  }

  point(cursor: FilmCursor | null): void {
    if (!this.leading || (cursor === null && this.#ownCursor === null)) return;
    this.#ownCursor = cursor;
    this.#cursorMoved = true;
    this.#soon();
  }

  mark(mark: FilmMark): void {
    this.#newMarks.set(mark.uid, mark);
    this.#soon();
  }

  #soon(): void {
    if (this.#timer !== undefined || this.#unanswered >= UNANSWERED) return;
    const wait = this.#sentMs + EVERY_MS - this.now();
    if (wait <= 0) this.#send();
    else {
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        this.#send();
      }, wait);
    }
  }

  #send(): void {
    if (!this.#newView && !this.#cursorMoved && this.#newMarks.size === 0) return;
    const marks = [...this.#newMarks.values()].slice(0, MARKS);
    for (const { uid } of marks) this.#newMarks.delete(uid);
    const update: FilmIntent = {
      type: "film_update",
      view: this.leading ? this.#newView : null,
      cursor: this.leading ? this.#ownCursor : null,
      marks,
    };
    this.#newView = null;
    this.#cursorMoved = false;
    this.#sentMs = this.now();
    this.#unanswered += 1;
    void this.ask(update).finally(() => {
      this.#unanswered -= 1;
      this.#soon();
    });
  }
}
