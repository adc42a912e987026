import { css, html, nothing } from "lit";
import { customElement, query, state } from "lit/decorators.js";

import { duration } from "../i18n/format";
import { chooseLanguage, language } from "../i18n/language";
import { participantOf, type Room } from "../state/room";
import { shared } from "../style/shared";
import "./chat";
import { canShare } from "./controls";
import { CallElement } from "./element";
import { consoleLoaded } from "./console-loading";
import { loadFilm } from "./film-page";
import { icons } from "./icons";
import "./notices";
import "./people";
import "./quality";
import "./settings";
import type { DistalSettings } from "./settings";
import "./shortcuts";
import type { DistalShortcuts } from "./shortcuts";
import "./stage";

/** The consultation: who and how long on top, pictures, people and chat beside them, controls below. */
@customElement("distal-room")
export class DistalRoom extends CallElement {
  @state() private elapsedMs = 0;
  @query("distal-settings") private readonly settings!: DistalSettings;
  @query("distal-shortcuts") private readonly shortcuts!: DistalShortcuts;
  #timer: ReturnType<typeof setInterval> | undefined;

  static override styles = [
    shared,
    css`
      :host {
        display: grid;
        grid-template-rows: auto auto minmax(0, 1fr) auto;
        grid-template-columns: minmax(0, 1fr);
        height: 100dvh;
        min-width: 0;
        background: var(--surface);
        overflow: hidden;
      }
      header {
        display: flex;
        align-items: center;
        gap: var(--space-2);
        padding: 2px var(--space-2) 2px var(--space-4);
        min-height: 48px;
      }
      h1 {
        font-size: var(--type-body);
        margin-right: auto;
        min-width: 0;
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      .chip {
        display: inline-flex;
        align-items: center;
        gap: var(--space-1);
        font-size: var(--type-caption);
        white-space: nowrap;
        color: var(--text-2);
      }
      .chip.sharing {
        color: var(--accent-text);
        min-width: 0;
      }
      .chip.sharing span {
        overflow: hidden;
        text-overflow: ellipsis;
      }
      .chip.locked,
      .chip.watched {
        color: var(--caution);
      }
      button.chip {
        min-height: 36px;
        min-width: 0;
        padding: 0 var(--space-3);
        border: 1px solid var(--line);
        max-width: 34ch;
      }
      .chip.robot span {
        overflow: hidden;
        text-overflow: ellipsis;
      }
      .chip.robot.held {
        color: var(--accent-text);
        border-color: var(--accent-text);
      }
      .console {
        overflow: hidden;
      }
      .chip button {
        font-size: var(--type-caption);
        padding: 0 var(--space-3);
        color: var(--text);
      }
      .language {
        font-size: var(--type-caption);
        padding: 0 var(--space-2);
      }
      .body {
        position: relative;
        display: grid;
        grid-template-columns: minmax(0, 1fr) auto;
        min-height: 0;
      }
      distal-stage {
        margin: 0 var(--space-2) var(--space-2);
      }
      .with-film {
        grid-template-columns: minmax(0, 1fr) clamp(180px, 18vw, 300px) auto;
      }
      .with-film.with-panel {
        grid-template-columns: minmax(0, 1fr) 180px auto;
      }
      .with-film distal-stage {
        margin-left: 0;
      }
      .film,
      .console {
        border: 1px solid var(--line);
        border-radius: var(--radius);
        margin: 0 var(--space-2) var(--space-2);
      }
      .loading {
        margin: 10vh auto;
        text-align: center;
        color: var(--text-2);
      }
      distal-notices {
        position: absolute;
        top: 0;
        left: var(--space-3);
        right: var(--space-3);
        z-index: 3;
      }
      .with-panel distal-notices {
        right: calc(var(--panel-width) + var(--space-4));
      }
      .side {
        width: var(--panel-width);
        min-height: 0;
        display: flex;
        flex-direction: column;
        background: var(--raised);
        border: 1px solid var(--line);
        border-radius: var(--radius);
        margin: 0 var(--space-2) var(--space-2) 0;
        padding: 0 var(--space-3) var(--space-3);
      }
      .tabs {
        display: flex;
        align-items: center;
        gap: var(--space-1);
        border-bottom: 1px solid var(--line);
        margin: 0 calc(-1 * var(--space-3));
        padding: 0 var(--space-1) 0 var(--space-2);
      }
      [role="tablist"] {
        display: flex;
        flex: 1;
      }
      [role="tab"] {
        border-radius: 0;
        border-bottom: 2px solid transparent;
        padding: 0 var(--space-3);
        color: var(--text-2);
      }
      [role="tab"][aria-selected="true"] {
        color: var(--text);
        font-weight: 600;
        border-bottom-color: var(--accent-text);
      }
      .unread {
        background: var(--accent-text);
        color: var(--surface);
        border-radius: 9px;
        padding: 0 6px;
        font-size: 12px;
        font-weight: 700;
        line-height: 18px;
      }
      [role="tabpanel"] {
        flex: 1;
        min-height: 0;
        overflow-y: auto;
      }
      @media (max-width: 899px) {
        header {
          flex-wrap: wrap;
          gap: 0 var(--space-3);
        }
        h1 {
          flex: 1 1 60%;
        }
        .chip:not([role]) {
          order: 9; /* what is shared, locked or watched: a row of its own */
          min-height: 32px;
        }
        .with-film,
        .with-film.with-panel {
          grid-template: minmax(0, 1fr) clamp(76px, 13vh, 130px) / minmax(0, 1fr);
        }
        .film,
        .console {
          margin-bottom: 2px;
          border-radius: 0;
          border-width: 1px 0;
          margin-inline: 0;
        }
        .with-film distal-stage {
          margin-left: var(--space-2);
        }
        .side {
          position: absolute;
          inset: 0 0 0 auto;
          z-index: 2;
          width: min(380px, 100%);
          margin: 0;
          border-radius: var(--radius) 0 0 0;
        }
        .with-panel distal-notices {
          right: var(--space-3);
        }
      }
      @media (max-width: 719px) {
        header {
          padding-left: var(--space-3);
        }
        h1 {
          flex: 1 1 calc(100% - 160px); /* time and quality stay beside it */
        }
        .language {
          display: none;
        }
        distal-stage {
          margin: 0 var(--space-1) var(--space-1);
        }
        .side {
          width: 100%;
          border-width: 1px 0 0;
          border-radius: 0;
        }
      }
    `,
  ];

  protected override stores() {
    const { room, view, me, link, local } = this.call;
    return [room, view, me, link, local];
  }

  override connectedCallback(): void {
    super.connectedCallback();
    window.addEventListener("keydown", this.#key);
    this.#tick();
    this.#timer = setInterval(() => this.#tick(), 1000);
  }

  override disconnectedCallback(): void {
    window.removeEventListener("keydown", this.#key);
    clearInterval(this.#timer);
    super.disconnectedCallback();
  }

  readonly #nameOf = (id: string): string => {
    const room = this.call.room.value;
    return (room && participantOf(room, id)?.name) ?? "";
  };

  #tick(): void {
    const start = this.call.room.value?.startedAtMs;
    this.elapsedMs = start === undefined ? 0 : Date.now() - start;
  }

  override render() {
    const room = this.call.room.value;
    if (!room) return nothing;
    const { panel, film, console } = this.call.view.value;
    return html`
      <div class="banner"><slot name="banner"></slot></div>
      ${this.top(room)}
      <main class="body ${panel ? "with-panel" : ""} ${film || console ? "with-film" : ""}">
        ${film ? this.film() : nothing} ${console ? this.console() : nothing}
        <distal-stage .call=${this.call}></distal-stage>
        ${panel ? this.panel(panel) : nothing}
        <distal-notices .call=${this.call}></distal-notices>
      </main>
      <footer>
        <distal-controls
          .call=${this.call}
          @settings=${() => this.settings.show()}
        ></distal-controls>
      </footer>
      <distal-settings .call=${this.call}></distal-settings>
      <distal-shortcuts></distal-shortcuts>
    `;
  }

  /** The images take the room's middle, the people stay beside them. */
  private film() {
    const { call } = this;
    loadFilm(this);
    return html`<distal-film
      class="film"
      closable
      .token=${call.token}
      .shared=${call.film}
      .nameOf=${this.#nameOf}
      ?mayLead=${call.me.value?.grants.film ?? false}
      @close-film=${() => call.setFilm(false)}
      ><p class="loading" role="status">${this.t.filmOpening}</p></distal-film
    >`;
  }

  /** So does a robot's console. */
  private console() {
    if (!consoleLoaded(this)) {
      return html`<p class="loading" role="status">${this.t.consoleOpening}</p>`;
    }
    return html`<distal-ultrasound class="console" .call=${this.call}></distal-ultrasound>`;
  }

  private top(room: Room) {
    const { t } = this;
    const self = participantOf(room, room.self);
    return html`<header>
      <h1 tabindex="-1" title=${room.title} data-testid="room-title">${room.title}</h1>
      ${this.sharing(room)} ${this.robots(room)}
      ${
        room.locked
          ? html`<span class="chip locked" data-testid="locked-mark"
              >${icons.lock}${t.locked}</span
            >`
          : nothing
      }
      ${
        room.players > 0
          ? html`<span class="chip watched" data-testid="watched-mark"
              >${icons.watching}${t.watchedBy(room.players)}</span
            >`
          : nothing
      }
      <span class="chip numbers" role="timer" aria-label=${t.elapsed}
        >${duration(this.elapsedMs)}</span
      >
      ${self ? html`<distal-quality floating .participant=${self}></distal-quality>` : nothing}
      <button
        class="language"
        data-testid="language-button"
        lang=${language.value === "en" ? "zh-CN" : "en"}
        @click=${() => chooseLanguage(language.value === "en" ? "zh-CN" : "en")}
      >
        ${t.otherLanguage}
      </button>
    </header>`;
  }

  /** Who moves a robot, for everybody to see. */
  private robots(room: Room) {
    const { t } = this;
    return room.robots.map(({ participant, holder, label }) => {
      const mine = holder === room.self;
      const held = mine ? t.robotYours : t.robotHeld(this.#nameOf(holder));
      const text = holder ? held : t.robotFree;
      return html`<button
        class="chip robot ${holder ? "held" : ""}"
        data-testid="robot-mark"
        data-participant=${participant}
        data-holder=${holder}
        title="${label}: ${text}"
        @click=${() => this.call.setConsole(true)}
      >
        ${icons.robot}<span>${text}</span>
      </button>`;
    });
  }

  private sharing(room: Room) {
    const { t } = this;
    if (this.call.local.value.screen) {
      return html`<span class="chip sharing" data-testid="sharing-mark">
        ${icons.screen}<span>${t.youShare}</span>
        <button class="quiet" @click=${() => this.call.setSharing(false)}>${t.stopSharing}</button>
      </span>`;
    }
    const sharer = room.participants.find(
      (p) => p.id !== room.self && p.tracks.some((track) => track.source === "screen"),
    );
    if (!sharer) return nothing;
    return html`<span class="chip sharing" data-testid="sharing-mark">
      ${icons.screen}<span>${t.sharingNow(sharer.name)}</span>
    </span>`;
  }

  private panel(panel: "people" | "chat") {
    const { t } = this;
    const { unread } = this.call.view.value;
    const tab = (id: "people" | "chat", label: string, mark: unknown) =>
      html`<button
        role="tab"
        id="${id}-tab"
        data-testid="${id}-tab"
        aria-selected=${panel === id}
        aria-controls="panel"
        tabindex=${panel === id ? 0 : -1}
        @click=${() => this.call.setPanel(id)}
        @keydown=${this.#tabKey}
      >
        ${label}${mark}
      </button>`;
    return html`<section class="side" aria-label=${t.sidePanel} data-testid="panel">
      <div class="tabs">
        <div role="tablist">
          ${tab("people", t.people, nothing)}
          ${tab(
            "chat",
            t.chat,
            unread > 0
              ? html`<span class="unread numbers" aria-label=${t.unread(unread)}>${unread}</span>`
              : nothing,
          )}
        </div>
        <button
          data-testid="panel-close-button"
          aria-label=${t.close}
          @click=${() => this.call.setPanel(null)}
        >
          ${icons.close}
        </button>
      </div>
      <div id="panel" role="tabpanel" aria-labelledby="${panel}-tab">
        ${
          panel === "people"
            ? html`<distal-people .call=${this.call}></distal-people>`
            : html`<distal-chat .call=${this.call}></distal-chat>`
        }
      </div>
    </section>`;
  }

  readonly #tabKey = (event: KeyboardEvent): void => {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    this.call.setPanel(this.call.view.value.panel === "people" ? "chat" : "people");
    void this.updateComplete.then(() =>
      this.renderRoot.querySelector<HTMLElement>('[role="tab"][aria-selected="true"]')?.focus(),
    );
  };

  /** Single keys, as long as nobody is writing and no dialog is open. */
  readonly #key = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
    const path = event.composedPath();
    const target = path[0];
    if (target instanceof Element && target.matches("input, textarea, select")) return;
    if (path.some((each) => each instanceof HTMLDialogElement) && event.key !== "?") return;
    const { call } = this;
    const { microphone, camera, screen } = call.local.value;
    const publish = call.me.value?.grants.publish ?? [];
    switch (event.key.toLowerCase()) {
      case "m":
        if (publish.includes("audio")) {
          void call.setMicrophoneMuted(!(microphone.muted || !microphone.track));
        }
        break;
      case "v":
        if (publish.includes("video")) void call.setCameraMuted(camera.track !== null);
        break;
      case "s":
        if (publish.includes("video") && canShare()) void call.setSharing(!screen);
        break;
      case "h": {
        const room = call.room.value;
        const up = room && participantOf(room, room.self)?.hand_raised_at_ms != null;
        void call.raiseHand(!up);
        break;
      }
      case "i":
        if (call.me.value?.grants.film || call.film.view.value) call.setFilm(!call.view.value.film);
        break;
      case "u":
        if (call.room.value?.robots.length) call.setConsole(!call.view.value.console);
        break;
      case "?":
        this.shortcuts.toggle();
        break;
      case "escape":
        call.setPanel(null);
        break;
      default:
        return;
    }
    event.preventDefault();
  };
}
