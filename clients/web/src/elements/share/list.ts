import { css, html, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";

import { FilmProblem } from "../../film/dicomweb";
import { moment, shareMessages } from "../../i18n/share";
import type { Link, LinkEvent, ShareLinks } from "../../share/links";
import { shared } from "../../style/shared";
import "../confirm";
import type { DistalConfirm } from "../confirm";
import { DistalElement } from "../element";

/** The links of a study: what became of each, and a way to take it back. */
@customElement("distal-share-list")
export class DistalShareList extends DistalElement {
  @property({ attribute: false }) links: readonly Link[] = [];
  @property({ attribute: false }) api!: ShareLinks;
  @state() private shown: string | null = null; // whose history is unfolded
  @state() private events: readonly LinkEvent[] | null = null;
  @state() private failed = false;
  @query("distal-confirm") private readonly confirm!: DistalConfirm;

  static override styles = [
    shared,
    css`
      li {
        padding: var(--space-2) 0;
        border-bottom: 1px solid var(--line);
      }
      .line {
        display: flex;
        align-items: center;
        gap: var(--space-1) var(--space-2);
        flex-wrap: wrap;
      }
      .what {
        flex: 1 1 220px;
        min-width: 0;
        overflow-wrap: anywhere;
      }
      .line button {
        padding: 0 var(--space-3);
        font-size: var(--type-caption);
      }
      .state {
        font-weight: 600;
      }
      .ready .state {
        color: var(--good);
      }
      table {
        width: 100%;
        border-collapse: collapse;
        font-size: var(--type-caption);
        margin: var(--space-1) 0 var(--space-2);
      }
      td {
        padding: 2px var(--space-2) 2px 0;
        vertical-align: top;
        overflow-wrap: anywhere;
      }
      td:first-child {
        white-space: nowrap;
      }
      .wrong {
        color: var(--danger-text);
      }
    `,
  ];

  override render() {
    const t = shareMessages();
    if (this.links.length === 0) return html`<p class="caption">${t.noLinks}</p>`;
    return html`${this.failed ? html`<p class="wrong" role="alert">${t.failed}</p>` : nothing}
      <ul>
        ${this.links.map((link) => this.#row(link))}
      </ul>
      <distal-confirm></distal-confirm>`;
  }

  #row(link: Link) {
    const t = shareMessages();
    const unfolded = this.shown === link.name;
    const living = link.state === "ready" || link.state === "preparing";
    const more = [
      link.state === "preparing" ? t.prepares(link.done, link.count) : "",
      link.shown > 0 ? t.shows(link.shown, link.withheld) : "",
      living ? t.until(moment(link.expires_ms)) : "",
      t.accesses(link.accesses),
      link.last_ms === null ? "" : t.last(moment(link.last_ms)),
      t.madeBy(link.made_by),
    ];
    return html`<li class=${link.state} data-testid="share-link" data-state=${link.state}>
      <div class="line">
        <div class="what">
          <span
            >${t.linkLine(t.audience[link.audience], t.factor[link.factor])}${
              link.deidentified ? ` · ${t.nameless}` : ""
            }</span
          >
          <span class="caption numbers" style="display:block"
            ><span class="state">${t.state[link.state]}</span> ·
            ${more.filter(Boolean).join(" · ")}</span
          >
        </div>
        <button
          class="quiet"
          aria-expanded=${unfolded}
          data-testid="share-history"
          @click=${() => void this.#unfold(link)}
        >
          ${t.history}
        </button>
        ${
          living
            ? html`<button
                class="quiet"
                data-testid="share-revoke"
                @click=${() => void this.#revoke(link)}
              >
                ${t.revoke}
              </button>`
            : nothing
        }
      </div>
      ${unfolded ? this.#history() : nothing}
    </li>`;
  }

  #history() {
    const t = shareMessages();
    if (!this.events) return html`<p class="caption" role="status">${t.loading}</p>`;
    return html`<table class="numbers" data-testid="share-events">
      <tbody>
        ${this.events.map(
          (event) =>
            html`<tr>
              <td>${moment(event.at_ms)}</td>
              <td>${t.event[event.kind]}</td>
              <td title=${event.user_agent}>${event.who || event.remote}</td>
            </tr>`,
        )}
      </tbody>
    </table>`;
  }

  async #unfold(link: Link): Promise<void> {
    this.events = null;
    this.shown = this.shown === link.name ? null : link.name;
    if (this.shown === null) return;
    await this.#try(async () => {
      this.events = await this.api.events(link.name);
    });
  }

  async #revoke(link: Link): Promise<void> {
    const t = shareMessages();
    const sure = await this.confirm.ask({
      title: t.revokeTitle,
      text: t.revokeText,
      action: t.revoke,
    });
    if (!sure) return;
    await this.#try(async () => {
      await this.api.revoke(link.name);
      this.dispatchEvent(new CustomEvent("changed"));
    });
  }

  async #try(act: () => Promise<void>): Promise<void> {
    try {
      await act();
      this.failed = false;
    } catch (error) {
      if (!(error instanceof FilmProblem)) throw error;
      this.failed = true;
    }
  }
}
