import { css, html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";

import { shared } from "../style/shared";
import { copy } from "./copy";
import { DistalElement } from "./element";
import { icons } from "./icons";

/** Technical detail, folded away, to copy for support. */
@customElement("distal-details")
export class DistalDetails extends DistalElement {
  @property() text = "";
  @state() private copied = false;

  static override styles = [
    shared,
    css`
      summary {
        cursor: pointer;
        min-height: var(--touch);
        display: flex;
        align-items: center;
        gap: var(--space-2);
        color: var(--text-2);
        width: fit-content;
      }
      summary svg {
        transition: rotate var(--motion);
      }
      details[open] summary svg {
        rotate: 180deg;
      }
      pre {
        margin: 0 0 var(--space-2);
        padding: var(--space-3);
        border: 1px solid var(--line);
        border-radius: var(--radius);
        background: var(--hover);
        font-size: var(--type-caption);
        white-space: pre-wrap;
        overflow-wrap: anywhere;
        user-select: all;
      }
    `,
  ];

  override render() {
    if (!this.text) return nothing;
    const { t } = this;
    return html`<details>
      <summary>${icons.chevron}${t.details}</summary>
      <pre>${this.text}</pre>
      <button class="quiet" @click=${this.copy}>${this.copied ? t.copied : t.copy}</button>
    </details>`;
  }

  private async copy(): Promise<void> {
    this.copied = await copy(this.text);
  }
}
