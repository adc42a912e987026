import { css, html, nothing, type TemplateResult } from "lit";
import { customElement, query, state } from "lit/decorators.js";

import { participantOf } from "../state/room";
import { shared } from "../style/shared";
import { CallElement } from "./element";
import { icons } from "./icons";

interface Control {
  id: string;
  label: string;
  icon: TemplateResult;
  act: () => void;
  key?: string;
  off?: boolean; // what it stands for is off: marked by word, sign and colour
  on?: boolean;
  count?: number;
  quiet?: boolean; // a number to know, not one to act on
  countLabel?: string;
}

const narrow = matchMedia("(max-width: 719px)");

/** The row of call controls; on a phone the rarer ones are in a sheet. */
@customElement("distal-controls")
export class DistalControls extends CallElement {
  @state() private narrow = narrow.matches;
  @query("dialog") private readonly sheet!: HTMLDialogElement | null;

  static override styles = [
    shared,
    css`
      :host {
        display: block;
        background: var(--surface);
        border-top: 1px solid var(--line);
        padding: var(--space-1) max(var(--space-2), env(safe-area-inset-right))
          max(var(--space-1), env(safe-area-inset-bottom))
          max(var(--space-2), env(safe-area-inset-left));
      }
      .bar {
        display: flex;
        justify-content: center;
        gap: var(--space-1);
      }
      .bar button {
        position: relative;
        flex-direction: column;
        gap: 2px;
        min-width: 72px;
        min-height: 60px;
        padding: var(--space-1) var(--space-2);
        font-size: var(--type-caption);
        line-height: 1.3;
      }
      .bar button svg.icon {
        width: 24px;
        height: 24px;
      }
      .off {
        background: var(--danger-soft);
        color: var(--danger-text);
      }
      .on {
        background: var(--accent-soft);
        color: var(--accent-text);
      }
      .bar .leave {
        background: var(--danger);
        color: var(--on-danger);
        margin-left: var(--space-3);
      }
      .bar .leave:hover {
        background: var(--danger-hover);
      }
      .badge {
        position: absolute;
        top: 3px;
        left: calc(50% + 6px);
        min-width: 18px;
        height: 18px;
        padding: 0 5px;
        border-radius: 9px;
        background: var(--accent-text);
        color: var(--surface);
        font-size: 12px;
        font-weight: 700;
        line-height: 18px;
        text-align: center;
      }
      .badge.quiet {
        background: var(--line);
        color: var(--text);
      }
      .gap {
        width: var(--space-3);
      }
      dialog {
        margin: auto 0 0;
        width: 100vw;
        max-width: none;
        border-width: 1px 0 0;
        border-radius: 16px 16px 0 0;
        padding: var(--space-3) var(--space-4) max(var(--space-4), env(safe-area-inset-bottom));
      }
      dialog ul {
        display: grid;
        gap: var(--space-1);
      }
      dialog li button {
        width: 100%;
        min-height: 52px;
        justify-content: flex-start;
        gap: var(--space-4);
        position: relative;
      }
      dialog header {
        display: flex;
        justify-content: space-between;
        align-items: center;
      }
      dialog .badge {
        position: static;
        margin-left: auto;
      }
      @media (max-width: 719px) {
        .bar {
          gap: 2px;
        }
        .bar button {
          flex: 1;
          min-width: 0;
          padding: var(--space-1) 2px;
        }
        .bar .leave {
          margin-left: 2px;
        }
      }
      @media (min-width: 720px) and (max-width: 899px) {
        .bar button {
          min-width: 62px;
          padding: var(--space-1);
        }
        .gap {
          width: 0;
        }
      }
    `,
  ];

  protected override stores() {
    const { local, room, view, me } = this.call;
    return [local, room, view, me, this.call.film.view];
  }

  override connectedCallback(): void {
    super.connectedCallback();
    narrow.addEventListener("change", this.#resized);
  }

  override disconnectedCallback(): void {
    narrow.removeEventListener("change", this.#resized);
    super.disconnectedCallback();
  }

  readonly #resized = (): void => {
    this.narrow = narrow.matches;
  };

  override render() {
    const { t } = this;
    const { media, own, others } = this.controls();
    const inBar = this.narrow ? others.filter(({ id }) => id === "chat") : others;
    const inSheet = [...own, ...others.filter(({ id }) => id !== "chat")];
    return html`
      <div class="bar" role="group" aria-label=${t.controls}>
        ${media.map((control) => this.button(control))}
        ${this.narrow ? nothing : own.map((control) => this.button(control))}
        ${this.narrow ? nothing : html`<span class="gap"></span>`}
        ${inBar.map((control) => this.button(control))}
        ${
          this.narrow
            ? this.button({
                id: "more",
                label: t.more,
                icon: icons.more,
                act: () => this.sheet?.showModal(),
              })
            : nothing
        }
        <button class="leave" data-testid="leave-button" @click=${() => this.call.leave()}>
          ${icons.leave}<span>${t.leave}</span>
        </button>
      </div>
      ${this.narrow ? this.moreSheet(inSheet) : nothing}
    `;
  }

  private controls(): { media: Control[]; own: Control[]; others: Control[] } {
    const { t, call } = this;
    const { microphone, camera, screen } = call.local.value;
    const { layout, pinned, panel, unread, film, console } = call.view.value;
    const room = call.room.value;
    const publish = call.me.value?.grants.publish ?? [];
    const muted = microphone.muted || !microphone.track;
    const media: Control[] = [];
    if (publish.includes("audio")) {
      media.push({
        id: "mute",
        label: muted ? t.unmute : t.mute,
        icon: muted ? icons.microphoneOff : icons.microphone,
        off: muted,
        key: "m",
        act: () => void call.setMicrophoneMuted(!muted),
      });
    }
    if (publish.includes("video")) {
      media.push({
        id: "camera",
        label: camera.track ? t.stopCamera : t.startCamera,
        icon: camera.track ? icons.camera : icons.cameraOff,
        off: !camera.track,
        key: "v",
        act: () => void call.setCameraMuted(camera.track !== null),
      });
    }
    const own: Control[] = [];
    if (publish.includes("video") && canShare()) {
      own.push({
        id: "share",
        label: screen ? t.shareStop : t.share,
        icon: screen ? icons.screenStop : icons.screen,
        on: screen !== null,
        key: "s",
        act: () => void call.setSharing(!screen),
      });
    }
    const up = (room && participantOf(room, room.self)?.hand_raised_at_ms) != null;
    own.push({
      id: "hand",
      label: up ? t.lowerHand : t.raiseHand,
      icon: icons.hand,
      on: up,
      key: "h",
      act: () => void call.raiseHand(!up),
    });
    if (call.me.value?.grants.film || film || call.film.view.value) {
      own.push({
        id: "film",
        label: t.film,
        icon: icons.film,
        on: film,
        key: "i",
        act: () => call.setFilm(!film),
      });
    }
    if (console || room?.robots.length) {
      own.push({
        id: "console",
        label: t.console,
        icon: icons.robot,
        on: console,
        key: "u",
        act: () => call.setConsole(!console),
      });
    }
    const grid = layout === "grid" && pinned === null;
    const waiting = room?.waiting.length ?? 0;
    const others: Control[] = [
      {
        id: "layout",
        label: grid ? t.speakerLayout : t.grid,
        icon: grid ? icons.speakerLayout : icons.grid,
        act: () => call.setLayout(grid ? "speaker" : "grid"),
      },
      {
        id: "people",
        label: t.people,
        icon: icons.people,
        on: panel === "people",
        count: waiting || (room?.participants.length ?? 0),
        quiet: waiting === 0,
        countLabel: waiting
          ? `${t.waitingRoom} ${waiting}`
          : t.peopleCount(room?.participants.length ?? 0),
        act: () => call.setPanel(panel === "people" ? null : "people"),
      },
      {
        id: "chat",
        label: t.chat,
        icon: icons.chat,
        on: panel === "chat",
        count: unread,
        countLabel: t.unread(unread),
        act: () => call.setPanel(panel === "chat" ? null : "chat"),
      },
      {
        id: "settings",
        label: t.settings,
        icon: icons.settings,
        act: () => this.dispatchEvent(new CustomEvent("settings")),
      },
    ];
    return { media, own, others };
  }

  private button(control: Control) {
    const { id, label, icon, off, on, key } = control;
    return html`<button
      class=${off ? "off" : on ? "on" : ""}
      data-testid="${id}-button"
      data-state=${off ? "off" : on ? "on" : nothing}
      aria-keyshortcuts=${key ?? nothing}
      title=${key ? `${label} (${key.toUpperCase()})` : label}
      @click=${control.act}
    >
      ${icon}<span>${label}</span>${this.badge(control)}
    </button>`;
  }

  private badge({ count, countLabel, quiet }: Control) {
    if (!count) return nothing;
    return html`<span class="badge numbers ${quiet ? "quiet" : ""}" data-testid="badge"
      ><span aria-hidden="true">${count > 99 ? "99+" : count}</span
      ><span class="hidden-text">${countLabel ?? String(count)}</span></span
    >`;
  }

  private moreSheet(controls: readonly Control[]) {
    const { t } = this;
    const close = (): void => this.sheet?.close();
    return html`<dialog
      aria-label=${t.more}
      data-testid="more-sheet"
      @click=${(event: Event) => {
        if (event.target === this.sheet) close();
      }}
    >
      <header>
        <h2>${t.more}</h2>
        <button aria-label=${t.close} @click=${close}>${icons.close}</button>
      </header>
      <ul>
        ${controls.map(
          (control) =>
            html`<li>
              <button
                class=${control.on ? "on" : ""}
                data-testid="${control.id}-button"
                @click=${() => {
                  close();
                  control.act();
                }}
              >
                ${control.icon}<span>${control.label}</span>${this.badge(control)}
              </button>
            </li>`,
        )}
      </ul>
    </dialog>`;
  }
}

export function canShare(): boolean {
  return "mediaDevices" in navigator && "getDisplayMedia" in navigator.mediaDevices;
}
