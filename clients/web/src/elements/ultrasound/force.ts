import { css, html } from "lit";
import { customElement, query, state } from "lit/decorators.js";
import { styleMap } from "lit/directives/style-map.js";

import type { ForceLimits } from "../../control/messages";
import { length } from "../../control/vectors";
import { shared } from "../../style/shared";
import { icons } from "../icons";
import { ConsoleElement, Drawn } from "./element";

type Zone = "normal" | "warn" | "soft" | "hard";

const BEYOND = 1.2; // of the hard limit, the bar's end
const TELL_MS = 125; // figures that change faster are not read

export function zoneOf(force: number, { warn_n, soft_n, hard_n }: ForceLimits): Zone {
  if (force >= hard_n) return "hard";
  if (force >= soft_n) return "soft";
  return force >= warn_n ? "warn" : "normal";
}

/** How hard the probe is pressed, against the three limits. */
@customElement("distal-force")
export class DistalForce extends ConsoleElement {
  @state() private zone: Zone | null = null;
  #toldMs = 0;
  @query(".fill") private readonly fill!: HTMLElement | null;
  @query(".figure") private readonly figure!: HTMLElement | null;

  static override styles = [
    shared,
    css`
      :host {
        display: block;
      }
      .head {
        display: flex;
        align-items: baseline;
        gap: var(--space-2);
      }
      .figure {
        font-size: var(--type-title);
        font-weight: 600;
        line-height: 1.2;
        min-width: 4.6em;
        text-align: right;
        margin-left: auto;
      }
      .word {
        display: inline-flex;
        align-items: center;
        gap: var(--space-1);
        font-size: var(--type-caption);
        font-weight: 600;
        color: var(--good);
      }
      .word[data-zone="warn"],
      .word[data-zone="soft"] {
        color: var(--caution);
      }
      .word[data-zone="hard"] {
        color: var(--danger-text);
      }
      .bar {
        position: relative;
        height: 22px;
        margin-top: var(--space-1);
        border-radius: 4px;
        background: var(--hover);
        overflow: hidden;
      }
      .fill {
        position: absolute;
        inset: 0 auto 0 0;
        width: 100%;
        transform: scaleX(0);
        transform-origin: left;
        background: var(--good);
      }
      .fill[data-zone="warn"] {
        background: var(--caution);
      }
      .fill[data-zone="soft"] {
        background: #e58a35;
      }
      .fill[data-zone="hard"] {
        background: var(--alarm-high);
      }
      .mark {
        position: absolute;
        top: 0;
        bottom: 0;
        width: 2px;
        margin-left: -1px;
        background: var(--text);
      }
      .scale {
        position: relative;
        height: 18px;
      }
      .scale span {
        position: absolute;
        transform: translateX(-50%);
        font-size: 12px;
        color: var(--text-2);
      }
    `,
  ];

  constructor() {
    super();
    new Drawn(this, (nowMs) => this.#draw(nowMs));
  }

  protected override stores() {
    return [this.console.standing];
  }

  override render() {
    const { c, zone } = this;
    const limits = this.console.standing.value.state?.limits;
    if (!limits) return html``;
    const marks = [limits.warn_n, limits.soft_n, limits.hard_n];
    const at = (newton: number): string => `${(100 * newton) / (BEYOND * limits.hard_n)}%`;
    const [warn = "", soft = "", hard = ""] = marks.map((mark) => mark.toFixed(0));
    return html`<div class="head">
        <h3>${c.force}</h3>
        <span class="word" data-testid="force-word" data-zone=${zone ?? "none"} role="status">
          ${zone === null || zone === "normal" ? "" : icons.warning}
          ${zone === null ? c.forceUnknown : c.forceWord[zone]}
        </span>
        <span class="figure numbers" data-testid="force-figure"></span>
      </div>
      <div class="bar" title=${c.forceMarks(warn, soft, hard)}>
        <div class="fill"></div>
        ${marks.map((mark) => html`<span class="mark" style=${styleMap({ left: at(mark) })}></span>`)}
      </div>
      <div class="scale numbers" role="img" aria-label=${c.forceMarks(warn, soft, hard)}>
        ${marks.map(
          (mark) =>
            html`<span aria-hidden="true" style=${styleMap({ left: at(mark) })}
              >${mark.toFixed(0)}</span
            >`,
        )}
      </div>`;
  }

  #draw(nowMs: number): void {
    const { fill, figure, c } = this;
    const limits = this.console.standing.value.state?.limits;
    if (!fill || !figure || !limits) return;
    const seen = this.console.figures.value.fresh ? this.console.newest() : null;
    const force = seen ? length(seen.force) : 0;
    this.zone = seen ? zoneOf(force, limits) : null;
    // Not its width: that would lay out the page thirty times a second.
    fill.style.transform = `scaleX(${Math.min(1, force / (BEYOND * limits.hard_n))})`;
    fill.dataset.zone = this.zone ?? "none";
    if (seen && nowMs - this.#toldMs < TELL_MS) return;
    this.#toldMs = nowMs;
    const told = seen ? c.forceOf(force.toFixed(1)) : c.unknown;
    if (figure.textContent !== told) figure.textContent = told;
  }
}
