import { svg } from "lit";

import { icon } from "../icons";

/** The console's own signs: they come with it, not with the room. */
export const consoleIcons = {
  less: icon(svg`<path d="M6 12h12" />`),
  more: icon(svg`<path d="M6 12h12M12 6v12" />`),
  freeze: icon(
    svg`<path d="M12 3v18M4.2 7.5l15.6 9M19.8 7.5l-15.6 9M9.5 4.5L12 7l2.5-2.5M9.5 19.5L12 17l2.5 2.5" />`,
  ),
  still: icon(
    svg`<rect x="3" y="6.5" width="18" height="13" rx="2" /><circle cx="12" cy="13" r="3.5" /><path d="M8 6.5l1.5-2.5h5L16 6.5" />`,
  ),
  clip: icon(
    svg`<circle cx="12" cy="12" r="8.5" /><circle cx="12" cy="12" r="4" fill="currentColor" />`,
  ),
  stop: icon(
    svg`<path d="M8.3 3h7.4L21 8.3v7.4L15.7 21H8.3L3 15.7V8.3z" fill="currentColor" stroke="none" />`,
  ),
  held: icon(
    svg`<circle cx="12" cy="12" r="8.5" /><circle cx="12" cy="12" r="5" fill="currentColor" />`,
  ),
  open: icon(svg`<circle cx="12" cy="12" r="8.5" />`),
  save: icon(svg`<path d="M12 4v11M7.5 11l4.5 4.5 4.5-4.5M5 17v3h14v-3" />`),
} as const;
