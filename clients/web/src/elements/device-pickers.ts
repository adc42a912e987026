import { css, html, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";

import { shared } from "../style/shared";
import type { DeviceKind } from "../state/call";
import { CallElement } from "./element";

/** Which camera, microphone and speaker; a kind with no choice is not shown. */
@customElement("distal-device-pickers")
export class DistalDevicePickers extends CallElement {
  @property({ attribute: false }) kinds: readonly DeviceKind[] = [
    "camera",
    "microphone",
    "speaker",
  ];

  static override styles = [
    shared,
    css`
      :host {
        display: grid;
        gap: var(--space-3);
      }
    `,
  ];

  protected override stores() {
    return [this.call.local];
  }

  override render() {
    return this.kinds.map((kind) => this.picker(kind));
  }

  private picker(kind: DeviceKind) {
    const { t } = this;
    const media = this.call.local.value;
    const choices = media.choices[kind];
    if (choices.length === 0) return nothing;
    const chosen = kind === "speaker" ? media.speakerId : media[kind].deviceId;
    return html`<div>
      <label for=${kind}>${t.devices[kind]}</label>
      <select
        id=${kind}
        data-testid="${kind}-select"
        @change=${(event: Event) =>
          this.call.chooseDevice(kind, (event.target as HTMLSelectElement).value)}
      >
        ${choices.map(
          ({ id, label }, index) =>
            html`<option value=${id} ?selected=${id === chosen}>
              ${label || t.deviceDefault(t.devices[kind], index + 1)}
            </option>`,
        )}
      </select>
    </div>`;
  }
}
