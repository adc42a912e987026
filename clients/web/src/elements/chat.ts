import { css, html, nothing } from "lit";
import { customElement, query, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";

import { clock } from "../i18n/format";
import type { ChatLine } from "../protocol/messages";
import { shared } from "../style/shared";
import { CallElement } from "./element";
import { icons } from "./icons";

const LONGEST = 4000;

/** The room's chat. What could not be sent stays in the field. */
@customElement("distal-chat")
export class DistalChat extends CallElement {
  @state() private failed = false;
  @query("textarea") private readonly field!: HTMLTextAreaElement | null;
  @query(".lines") private readonly lines!: HTMLElement;
  #atEnd = true;

  static override styles = [
    shared,
    css`
      :host {
        display: flex;
        flex-direction: column;
        min-height: 0;
        height: 100%;
      }
      .lines {
        flex: 1;
        min-height: 0;
        overflow-y: auto;
        display: flex;
        flex-direction: column;
        padding: var(--space-3) 0;
        overflow-wrap: anywhere;
      }
      .lines ol {
        display: grid;
        gap: var(--space-3);
      }
      .head {
        display: flex;
        gap: var(--space-2);
        align-items: baseline;
        font-size: var(--type-caption);
        color: var(--text-2);
      }
      .head strong {
        color: var(--text);
        font-weight: 600;
      }
      .head span {
        flex: none;
      }
      .head time {
        margin-left: auto;
        flex: none;
      }
      li p {
        white-space: pre-wrap;
      }
      li.own p {
        background: var(--accent-soft);
        border-radius: var(--radius);
        padding: var(--space-1) var(--space-2);
      }
      .empty {
        color: var(--text-2);
        margin: auto 0;
        text-align: center;
      }
      form {
        display: flex;
        gap: var(--space-2);
        align-items: flex-end;
        padding-top: var(--space-2);
        border-top: 1px solid var(--line);
      }
      textarea {
        flex: 1;
        max-height: 120px;
        field-sizing: content;
      }
      .wrong {
        color: var(--danger-text);
        font-size: var(--type-caption);
      }
      form button {
        padding: 0 var(--space-3);
      }
    `,
  ];

  protected override stores() {
    return [this.call.room, this.call.me];
  }

  override render() {
    const room = this.call.room.value;
    if (!room) return nothing;
    const { t } = this;
    return html`
      <div
        class="lines"
        role="log"
        aria-label=${t.chat}
        tabindex="0"
        @scroll=${() => {
          const { scrollHeight, scrollTop, clientHeight } = this.lines;
          this.#atEnd = scrollHeight - scrollTop - clientHeight < 40;
        }}
      >
        ${room.chat.length === 0 ? html`<p class="empty">${t.chatEmpty}</p>` : nothing}
        <ol>
          ${repeat(
            room.chat,
            ({ id }) => id,
            (line) => this.line(line, line.participant === room.self),
          )}
        </ol>
      </div>
      ${
        this.call.me.value?.grants.chat
          ? this.form()
          : html`<p class="caption">${t.chatNotAllowed}</p>`
      }
    `;
  }

  private line({ name, role, at_ms, text }: ChatLine, own: boolean) {
    return html`<li class=${own ? "own" : ""} data-testid="chat-line">
      <div class="head">
        <strong>${name}</strong><span>${this.t.roles[role]}</span>
        <time class="numbers" datetime=${new Date(at_ms).toISOString()}>${clock(at_ms)}</time>
      </div>
      <p>${text}</p>
    </li>`;
  }

  private form() {
    const { t } = this;
    return html`<p class="wrong" role="alert">${this.failed ? t.chatFailed : nothing}</p>
      <form @submit=${this.submit}>
        <textarea
          rows="1"
          data-testid="chat-input"
          maxlength=${LONGEST}
          aria-label=${t.chatField}
          placeholder=${t.chatField}
          @keydown=${(event: KeyboardEvent) => {
            if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
              event.preventDefault();
              (event.target as HTMLTextAreaElement).form?.requestSubmit();
            }
          }}
        ></textarea>
        <button class="primary" data-testid="chat-send-button" aria-label=${t.send}>
          ${icons.send}
        </button>
      </form>`;
  }

  override updated(): void {
    if (this.#atEnd) this.lines.scrollTop = this.lines.scrollHeight;
  }

  private async submit(event: Event): Promise<void> {
    event.preventDefault();
    const text = this.field?.value.trim();
    if (!this.field || !text) return;
    this.#atEnd = true;
    this.failed = !(await this.call.sendChat(text));
    if (!this.failed) this.field.value = "";
    this.field.focus();
  }
}
