import { css, html, nothing } from "lit";
import { customElement, state } from "lit/decorators.js";

import type { Console, Robot } from "../../control/console";
import { LiveConsole } from "../../control/live";
import { picturesOf } from "../../control/pictures";
import { controlMessages } from "../../i18n/control";
import type { TrackInfo } from "../../protocol/messages";
import type { Call } from "../../state/call";
import { participantOf } from "../../state/room";
import { shared } from "../../style/shared";
import { CallElement } from "../element";
import { icons } from "../icons";
import { caseOf } from "./cases";
import "./console";

/** Makes a console for a robot of the room; the gallery has another. */
export type Maker = (call: Call, robot: Robot) => Console;

function live(call: Call, robot: Robot): Console {
  const { participant, grants } = call.me.value ?? { participant: "", grants: { control: false } };
  const exchange = (sdp: string): Promise<string> => call.openControl(sdp);
  return new LiveConsole({ self: participant, grants, exchange }, robot);
}

/**
 * The ultrasound console in a room. It lives as long as it is on the page: putting it away gives
 * control back.
 */
@customElement("distal-ultrasound")
export class DistalUltrasound extends CallElement {
  static make: Maker = live;
  @state() private chosen: string | null = null;
  #console: Console | null = null;
  #shown = new Map<string, number>(); // by track, in lines
  readonly #size = new ResizeObserver(() => this.#tell());

  static override styles = [
    shared,
    css`
      :host {
        display: flex;
        flex-direction: column;
        min-width: 0;
        min-height: 0;
        background: var(--surface);
      }
      distal-console {
        flex: 1;
      }
      .none {
        margin: auto;
        padding: var(--space-5);
        text-align: center;
      }
      .none button {
        margin-top: var(--space-4);
      }
      select {
        width: auto;
        margin: var(--space-1) var(--space-2) 0;
      }
    `,
  ];

  protected override stores() {
    return [this.call.room, this.call.remote, this.call.me];
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#size.observe(this);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#size.disconnect();
    for (const track of this.#shown.keys()) this.call.show(track, 0, false);
    this.#shown.clear();
    this.#console?.close();
    this.#console = null;
  }

  override updated(): void {
    this.#tell();
  }

  readonly #nameOf = (id: string): string => {
    const room = this.call.room.value;
    const name = room ? participantOf(room, id)?.name : undefined;
    return name ?? controlMessages().unknown;
  };

  /** The console of the robot that is chosen; a robot that has left keeps its own until another comes. */
  #current(): Console | null {
    const robots = this.call.room.value?.robots ?? [];
    const robot = robots.find(({ participant }) => participant === this.chosen) ?? robots[0];
    if (robot && robot.participant !== this.#console?.robot.value?.id) {
      this.#console?.close();
      const { participant: id, label } = robot;
      this.#console = DistalUltrasound.make(this.call, { id, label });
    }
    return this.#console;
  }

  override render() {
    const c = controlMessages();
    const room = this.call.room.value;
    if (!room || !this.isConnected) return nothing;
    const console = this.#current();
    if (!console) {
      return html`<div class="none" data-testid="no-robot">
        <h2>${c.status.noRobot}</h2>
        <p class="caption">${c.status.noRobotText}</p>
        <p class="caption">${c.disclaimer}</p>
        <button
          class="quiet"
          data-testid="console-close"
          @click=${() => this.call.setConsole(false)}
        >
          ${c.close}
        </button>
      </div>`;
    }
    const id = console.robot.value?.id ?? null;
    const { ultrasound, room: camera } = picturesOf(participantOf(room, id));
    const present = room.robots.some(({ participant }) => participant === id);
    return html`${this.chooser(id)}
      <distal-console
        .console=${console}
        .ultrasound=${this.#trackOf(ultrasound)}
        .room=${this.#trackOf(camera)}
        .case=${this.call.me.value?.grants.film ? caseOf(this.call) : null}
        .present=${present}
        .nameOf=${this.#nameOf}
        >${this.closeButton()}</distal-console
      >`;
  }

  #trackOf(info: TrackInfo | null): MediaStreamTrack | null {
    return info === null || info.muted ? null : (this.call.remote.value.get(info.id) ?? null);
  }

  private chooser(id: string | null) {
    const robots = this.call.room.value?.robots ?? [];
    if (robots.length < 2) return nothing;
    return html`<select
      aria-label=${controlMessages().choose}
      data-testid="robot-select"
      @change=${(event: Event) => (this.chosen = (event.target as HTMLSelectElement).value)}
    >
      ${robots.map(
        ({ participant, label }) =>
          html`<option value=${participant} ?selected=${participant === id}>${label}</option>`,
      )}
    </select>`;
  }

  private closeButton() {
    const { close } = controlMessages();
    return html`<button
      slot="close"
      data-testid="console-close"
      aria-label=${close}
      title=${close}
      @click=${() => this.call.setConsole(false)}
    >
      ${icons.close}
    </button>`;
  }

  /** The server sends what is shown, as large as it is shown. */
  #tell(): void {
    const room = this.call.room.value;
    const id = this.#console?.robot.value?.id ?? null;
    if (!room || !id) return;
    const { ultrasound, room: camera } = picturesOf(participantOf(room, id));
    const lines = this.clientHeight * devicePixelRatio;
    const wanted = new Map<string, number>();
    if (ultrasound) wanted.set(ultrasound.id, lines);
    if (camera) wanted.set(camera.id, lines / 3);
    for (const track of this.#shown.keys()) {
      if (!wanted.has(track)) this.call.show(track, 0, false);
    }
    for (const [track, high] of wanted) this.call.show(track, high, track === ultrasound?.id);
    this.#shown = wanted;
  }
}
