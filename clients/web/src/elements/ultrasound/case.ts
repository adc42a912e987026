import { css, html, nothing } from "lit";
import { customElement, property, query } from "lit/decorators.js";

import { fileOf } from "../../control/capture";
import type { Capture, Case } from "../../control/case";
import { controlMessages } from "../../i18n/control";
import { clock } from "../../i18n/format";
import { shared } from "../../style/shared";
import "../confirm";
import type { DistalConfirm } from "../confirm";
import { DistalElement } from "../element";
import { icons } from "../icons";
import { consoleIcons } from "./icons";

/** What was captured, whose it is, and what of it is safe. */
@customElement("distal-case")
export class DistalCase extends DistalElement {
  @property({ attribute: false }) case!: Case;
  @query("distal-confirm") private readonly confirm!: DistalConfirm;

  static override styles = [
    shared,
    css`
      :host {
        display: block;
      }
      section {
        display: flex;
        align-items: center;
        gap: var(--space-3);
        min-height: 62px;
      }
      .what {
        flex: none;
        width: min(20em, 45%);
        font-size: var(--type-caption);
        line-height: 1.35;
      }
      h3 {
        font-size: var(--type-caption);
      }
      .what p {
        color: var(--text-2);
        overflow-wrap: anywhere;
      }
      .what [data-at="kept"] {
        color: var(--good);
      }
      .what [data-at="failed"] {
        color: var(--danger-text);
      }
      .what .icon {
        vertical-align: -0.15em;
      }
      ul {
        display: flex;
        gap: var(--space-1);
        overflow-x: auto;
        flex: 1;
        min-width: 0;
        padding: 3px;
      }
      li {
        position: relative;
        flex: none;
        height: 56px;
        aspect-ratio: 4 / 3;
        border-radius: 6px;
        overflow: hidden;
        background: var(--picture);
      }
      li[data-at="failed"] {
        outline: 2px solid var(--danger-text);
      }
      img,
      video {
        width: 100%;
        height: 100%;
        object-fit: cover;
      }
      li a,
      li button,
      .fate {
        position: absolute;
        display: grid;
        place-items: center;
        width: 26px;
        height: 26px;
        min-width: 0;
        min-height: 0;
        padding: 0;
        border-radius: 6px;
        color: var(--picture-text);
        background: var(--picture-shade);
        font-size: 13px;
      }
      li a {
        bottom: 0;
        left: 0;
      }
      li button {
        bottom: 0;
        right: 0;
      }
      .fate {
        top: 0;
        left: 0;
        width: auto;
        min-width: 26px;
        padding: 0 4px;
      }
      .kept {
        color: #7fd6a0;
      }
      .retry {
        flex: none;
        min-height: 40px;
      }
    `,
  ];

  protected override stores() {
    return [this.case.captures, this.case.study];
  }

  override render() {
    const c = controlMessages();
    const captures = this.case.captures.value;
    const failed = captures.filter(({ fate }) => fate.at === "failed").length;
    return html`<section aria-label=${c.case}>
        <div class="what">
          <h3>${c.case}</h3>
          <p data-testid="case-whose">
            ${this.case.study.value === null ? c.caseNobody : c.caseStudy}
          </p>
          ${this.newest(captures)}
        </div>
        <ul data-testid="captures">
          ${captures.map((capture) => this.thumbnail(capture))}
        </ul>
        ${
          failed > 0
            ? html`<button
                class="quiet retry"
                data-testid="retry-button"
                @click=${() => this.case.retryAll()}
              >
                ${c.retryAll(failed)}
              </button>`
            : nothing
        }
      </section>
      <distal-confirm></distal-confirm>`;
  }

  /** One sentence: what has gone wrong, else what became of the newest. */
  private newest(captures: readonly Capture[]) {
    const c = controlMessages();
    const told = captures.find(({ fate }) => fate.at === "failed") ?? captures[0];
    if (!told) return nothing;
    const { fate } = told;
    const text =
      fate.at === "failed"
        ? c.notKept(c.keepProblems[fate.code])
        : fate.at === "keeping"
          ? c.keeping
          : c.keptOf(fate.as.patient);
    const sign = { failed: icons.warning, keeping: nothing, kept: icons.done }[fate.at];
    return html`<p
      role="status"
      data-testid="case-status"
      data-at=${fate.at}
      title=${fate.at === "failed" ? fate.detail : nothing}
    >
      ${sign} ${text}
    </p>`;
  }

  private thumbnail(capture: Capture) {
    const c = controlMessages();
    const { kind, url, atMs, fate } = capture;
    const name = kind === "still" ? c.stillNamed(clock(atMs)) : c.clipNamed(clock(atMs));
    return html`<li title=${name} data-kind=${kind} data-at=${fate.at}>
      ${
        kind === "still"
          ? html`<img src=${url} alt=${name} />`
          : html`<video src=${url} muted aria-label=${name} preload="auto"></video>`
      }
      ${this.fate(capture)}
      <a
        href=${url}
        download=${fileOf(capture)}
        aria-label=${c.downloadOf(name)}
        title=${c.download}
        >${consoleIcons.save}</a
      >
      <button
        aria-label=${c.removeOf(name)}
        title=${fate.at === "kept" ? c.removeKept : c.removeOf(name)}
        @click=${() => void this.#remove(capture, name)}
      >
        ${icons.close}
      </button>
    </li>`;
  }

  private fate({ fate }: Capture) {
    const c = controlMessages();
    switch (fate.at) {
      case "keeping":
        return html`<span class="fate numbers">${Math.floor(100 * fate.share)} %</span>`;
      case "kept":
        return html`<span class="fate kept" role="img" aria-label=${c.kept} title=${c.kept}
          >${icons.done}</span
        >`;
      case "failed":
        return html`<span class="fate" role="img" aria-label=${c.keepFailed} title=${c.keepFailed}
          >${icons.warning}</span
        >`;
    }
  }

  /** What is in the archive is not asked about: only its small picture goes. */
  async #remove({ id, fate }: Capture, name: string): Promise<void> {
    const c = controlMessages();
    const question = { title: c.removeOf(name), text: c.removeUnkept, action: c.remove };
    if (fate.at === "kept" || (await this.confirm.ask(question))) this.case.remove(id);
  }
}
