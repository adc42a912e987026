import { html, svg, type SVGTemplateResult, type TemplateResult } from "lit";

export function icon(drawing: SVGTemplateResult): TemplateResult {
  return html`<svg
    class="icon"
    viewBox="0 0 24 24"
    fill="none"
    stroke="currentColor"
    stroke-width="1.8"
    stroke-linecap="round"
    stroke-linejoin="round"
    aria-hidden="true"
  >
    ${drawing}
  </svg>`;
}

const slash = svg`<path d="M4 4l16 16" />`;
const microphone = svg`<rect x="9" y="3" width="6" height="11" rx="3" /><path d="M5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3" />`;
const camera = svg`<rect x="3" y="6.5" width="12.5" height="11" rx="2.5" /><path d="M15.5 10.5l5-2.5v8l-5-2.5z" />`;

export const icons = {
  microphone: icon(microphone),
  microphoneOff: icon(svg`${microphone}${slash}`),
  camera: icon(camera),
  cameraOff: icon(svg`${camera}${slash}`),
  screen: icon(
    svg`<rect x="3" y="4.5" width="18" height="12" rx="2" /><path d="M8.5 20h7M12 13.5V8M9.5 10L12 7.5l2.5 2.5" />`,
  ),
  screenStop: icon(
    svg`<rect x="3" y="4.5" width="18" height="12" rx="2" /><path d="M8.5 20h7M10 8.5l4 4M14 8.5l-4 4" />`,
  ),
  hand: icon(
    svg`<path d="M8 12.5V6a1.5 1.5 0 0 1 3 0v5m0-.5V4.5a1.5 1.5 0 0 1 3 0V11m0-5a1.5 1.5 0 0 1 3 0v8.5c0 4-2.2 6.5-5.7 6.5-2.6 0-4-1.2-5.3-3.4L4 13.6a1.5 1.5 0 0 1 2.5-1.6L8 14" />`,
  ),
  watching: icon(
    svg`<path d="M2.5 12c2.3-4 5.5-6 9.5-6s7.2 2 9.5 6c-2.3 4-5.5 6-9.5 6s-7.2-2-9.5-6z" /><circle cx="12" cy="12" r="2.8" />`,
  ),
  people: icon(
    svg`<circle cx="9" cy="8" r="3.2" /><path d="M3 19.5c.5-3.3 2.8-5.5 6-5.5s5.5 2.2 6 5.5M15.5 5.2a3 3 0 0 1 0 5.6M17.5 14.5c1.9.7 3.2 2.4 3.5 5" />`,
  ),
  chat: icon(svg`<path d="M4 5.5h16v11H11l-4.5 3.5v-3.5H4z" />`),
  grid: icon(
    svg`<rect x="3.5" y="4.5" width="7.5" height="6.5" rx="1.2" /><rect x="13" y="4.5" width="7.5" height="6.5" rx="1.2" /><rect x="3.5" y="13" width="7.5" height="6.5" rx="1.2" /><rect x="13" y="13" width="7.5" height="6.5" rx="1.2" />`,
  ),
  speakerLayout: icon(
    svg`<rect x="3.5" y="4.5" width="17" height="10" rx="1.5" /><path d="M3.5 18.5h4M10 18.5h4M16.5 18.5h4" />`,
  ),
  film: icon(
    svg`<rect x="4" y="3.5" width="16" height="17" rx="2" /><path d="M12 7v10M9 9.5c-1.6 1-2.2 3-1.8 5.5M15 9.5c1.6 1 2.2 3 1.8 5.5" />`,
  ),
  settings: icon(
    svg`<path d="M4 7h9M17 7h3M4 17h3M11 17h9" /><circle cx="15" cy="7" r="2" /><circle cx="9" cy="17" r="2" />`,
  ),
  more: icon(
    svg`<circle cx="5.5" cy="12" r="1.2" fill="currentColor" /><circle cx="12" cy="12" r="1.2" fill="currentColor" /><circle cx="18.5" cy="12" r="1.2" fill="currentColor" />`,
  ),
  leave: icon(
    svg`<path d="M14 4.5H6.5A1.5 1.5 0 0 0 5 6v12a1.5 1.5 0 0 0 1.5 1.5H14M10.5 12H20M16.5 8l4 4-4 4" />`,
  ),
  pin: icon(svg`<path d="M9 4h6l-.8 6 3.3 3.5H6.5L9.8 10zM12 13.5V20" />`),
  lock: icon(
    svg`<rect x="5" y="10.5" width="14" height="9.5" rx="2" /><path d="M8.5 10.5V8a3.5 3.5 0 0 1 7 0v2.5" />`,
  ),
  unlock: icon(
    svg`<rect x="5" y="10.5" width="14" height="9.5" rx="2" /><path d="M8.5 10.5V8a3.5 3.5 0 0 1 6.8-1.2" />`,
  ),
  close: icon(svg`<path d="M6 6l12 12M18 6L6 18" />`),
  send: icon(svg`<path d="M4 12l16-7.5-5.5 15-3-6.5z" />`),
  sound: icon(
    svg`<path d="M4 9.5v5h3.5l4.5 4v-13l-4.5 4z" /><path d="M15.5 9a4.5 4.5 0 0 1 0 6M18 6.5a8 8 0 0 1 0 11" />`,
  ),
  network: icon(
    svg`<path d="M3 9.5a13 13 0 0 1 18 0M6 13a8.8 8.8 0 0 1 12 0M9 16.3a4.5 4.5 0 0 1 6 0" /><circle cx="12" cy="19.3" r=".8" fill="currentColor" />`,
  ),
  done: icon(svg`<path d="M4.5 12.5l5 5 10-11" />`),
  warning: icon(svg`<path d="M12 4l9 15.5H3zM12 10v4.5M12 17v.2" />`),
  alone: icon(
    svg`<circle cx="12" cy="8" r="3.5" /><path d="M5 20c.6-4 3.3-6.5 7-6.5s6.4 2.5 7 6.5" />`,
  ),
  robot: icon(
    svg`<path d="M4 20h7M7.5 20v-4l4-8 6 3" /><circle cx="7.5" cy="15.5" r="1.6" /><circle cx="11.5" cy="8" r="1.6" /><path d="M17.5 11l-1 4.5" />`,
  ),
  clock: icon(svg`<circle cx="12" cy="12" r="8.5" /><path d="M12 7v5.5l3.5 2" />`),
  chevron: icon(svg`<path d="M6 9l6 6 6-6" />`),
  back: icon(svg`<path d="M15 5l-7 7 7 7" />`),
  theme: icon(
    svg`<circle cx="12" cy="12" r="8" /><path d="M12 4v16a8 8 0 0 0 0-16z" fill="currentColor" />`,
  ),
  quality: {
    good: icon(svg`<path d="M5 19v-3M10 19v-6.5M15 19V9M20 19V5" stroke-width="2.6" />`),
    fair: icon(
      svg`<path d="M5 19v-3M10 19v-6.5" stroke-width="2.6" /><path d="M15 19V9M20 19V5" stroke-width="2.6" opacity=".3" />`,
    ),
    poor: icon(
      svg`<path d="M5 19v-3" stroke-width="2.6" /><path d="M10 19v-6.5M15 19V9M20 19V5" stroke-width="2.6" opacity=".3" />`,
    ),
    unknown: icon(
      svg`<path d="M5 19v-3M10 19v-6.5M15 19V9M20 19V5" stroke-width="2.6" opacity=".3" />`,
    ),
  },
} as const;
