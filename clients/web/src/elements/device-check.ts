import { css, html, nothing, type TemplateResult } from "lit";
import { customElement, query, state } from "lit/decorators.js";

import { milliseconds } from "../i18n/format";
import { playTone } from "../media/tone";
import type { DeviceStatus } from "../state/call";
import { shared } from "../style/shared";
import "./details";
import "./device-pickers";
import { CallElement } from "./element";
import { icons } from "./icons";
import "./level";
import "./video";

const trouble = (status: DeviceStatus): boolean =>
  status !== "on" && status !== "off" && status !== "asking";

/** Camera, microphone, speaker and network, before anybody sees or hears; then a name and one button. */
@customElement("distal-device-check")
export class DistalDeviceCheck extends CallElement {
  @state() private heard = false;
  @state() private tone: "idle" | "playing" | "played" = "idle";
  @state() private nameMissing = false;
  @query("#name") private readonly nameInput!: HTMLInputElement | null;

  static override styles = [
    shared,
    css`
      :host {
        display: block;
      }
      .intro {
        color: var(--text-2);
        margin-bottom: var(--space-5);
      }
      .columns {
        display: grid;
        grid-template-columns: minmax(0, 1.15fr) minmax(0, 1fr);
        grid-template-rows: auto 1fr;
        gap: var(--space-5) var(--space-6);
        align-items: start;
      }
      .lines {
        grid-area: 1 / 2 / span 2;
      }
      .preview {
        position: relative;
        aspect-ratio: 16 / 9;
        border-radius: var(--radius);
        overflow: hidden;
        background: var(--picture);
        color: var(--picture-text);
        display: grid;
        place-items: center;
      }
      distal-video {
        position: absolute;
        inset: 0;
      }
      .words {
        padding: var(--space-4);
        text-align: center;
        display: grid;
        justify-items: center;
        gap: var(--space-2);
      }
      .words svg.icon {
        width: 32px;
        height: 32px;
        opacity: 0.75;
      }
      .toggles {
        display: flex;
        gap: var(--space-3);
        margin-top: var(--space-3);
      }
      .toggles button {
        flex: 1;
      }
      .line {
        display: grid;
        grid-template-columns: 24px minmax(0, 1fr);
        gap: 0 var(--space-3);
        padding: var(--space-3) 0;
        border-bottom: 1px solid var(--line);
      }
      .line:first-of-type {
        padding-top: 0;
      }
      .line > svg {
        width: 24px;
        height: 24px;
        color: var(--text-2);
      }
      .line .head {
        display: flex;
        align-items: center;
        flex-wrap: wrap;
        gap: 0 var(--space-3);
      }
      .head strong {
        font-weight: 600;
      }
      .state {
        display: inline-flex;
        align-items: center;
        gap: var(--space-1);
        color: var(--text-2);
      }
      .state.good {
        color: var(--good);
      }
      .state.fair,
      .state.trouble {
        color: var(--caution);
      }
      .state.poor {
        color: var(--danger-text);
      }
      distal-level {
        margin-top: var(--space-2);
      }
      .line button {
        margin-top: var(--space-2);
      }
      form {
        display: grid;
        gap: var(--space-4);
        margin-top: var(--space-4);
      }
      .wrong {
        color: var(--danger-text);
      }
      form .primary {
        width: 100%;
      }
      .single {
        grid-template-columns: minmax(0, var(--text-width));
        grid-template-rows: auto;
      }
      .single .lines {
        grid-area: auto;
      }
      @media (max-width: 767px) {
        .columns {
          grid-template-columns: minmax(0, 1fr);
          grid-template-rows: auto;
        }
        .lines {
          grid-area: auto;
        }
        .preview {
          max-height: 42vh;
          width: 100%;
        }
      }
    `,
  ];

  protected override stores() {
    return [this.call.local, this.call.network, this.call.me, this.call.phase];
  }

  private sends(kind: "audio" | "video"): boolean {
    return this.call.me.value?.grants.publish.includes(kind) ?? false;
  }

  override render() {
    const { t } = this;
    const sendsAny = this.sends("audio") || this.sends("video");
    const kinds = [
      ...(this.sends("video") ? (["camera"] as const) : []),
      ...(this.sends("audio") ? (["microphone"] as const) : []),
      "speaker" as const,
    ];
    return html`
      <p class="caption">${this.call.me.value?.title}</p>
      <h1 tabindex="-1" data-testid="check-title">${t.checkTitle}</h1>
      <p class="intro">${sendsAny ? t.checkText : t.checkWatching}</p>
      <div class="columns ${this.sends("video") ? "" : "single"}">
        ${this.sends("video") ? html`<div class="picture">${this.preview()}</div>` : nothing}
        <div class="lines">
          ${this.sends("audio") ? this.microphone() : nothing} ${this.speaker()} ${this.network()}
          ${this.form()}
        </div>
        <distal-device-pickers .call=${this.call} .kinds=${kinds}></distal-device-pickers>
      </div>
    `;
  }

  private preview() {
    const { t } = this;
    const { camera } = this.call.local.value;
    return html`
      <div class="preview">
        ${
          camera.track
            ? html`<distal-video mirrored .track=${camera.track} label=${t.preview}></distal-video>`
            : html`<div class="words" role="status">
                ${icons.cameraOff}
                <span>
                  ${camera.status === "on" ? nothing : t.deviceStatus.camera[camera.status]}
                  ${trouble(camera.status) ? html`<br />${t.joinAnyway}` : nothing}
                </span>
              </div>`
        }
      </div>
      <div class="toggles">
        <button
          type="button"
          class="quiet"
          data-testid="check-camera-button"
          @click=${() => this.call.setCameraMuted(camera.track !== null)}
        >
          ${camera.track ? icons.camera : icons.cameraOff}
          ${camera.track ? t.stopCamera : t.startCamera}
        </button>
      </div>
    `;
  }

  private line(icon: TemplateResult, title: string, words: unknown, below: unknown = nothing) {
    return html`<section class="line">
      ${icon}
      <div>
        <div class="head"><strong>${title}</strong>${words}</div>
        ${below}
      </div>
    </section>`;
  }

  private microphone() {
    const { t } = this;
    const { status, track } = this.call.local.value.microphone;
    if (status !== "on") {
      const help =
        status === "unavailable" && !isSecureContext
          ? html`<p class="caption">${t.insecureHelp}</p>`
          : status === "denied" || status === "busy" || status === "missing"
            ? this.askAgain(status === "denied" ? t.deniedHelp : t.joinAnyway)
            : nothing;
      return this.line(
        icons.microphoneOff,
        t.devices.microphone,
        html`<span class="state ${trouble(status) ? "trouble" : ""}" role="status"
          >${t.deviceStatus.microphone[status]}</span
        >`,
        help,
      );
    }
    return this.line(
      icons.microphone,
      t.devices.microphone,
      html`<span class="state ${this.heard ? "good" : ""}" role="status">
        ${this.heard ? icons.done : nothing}${this.heard ? t.microphoneHeard : t.microphoneQuiet}
      </span>`,
      html`<distal-level .track=${track} @heard=${() => (this.heard = true)}></distal-level>`,
    );
  }

  private askAgain(help: string) {
    return html`
      <p class="caption">${help}</p>
      <button
        class="quiet"
        data-testid="ask-again-button"
        @click=${() => this.call.askForDevices()}
      >
        ${this.t.again}
      </button>
    `;
  }

  private speaker() {
    const { t } = this;
    const playing = this.tone === "playing";
    return this.line(
      icons.sound,
      t.devices.speaker,
      this.tone === "played"
        ? html`<span class="state" role="status">${t.speakerPlayed}</span>`
        : nothing,
      html`<button
        class="quiet"
        data-testid="speaker-button"
        ?disabled=${playing}
        @click=${this.play}
      >
        ${playing ? t.speakerPlaying : t.speakerTest}
      </button>`,
    );
  }

  private async play(): Promise<void> {
    this.tone = "playing";
    try {
      await playTone(this.call.local.value.speakerId);
    } finally {
      this.tone = "played";
    }
  }

  private network() {
    const { t } = this;
    const network = this.call.network.value;
    switch (network.state) {
      case "idle":
      case "checking":
        return this.line(
          icons.network,
          t.network,
          html`<span class="state" role="status" data-testid="network-result"
            >${t.networkChecking}</span
          >`,
        );
      case "done":
        return this.line(
          icons.network,
          t.network,
          html`<span
            class="state ${network.level} numbers"
            role="status"
            data-testid="network-result"
            data-level=${network.level}
          >
            ${network.level === "good" ? icons.done : icons.warning}
            ${t.networkDone(t.levels[network.level], milliseconds(network.rttMs))}
          </span>`,
          network.level === "good" ? nothing : html`<p class="caption">${t.networkPoor}</p>`,
        );
      case "blocked":
        return this.line(
          icons.network,
          t.network,
          html`<span
            class="state poor"
            role="status"
            data-testid="network-result"
            data-level="blocked"
            >${icons.warning}${t.networkBlocked}</span
          >`,
          html`<p class="caption">${t.networkBlockedNext}</p>
            <p><a href="/network" data-testid="network-link">${t.reachLink}</a></p>
            <button class="quiet" @click=${() => this.call.checkNetwork()}>${t.again}</button>
            <distal-details text=${network.detail}></distal-details>`,
        );
    }
  }

  private form() {
    const { t } = this;
    const me = this.call.me.value;
    const joining = this.call.phase.value.at === "joining";
    return html`<form novalidate @submit=${this.submit}>
      ${
        me?.named
          ? html`<p data-testid="joining-as">${t.joiningAs(me.name ?? "", t.roles[me.role])}</p>`
          : html`<div>
              <label for="name">${t.yourName}</label>
              <input
                id="name"
                data-testid="name-input"
                maxlength="80"
                autocomplete="name"
                .value=${me?.name ?? ""}
                aria-invalid=${this.nameMissing}
                aria-describedby="name-hint"
                @input=${() => (this.nameMissing = false)}
              />
              <p id="name-hint" class=${this.nameMissing ? "wrong" : "caption"} role="status">
                ${this.nameMissing ? t.nameMissing : t.yourNameHint}
              </p>
            </div>`
      }
      <button class="primary large" data-testid="continue-button" ?disabled=${joining}>
        ${joining ? t.entering : t.enter}
      </button>
    </form>`;
  }

  private submit(event: Event): void {
    event.preventDefault();
    const name = this.nameInput ? this.nameInput.value.trim() : (this.call.me.value?.name ?? "");
    this.nameMissing = name === "";
    if (this.nameMissing) this.nameInput?.focus();
    else void this.call.join(name);
  }
}
