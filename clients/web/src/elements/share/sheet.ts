import { html, render } from "lit";

import { moment, shareMessages } from "../../i18n/share";
import type { Factor } from "../../share/links";
import { qr } from "./qr";

const STYLE = `
  .share-sheet { display: none }
  @media print {
    @page { margin: 20mm }
    body { background: #fff }
    body > *:not(.share-sheet) { display: none !important }
    .share-sheet { display: block; color: #000; font: 14pt/1.5 var(--font); text-align: center }
    .share-sheet svg { width: 80mm; margin: 8mm auto; display: block }
    .share-sheet code { font-size: 10pt; overflow-wrap: anywhere }
  }`;

/** A paper to give away: the code, and how it is opened. No patient's name, and no secret digits. */
export function printSheet(url: string, factor: Factor, expiresMs: number): void {
  const t = shareMessages();
  const sheet = document.createElement("div");
  sheet.className = "share-sheet";
  const style = new CSSStyleSheet();
  style.replaceSync(STYLE);
  render(
    html`<h1>${t.sheetTitle}</h1>
      <p>${t.sheetScan}</p>
      ${qr(url, t.qr)}
      <p><code>${url}</code></p>
      <p>${t.sheetFactor[factor]}</p>
      <p>${t.until(moment(expiresMs))}</p>`,
    sheet,
  );
  document.body.append(sheet);
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, style];
  addEventListener(
    "afterprint",
    () => {
      sheet.remove();
      document.adoptedStyleSheets = document.adoptedStyleSheets.filter((each) => each !== style);
    },
    { once: true },
  );
  print();
}
