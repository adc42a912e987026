import { css, html, nothing } from "lit";
import { customElement } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";

import type { Notice } from "../state/call";
import { shared } from "../style/shared";
import "./details";
import { CallElement } from "./element";
import { icons } from "./icons";

/** One fixed place for what the room has to say: connection, sound, who waits, short news. */
@customElement("distal-notices")
export class DistalNotices extends CallElement {
  static override styles = [
    shared,
    css`
      :host {
        display: grid;
        gap: var(--space-2);
        justify-items: center;
        pointer-events: none;
      }
      .notice {
        pointer-events: auto;
        display: flex;
        align-items: center;
        gap: var(--space-2) var(--space-3);
        max-width: 100%;
        padding: var(--space-1) var(--space-2) var(--space-1) var(--space-4);
        min-height: var(--touch);
        border: 1px solid var(--line);
        border-radius: var(--radius);
        background: var(--raised);
        box-shadow: var(--shadow);
      }
      .notice > span {
        overflow-wrap: anywhere;
        min-width: 0;
        flex: 1 1 auto;
      }
      .notice > svg {
        color: var(--text-2);
      }
      .notice.caution {
        background: var(--caution-soft);
        border-color: var(--caution);
      }
      .notice.caution > svg {
        color: var(--caution);
      }
      .notice.ask {
        background: var(--accent-soft);
        border-color: var(--accent-text);
      }
      .notice button {
        padding: 0 var(--space-3);
        flex: none;
      }
      @media (max-width: 599px) {
        .notice {
          padding-left: var(--space-3);
          line-height: 1.35;
        }
      }
      .plain {
        padding-right: var(--space-4);
      }
    `,
  ];

  protected override stores() {
    const { notices, link, soundBlocked, room, view } = this.call;
    return [notices, link, soundBlocked, room, view];
  }

  override render() {
    return html`
      <div role="alert">${this.link()}</div>
      ${this.sound()} ${this.waiting()}
      ${repeat(
        this.call.notices.value,
        ({ id }) => id,
        (notice) => this.notice(notice),
      )}
    `;
  }

  private link() {
    const { t } = this;
    const link = this.call.link.value;
    if (link.state === "online") return nothing;
    const text =
      link.state === "closing"
        ? t.linkClosing(Math.ceil(link.reconnectAfterMs / 1000))
        : t.linkReconnecting;
    return html`<div class="notice caution plain" data-testid="link-banner">
      ${icons.warning}<span>${text}</span>
    </div>`;
  }

  private sound() {
    const { t } = this;
    if (!this.call.soundBlocked.value) return nothing;
    return html`<div class="notice caution" role="alert">
      ${icons.sound}<span>${t.soundBlocked}</span>
      <button class="primary" data-testid="sound-button" @click=${() => this.call.turnOnSound()}>
        ${t.turnOnSound}
      </button>
    </div>`;
  }

  private waiting() {
    const { t } = this;
    const [first, ...others] = this.call.room.value?.waiting ?? [];
    if (!first || this.call.view.value.panel === "people") return nothing; // it lists them all
    return html`<div class="notice ask" role="alert" data-testid="waiting-notice">
      ${icons.clock}
      <span
        ><strong>${t.isWaiting(first.name)}</strong> · ${t.roles[first.role]}
        ${others.length > 0 ? t.moreWaiting(others.length) : nothing}</span
      >
      <button
        class="primary"
        data-testid="notice-admit-button"
        aria-label=${t.admitNamed(first.name)}
        @click=${() => this.call.admit(first.id)}
      >
        ${t.admit}
      </button>
      <button data-testid="notice-people-button" @click=${() => this.call.setPanel("people")}>
        ${t.waitingRoom}
      </button>
    </div>`;
  }

  private notice(notice: Notice) {
    const { t } = this;
    const asks = notice.kind === "mute_asked";
    return html`<div
      class="notice ${asks ? "ask" : ""}"
      role=${asks ? "alert" : "status"}
      data-testid="notice"
      data-kind=${notice.kind}
    >
      <span>${this.words(notice)}</span>
      ${
        asks
          ? html`<button
              class="primary"
              data-testid="mute-now-button"
              @click=${() => this.call.setMicrophoneMuted(true)}
            >
              ${t.notice.muteNow}
            </button>`
          : nothing
      }
      <button
        aria-label=${t.notice.dismiss}
        data-testid="dismiss-button"
        @click=${() => this.call.dismiss(notice.id)}
      >
        ${icons.close}
      </button>
    </div>`;
  }

  private words(notice: Notice): unknown {
    const words = this.t.notice;
    switch (notice.kind) {
      case "mute_asked":
        return words.muteAsked(notice.by);
      case "joined":
        return words.joined(notice.name);
      case "left":
        return words[notice.reason](notice.name);
      case "hand":
        return words.hand(notice.name);
      case "locked":
        return notice.locked ? words.locked : words.unlocked;
      case "device_lost":
        return notice.device === "camera" ? words.cameraLost : words.microphoneLost;
      case "device_failed":
        return this.t.deviceStatus[notice.device][notice.status];
      case "media_lost":
        return words.mediaLost;
      case "share_failed":
        return html`${words.shareFailed} <distal-details text=${notice.detail}></distal-details>`;
      case "refused":
        return html`${words.refused} <distal-details text=${notice.detail}></distal-details>`;
    }
  }
}
