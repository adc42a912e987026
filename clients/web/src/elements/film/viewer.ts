import { html, nothing } from "lit";
import { customElement, property, query, queryAll, state } from "lit/decorators.js";

import type { Drawing } from "../../film/drawing";
import { FilmProblem, type DicomWeb } from "../../film/dicomweb";
import type { DragTool, Engine } from "../../film/engine";
import { keptPaneOf, type KeptSession } from "../../film/keeping";
import { FIRST_LOOK, turned, zoomed, type Look } from "../../film/look";
import type { Marks } from "../../film/marks";
import { asStack, paneOf, panesOf } from "../../film/planes";
import { figuresOn, lookIn, type SavedView } from "../../film/presentation";
import { coloured, presetsFor, windowOf, type PresetName } from "../../film/presets";
import { isKept, Saved } from "../../film/saved";
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
import type { FilmLayout, FilmPane, FilmView } from "../../protocol/messages";
import type { SharedFilm } from "../../state/film";
import { shared as sharedStyle } from "../../style/shared";
import { Watching } from "../../state/store";
import { DistalElement } from "../element";
import { icons } from "../icons";
import "../share/button";
import "../transfer/button";
import { wishOf } from "./keys";
import "./document";
import "./pane";
import type { DistalFilmPane, Wanted } from "./pane";
import "./problem";
import "./save";
import "./saved";
import "./strip";
import "./tools";
import type { Act, ToolState } from "./tools";
import { viewerStyle } from "./viewer-style";

const REFRESH_MS = 4000; // a study is viewable while the rest of it arrives

/** One study: its series, one or two of them large, and what can be done with them. */
@customElement("distal-film-viewer")
export class DistalFilmViewer extends DistalElement {
  @property({ attribute: false }) web!: DicomWeb;
  @property() study = "";
  @property({ attribute: false }) shared: SharedFilm | null = null;
  @property({ attribute: false }) nameOf: (participant: string) => string = () => "";
  @property({ type: Boolean }) mayLead = false;
  @property({ type: Boolean }) small = false;
  @property({ type: Boolean }) closable = false;
  @property({ type: Boolean }) only = false; // there is no list to go back to

  @state() private engine: Engine | null | undefined;
  @state() private head: StudyRow | null = null;
  @state() private rows: readonly SeriesRow[] | null = null;
  @state() private problem: FilmProblem | null = null;
  @state() private layout: FilmLayout = "one";
  @state() private active = 0;
  @state() private tool: DragTool = "scroll";
  @state() private linked = true;
  @state() private playing = false;
  @state() private alone = false;
  @state() private note: string | null = null; // what cannot be done here, and why
  @state() private paper: Series | null = null; // a report or document instead of pictures
  @state() private tick = 0; // of what panes show
  @state() private keysOnly = false;
  @state() private chosen: SavedView | null = null; // what was kept, on the screen again
  @query("dialog") private readonly dialog!: HTMLDialogElement | null;
  @queryAll("distal-film-pane") private readonly panes!: NodeListOf<DistalFilmPane>;

  readonly #series = new Map<string, Promise<Series>>();
  #saved = new Saved();
  #asking = new AbortController();
  #marks: Marks | null = null;
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
      if (!document.hidden) void this.#look();
    }, REFRESH_MS);
    if (this.shared) {
      const { view, cursor, presenter } = this.shared;
      this.#ends = [
        view.subscribe(() => this.#follow()),
        cursor.subscribe(() => this.#pointed()),
        presenter.subscribe(() => this.#led()),
      ];
    }
  }

  override disconnectedCallback(): void {
    clearInterval(this.#refresh);
    clearTimeout(this.#cine);
    for (const end of this.#ends) end();
    this.#ends = [];
    this.#marks?.close();
    this.#marks = null;
    this.#asking.abort();
    super.disconnectedCallback();
  }

  protected override willUpdate(changed: Map<PropertyKey, unknown>): void {
    if (changed.has("study") && changed.get("study")) this.#open();
  }

  /** Goes wherever the presenter goes. */
  get follows(): boolean {
    return !this.alone;
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
      this.#marks = new Marks(this.shared, {
        sharing: () => !this.alone,
        stacks: () => this.#stacks(),
        changed: () => (this.tick += 1),
      });
      this.engine = engine;
      this.#follow(); // planes had to wait for it
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
    this.#loaded.clear();
    this.rows = this.head = this.problem = this.paper = this.note = this.chosen = null;
    this.#saved = new Saved();
    this.keysOnly = false;
    this.#stop();
    if (!this.shared?.led) this.layout = "one";
    this.active = 0;
    void this.#look();
  }

  /** Which series there are, and what has arrived meanwhile. */
  async #look(): Promise<void> {
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
      void this.#readSaved(rows, signal);
      for (const { uid } of grown) this.#series.delete(uid);
      if (first) await this.#begin(rows);
      else {
        for (const pane of this.panes) {
          const { series } = pane;
          if (series && grown.some(({ uid }) => uid === series.uid)) {
            await this.#put(pane, series.uid);
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
    if (this.shared?.led && !this.alone) {
      this.#follow();
      return;
    }
    const first = rows.find(mayHavePictures) ?? rows[0];
    if (first) await this.#choose(first.uid);
  }

  #load(uid: string): Promise<Series> {
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

  readonly #loaded = new Map<string, Series>();

  #stacks(): Stack[] {
    return [...this.panes].flatMap(({ drawing }) => drawing?.stack ?? []);
  }

  // --- what is shown ---

  get #pane(): DistalFilmPane | undefined {
    return this.panes[this.active];
  }

  get #drawing(): Drawing | null {
    return this.#pane?.drawing ?? null;
  }

  /** A series for the active pane. */
  async #choose(uid: string): Promise<void> {
    this.#stop();
    const { signal } = this.#asking;
    try {
      const series = await this.#load(uid);
      if (signal.aborted) return;
      this.#heard(series);
      if (series.kind !== "pictures") {
        this.paper = series;
        return;
      }
      this.paper = this.note = null;
      if (this.layout === "planes") {
        this.note = this.#whyNoPlanes(series);
        if (this.note === null) {
          await this.#cut(series, null);
          return;
        }
        this.#leavePlanes();
      }
      await this.updateComplete;
      await this.#pane?.show(this.#chosenOf(series), 0);
      this.tick += 1;
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof FilmProblem)) throw error;
      this.problem = error;
    }
  }

  #heard(series: Series): void {
    this.#loaded.set(series.uid, series);
    const data = series.objects[0];
    if (data && this.head === null) this.head = studyRow(data);
  }

  async #put(pane: DistalFilmPane, uid: string, wanted?: FilmPane): Promise<boolean> {
    const series = this.#chosenOf(await this.#load(uid));
    this.#heard(series);
    const index = wanted
      ? indexOf(series, wanted.instance, wanted.frame)
      : (pane.drawing?.index ?? 0);
    if (index < 0) return false;
    const { drawing } = pane;
    await pane.show(series, index, wanted ?? (drawing?.cut ? paneOf(drawing) : null));
    this.tick += 1;
    return true;
  }

  // --- together ---

  /** What this page shows, as others can show it. */
  #view(): FilmView | null {
    const panes = [...this.panes].flatMap(({ drawing }) => paneOf(drawing) ?? []);
    if (panes.length === 0) return null;
    if (this.layout === "planes" && panes.length < 3) return null; // they are on their way
    const active = Math.min(this.active, panes.length - 1);
    return { study: this.study, layout: this.layout, panes, active };
  }

  #tell(): void {
    if (!this.shared?.leading) return;
    const view = this.#view();
    if (view) this.shared.show(view);
  }

  #led(): void {
    if (!this.shared?.led) this.alone = false;
    if (this.shared?.leading) this.#tell();
    else this.#follow();
    this.requestUpdate();
  }

  /** As the presenter looks at it; the newest of what he shows, whatever comes in between. */
  #follow(): void {
    const shown = this.shared?.view.value;
    if (!shown || this.alone || !this.shared?.led || shown.study !== this.study) return;
    const view = this.#asShownHere(shown);
    if (!view) return;
    if (this.keysOnly) {
      void this.#toggleKeysOnly().then(() => this.#follow()); // he may go to any picture
      return;
    }
    this.#stop();
    if (view.layout === "planes" && this.layout !== "planes") this.#take("cross");
    if (view.layout !== "planes" && this.tool === "cross") this.#take("scroll");
    if (view.layout !== this.layout || view.active !== this.active || this.paper) {
      this.layout = view.layout;
      this.active = view.active;
      this.paper = null;
    }
    void this.updateComplete.then(() => {
      view.panes.forEach((wanted, at) => void this.#followPane(at, wanted));
    });
  }

  /** The presenter's planes, or where there can be none the picture where they meet. */
  #asShownHere(view: FilmView): FilmView | null {
    if (view.layout !== "planes") return view;
    if (this.engine === null) return asStack(view);
    if (this.engine === undefined) return null;
    const uid = view.panes[0]?.series ?? "";
    const series = this.#loaded.get(uid);
    if (!series) {
      void this.#load(uid).then(
        (loaded) => {
          this.#heard(loaded);
          this.#follow();
        },
        () => undefined,
      );
      return null;
    }
    if (this.#whyNoPlanes(series) === null) return view;
    return asStack(view);
  }

  async #followPane(at: number, wanted: FilmPane): Promise<void> {
    const pane = this.panes[at];
    if (!pane) return;
    if (pane.series?.uid === wanted.series) {
      const index = indexOf(pane.series, wanted.instance, wanted.frame);
      if (index >= 0) {
        pane.go(index, wanted);
        return;
      }
      this.#series.delete(wanted.series); // it has not arrived here yet
    }
    try {
      await this.#put(pane, wanted.series, wanted);
      const newest = this.shared?.view.value?.panes[at];
      if (newest && newest !== wanted && newest.series === wanted.series && !this.alone) {
        const index = indexOf(await this.#load(newest.series), newest.instance, newest.frame);
        if (index >= 0) pane.go(index, newest);
      }
    } catch (error) {
      if (!(error instanceof FilmProblem) || this.#asking.signal.aborted) return;
      if (this.head === null) this.problem = error;
    }
  }

  #pointed(): void {
    const cursor = this.alone ? null : (this.shared?.cursor.value ?? null);
    for (const pane of this.panes) pane.point(this.shared?.leading ? null : cursor);
  }

  readonly #gesture = (): void => {
    this.#stop();
    this.#free();
  };

  /** Who touches the pictures while he follows looks around alone, until he comes back. */
  #free(): void {
    if (this.shared?.led && !this.alone) {
      this.alone = true;
      this.#pointed();
    }
  }

  #comeBack(): void {
    this.alone = false;
    this.#follow();
    this.#pointed();
    this.#marks?.take();
  }

  // --- what is done ---

  readonly #paneChanged = (event: Event): void => {
    const pane = event.target as DistalFilmPane;
    this.tick += 1;
    if (this.layout === "two" && this.linked && pane === this.#pane) this.#scrollAlong(pane);
    this.#tell();
  };

  /** The other pane goes where this one is: in the body where that is known, else by as much. */
  #scrollAlong(from: DistalFilmPane): void {
    if (this.shared?.led && !this.alone) return; // the presenter's page says what both show
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
    this.#tell();
  }

  readonly #act = (event: CustomEvent<Act>): void => this.#do(event.detail);

  #take(tool: DragTool): void {
    this.tool = tool;
    this.engine?.use(tool);
  }

  #do(act: Act): void {
    const drawing = this.#drawing;
    this.note = null;
    if (act.do === "why") {
      this.note = act.why;
      return;
    }
    if (act.do === "tool") {
      this.#take(act.tool);
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
      if (this.playing) this.#stop();
      else {
        this.#free();
        this.playing = true;
        this.#turn();
      }
      return;
    }
    this.#free();
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
    const drawing = this.#drawing;
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
      if (series) void this.#cut(series, this.#drawing);
      return;
    }
    if (this.layout === "planes") this.#leavePlanes();
    const shown = this.#pane?.series?.uid ?? null;
    const first = this.panes[0];
    if (layout === "one" && this.active === 1 && first && shown) {
      const index = this.#drawing?.index ?? 0;
      const series = this.#loaded.get(shown);
      if (series) void first.show(series, index, this.#drawing?.look ?? FIRST_LOOK);
    }
    this.layout = layout;
    this.active = 0;
    if (layout === "two") void this.#second(shown);
    else void this.updateComplete.then(() => this.#tell());
  }

  #whyNoPlanes(series: Series): string | null {
    const t = filmMessages();
    if (!this.engine?.cuts) return t.noPlanes.graphics;
    const why = whyNotCut(series);
    return why && t.noPlanes[why];
  }

  /** A series in three planes, which meet in the middle of what is on the screen. */
  async #cut(series: Series, from: Drawing | null): Promise<void> {
    const { clientWidth, clientHeight } = from?.element ?? this;
    const wanted: Wanted = {
      ...FIRST_LOOK,
      voi: from?.look.voi ?? null,
      invert: from?.look.invert ?? false,
      focus: from?.worldAt([clientWidth / 2, clientHeight / 2]) ?? null,
    };
    this.layout = "planes";
    this.active = 0;
    this.#take("cross");
    await this.updateComplete;
    await Promise.all([...this.panes].map((pane) => pane.show(series, 0, wanted)));
    this.tick += 1;
  }

  /** Back to the picture where the planes met. */
  #leavePlanes(): void {
    const drawing = this.#drawing;
    const { series, shown } = drawing ?? {};
    const { voi, invert } = drawing?.look ?? FIRST_LOOK;
    this.layout = "one";
    this.active = 0;
    if (this.tool === "cross") this.#take("scroll");
    const pane = this.panes[0];
    const back = series ?? pane?.series;
    if (!back || !pane) return;
    const index = shown ? Math.max(0, indexOf(back, shown.instance, shown.frame)) : 0;
    void this.updateComplete.then(() => pane.show(back, index, { ...FIRST_LOOK, voi, invert }));
  }

  async #second(shown: string | null): Promise<void> {
    await this.updateComplete;
    const pictures = (this.rows ?? []).filter(mayHavePictures);
    const at = pictures.findIndex(({ uid }) => uid === shown);
    const next = pictures[(at + 1) % Math.max(1, pictures.length)];
    const pane = this.panes[1];
    if (next && pane) await this.#put(pane, next.uid).catch(() => undefined);
    const first = this.panes[0];
    if (first && this.linked) this.#scrollAlong(first);
  }

  #keyImage(): void {
    const drawing = this.#drawing;
    const shown = drawing?.shown;
    if (!drawing?.series || !shown || !this.#marks) return;
    this.#marks.toggleKey({
      study: this.study,
      series: drawing.series.uid,
      instance: shown.instance,
      frame: shown.frame,
      frame_of_reference: text(shown.data, TAG.FrameOfReferenceUID),
    });
  }

  // --- what is kept ---

  async #readSaved(rows: readonly SeriesRow[], signal: AbortSignal): Promise<void> {
    try {
      if (await this.#saved.read(this.web, this.study, rows, signal)) this.tick += 1;
    } catch (error) {
      if (!(error instanceof FilmProblem) && !signal.aborted) throw error; // the next look may do
    }
  }

  readonly #save = async (title: string): Promise<void> => {
    const panes = [...this.panes].flatMap(({ drawing }) => {
      const shown = drawing?.shown;
      if (!shown) return [];
      const { clientWidth, clientHeight } = drawing.element;
      return [keptPaneOf(shown, drawing.look, [clientWidth, clientHeight])];
    });
    const marks = this.#marks;
    const measured = await Promise.all(
      (marks?.measuredSeries(this.study) ?? []).map((uid) => this.#load(uid)),
    );
    const session: KeptSession = {
      title,
      panes,
      figures: measured.flatMap((series) => marks?.figures(series) ?? []),
      keys: marks?.keyPlaces(this.study) ?? [],
    };
    await this.web.save(this.study, session);
    await this.#look();
  };

  /** As it was when it was kept: as many panes, each with its picture. */
  async #show(view: SavedView): Promise<void> {
    this.#stop();
    this.#free();
    if (this.keysOnly) await this.#toggleKeysOnly();
    if (this.layout === "planes") this.#leavePlanes();
    this.chosen = view;
    this.paper = this.note = null;
    this.layout = view.panes.length > 1 ? "two" : "one";
    this.active = 0;
    await this.updateComplete;
    for (const [at, state] of view.panes.slice(0, this.panes.length).entries()) {
      const pane = this.panes[at];
      const first = state.images[0];
      if (!pane || !first) continue;
      try {
        const series = await this.#load(first.series);
        if (this.chosen !== view) return;
        this.#heard(series);
        const index = indexOf(series, first.instance, first.frames[0] ?? 1);
        const picture = series.pictures[index];
        if (!picture) continue;
        const { clientWidth, clientHeight } = pane;
        await pane.show(series, index, lookIn(state, picture, [clientWidth, clientHeight]));
      } catch (error) {
        if (!(error instanceof FilmProblem)) throw error; // pictures that are not here
      }
    }
    this.tick += 1;
    this.#tell();
  }

  #isKey(instance: string, frame: number): boolean {
    return (this.#marks?.isKey(instance, frame) ?? false) || this.#saved.isKey(instance, frame);
  }

  /** All of a series, or its key images while only those are wanted. */
  #chosenOf(series: Series): Series {
    if (!this.keysOnly) return series;
    const pictures = series.pictures.filter(({ instance, frame }) => this.#isKey(instance, frame));
    return pictures.length ? { ...series, pictures } : series;
  }

  async #toggleKeysOnly(): Promise<void> {
    this.#stop();
    this.keysOnly = !this.keysOnly;
    for (const pane of this.panes) {
      const { drawing } = pane;
      const shown = drawing?.shown;
      if (!drawing?.series || !shown) continue;
      const { look } = drawing;
      const series = this.#chosenOf(await this.#load(drawing.series.uid));
      const index = indexOf(series, shown.instance, shown.frame);
      await pane.show(series, Math.max(0, index), look);
    }
    this.tick += 1;
  }

  #turn(): void {
    clearTimeout(this.#cine);
    const drawing = this.#drawing;
    const series = drawing?.series;
    if (!this.playing || !drawing || !series) return;
    const shown = drawing.shown;
    const at = series.pictures.findIndex((picture) => picture === shown);
    if (at === drawing.index) drawing.index = (at + 1) % series.pictures.length; // else it waits
    const pace = shown ? framePaceMs(shown.data) : 100;
    this.#cine = setTimeout(() => this.#turn(), pace);
  }

  #stop(): void {
    clearTimeout(this.#cine);
    this.playing = false;
  }

  readonly #key = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const drawing = this.#drawing;
    if (!drawing) return;
    const wish = wishOf(event.key, drawing.index, drawing.count);
    if (!wish) return;
    if ("index" in wish) {
      this.#gesture();
      drawing.index = wish.index;
    } else if ("zoom" in wish) {
      this.#free();
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
    const drawing = this.#drawing;
    const shown = drawing?.shown;
    return {
      tool: this.tool,
      layout: this.layout,
      presets: shown && coloured(shown.data) ? [] : presetsFor(shown?.data),
      measures: drawing?.stack !== null || drawing.cut !== null,
      planes:
        drawing?.series && whyNotCut(drawing.series) !== "kind"
          ? { why: this.#whyNoPlanes(drawing.series) }
          : null,
      thick: drawing?.cut?.thick ?? null,
      many: (drawing?.series?.pictures.length ?? 0) > 1,
      playing: this.playing,
      inverted: drawing?.shown ? drawing.look.invert : false,
      key: shown ? (this.#marks?.isKey(shown.instance, shown.frame) ?? false) : false,
      saves: this.web.maySave,
      linked: this.linked,
      marked: drawing?.series ? (this.#marks?.count(drawing.series) ?? 0) > 0 : false,
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
        .views=${this.#saved.views}
        .chosen=${this.chosen}
        @choose=${(event: CustomEvent<SavedView>) => this.#show(event.detail)}
      ></distal-film-saved>
      <distal-film-save
        .save=${this.#save}
        .measurements=${this.#marks?.measurements(this.study) ?? 0}
        .keys=${this.#marks?.keyPlaces(this.study).length ?? 0}
      ></distal-film-save>
    `;
  }

  #body(rows: readonly SeriesRow[] | null) {
    const t = filmMessages();
    const planes = panesOf(this.layout);
    const note = this.note ?? this.#noteOnPlanes();
    const shown = [...this.panes].map((pane) => pane.series?.uid ?? null);
    const keys = this.#saved.keys(this.#marks?.keys() ?? new Map<string, ReadonlySet<string>>());
    return html`
      <distal-film-tools .now=${this.#now()} @act=${this.#act}></distal-film-tools>
      <distal-film-strip
        .study=${this.study}
        .rows=${(rows ?? []).filter((row) => !isKept(row))}
        .shown=${this.paper ? [this.paper.uid] : shown}
        .keys=${keys}
        .saved=${this.#saved.views.length}
        ?keysOnly=${this.keysOnly}
        @keys-only=${() => this.#toggleKeysOnly()}
        @saved=${() => this.renderRoot.querySelector("distal-film-saved")?.open()}
        @series=${(event: CustomEvent<string>) => {
          this.#free();
          void this.#choose(event.detail).then(() => this.#tell());
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
              .figures=${this.#figuresIn(index)}
              ?starred=${this.#starredIn(index)}
              @changed=${this.#paneChanged}
              @opened=${() => this.#marks?.take()}
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
        ${this.chosen ? this.#chosenBar(this.chosen) : nothing}
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

  /** Not everybody in the room may see planes: both sides are told. */
  #noteOnPlanes(): string | null {
    const t = filmMessages();
    const { shared } = this;
    if (shared?.view.value?.layout !== "planes") return null;
    if (shared.leading) return t.planesLed;
    if (!shared.led || this.alone || this.layout === "planes") return null;
    return t.planesElsewhere(this.nameOf(shared.presenter.value ?? ""));
  }

  #figuresIn(at: number) {
    const shown = this.panes[at]?.drawing?.shown;
    return shown && this.chosen ? figuresOn(this.chosen, shown.instance, shown.frame) : [];
  }

  #starredIn(at: number): boolean {
    const shown = this.panes[at]?.drawing?.shown;
    return shown ? this.#isKey(shown.instance, shown.frame) : false;
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
      ${this.#leadBar()}
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

  #leadBar() {
    const t = filmMessages();
    const { shared } = this;
    if (!shared) return nothing;
    const presenter = shared.presenter.value;
    const name = presenter === null ? "" : this.nameOf(presenter);
    if (shared.leading) {
      return html`<div class="lead">
        <span class="state on" data-testid="film-state" data-state="leading">${t.leading}</span>
        <button class="quiet" data-testid="film-lead-stop" @click=${() => shared.lead(false)}>
          ${t.leadStop}
        </button>
      </div>`;
    }
    if (presenter === null) {
      if (!this.mayLead) return nothing;
      return html`<div class="lead">
        <button class="quiet" data-testid="film-lead" @click=${() => shared.lead(true)}>
          ${t.lead}
        </button>
      </div>`;
    }
    const elsewhere = shared.view.value && shared.view.value.study !== this.study;
    const away = this.alone || elsewhere;
    return html`<div class="lead">
      <span
        class="state ${away ? "" : "on"}"
        data-testid="film-state"
        data-state=${away ? "alone" : "following"}
        >${away ? t.alone(name) : t.following(name)}</span
      >
      <button
        class=${away ? "primary" : "quiet"}
        data-testid="film-follow"
        @click=${() => {
          if (elsewhere) this.dispatchEvent(new CustomEvent("follow"));
          else if (away) this.#comeBack();
          else this.#free();
        }}
      >
        ${away ? t.follow : t.lookAlone}
      </button>
    </div>`;
  }

  #chosenBar(view: SavedView) {
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
            const series = this.#drawing?.series;
            if (series) this.#marks?.erase(series);
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
