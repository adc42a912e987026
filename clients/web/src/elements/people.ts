import { css, html, nothing } from "lit";
import { customElement, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";

import type { Participant, WaitingPerson } from "../protocol/messages";
import { byHand } from "../state/room";
import { shared } from "../style/shared";
import "./confirm";
import type { DistalConfirm } from "./confirm";
import { CallElement } from "./element";
import { icons } from "./icons";
import "./invite";
import "./quality";
import { initials } from "./initials";

/** Who is here and who waits, hands in the order they went up; for moderators what they may do. */
@customElement("distal-people")
export class DistalPeople extends CallElement {
  @state() private open: string | null = null;
  @state() private asked: string | null = null;

  static override styles = [
    shared,
    css`
      :host {
        display: block;
      }
      h2 {
        font-size: var(--type-body);
        display: flex;
        justify-content: space-between;
        align-items: center;
        padding: var(--space-3) 0 var(--space-1);
      }
      h2 .caption {
        font-weight: 400;
      }
      li {
        padding: var(--space-2) 0;
        border-bottom: 1px solid var(--line);
      }
      .row {
        display: grid;
        grid-template-columns: 36px minmax(0, 1fr) auto auto;
        column-gap: var(--space-2);
        align-items: center;
      }
      .row > :nth-child(2) {
        padding-left: var(--space-1);
      }
      .menu {
        grid-area: 1 / 4;
        padding: 0;
      }
      .letters {
        width: 36px;
        height: 36px;
        border-radius: 50%;
        display: grid;
        place-items: center;
        background: var(--accent-soft);
        color: var(--accent-text);
        font-weight: 600;
        font-size: var(--type-caption);
      }
      .name {
        font-weight: 600;
        overflow-wrap: anywhere;
        line-height: 1.35;
      }
      .caption {
        overflow-wrap: anywhere;
      }
      .marks {
        display: flex;
        align-items: center;
        flex-wrap: wrap;
        gap: 0 var(--space-3);
        font-size: var(--type-caption);
      }
      .marks > span {
        display: inline-flex;
        align-items: center;
        gap: var(--space-1);
      }
      .off {
        color: var(--danger-text);
      }
      .hand {
        color: var(--caution);
        font-weight: 600;
      }
      .away {
        color: var(--caution);
      }
      .below {
        display: flex;
        flex-wrap: wrap;
        gap: var(--space-2);
        margin-top: var(--space-2);
      }
      .below button,
      .waiting button {
        flex: 1 1 auto;
        padding: 0 var(--space-3);
      }
      .waiting li {
        border: 1px solid var(--line);
        border-radius: var(--radius);
        background: var(--accent-soft);
        padding: var(--space-3);
        margin-bottom: var(--space-2);
      }
      .remove {
        color: var(--danger-text);
      }
      .lock {
        margin-top: var(--space-4);
      }
      .lock button {
        width: 100%;
      }
      .lock p {
        margin-top: var(--space-1);
      }
    `,
  ];

  protected override stores() {
    return [this.call.room, this.call.me, this.call.view];
  }

  override render() {
    const room = this.call.room.value;
    if (!room) return nothing;
    const { t } = this;
    const moderates = this.call.me.value?.grants.moderate ?? false;
    const people = byHand(room.participants);
    return html`
      ${
        room.waiting.length > 0
          ? html`<h2>${t.waitingRoom}<span class="caption">${room.waiting.length}</span></h2>
              <ul class="waiting">
                ${repeat(
                  room.waiting,
                  ({ id }) => id,
                  (person) => this.waiting(person),
                )}
              </ul>`
          : nothing
      }
      <h2>${t.inRoom}<span class="caption">${t.peopleCount(room.participants.length)}</span></h2>
      <ul>
        ${repeat(
          people,
          ({ id }) => id,
          (person, index) => this.person(person, index, moderates && person.id !== room.self),
        )}
      </ul>
      ${
        moderates
          ? html`${this.lock(room.locked)}<distal-invite .call=${this.call}></distal-invite>`
          : nothing
      }
      <distal-confirm></distal-confirm>
    `;
  }

  private waiting(person: WaitingPerson) {
    const { t } = this;
    return html`<li data-testid="waiting-person" data-participant=${person.id}>
      <div class="row">
        <span class="letters" aria-hidden="true">${initials(person.name)}</span>
        <div>
          <div class="name">${person.name}</div>
          <div class="caption">${this.roleLine(person)}</div>
        </div>
      </div>
      <div class="below">
        <button
          class="primary"
          data-testid="admit-button"
          aria-label=${t.admitNamed(person.name)}
          @click=${() => this.call.admit(person.id)}
        >
          ${t.admit}
        </button>
        <button
          class="quiet"
          data-testid="deny-button"
          aria-label=${t.denyNamed(person.name)}
          @click=${() => this.call.deny(person.id)}
        >
          ${t.deny}
        </button>
      </div>
    </li>`;
  }

  private roleLine({ role, institution }: { role: Participant["role"]; institution: string }) {
    return [this.t.roles[role], institution].filter(Boolean).join(" · ");
  }

  private person(person: Participant, index: number, moderated: boolean) {
    const { t } = this;
    const self = person.id === this.call.room.value?.self;
    const open = this.open === person.id;
    return html`<li data-testid="person" data-participant=${person.id}>
      <div class="row">
        <span class="letters" aria-hidden="true">${initials(person.name)}</span>
        <div>
          <div class="name">${self ? t.youNamed(person.name) : person.name}</div>
          <div class="caption">${this.roleLine(person)}</div>
          <div class="marks">${this.marks(person, index)}</div>
        </div>
        <button
          class="menu"
          data-testid="person-button"
          aria-expanded=${open}
          aria-label=${t.actionsFor(person.name)}
          @click=${() => (this.open = open ? null : person.id)}
        >
          ${icons.more}
        </button>
        <distal-quality .participant=${person}></distal-quality>
      </div>
      ${open ? this.actions(person, moderated) : nothing}
    </li>`;
  }

  private marks(person: Participant, index: number) {
    const { t } = this;
    const on = (source: string): boolean =>
      person.tracks.some((track) => track.source === source && !track.muted);
    return html`
      ${
        person.state === "reconnecting"
          ? html`<span class="away">${icons.warning}${t.reconnecting}</span>`
          : nothing
      }
      ${
        person.hand_raised_at_ms === null
          ? nothing
          : html`<span class="hand" data-testid="hand-place"
              >${icons.hand}${t.handUpAt(index + 1)}</span
            >`
      }
      ${
        on("microphone")
          ? nothing
          : html`<span class="off">${icons.microphoneOff}${t.microphoneOff}</span>`
      }
      ${
        on("camera") || on("device")
          ? nothing
          : html`<span class="caption">${icons.cameraOff}${t.cameraOff}</span>`
      }
      ${on("screen") ? html`<span class="caption">${icons.screen}${t.sharing}</span>` : nothing}
    `;
  }

  private actions(person: Participant, moderated: boolean) {
    const { t } = this;
    const key = `${person.id}:camera`;
    const pinned = this.call.view.value.pinned === key;
    return html`<div class="below">
        <button class="quiet" @click=${() => this.call.setPinned(pinned ? null : key)}>
          ${icons.pin}${pinned ? t.unpin : t.pin}
        </button>
        ${
          moderated
            ? html`<button
                  class="quiet"
                  data-testid="ask-mute-button"
                  @click=${() => this.askMute(person)}
                >
                  ${icons.microphoneOff}${t.askMute}
                </button>
                <button
                  class="quiet remove"
                  data-testid="remove-button"
                  @click=${() => this.askAndRemove(person)}
                >
                  ${t.remove}
                </button>`
            : nothing
        }
      </div>
      <p class="caption" role="status">
        ${this.asked === person.id ? t.muteAskedOf(person.name) : nothing}
      </p>`;
  }

  private async askMute(person: Participant): Promise<void> {
    await this.call.askMute(person.id);
    this.asked = person.id;
  }

  private async askAndRemove({ id, name }: Participant): Promise<void> {
    const { t } = this;
    const dialog = this.renderRoot.querySelector<DistalConfirm>("distal-confirm");
    const sure = await dialog?.ask({
      title: t.removeTitle(name),
      text: t.removeText(name),
      action: t.removeConfirm(name),
    });
    if (sure) await this.call.remove(id);
  }

  private lock(locked: boolean) {
    const { t } = this;
    return html`<div class="lock">
      <button
        class="quiet"
        data-testid="lock-button"
        data-locked=${locked}
        @click=${() => this.call.lock(!locked)}
      >
        ${locked ? icons.unlock : icons.lock}${locked ? t.unlock : t.lock}
      </button>
      <p class="caption">${locked ? t.lockedHint : t.unlockedHint}</p>
    </div>`;
  }
}
