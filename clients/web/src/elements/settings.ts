import { css, html, nothing } from "lit";
import { customElement, query, state } from "lit/decorators.js";

import { chooseLanguage, language } from "../i18n/language";
import { shared } from "../style/shared";
import "./device-pickers";
import { CallElement } from "./element";
import { icons } from "./icons";
import "./level";

/** Devices and language, in the middle of the call. */
@customElement("distal-settings")
export class DistalSettings extends CallElement {
  @state() private shown = false;
  @query("dialog") private readonly dialog!: HTMLDialogElement;

  static override styles = [
    shared,
    css`
      header {
        display: flex;
        justify-content: space-between;
        align-items: center;
        margin: calc(-1 * var(--space-2)) 0 var(--space-3);
      }
      distal-level {
        margin: var(--space-4) 0;
      }
      .languages {
        display: flex;
        gap: var(--space-2);
      }
      .languages button {
        flex: 1;
      }
      .languages button[aria-pressed="true"] {
        background: var(--accent);
        color: var(--on-accent);
      }
      fieldset {
        border: 0;
        margin: var(--space-4) 0 0;
        padding: 0;
      }
      legend {
        font-weight: 600;
        padding: 0;
        margin-bottom: var(--space-1);
      }
    `,
  ];

  protected override stores() {
    return [this.call.local];
  }

  show(): void {
    this.shown = true;
    this.dialog.showModal();
  }

  override render() {
    const { t } = this;
    const { track } = this.call.local.value.microphone;
    return html`<dialog
      aria-labelledby="title"
      data-testid="settings"
      @close=${() => (this.shown = false)}
    >
      <header>
        <h2 id="title">${t.settingsTitle}</h2>
        <button
          aria-label=${t.close}
          data-testid="close-button"
          @click=${() => this.dialog.close()}
        >
          ${icons.close}
        </button>
      </header>
      ${
        this.shown
          ? html`<distal-device-pickers .call=${this.call}></distal-device-pickers>
              ${track ? html`<distal-level .track=${track}></distal-level>` : nothing}`
          : nothing
      }
      <fieldset>
        <legend>${t.language}</legend>
        <div class="languages">
          <button
            class="quiet"
            lang="zh-CN"
            aria-pressed=${language.value === "zh-CN"}
            @click=${() => chooseLanguage("zh-CN")}
          >
            中文
          </button>
          <button
            class="quiet"
            lang="en"
            aria-pressed=${language.value === "en"}
            @click=${() => chooseLanguage("en")}
          >
            English
          </button>
        </div>
      </fieldset>
    </dialog>`;
  }
}
