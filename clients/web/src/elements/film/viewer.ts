import { html, nothing } from "lit";
import { customElement, property, query, queryAll, state } from "lit/decorators.js";

import type { Drawing } from "../../film/drawing";
import { FilmProblem, type DicomWeb } from "../../film/dicomweb";
import type { DragTool, Engine } from "../../film/engine";
import { FIRST_LOOK, turned, zoomed, type Look } from "../../film/look";
import type { Marks } from "../../film/marks";
import { paneOf, panesOf } from "../../film/planes";
import type { SavedView } from "../../film/presentation";
import { coloured, presetsFor, windowOf, type PresetName } from "../../film/presets";
import { isKept } from "../../film/saved";
import { whyNotCut } from "../../film/solid";
import type { Stack } from "../../film/stack";
import {
  byNumber,
  framePaceMs,
  indexOf,
  mayHavePictures,
  nearest,
  seriesOf,
  seriesRow,
  studyRow,
  type Series,
  type SeriesRow,
  type StudyRow,
} from "../../film/study";
import { TAG, text } from "../../film/tags";
import { day, patientLine } from "../../film/words";
import { filmMessages } from "../../i18n/film";
import type { FilmLayout, FilmPane } from "../../protocol/messages";
import type { SharedFilm } from "../../state/film";
import { shared as sharedStyle } from "../../style/shared";
import { Watching } from "../../state/store";
import { DistalElement } from "../element";
import { icons } from "../icons";
import "../share/button";
import "../transfer/button";
import { Cuts } from "./cuts";
import { Following } from "./following";
import { Kept } from "./kept";
import { wishOf } from "./keys";
import "./document";
import "./pane";
import type { DistalFilmPane } from "./pane";
import "./problem";
import type { Screen } from "./screen";
import "./save";
import "./saved";
import "./strip";
import "./tools";
import type { Act, ToolState } from "./tools";
import { viewerStyle } from "./viewer-style";

const REFRESH_MS = 4000; // a study is viewable while the rest of it arrives

/** One study: its series, one or two of them large, and what can be done with them. */
@customElement("distal-film-viewer")
export class DistalFilmViewer extends DistalElement implements Screen {
  @property({ attribute: false }) web!: DicomWeb;
  @property() study = "";
  @property({ attribute: false }) shared: SharedFilm | null = null;
  @property({ attribute: false }) nameOf: (participant: string) => string = () => "";
  @property({ type: Boolean }) mayLead = false;
  @property({ type: Boolean }) small = false;
  @property({ type: Boolean }) closable = false;
  @property({ type: Boolean }) only = false; // there is no list to go back to

  @state() engine: Engine | null | undefined;
  @state() head: StudyRow | null = null;
  @state() private rows: readonly SeriesRow[] | null = null;
  @state() problem: FilmProblem | null = null;
  @state() layout: FilmLayout = "one";
  @state() active = 0;
  @state() tool: DragTool = "scroll";
  @state() private linked = true;
  @state() private playing = false;
  @state() note: string | null = null; // what cannot be done here, and why
  @state() paper: Series | null = null; // a report or document instead of pictures
  @query("dialog") private readonly dialog!: HTMLDialogElement | null;
  @queryAll("distal-film-pane") readonly panes!: NodeListOf<DistalFilmPane>;

  readonly following: Following = new Following(this);
  readonly cuts: Cuts = new Cuts(this);
  readonly kept: Kept = new Kept(this);
  readonly #series = new Map<string, Promise<Series>>();
  #asking = new AbortController();
  marks: Marks | null = null;
  #refresh: ReturnType<typeof setInterval> | undefined;
  #cine: ReturnType<typeof setTimeout> | undefined;
  #ends: (() => void)[] = [];

  static override styles = [sharedStyle, viewerStyle];

  constructor() {
    super();
    new Watching(this, () => (this.shared ? [this.shared.presenter, this.shared.marks] : []));
  }

  override connectedCallback(): void {
    super.connectedCallback();
    void this.#start();
    this.#refresh = setInterval(() => {
      if (!document.hidden) void this.look();
    }, REFRESH_MS);
    if (this.shared) {
      const { view, cursor, presenter } = this.shared;
      this.#ends = [
        view.subscribe(() => this.following.follow()),
        cursor.subscribe(() => this.following.pointed()),
        presenter.subscribe(() => this.following.led()),
      ];
    }
  }

  override disconnectedCallback(): void {
    clearInterval(this.#refresh);
    clearTimeout(this.#cine);
    for (const end of this.#ends) end();
    this.#ends = [];
    this.marks?.close();
    this.marks = null;
    this.#asking.abort();
    super.disconnectedCallback();
  }

  protected override willUpdate(changed: Map<PropertyKey, unknown>): void {
    if (changed.has("study") && changed.get("study")) this.#open();
  }

  /** Goes wherever the presenter goes. */
  get follows(): boolean {
    return !this.following.alone;
  }

  // --- what there is ---

  async #start(): Promise<void> {
    this.#open();
    if (this.engine !== undefined) return;
    try {
      const { startEngine } = await import("../../film/engine");
      const engine = await startEngine();
      const { Marks } = await import("../../film/marks");
      engine.use(this.tool);
      if (!this.isConnected) return;
      this.marks = new Marks(this.shared, {
        sharing: () => !this.following.alone,
        stacks: () => this.#stacks(),
        changed: () => this.requestUpdate(),
      });
      this.engine = engine;
      this.following.follow(); // planes had to wait for it
    } catch (error) {
      console.warn("the server draws the images:", error);
      this.engine = null;
    }
  }

  /** Another study: nothing of the one before stays on the screen. */
  #open(): void {
    this.#asking.abort();
    this.#asking = new AbortController();
    this.#series.clear();
    this.loaded.clear();
    this.rows = this.head = this.problem = this.paper = this.note = null;
    this.kept.forget();
    this.stop();
    if (!this.shared?.led) this.layout = "one";
    this.active = 0;
    void this.look();
  }

  /** Which series there are, and what has arrived meanwhile. */
  async look(): Promise<void> {
    const { signal } = this.#asking;
    try {
      const rows = byNumber((await this.web.series(this.study, signal)).map(seriesRow));
      const first = this.rows === null;
      const grown = rows.filter(({ uid, count }) => {
        const known = this.rows?.find((row) => row.uid === uid);
        return known && known.count !== count;
      });
      this.rows = rows;
      this.problem = null;
      void this.kept.read(rows, signal);
      for (const { uid } of grown) this.#series.delete(uid);
      if (first) await this.#begin(rows);
      else {
        for (const pane of this.panes) {
          const { series } = pane;
          if (series && grown.some(({ uid }) => uid === series.uid)) {
            await this.put(pane, series.uid);
          }
        }
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof FilmProblem)) throw error;
      if (error.code === "signed_out") this.dispatchEvent(new CustomEvent("signed-out"));
      if (this.rows === null) this.problem = error; // else the next look may be better
    }
  }

  async #begin(rows: readonly SeriesRow[]): Promise<void> {
    if (this.shared?.led && !this.following.alone) {
      this.following.follow();
      return;
    }
    const first = rows.find(mayHavePictures) ?? rows[0];
    if (first) await this.#choose(first.uid);
  }

  load(uid: string): Promise<Series> {
    const known = this.#series.get(uid);
    if (known) return known;
    const row = this.rows?.find((each) => each.uid === uid);
    const { signal } = this.#asking;
    const loading = this.web
      .metadata(this.study, uid, signal)
      .then((objects) =>
        seriesOf(
          this.study,
          row ?? { uid, number: null, modality: "", description: "", count: objects.length },
          objects,
        ),
      );
    this.#series.set(uid, loading);
    loading.catch(() => this.#series.delete(uid));
    return loading;
  }

  readonly loaded = new Map<string, Series>();

  forget(uid: string): void {
    this.#series.delete(uid);
  }

  unopened(error: unknown): void {
    if (!(error instanceof FilmProblem) || this.#asking.signal.aborted) return;
    if (this.head === null) this.problem = error;
  }

  #stacks(): Stack[] {
    return [...this.panes].flatMap(({ drawing }) => drawing?.stack ?? []);
  }

  // --- what is shown ---

  get #pane(): DistalFilmPane | undefined {
    return this.panes[this.active];
  }

  get drawing(): Drawing | null {
    return this.#pane?.drawing ?? null;
  }

  /** A series for the active pane. */
  async #choose(uid: string): Promise<void> {
    this.stop();
    const { signal } = this.#asking;
    try {
      const series = await this.load(uid);
      if (signal.aborted) return;
      this.heard(series);
      if (series.kind !== "pictures") {
        this.paper = series;
        return;
      }
      this.paper = this.note = null;
      if (this.layout === "planes") {
        this.note = this.cuts.why(series);
        if (this.note === null) {
          await this.cuts.cut(series, null);
          return;
        }
        this.cuts.leave();
      }
      await this.updateComplete;
      await this.#pane?.show(this.kept.chosenOf(series), 0);
      this.requestUpdate();
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof FilmProblem)) throw error;
      this.problem = error;
    }
  }

  heard(series: Series): void {
    this.loaded.set(series.uid, series);
    const data = series.objects[0];
    if (data && this.head === null) this.head = studyRow(data);
  }

  async put(pane: DistalFilmPane, uid: string, wanted?: FilmPane): Promise<boolean> {
    const series = this.kept.chosenOf(await this.load(uid));
    this.heard(series);
    const index = wanted
      ? indexOf(series, wanted.instance, wanted.frame)
      : (pane.drawing?.index ?? 0);
    if (index < 0) return false;
    const { drawing } = pane;
    await pane.show(series, index, wanted ?? (drawing?.cut ? paneOf(drawing) : null));
    this.requestUpdate();
    return true;
  }

  readonly #gesture = (): void => {
    this.stop();
    this.following.free();
  };

  // --- what is done ---

  readonly #paneChanged = (event: Event): void => {
    const pane = event.target as DistalFilmPane;
    this.requestUpdate();
    if (this.layout === "two" && this.linked && pane === this.#pane) this.#scrollAlong(pane);
    this.following.tell();
  };

  /** The other pane goes where this one is: in the body where that is known, else by as much. */
  #scrollAlong(from: DistalFilmPane): void {
    if (this.shared?.led && !this.following.alone) return; // the presenter's page says what both show
    const shown = from.drawing?.shown;
    if (!shown) return;
    for (const pane of this.panes) {
      if (pane === from || !pane.series) continue;
      const index = nearest(shown, pane.series);
      if (index !== null) pane.go(index);
    }
  }

  #activate(index: number): void {
    if (index === this.active) return;
    this.active = index;
    this.following.tell();
  }

  readonly #act = (event: CustomEvent<Act>): void => this.#do(event.detail);

  take(tool: DragTool): void {
    this.tool = tool;
    this.engine?.use(tool);
  }

  #do(act: Act): void {
    const drawing = this.drawing;
    this.note = null;
    if (act.do === "why") {
      this.note = act.why;
      return;
    }
    if (act.do === "tool") {
      this.take(act.tool);
      return;
    }
    if (drawing?.cut && ["play", "rotate", "mirror", "key"].includes(act.do)) return;
    if (act.do === "erase") {
      this.dialog?.showModal();
      return;
    }
    if (act.do === "save") {
      this.renderRoot.querySelector("distal-film-save")?.open();
      return;
    }
    if (act.do === "play") {
      if (this.playing) this.stop();
      else {
        this.following.free();
        this.playing = true;
        this.#turn();
      }
      return;
    }
    this.following.free();
    switch (act.do) {
      case "layout":
        this.#arrange(act.layout);
        return;
      case "thick":
        if (drawing?.cut) drawing.cut.thick = act.thick;
        return;
      case "link":
        this.linked = !this.linked;
        return;
      case "key":
        this.#keyImage();
        return;
      case "preset":
        if (drawing) this.#preset(drawing, act.name);
        return;
      case "reset":
        drawing?.reset();
        return;
      case "invert":
        this.#change((look) => ({ ...look, invert: !look.invert }));
        return;
      case "rotate":
        this.#change(turned);
        return;
      case "mirror":
        this.#change((look) => ({ ...look, flip_h: !look.flip_h }));
    }
  }

  #change(change: (look: Look) => Look): void {
    const drawing = this.drawing;
    if (drawing?.shown) drawing.look = change(drawing.look);
  }

  #preset(drawing: Drawing, name: PresetName): void {
    if (name === "auto") drawing.autoWindow();
    else if (name === "stored") drawing.window(null);
    else {
      const preset = presetsFor(drawing.shown?.data).find((each) => each.name === name);
      if (preset) drawing.window(windowOf(preset.centre, preset.width));
    }
  }

  /** Two: the series that comes after the shown one goes beside it. */
  #arrange(layout: FilmLayout): void {
    if (layout === this.layout) return;
    const { series } = this.#pane ?? {};
    if (layout === "planes") {
      if (series) void this.cuts.cut(series, this.drawing);
      return;
    }
    if (this.layout === "planes") this.cuts.leave();
    const shown = this.#pane?.series?.uid ?? null;
    const first = this.panes[0];
    if (layout === "one" && this.active === 1 && first && shown) {
      const index = this.drawing?.index ?? 0;
      const series = this.loaded.get(shown);
      if (series) void first.show(series, index, this.drawing?.look ?? FIRST_LOOK);
    }
    this.layout = layout;
    this.active = 0;
    if (layout === "two") void this.#second(shown);
    else void this.updateComplete.then(() => this.following.tell());
  }

  async #second(shown: string | null): Promise<void> {
    await this.updateComplete;
    const pictures = (this.rows ?? []).filter(mayHavePictures);
    const at = pictures.findIndex(({ uid }) => uid === shown);
    const next = pictures[(at + 1) % Math.max(1, pictures.length)];
    const pane = this.panes[1];
    if (next && pane) await this.put(pane, next.uid).catch(() => undefined);
    const first = this.panes[0];
    if (first && this.linked) this.#scrollAlong(first);
  }

  #keyImage(): void {
    const drawing = this.drawing;
    const shown = drawing?.shown;
    if (!drawing?.series || !shown || !this.marks) return;
    this.marks.toggleKey({
      study: this.study,
      series: drawing.series.uid,
      instance: shown.instance,
      frame: shown.frame,
      frame_of_reference: text(shown.data, TAG.FrameOfReferenceUID),
    });
  }

  #turn(): void {
    clearTimeout(this.#cine);
    const drawing = this.drawing;
    const series = drawing?.series;
    if (!this.playing || !drawing || !series) return;
    const shown = drawing.shown;
    const at = series.pictures.findIndex((picture) => picture === shown);
    if (at === drawing.index) drawing.index = (at + 1) % series.pictures.length; // else it waits
    const pace = shown ? framePaceMs(shown.data) : 100;
    this.#cine = setTimeout(() => this.#turn(), pace);
  }

  stop(): void {
    clearTimeout(this.#cine);
    this.playing = false;
  }

  readonly #key = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const drawing = this.drawing;
    if (!drawing) return;
    const wish = wishOf(event.key, drawing.index, drawing.count);
    if (!wish) return;
    if ("index" in wish) {
      this.#gesture();
      drawing.index = wish.index;
    } else if ("zoom" in wish) {
      this.following.free();
      this.#change((look) => zoomed(look, wish.zoom));
    } else {
      this.#do(wish);
    }
    event.preventDefault();
    event.stopPropagation();
  };

  readonly #move = (event: PointerEvent): void => {
    const pane = event.currentTarget as DistalFilmPane;
    if (this.tool === "cross" && event.buttons & 1) pane.aim(event);
    if (!this.shared?.leading) return;
    const { drawing } = pane;
    const shown = drawing?.shown;
    if (!drawing || !shown) return;
    const box = pane.getBoundingClientRect();
    const point = drawing.worldAt([event.clientX - box.left, event.clientY - box.top]);
    if (!point?.every(Number.isFinite)) return;
    this.shared.point({
      instance: shown.instance,
      frame: shown.frame,
      frame_of_reference: text(shown.data, TAG.FrameOfReferenceUID),
      point: [...point],
    });
  };

  readonly #away = (): void => this.shared?.point(null);

  // --- drawing it ---

  #now(): ToolState {
    const drawing = this.drawing;
    const shown = drawing?.shown;
    return {
      tool: this.tool,
      layout: this.layout,
      presets: shown && coloured(shown.data) ? [] : presetsFor(shown?.data),
      measures: drawing?.stack !== null || drawing.cut !== null,
      planes:
        drawing?.series && whyNotCut(drawing.series) !== "kind"
          ? { why: this.cuts.why(drawing.series) }
          : null,
      thick: drawing?.cut?.thick ?? null,
      many: (drawing?.series?.pictures.length ?? 0) > 1,
      playing: this.playing,
      inverted: drawing?.shown ? drawing.look.invert : false,
      key: shown ? (this.marks?.isKey(shown.instance, shown.frame) ?? false) : false,
      saves: this.web.maySave,
      linked: this.linked,
      marked: drawing?.series ? (this.marks?.count(drawing.series) ?? 0) > 0 : false,
    };
  }

  override render() {
    const t = filmMessages();
    const { rows } = this;
    return html`
      ${this.#head()}
      ${
        this.problem
          ? html`<div class="whole" style="background:var(--surface)">
              <distal-film-problem
                .problem=${this.problem}
                @again=${() => this.#open()}
              ></distal-film-problem>
            </div>`
          : rows?.length === 0
            ? html`<div class="whole">
                <div role="status" data-testid="film-no-images">
                  <h2>${t.emptyStudy}</h2>
                  <p>${t.emptyStudyText}</p>
                </div>
              </div>`
            : this.#body(rows)
      }
      ${this.#eraseDialog()}
      <distal-film-saved
        .views=${this.kept.saved.views}
        .chosen=${this.kept.chosen}
        @choose=${(event: CustomEvent<SavedView>) => this.kept.show(event.detail)}
      ></distal-film-saved>
      <distal-film-save
        .save=${this.kept.save}
        .measurements=${this.marks?.measurements(this.study) ?? 0}
        .keys=${this.marks?.keyPlaces(this.study).length ?? 0}
      ></distal-film-save>
    `;
  }

  #body(rows: readonly SeriesRow[] | null) {
    const t = filmMessages();
    const planes = panesOf(this.layout);
    const note = this.note ?? this.cuts.noteTogether();
    const shown = [...this.panes].map((pane) => pane.series?.uid ?? null);
    const keys = this.kept.saved.keys(this.marks?.keys() ?? new Map<string, ReadonlySet<string>>());
    return html`
      <distal-film-tools .now=${this.#now()} @act=${this.#act}></distal-film-tools>
      <distal-film-strip
        .study=${this.study}
        .rows=${(rows ?? []).filter((row) => !isKept(row))}
        .shown=${this.paper ? [this.paper.uid] : shown}
        .keys=${keys}
        .saved=${this.kept.saved.views.length}
        ?keysOnly=${this.kept.only}
        @keys-only=${() => this.kept.toggleOnly()}
        @saved=${() => this.renderRoot.querySelector("distal-film-saved")?.open()}
        @series=${(event: CustomEvent<string>) => {
          this.following.free();
          void this.#choose(event.detail).then(() => this.following.tell());
        }}
      ></distal-film-strip>
      <div class="panes ${this.layout}" ?hidden=${this.paper !== null}>
        ${planes.map(
          (plane, index) =>
            html`<distal-film-pane
              .engine=${this.engine}
              .number=${index + 1}
              .plane=${plane}
              .tool=${this.tool}
              ?active=${planes.length > 1 && index === this.active}
              ?compact=${this.small}
              .figures=${this.kept.figuresIn(index)}
              ?starred=${this.kept.starredIn(index)}
              @changed=${this.#paneChanged}
              @opened=${() => this.marks?.take()}
              @gesture=${this.#gesture}
              @wheel=${this.#gesture}
              @pointerdown=${(event: PointerEvent) => {
                this.#gesture();
                this.#activate(index);
                if (this.tool === "cross" && event.button === 0) {
                  (event.currentTarget as DistalFilmPane).aim(event);
                }
              }}
              @pointermove=${this.#move}
              @pointerleave=${this.#away}
              @focusin=${() => this.#activate(index)}
              @keydown=${this.#key}
              @contextmenu=${(event: Event) => event.preventDefault()}
            ></distal-film-pane>`,
        )}
        ${note ? html`<p class="note" role="status" data-testid="film-note">${note}</p>` : nothing}
        ${this.kept.chosen ? this.kept.bar(this.kept.chosen) : nothing}
        ${
          rows === null
            ? html`<div class="whole" style="position:absolute;inset:0" role="status">
                ${t.loading}
              </div>`
            : nothing
        }
      </div>
      ${
        this.paper
          ? html`<distal-film-document .series=${this.paper}></distal-film-document>`
          : nothing
      }
    `;
  }

  #head() {
    const t = filmMessages();
    const { head } = this;
    const line = head
      ? [
          ...patientLine(head.patient, head.date, t),
          day(head.date),
          head.description,
          head.institution,
        ].filter(Boolean)
      : [];
    return html`<div class="head" data-testid="film-banner">
      ${
        this.only
          ? html`<span></span>`
          : html`<button
              aria-label=${t.back}
              title=${t.back}
              data-testid="film-back"
              @click=${this.#back}
            >
              ${icons.back}
            </button>`
      }
      <div class="who">
        <strong data-testid="film-patient">${head ? head.patient.name || t.noName : " "}</strong>
        <span class="caption numbers" title=${line.join(" · ")}>${line.join(" · ")}</span>
      </div>
      <distal-transfer-button .web=${this.web} .study=${this.study}></distal-transfer-button>
      <distal-share-button .web=${this.web} .study=${this.study}></distal-share-button>
      ${this.following.bar()}
      ${
        this.closable
          ? html`<button
              aria-label=${t.close}
              title=${t.close}
              data-testid="film-close"
              @click=${() => this.dispatchEvent(new CustomEvent("close-film"))}
            >
              ${icons.close}
            </button>`
          : nothing
      }
    </div>`;
  }

  #eraseDialog() {
    const t = filmMessages();
    return html`<dialog aria-label=${t.removeMarksTitle}>
      <h2>${t.removeMarksTitle}</h2>
      <p>${t.removeMarksText}</p>
      <div class="actions">
        <button class="quiet" @click=${() => this.dialog?.close()}>${t.cancel}</button>
        <button
          class="danger"
          data-testid="film-erase-confirm"
          @click=${() => {
            this.dialog?.close();
            const series = this.drawing?.series;
            if (series) this.marks?.erase(series);
          }}
        >
          ${t.removeMarks}
        </button>
      </div>
    </dialog>`;
  }

  readonly #back = (): void => {
    this.dispatchEvent(new CustomEvent("back"));
  };
}
