import { css, html } from "lit";
import { customElement } from "lit/decorators.js";

import { chooseLanguage, language } from "../i18n/language";
import { shared } from "../style/shared";
import { theme } from "../style/theme";
import { DistalElement } from "./element";
import { icons } from "./icons";

/** The frame of every page outside the room: name, language, light or dark. */
@customElement("distal-page")
export class DistalPage extends DistalElement {
  static override styles = [
    shared,
    css`
      :host {
        display: flex;
        flex-direction: column;
        min-height: 100dvh;
        background: var(--page);
      }
      header {
        display: flex;
        align-items: center;
        gap: var(--space-2);
        padding: var(--space-2) max(var(--space-4), env(safe-area-inset-left));
        background: var(--surface);
        border-bottom: 1px solid var(--line);
      }
      .name {
        margin-right: auto;
        display: flex;
        align-items: center;
        gap: var(--space-3);
        font-weight: 600;
        font-size: var(--type-heading);
        min-width: 0;
      }
      .name img {
        width: 28px;
        height: 28px;
      }
      .name .caption {
        font-weight: 400;
      }
      header button {
        padding: 0 var(--space-3);
      }
      main {
        flex: 1;
        width: 100%;
        max-width: var(--page-width);
        margin: 0 auto;
        padding: var(--space-6) var(--space-4);
      }
      @media (max-width: 599px) {
        main {
          padding: var(--space-5) var(--space-4);
        }
        .name .caption,
        .theme span {
          display: none;
        }
      }
    `,
  ];

  protected override stores() {
    return [theme];
  }

  override render() {
    const { t } = this;
    const dark = theme.value === "dark";
    return html`
      <header>
        <div class="name">
          <img src="/favicon.svg" alt="" />
          <span>${t.name}</span>
          <span class="caption">${t.tagline}</span>
        </div>
        <button
          class="theme"
          data-testid="theme-button"
          aria-label=${dark ? t.lightPages : t.darkPages}
          @click=${() => theme.set(dark ? "light" : "dark")}
        >
          ${icons.theme}<span>${dark ? t.lightPages : t.darkPages}</span>
        </button>
        <button
          data-testid="language-button"
          lang=${language.value === "en" ? "zh-CN" : "en"}
          @click=${() => chooseLanguage(language.value === "en" ? "zh-CN" : "en")}
        >
          ${t.otherLanguage}
        </button>
      </header>
      <main><slot></slot></main>
    `;
  }
}
