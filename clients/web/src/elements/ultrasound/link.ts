import { css, html, nothing } from "lit";
import { customElement, state } from "lit/decorators.js";

import { milliseconds, percent } from "../../i18n/format";
import { messages } from "../../i18n/language";
import { shared } from "../../style/shared";
import { icons } from "../icons";
import { ConsoleElement } from "./element";

const STILL_MS = 300;

/** Delays and losses, always in sight; word, sign and colour. */
@customElement("distal-link")
export class DistalLink extends ConsoleElement {
  @state() private open = false;

  static override styles = [
    shared,
    css`
      :host {
        display: block;
        position: relative;
        font-size: var(--type-caption);
      }
      button {
        min-height: 36px;
        padding: 0 var(--space-2);
        gap: var(--space-3);
        font-size: var(--type-caption);
        white-space: nowrap;
      }
      .level {
        display: inline-flex;
        align-items: center;
        gap: var(--space-1);
      }
      [data-level="good"] .level {
        color: var(--good);
      }
      [data-level="fair"] .level,
      .off {
        color: var(--caution);
      }
      [data-level="poor"] .level {
        color: var(--danger-text);
      }
      .sheet {
        position: absolute;
        top: 100%;
        right: 0;
        z-index: 4;
        padding: var(--space-3) var(--space-4);
        background: var(--raised);
        border: 1px solid var(--line);
        border-radius: var(--radius);
        box-shadow: var(--shadow);
      }
      dl {
        display: grid;
        grid-template-columns: auto auto;
        gap: var(--space-1) var(--space-4);
        white-space: nowrap;
      }
      dt {
        color: var(--text-2);
      }
      dd {
        text-align: right;
      }
      @media (max-width: 719px) {
        button {
          min-height: var(--touch);
        }
        .sheet {
          left: 0;
          right: auto;
        }
      }
    `,
  ];

  protected override stores() {
    return [this.console.figures];
  }

  override render() {
    const { c } = this;
    const f = this.console.figures.value;
    const t = messages();
    const word = f.level ? t.levels[f.level] : c.measuring;
    const trip = f.roundTripMs === null ? c.unknown : milliseconds(f.roundTripMs);
    return html`<button
        data-testid="link-button"
        data-level=${f.level ?? "unknown"}
        aria-expanded=${this.open}
        aria-label="${c.healthOf(word)}, ${c.roundTrip} ${trip}, ${c.picture} ${this.picture()}"
        @click=${() => (this.open = !this.open)}
      >
        <span class="level">${icons.quality[f.level ?? "unknown"]}${word}</span>
        <span class="numbers" data-testid="round-trip">${c.roundTrip} ${trip}</span>
        <span class="numbers ${this.still ? "off" : ""}" data-testid="picture-delay"
          >${c.picture} ${this.picture()}</span
        >
      </button>
      ${this.open ? this.figures() : nothing}`;
  }

  private get still(): boolean {
    const { pictureSilentMs } = this.console.figures.value;
    return pictureSilentMs === null || pictureSilentMs > STILL_MS;
  }

  /** Its delay where the browser knows it, else that it comes, and how often. */
  private picture(): string {
    const { c } = this;
    const { pictureMs, pictureSilentMs, framesPerSecond } = this.console.figures.value;
    if (pictureSilentMs === null) return c.pictureNone;
    if (this.still) return c.pictureStill((pictureSilentMs / 1000).toFixed(1));
    return pictureMs === null ? c.frames(framesPerSecond) : milliseconds(pictureMs);
  }

  private figures() {
    const { c } = this;
    const f = this.console.figures.value;
    const ms = (value: number | null): string => (value === null ? c.unknown : milliseconds(value));
    const rows: [string, string][] = [
      [f.whole ? c.toRobot : c.toServer, ms(f.roundTripMs)],
      [c.pictureDelay, ms(f.pictureMs)],
      [c.picture, c.frames(f.framesPerSecond)],
      [c.loss, f.loss === null ? c.unknown : percent(f.loss)],
    ];
    return html`<div class="sheet">
      <dl>
        ${rows.map(
          ([name, value]) =>
            html`<dt>${name}</dt>
              <dd class="numbers">${value}</dd>`,
        )}
      </dl>
    </div>`;
  }
}
