/** What is kept with a study: saved views and key images, shown again, and a view that is saved. */

import { html } from "lit";

import { FilmProblem } from "../../film/dicomweb";
import { keptPaneOf, type KeptSession } from "../../film/keeping";
import { figuresOn, lookIn, type SavedView } from "../../film/presentation";
import { Saved } from "../../film/saved";
import { indexOf, type Series, type SeriesRow } from "../../film/study";
import { filmMessages } from "../../i18n/film";
import { icons } from "../icons";
import type { Screen } from "./screen";

export class Kept {
  saved = new Saved();
  #only = false;
  #chosen: SavedView | null = null;

  constructor(private readonly screen: Screen) {}

  /** Of another study. */
  forget(): void {
    this.saved = new Saved();
    this.only = false;
    this.chosen = null;
  }

  /** Key images alone are shown. */
  get only(): boolean {
    return this.#only;
  }

  set only(only: boolean) {
    this.#only = only;
    this.screen.requestUpdate();
  }

  /** What was kept, on the screen again. */
  get chosen(): SavedView | null {
    return this.#chosen;
  }

  set chosen(chosen: SavedView | null) {
    this.#chosen = chosen;
    this.screen.requestUpdate();
  }

  async read(rows: readonly SeriesRow[], signal: AbortSignal): Promise<void> {
    try {
      if (await this.saved.read(this.screen.web, this.screen.study, rows, signal))
        this.screen.requestUpdate();
    } catch (error) {
      if (!(error instanceof FilmProblem) && !signal.aborted) throw error; // the next look may do
    }
  }

  readonly save = async (title: string): Promise<void> => {
    const panes = [...this.screen.panes].flatMap(({ drawing }) => {
      const shown = drawing?.shown;
      if (!shown) return [];
      const { clientWidth, clientHeight } = drawing.element;
      return [keptPaneOf(shown, drawing.look, [clientWidth, clientHeight])];
    });
    const marks = this.screen.marks;
    const measured = await Promise.all(
      (marks?.measuredSeries(this.screen.study) ?? []).map((uid) => this.screen.load(uid)),
    );
    const session: KeptSession = {
      title,
      panes,
      figures: measured.flatMap((series) => marks?.figures(series) ?? []),
      keys: marks?.keyPlaces(this.screen.study) ?? [],
    };
    await this.screen.web.save(this.screen.study, session);
    await this.screen.look();
  };

  /** As it was when it was kept: as many panes, each with its picture. */
  async show(view: SavedView): Promise<void> {
    this.screen.stop();
    this.screen.following.free();
    if (this.only) await this.toggleOnly();
    if (this.screen.layout === "planes") this.screen.cuts.leave();
    this.chosen = view;
    this.screen.paper = this.screen.note = null;
    this.screen.layout = view.panes.length > 1 ? "two" : "one";
    this.screen.active = 0;
    await this.screen.updateComplete;
    for (const [at, state] of view.panes.slice(0, this.screen.panes.length).entries()) {
      const pane = this.screen.panes[at];
      const first = state.images[0];
      if (!pane || !first) continue;
      try {
        const series = await this.screen.load(first.series);
        if (this.chosen !== view) return;
        this.screen.heard(series);
        const index = indexOf(series, first.instance, first.frames[0] ?? 1);
        const picture = series.pictures[index];
        if (!picture) continue;
        const { clientWidth, clientHeight } = pane;
        await pane.show(series, index, lookIn(state, picture, [clientWidth, clientHeight]));
      } catch (error) {
        if (!(error instanceof FilmProblem)) throw error; // pictures that are not here
      }
    }
    this.screen.requestUpdate();
    this.screen.following.tell();
  }

  #isKey(instance: string, frame: number): boolean {
    return (
      (this.screen.marks?.isKey(instance, frame) ?? false) || this.saved.isKey(instance, frame)
    );
  }

  /** All of a series, or its key images while only those are wanted. */
  chosenOf(series: Series): Series {
    if (!this.only) return series;
    const pictures = series.pictures.filter(({ instance, frame }) => this.#isKey(instance, frame));
    return pictures.length ? { ...series, pictures } : series;
  }

  async toggleOnly(): Promise<void> {
    this.screen.stop();
    this.only = !this.only;
    for (const pane of this.screen.panes) {
      const { drawing } = pane;
      const shown = drawing?.shown;
      if (!drawing?.series || !shown) continue;
      const { look } = drawing;
      const series = this.chosenOf(await this.screen.load(drawing.series.uid));
      const index = indexOf(series, shown.instance, shown.frame);
      await pane.show(series, Math.max(0, index), look);
    }
    this.screen.requestUpdate();
  }

  figuresIn(at: number) {
    const shown = this.screen.panes[at]?.drawing?.shown;
    return shown && this.chosen ? figuresOn(this.chosen, shown.instance, shown.frame) : [];
  }

  starredIn(at: number): boolean {
    const shown = this.screen.panes[at]?.drawing?.shown;
    return shown ? this.#isKey(shown.instance, shown.frame) : false;
  }

  /** Which view is open, and the way out of it. */
  bar(view: SavedView) {
    const t = filmMessages();
    return html`<div class="kept">
      <span data-testid="film-chosen">${t.savedView(view.title, view.who)}</span>
      <button
        aria-label=${t.leaveView}
        title=${t.leaveView}
        data-testid="film-chosen-close"
        @click=${() => (this.chosen = null)}
      >
        ${icons.close}
      </button>
    </div>`;
  }
}
