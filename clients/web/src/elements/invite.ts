import { css, html, nothing } from "lit";
import { customElement, query, state } from "lit/decorators.js";

import type { Role } from "../protocol/messages";
import { shared } from "../style/shared";
import { copy } from "./copy";
import { CallElement } from "./element";

const ROLES: readonly Role[] = [
  "specialist",
  "county_doctor",
  "patient",
  "interpreter",
  "student",
  "host",
];
const ONCE: ReadonlySet<Role> = new Set(["patient", "interpreter"]);

/** For moderators: a link for one more person. */
@customElement("distal-invite")
export class DistalInvite extends CallElement {
  @state() private made: { role: Role; url: string } | null = null;
  @state() private failed = false;
  @state() private copied = false;
  @query("select") private readonly select!: HTMLSelectElement;

  static override styles = [
    shared,
    css`
      :host {
        display: block;
        margin-top: var(--space-4);
      }
      h2 {
        font-size: var(--type-body);
        margin-bottom: var(--space-1);
      }
      .row {
        display: flex;
        gap: var(--space-2);
      }
      .row button {
        flex: none;
      }
      input {
        margin-top: var(--space-2);
      }
      .wrong {
        color: var(--danger-text);
      }
    `,
  ];

  override render() {
    const { t } = this;
    return html`
      <h2>${t.invite}</h2>
      <div class="row">
        <select aria-label=${t.inviteAs} data-testid="invite-role">
          ${ROLES.map((role) => html`<option value=${role}>${t.roles[role]}</option>`)}
        </select>
        <button class="quiet" data-testid="invite-button" @click=${this.make}>
          ${this.copied ? t.copied : t.inviteButton}
        </button>
      </div>
      <div role="status">
        ${this.failed ? html`<p class="wrong">${t.inviteFailed}</p>` : nothing}
        ${
          this.made
            ? html`<input
                  readonly
                  aria-label=${t.inviteLink}
                  data-testid="invite-link"
                  .value=${this.made.url}
                  @focus=${(event: Event) => (event.target as HTMLInputElement).select()}
                />
                <p class="caption">
                  ${t.roles[this.made.role]}:
                  ${ONCE.has(this.made.role) ? t.inviteOnce : t.inviteMany}
                </p>`
            : nothing
        }
      </div>
    `;
  }

  private async make(): Promise<void> {
    const role = this.select.value as Role;
    const url = await this.call.invite(role);
    this.failed = url === null;
    this.made = url === null ? null : { role, url };
    if (url === null) return;
    this.copied = await copy(url);
    setTimeout(() => (this.copied = false), 3000);
  }
}
