import { css, html } from "lit";
import { customElement, property, state } from "lit/decorators.js";

import { bitrate, milliseconds, percent } from "../i18n/format";
import type { Participant } from "../protocol/messages";
import { shared } from "../style/shared";
import { DistalElement } from "./element";
import { icons } from "./icons";

/** Word, sign and colour of somebody's connection; the figures behind it one tap away. */
@customElement("distal-quality")
export class DistalQuality extends DistalElement {
  @property({ attribute: false }) participant!: Participant;
  @state() private open = false;

  static override styles = [
    shared,
    css`
      :host {
        display: contents;
      }
      button {
        padding: 0 var(--space-2);
        font-size: var(--type-caption);
        gap: var(--space-1);
        white-space: nowrap;
        color: var(--text-2);
      }
      :host(:not([floating])) button {
        flex-direction: column;
        gap: 0;
        padding: 0 var(--space-1);
        line-height: 1.2;
      }
      .good {
        color: var(--good);
      }
      .fair {
        color: var(--caution);
      }
      .poor {
        color: var(--danger-text);
      }
      dl {
        display: grid;
        grid-template-columns: auto auto;
        gap: 0 var(--space-4);
        padding: var(--space-2) var(--space-3);
        margin-top: var(--space-1);
        border-radius: var(--radius);
        border: 1px solid var(--line);
        background: var(--surface);
        font-size: var(--type-caption);
        grid-column: 1 / -1; /* of a list row, which sees straight into this element */
      }
      dt {
        color: var(--text-2);
      }
      dd {
        text-align: right;
      }
      :host([floating]) {
        display: block;
        position: relative;
      }
      :host([floating]) dl {
        position: absolute;
        right: 0;
        top: 100%;
        z-index: 5;
        width: max-content;
        max-width: calc(100vw - 2 * var(--space-2));
        background: var(--raised);
        box-shadow: var(--shadow);
      }
    `,
  ];

  override render() {
    const { t } = this;
    const quality = this.participant.quality;
    const level = quality?.level;
    const word = level ? t.levels[level] : t.qualityUnknown;
    return html`<button
        class=${level ?? "unknown"}
        data-testid="quality-button"
        data-level=${level ?? "unknown"}
        aria-expanded=${this.open}
        aria-label=${t.qualityOf(this.participant.name, word)}
        @click=${() => (this.open = !this.open)}
        @keydown=${(event: KeyboardEvent) => {
          if (event.key === "Escape") this.open = false;
        }}
      >
        ${icons.quality[level ?? "unknown"]}<span>${word}</span>
      </button>
      ${this.open ? this.figures() : ""}`;
  }

  private figures() {
    const { t } = this;
    const q = this.participant.quality;
    const optional = (value: number | null | undefined, say: (value: number) => string): string =>
      value === null || value === undefined ? t.unknown : say(value);
    const picture =
      q?.width && q.height
        ? `${q.width} × ${q.height}` +
          (q.frames_per_second ? `, ${Math.round(q.frames_per_second)} fps` : "")
        : t.unknown;
    const rows: [string, string][] = [
      [t.rtt, optional(q?.rtt_ms, milliseconds)],
      [t.lossUp, optional(q?.loss_up, percent)],
      [t.lossDown, optional(q?.loss_down, percent)],
      [t.bitrateUp, optional(q?.bitrate_up_bps, bitrate)],
      [t.bitrateDown, optional(q?.bitrate_down_bps, bitrate)],
      [t.estimateDown, optional(q?.estimate_down_bps, bitrate)],
      [t.picture, picture],
    ];
    return html`<dl class="numbers" data-testid="quality-figures">
      ${rows.map(
        ([name, value]) =>
          html`<dt>${name}</dt>
            <dd>${value}</dd>`,
      )}
    </dl>`;
  }
}
