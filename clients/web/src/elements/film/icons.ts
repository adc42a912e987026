import { svg } from "lit";

import { icon } from "../icons";

/** The viewer's own signs: they come with it, not with the room. */
export const filmIcons = {
  scroll: icon(svg`<path d="M12 3v18M8.5 6.5L12 3l3.5 3.5M8.5 17.5L12 21l3.5-3.5" />`),
  window: icon(
    svg`<circle cx="12" cy="12" r="8" /><path d="M12 4a8 8 0 0 1 0 16z" fill="currentColor" />`,
  ),
  zoom: icon(
    svg`<circle cx="10.5" cy="10.5" r="6" /><path d="M15 15l5.5 5.5M8 10.5h5M10.5 8v5" />`,
  ),
  pan: icon(
    svg`<path d="M12 3v18M3 12h18M9.5 5.5L12 3l2.5 2.5M9.5 18.5L12 21l2.5-2.5M5.5 9.5L3 12l2.5 2.5M18.5 9.5L21 12l-2.5 2.5" />`,
  ),
  cross: icon(svg`<path d="M12 3v18M3 12h18" /><circle cx="12" cy="12" r="3.5" />`),
  length: icon(svg`<path d="M5 19L19 5M3.5 17.5l3 3M17.5 3.5l3 3" />`),
  angle: icon(svg`<path d="M5 4v15h15M5 12a7 7 0 0 1 7 7" />`),
  ellipse: icon(svg`<ellipse cx="12" cy="12" rx="8.5" ry="5.5" />`),
  probe: icon(svg`<circle cx="12" cy="12" r="3" /><path d="M12 3v4M12 17v4M3 12h4M17 12h4" />`),
  invert: icon(
    svg`<rect x="4" y="4" width="16" height="16" rx="2" /><path d="M4 18V6a2 2 0 0 1 2-2h12z" fill="currentColor" />`,
  ),
  rotate: icon(svg`<path d="M19 12a7 7 0 1 1-2.5-5.4M17 3v4h-4" />`),
  mirror: icon(svg`<path d="M12 3v18M9 7L3.5 17H9zM15 7l5.5 10H15z" />`),
  reset: icon(svg`<path d="M5 12a7 7 0 1 0 2.5-5.4M7 3v4h4" /><path d="M12 9v3.5l2.5 1.5" />`),
  play: icon(svg`<path d="M7 4.5v15l12-7.5z" />`),
  stop: icon(svg`<path d="M8 5v14M16 5v14" stroke-width="2.6" />`),
  key: icon(
    svg`<path d="M12 3.5l2.6 5.4 5.9.8-4.3 4.1 1 5.9-5.2-2.8-5.2 2.8 1-5.9-4.3-4.1 5.9-.8z" />`,
  ),
  erase: icon(svg`<path d="M5 7h14M10 7V4.5h4V7M7 7l1 13h8l1-13M10.5 11v5M13.5 11v5" />`),
  save: icon(svg`<path d="M12 4v11M7.5 11l4.5 4.5 4.5-4.5M5 17v3h14v-3" />`),
  one: icon(svg`<rect x="4" y="4.5" width="16" height="15" rx="1.5" />`),
  two: icon(svg`<rect x="4" y="4.5" width="16" height="15" rx="1.5" /><path d="M12 4.5v15" />`),
  planes: icon(
    svg`<rect x="4" y="4.5" width="16" height="15" rx="1.5" /><path d="M13 4.5v15M13 12h7" />`,
  ),
  link: icon(
    svg`<path d="M9.5 14.5l5-5M8 11l-2 2a3.5 3.5 0 0 0 5 5l2-2M16 13l2-2a3.5 3.5 0 0 0-5-5l-2 2" />`,
  ),
} as const;
