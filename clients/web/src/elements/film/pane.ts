import { css, html, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";

import type { Drawing, Place } from "../../film/drawing";
import type { DragTool, Engine } from "../../film/engine";
import { DicomWeb } from "../../film/dicomweb";
import { sameLook, type Look } from "../../film/look";
import { Plain } from "../../film/plain";
import type { Figure } from "../../film/presentation";
import { sides } from "../../film/sides";
import type { Series } from "../../film/study";
import { number, TAG } from "../../film/tags";
import { corners } from "../../film/words";
import type { FilmCursor, FilmPane, FilmPlane } from "../../protocol/messages";
import { filmMessages } from "../../i18n/film";
import { shared } from "../../style/shared";
import { DistalElement } from "../element";
import { cutOverlay, cutStyle } from "./cut";
import { whenOther } from "../other";
import { figuresLayer } from "./figures";

/** How a picture is wanted: with a look, and in planes with the place where they meet. */
export type Wanted = Look & Partial<Pick<FilmPane, "focus" | "thick">>;

const FIRST_SIZE = 512; // of the picture that the server draws while the engine is on its way

/** One picture area: a series, its corner texts, its place in the stack. */
@customElement("distal-film-pane")
export class DistalFilmPane extends DistalElement {
  /** Null: the server draws. Undefined: not known yet. */
  @property({ attribute: false }) engine: Engine | null | undefined;
  @property({ type: Number }) number = 1;
  @property() plane: FilmPlane = "acquired";
  @property() tool: DragTool = "scroll";
  @property({ type: Boolean, reflect: true }) active = false;
  @property({ type: Boolean }) compact = false;
  @property({ attribute: false, ...whenOther }) figures: readonly Figure[] = []; // of a saved view
  @property({ type: Boolean }) starred = false;
  @state() private index = 0;
  @state() private look: Look | null = null;
  @state() private first: string | null = null;
  @state() private failed: string | null = null;
  @state() private byServer = false;
  @state() private cursor: Place | null = null;
  @query(".surface") private readonly surface!: HTMLDivElement;

  drawing: Drawing | null = null;
  series: Series | null = null;
  #making: Promise<Drawing> | null = null;
  #opened = false;
  #wantedIndex = 0;
  #wanted: Wanted | null = null;
  #cursor: FilmCursor | null = null;
  #frame = 0;
  readonly #observer = new ResizeObserver(() => this.drawing?.resized());

  static override styles = [
    shared,
    cutStyle,
    css`
      :host {
        position: relative;
        display: block;
        min-width: 0;
        min-height: 0;
        background: #000;
        overflow: hidden;
        color: var(--picture-text);
      }
      :host([active])::after {
        content: "";
        position: absolute;
        inset: 0;
        border: 1px solid var(--accent-text);
        pointer-events: none;
      }
      .focus,
      .surface,
      .first {
        position: absolute;
        inset: 0;
      }
      .focus:focus-visible {
        outline-offset: -3px;
        z-index: 2;
      }
      .surface {
        touch-action: none;
        user-select: none;
        -webkit-user-select: none;
      }
      .first {
        width: 100%;
        height: 100%;
        object-fit: contain;
        pointer-events: none;
      }
      .corner {
        position: absolute;
        max-width: 60%;
        padding: var(--space-1) var(--space-2);
        font-size: var(--type-caption);
        line-height: 1.35;
        text-shadow:
          0 0 2px #000,
          0 0 4px #000;
        pointer-events: none;
      }
      .corner p {
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      .top {
        top: 0;
        left: 0;
      }
      .place {
        bottom: 0;
        left: 0;
      }
      .drawn {
        bottom: 0;
        right: 28px;
        text-align: right;
      }
      .side {
        position: absolute;
        font-size: var(--type-body);
        font-weight: 600;
        color: #d9c27a;
        text-shadow: 0 0 3px #000;
        pointer-events: none;
      }
      .side.left {
        left: var(--space-2);
        top: 50%;
      }
      .side.right {
        right: 32px;
        top: 50%;
      }
      .side.up {
        top: var(--space-1);
        left: 50%;
      }
      .side.down {
        bottom: var(--space-1);
        left: 50%;
      }
      input[type="range"] {
        position: absolute;
        right: 0;
        top: 0;
        bottom: 0;
        width: 24px;
        height: 100%;
        min-height: 0;
        padding: 0;
        margin: 0;
        border: 0;
        background: none;
        writing-mode: vertical-lr;
        accent-color: var(--accent-text);
        opacity: 0.75;
      }
      input[type="range"]:hover,
      input[type="range"]:focus-visible {
        opacity: 1;
      }
      .message {
        position: absolute;
        inset: auto 0 0;
        padding: var(--space-3) 40px var(--space-3) var(--space-3);
        background: var(--picture-shade);
        font-size: var(--type-caption);
        text-align: center;
      }
      .cursor {
        position: absolute;
        width: 28px;
        height: 28px;
        margin: -14px;
        pointer-events: none;
        z-index: 1;
        color: #ffd400;
        filter: drop-shadow(0 0 2px #000);
      }
      .figures {
        position: absolute;
        inset: 0;
        width: 100%;
        height: 100%;
        pointer-events: none;
        fill: none;
        stroke: #7fe0c3;
        stroke-width: 1.5;
      }
      .figures text {
        fill: #7fe0c3;
        stroke: #000;
        stroke-width: 3;
        paint-order: stroke;
        font-size: var(--type-caption);
      }
      .star {
        position: absolute;
        top: var(--space-1);
        right: 32px;
        color: #ffd400;
        font-size: 18px;
        text-shadow: 0 0 3px #000;
        pointer-events: none;
      }
      .badge {
        position: absolute;
        top: var(--space-1);
        right: 32px;
        font-size: var(--type-caption);
        background: var(--picture-shade);
        padding: 2px var(--space-2);
        border-radius: var(--radius);
      }
    `,
  ];

  override connectedCallback(): void {
    super.connectedCallback();
    this.#observer.observe(this);
  }

  override disconnectedCallback(): void {
    this.#observer.disconnect();
    this.#drop();
    super.disconnectedCallback();
  }

  /** Another kind of drawing: nothing of the one before stays. */
  protected override willUpdate(changed: Map<PropertyKey, unknown>): void {
    if (!changed.has("plane") || changed.get("plane") === undefined) return;
    this.#drop();
    this.series = this.look = this.first = this.failed = this.cursor = null;
    this.byServer = false;
  }

  /** Shows a series, from one of its pictures on, at once or as soon as the engine is there. */
  async show(series: Series, index: number, look: Wanted | null = null): Promise<void> {
    await this.updateComplete;
    const other = this.series?.uid !== series.uid;
    if (!other && this.series?.pictures.length === series.pictures.length) {
      this.go(index, look);
      return;
    }
    this.series = series;
    this.#opened = false;
    this.#wantedIndex = index;
    this.#wanted = look;
    if (other) {
      this.index = index;
      this.failed = null;
      this.look = look;
      const picture = this.plane === "acquired" ? series.pictures[index] : null;
      this.first = picture ? DicomWeb.rendered(picture.url, null, FIRST_SIZE) : null;
      if (this.byServer) this.#drop();
      this.byServer = false;
    }
    this.requestUpdate();
    if (this.engine !== undefined) await this.#open();
  }

  /** To another picture of the same series, perhaps to be looked at otherwise. */
  go(index: number, look: Wanted | null = null): void {
    this.#wantedIndex = index;
    if (look) this.#wanted = look;
    if (this.#opened) this.#arrive();
  }

  override updated(changed: Map<PropertyKey, unknown>): void {
    if (changed.has("engine") && this.engine !== undefined && this.series && !this.drawing) {
      void this.#open();
    }
  }

  async #open(): Promise<void> {
    const { series } = this;
    if (!series || series.pictures.length === 0 || !this.isConnected) return;
    const made = (this.#making ??= this.#make());
    const drawing = await made;
    if (made !== this.#making || this.series !== series) return;
    this.drawing = drawing;
    const opened = await drawing.open(series, this.#wantedIndex);
    if (!opened || this.series !== series) return;
    this.#opened = true;
    this.#arrive();
    this.dispatchEvent(new CustomEvent("opened"));
  }

  #arrive(): void {
    const { drawing } = this;
    if (!drawing) return;
    const look = this.#wanted;
    this.#wanted = null;
    const { cut } = drawing;
    if (!cut) drawing.index = this.#wantedIndex;
    else if (look) {
      const [x, y, z] = look.focus ?? [];
      if (x !== undefined && y !== undefined && z !== undefined) cut.focus = [x, y, z];
      if (look.thick !== undefined) cut.thick = look.thick;
    }
    if (look && !sameLook(look, drawing.look)) drawing.look = look;
  }

  async #make(): Promise<Drawing> {
    const news = { changed: () => this.#changed(), failed: (detail: string) => this.#fail(detail) };
    if (this.engine && this.plane !== "acquired") {
      const { Plane } = await import("../../film/plane");
      return new Plane(this.engine, this.surface, this.plane, news);
    }
    if (!this.engine || this.byServer) {
      this.byServer = true;
      return new Plain(this.surface, news, () => this.tool);
    }
    const { Stack } = await import("../../film/stack");
    return new Stack(this.engine, this.surface, news);
  }

  #drop(): void {
    void this.#making?.then((drawing) => drawing.close());
    this.#making = this.drawing = null;
    this.#opened = false;
  }

  /** What cannot be drawn here the server draws; what it cannot draw either is said. */
  #fail(detail: string): void {
    if (this.byServer || this.plane !== "acquired") {
      this.failed = detail;
      this.first = null;
      return;
    }
    this.#wantedIndex = this.drawing?.index ?? this.#wantedIndex;
    this.#drop();
    this.byServer = true;
    void this.#open();
  }

  #changed(): void {
    if (this.#frame) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      const { drawing } = this;
      if (!drawing?.series || !this.isConnected) return;
      if (drawing.shown) this.first = null;
      this.index = drawing.index;
      this.look = drawing.look;
      this.#placeCursor();
      this.dispatchEvent(new CustomEvent("changed"));
    });
  }

  /** The planes shall meet where this pointer is. */
  aim(event: PointerEvent): void {
    const cut = this.drawing?.cut;
    const box = this.getBoundingClientRect();
    const place = this.drawing?.worldAt([event.clientX - box.left, event.clientY - box.top]);
    if (cut && place?.every(Number.isFinite)) cut.focus = [...place];
  }

  /** Where the presenter points; shown where it belongs, or not at all. */
  point(cursor: FilmCursor | null): void {
    this.#cursor = cursor;
    this.#placeCursor();
  }

  #placeCursor(): void {
    const shown = this.drawing?.shown;
    const cursor = this.#cursor;
    const here = shown && cursor?.instance === shown.instance && cursor.frame === shown.frame;
    this.cursor = here ? (this.drawing?.placeOf(cursor.point) ?? null) : null;
  }

  override focus(): void {
    this.renderRoot.querySelector<HTMLElement>(".focus")?.focus();
  }

  override render() {
    const t = filmMessages();
    const { series, index, look } = this;
    const cut = this.drawing?.cut ?? null;
    const count = this.drawing?.count ?? series?.pictures.length ?? 0;
    const texts = series ? corners(series, cut ? null : index, look, t) : null;
    const letters = this.drawing && look ? sides(this.drawing) : null;
    return html`
      <div
        class="focus"
        tabindex="0"
        role="group"
        aria-label=${t.pane(this.number)}
        aria-description=${t.keysHelp}
        data-testid="film-pane"
        data-plane=${this.plane}
        data-instance=${(cut ? this.drawing?.shown : series?.pictures[index])?.instance ?? nothing}
        data-index=${index}
        data-window=${look?.voi?.map((value) => Math.round(value)).join(",") ?? nothing}
        data-rotation=${look?.rotation ?? nothing}
        data-zoom=${look ? look.zoom.toFixed(3) : nothing}
        data-ready=${this.first === null && this.drawing?.shown ? "" : nothing}
      >
        ${this.first ? html`<img class="first" src=${this.first} alt="" />` : nothing}
        <div class="surface"></div>
      </div>
      ${this.drawing && cut ? cutOverlay(this.drawing, cut, t) : nothing} ${this.#figures()}
      ${
        this.starred
          ? html`<span class="star" role="img" aria-label=${t.keyImage} data-testid="film-star"
              >★</span
            >`
          : nothing
      }
      ${
        letters
          ? Object.entries(letters).map(
              ([side, letter]) =>
                html`<span class="side ${side}" aria-hidden="true">${letter}</span>`,
            )
          : nothing
      }
      ${
        series && !this.compact && !cut
          ? html`<div class="corner top">
              <p>${[series.number, series.description || series.modality].join(" · ")}</p>
            </div>`
          : nothing
      }
      <div class="corner place numbers" data-testid="film-place">
        ${texts?.place.map((line) => html`<p>${line}</p>`)}
      </div>
      <div class="corner drawn numbers" data-testid="film-drawn">
        ${this.number === 1 || !cut ? texts?.drawn.map((line) => html`<p>${line}</p>`) : nothing}
      </div>
      ${
        count > 1
          ? html`<input
              type="range"
              min="1"
              max=${count}
              .value=${String(index + 1)}
              aria-label=${t.scrollbar}
              aria-valuetext=${t.pictureOf(index + 1, count)}
              @input=${this.#slide}
            />`
          : nothing
      }
      ${
        this.byServer && !this.failed
          ? html`<span class="badge" data-testid="film-by-server" title=${t.serverPictureText}
              >${t.serverPicture} · ${t.serverPictureText}</span
            >`
          : nothing
      }
      ${
        this.cursor
          ? html`<svg
              class="cursor"
              data-testid="film-cursor"
              style="left:${this.cursor[0]}px;top:${this.cursor[1]}px"
              viewBox="0 0 28 28"
              fill="none"
              stroke="currentColor"
              stroke-width="2"
              aria-hidden="true"
            >
              <circle cx="14" cy="14" r="7" />
              <path d="M14 1v6M14 21v6M1 14h6M21 14h6" />
            </svg>`
          : nothing
      }
      ${
        this.failed
          ? html`<div class="message" role="alert" data-testid="film-failed">
              ${this.plane === "acquired" ? t.pictureFailed : t.planesFailed}
            </div>`
          : nothing
      }
    `;
  }

  #figures() {
    const { drawing, figures } = this;
    const data = drawing?.shown?.data;
    if (!data || figures.length === 0) return nothing;
    const [columns, rows] = [number(data, TAG.Columns) ?? 1, number(data, TAG.Rows) ?? 1];
    return html`<svg class="figures" data-testid="film-figures" aria-hidden="true">
      ${figuresLayer(figures, ([x, y]) => drawing.placeAt([x / columns, y / rows]))}
    </svg>`;
  }

  readonly #slide = (event: Event): void => {
    this.dispatchEvent(new CustomEvent("gesture"));
    if (this.drawing) this.drawing.index = Number((event.target as HTMLInputElement).value) - 1;
  };
}

declare global {
  interface HTMLElementTagNameMap {
    "distal-film-pane": DistalFilmPane;
  }
}
