import { css, html, nothing } from "lit";

import type { Cut, Drawing } from "../../film/drawing";
import type { FilmMessages } from "../../i18n/film-en";

/** The lines of the other planes have their colours, and a plane's name has its own. */
const ACROSS = {
  axial: { upright: "sagittal", level: "coronal" },
  sagittal: { upright: "coronal", level: "axial" },
  coronal: { upright: "sagittal", level: "axial" },
} as const;

export const cutStyle = css`
  .axial {
    --cut: #ff8a80;
  }
  .sagittal {
    --cut: #ffd54f;
  }
  .coronal {
    --cut: #80d8a0;
  }
  .cut-name {
    position: absolute;
    top: var(--space-1);
    left: var(--space-2);
    font-size: var(--type-caption);
    font-weight: 600;
    color: var(--cut);
    text-shadow: 0 0 3px #000;
    pointer-events: none;
  }
  .cut-name ~ .side.up,
  .cut-name ~ .side.down {
    margin-left: var(--space-2); /* beside the line */
  }
  .cut-name ~ .side.left,
  .cut-name ~ .side.right {
    margin-top: var(--space-1);
  }
  .cut-line {
    position: absolute;
    background: var(--cut);
    opacity: 0.75;
    pointer-events: none;
  }
  .upright {
    top: 0;
    bottom: 0;
    width: 1px;
  }
  .level {
    left: 0;
    right: 0;
    height: 1px;
  }
  .cut-waiting {
    position: absolute;
    inset: 0;
    display: grid;
    place-content: center;
    justify-items: center;
    gap: var(--space-2);
    padding: var(--space-3);
    background: #000;
    text-align: center;
  }
  .cut-waiting progress {
    width: min(200px, 80%);
    accent-color: var(--accent-text);
  }
`;

/** Over a plane: its name, where the others cross it, and how much of the series has arrived. */
export function cutOverlay(drawing: Drawing, cut: Cut, t: FilmMessages) {
  const all = drawing.series?.pictures.length ?? 0;
  const place = cut.focus && drawing.placeOf(cut.focus);
  const { upright, level } = ACROSS[cut.plane];
  return html`<span class="cut-name ${cut.plane}">${t.planes[cut.plane]}</span> ${
      place
        ? html`<i class="cut-line upright ${upright}" style="left:${place[0]}px"></i>
            <i class="cut-line level ${level}" style="top:${place[1]}px"></i>`
        : nothing
    }
    ${
      cut.progress === null
        ? nothing
        : html`<div class="cut-waiting" role="status" data-testid="film-planes-waiting">
            <p class="numbers">${t.planesLoading(cut.progress, all)}</p>
            <progress max=${all} value=${cut.progress}></progress>
          </div>`
    }`;
}
