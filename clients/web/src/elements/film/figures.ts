import { nothing, svg } from "lit";

import type { Figure, Pixel } from "../../film/presentation";

const CROSS = 6; // pixels of the screen
const LINE = 16; // of text

type ToScreen = (pixel: Pixel) => readonly [number, number] | null;

/** What a saved view has drawn, over the picture: to look at, not to change. */
export function figuresLayer(figures: readonly Figure[], toScreen: ToScreen) {
  return figures.map(({ points, text, at }) => {
    const places = points.map(toScreen).filter((place) => place !== null);
    const [first] = places;
    if (first && places.length === 1) {
      const [x, y] = first;
      return svg`<path d="M${x - CROSS} ${y}h${2 * CROSS}M${x} ${y - CROSS}v${2 * CROSS}" />`;
    }
    if (first) return svg`<polyline points=${places.map((place) => place.join()).join(" ")} />`;
    const place = at && toScreen(at);
    if (!place) return nothing;
    return svg`<text x=${place[0]} y=${place[1] + LINE}>${text.map(
      (line, n) => svg`<tspan x=${place[0]} dy=${n ? LINE : 0}>${line}</tspan>`,
    )}</text>`;
  });
}
