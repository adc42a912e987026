import { css, html, type TemplateResult } from "lit";
import { customElement } from "lit/decorators.js";

import { language } from "../i18n/language";
import { shared } from "../style/shared";
import { theme } from "../style/theme";
import "./controls";
import "./device-check";
import { CallElement } from "./element";
import "./film-page";
import "./home";
import "./join";
import "./message-page";
import "./network";
import "./page";
import "./room";
import "./waiting";

/** Draws the phase that the person is in. */
@customElement("distal-app")
export class DistalApp extends CallElement {
  #drawn = "";

  static override styles = [
    shared,
    css`
      :host {
        display: block;
      }
      .opening {
        margin-top: 6vh;
        color: var(--text-2);
        text-align: center;
      }
    `,
  ];

  protected override stores() {
    return [this.call.phase, this.call.room, theme];
  }

  override render() {
    const { at } = this.call.phase.value;
    if (at === "room") return html`<distal-room .call=${this.call}></distal-room>`;
    if (at === "film") return html`<distal-film-page></distal-film-page>`;
    return html`<distal-page>${this.page()}</distal-page>`;
  }

  private page(): TemplateResult {
    const { call } = this;
    switch (call.phase.value.at) {
      case "home":
        return html`<distal-home></distal-home>`;
      case "network":
        return html`<distal-network></distal-network>`;
      case "landing":
        return html`<distal-join .call=${call}></distal-join>`;
      case "check":
        return html`<distal-device-check .call=${call}></distal-device-check>`;
      case "waiting":
        return html`<distal-waiting .call=${call}></distal-waiting>`;
      case "opening":
      case "joining":
      case "film":
      case "room":
        return html`<p class="opening" role="status">${this.t.opening}</p>`;
      case "left":
      case "removed":
      case "problem":
        return html`<distal-message-page .call=${call}></distal-message-page>`;
    }
  }

  override updated(): void {
    const { at } = this.call.phase.value;
    const root = document.documentElement;
    // The page of images says for itself: its list is a page, a study is a dark surface.
    if (at !== "film") root.dataset.surface = at === "room" ? "dark" : theme.value;
    root.lang = language.value;
    const title = this.call.room.value?.title ?? this.call.me.value?.title;
    document.title = title ? `${title} · ${this.t.name}` : `${this.t.name} · ${this.t.tagline}`;
    if (at !== this.#drawn) void this.#arrived(at);
  }

  /** A new page begins at its heading, for those who listen to it too. */
  async #arrived(at: string): Promise<void> {
    const first = this.#drawn === "";
    this.#drawn = at;
    if (first) return;
    scrollTo(0, 0);
    const page = this.renderRoot.querySelector<CallElement>(
      "distal-room, distal-page > :first-child",
    );
    await page?.updateComplete;
    page?.shadowRoot?.querySelector<HTMLElement>("h1")?.focus();
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "distal-app": DistalApp;
  }
}
