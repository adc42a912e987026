import { html, type TemplateResult } from "lit";
import { toSvgPath } from "lean-qr/extras/svg";
import { correction, generate } from "lean-qr/nano";

const QUIET = 4; // modules of white around it: ISO/IEC 18004 6.3.8

/** A QR code, black on white on any page. */
export function qr(text: string, label: string): TemplateResult {
  const code = generate(text, { minCorrectionLevel: correction.M });
  const side = code.size + 2 * QUIET;
  return html`<svg
    class="qr"
    role="img"
    aria-label=${label}
    viewBox="${-QUIET} ${-QUIET} ${side} ${side}"
    shape-rendering="crispEdges"
  >
    <rect x=${-QUIET} y=${-QUIET} width=${side} height=${side} fill="#fff" />
    <path d=${toSvgPath(code)} fill="#000" />
  </svg>`;
}
