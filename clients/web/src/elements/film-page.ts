import { css, html, nothing } from "lit";
import { customElement, state } from "lit/decorators.js";

import { chooseLanguage, language } from "../i18n/language";
import { visitToken } from "../protocol/session";
import { shared } from "../style/shared";
import { theme } from "../style/theme";
import { DistalElement } from "./element";
import type { Opened } from "./film/studies";
import { icons } from "./icons";

let loading: Promise<unknown> | null = null;

/** Fetches the viewer when it is first wanted; `host` is drawn again when that fails. */
export function loadFilm(host: { filmFailed?: boolean; requestUpdate(): void }): void {
  loading ??= import("./film/film");
  loading.catch(() => {
    loading = null;
    host.filmFailed = true;
    host.requestUpdate();
  });
}

/** Studies on a page of their own: /film and /film/STUDY. */
@customElement("distal-film-page")
export class DistalFilmPage extends DistalElement {
  @state() private opened = openedAt(location);
  filmFailed = false;

  static override styles = [
    shared,
    css`
      :host {
        display: flex;
        flex-direction: column;
        height: 100dvh;
        background: var(--surface);
      }
      header {
        display: flex;
        align-items: center;
        gap: var(--space-3);
        padding: 0 max(var(--space-4), env(safe-area-inset-left));
        min-height: 48px;
        border-bottom: 1px solid var(--line);
      }
      header a {
        display: inline-flex;
        align-items: center;
        gap: var(--space-3);
        min-height: var(--touch);
        margin-right: auto;
        color: inherit;
        text-decoration: none;
        font-weight: 600;
      }
      img {
        width: 24px;
        height: 24px;
      }
      distal-film {
        flex: 1;
      }
      .loading {
        margin: 10vh auto;
        text-align: center;
        color: var(--text-2);
      }
      header button {
        font-size: var(--type-caption);
      }
      .open header {
        display: none;
      }
    `,
  ];

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener("popstate", this.#came);
    loadFilm(this);
  }

  override disconnectedCallback(): void {
    removeEventListener("popstate", this.#came);
    super.disconnectedCallback();
  }

  readonly #came = (): void => {
    this.opened = openedAt(location);
  };

  readonly #go = ({ detail }: CustomEvent<Opened>): void => {
    this.opened = detail;
    history.pushState(null, "", addressOf(detail));
  };

  protected override stores() {
    return [theme];
  }

  override updated(): void {
    document.documentElement.dataset.surface = this.opened.study === null ? theme.value : "dark";
  }

  override render() {
    const { t } = this;
    const dark = theme.value === "dark";
    const { study, holder } = this.opened;
    return html`
      ${
        study === null
          ? html`<header>
              <a href="/"><img src="/favicon.svg" alt="" /><span>${t.name}</span></a>
              <button
                data-testid="theme-button"
                aria-label=${dark ? t.lightPages : t.darkPages}
                title=${dark ? t.lightPages : t.darkPages}
                @click=${() => theme.set(dark ? "light" : "dark")}
              >
                ${icons.theme}
              </button>
              <button
                data-testid="language-button"
                lang=${language.value === "en" ? "zh-CN" : "en"}
                @click=${() => chooseLanguage(language.value === "en" ? "zh-CN" : "en")}
              >
                ${t.otherLanguage}
              </button>
            </header>`
          : nothing
      }
      <distal-film .token=${visitToken()} .study=${study} .holder=${holder} @study=${this.#go}
        ><p class="loading" role="status">
          ${this.filmFailed ? t.filmFailed : t.filmOpening}
        </p></distal-film
      >
    `;
  }
}

/** The study in a page's address: /film/STUDY?of=INSTITUTION; null for the list. */
export function openedAt({ pathname, search }: Pick<Location, "pathname" | "search">): Opened {
  const study = /^\/film\/([\d.]{1,64})\/?$/.exec(pathname)?.[1] ?? null;
  return { study, holder: new URLSearchParams(search).get("of") ?? "" };
}

function addressOf({ study, holder }: Opened): string {
  if (study === null) return "/film";
  return `/film/${study}${holder ? `?${new URLSearchParams({ of: holder }).toString()}` : ""}`;
}
