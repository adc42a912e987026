import { css, html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";

import { DicomWeb, FilmProblem } from "../../film/dicomweb";
import { reportLines } from "../../film/report";
import type { Series } from "../../film/study";
import { TAG, text, type DicomJson } from "../../film/tags";
import { filmMessages } from "../../i18n/film";
import { shared } from "../../style/shared";
import { DistalElement } from "../element";
import "./problem";

/** What is no picture: a report as text, a PDF to open. */
@customElement("distal-film-document")
export class DistalFilmDocument extends DistalElement {
  @property({ attribute: false }) series!: Series;
  @state() private problem: FilmProblem | null = null;

  static override styles = [
    shared,
    css`
      :host {
        display: block;
        overflow: auto;
        background: var(--page);
        padding: var(--space-5) var(--space-4);
      }
      article {
        max-width: 80ch;
        margin: 0 auto var(--space-5);
      }
      h2 {
        margin-bottom: var(--space-3);
      }
      dt {
        color: var(--text-2);
        font-size: var(--type-caption);
        margin-top: var(--space-2);
      }
      dd {
        white-space: pre-wrap;
        overflow-wrap: anywhere;
      }
    `,
  ];

  override render() {
    const t = filmMessages();
    const { series } = this;
    if (this.problem) {
      return html`<distal-film-problem
        .problem=${this.problem}
        @again=${() => (this.problem = null)}
      ></distal-film-problem>`;
    }
    const title = series.description || (series.kind === "report" ? t.report : t.document);
    if (series.kind === "report") {
      return series.objects.map((data) => html`<article>${this.#report(data, title)}</article>`);
    }
    if (series.kind === "document") {
      return series.objects.map(
        (data) =>
          html`<article>
            <h2>${title}</h2>
            <button class="primary" data-testid="film-document" @click=${() => this.#open(data)}>
              ${t.openDocument}
            </button>
          </article>`,
      );
    }
    return html`<article><p>${t.notPictures}</p></article>`;
  }

  #report(data: DicomJson, title: string) {
    const lines = reportLines(data);
    return html`<h2>${lines[0]?.name ?? title}</h2>
      ${
        lines.length > 1
          ? html`<dl data-testid="film-report">
              ${lines.slice(1).map(
                ({ depth, name, value }) =>
                  html`<div style="margin-left:${(depth - 1) * 16}px">
                    <dt>${name}</dt>
                    ${value ? html`<dd>${value}</dd>` : nothing}
                  </div>`,
              )}
            </dl>`
          : html`<p>${filmMessages().noText}</p>`
      }`;
  }

  /** In a tab of its own: the browser shows PDFs better than a part of a page could. */
  async #open(data: DicomJson): Promise<void> {
    const tab = window.open("", "_blank");
    const { study, uid } = this.series;
    const at = DicomWeb.instance(study, uid, text(data, TAG.SOPInstanceUID));
    try {
      const blob = await DicomWeb.document(at, data[TAG.EncapsulatedDocument]?.BulkDataURI);
      const url = URL.createObjectURL(new Blob([blob], { type: "application/pdf" }));
      if (tab) tab.location.href = url;
      else location.assign(url);
      setTimeout(() => URL.revokeObjectURL(url), 60_000);
    } catch (error) {
      tab?.close();
      if (!(error instanceof FilmProblem)) throw error;
      this.problem = error;
    }
  }
}
