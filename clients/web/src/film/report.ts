/** A structured report as lines of text with their depth (PS3.3 C.17.3). Pure logic. */

import { items, personName, TAG, text, type DicomJson, type Tag } from "./tags";

export interface Line {
  readonly depth: number;
  readonly name: string;
  readonly value: string;
}

const DEPTH = 12; // deeper than any template; a loop in the data ends here
const LINES = 2000;

function meaning(item: DicomJson, tag: Tag): string {
  const code = items(item, tag)[0];
  return code ? text(code, TAG.CodeMeaning) : "";
}

function valueOf(item: DicomJson): string {
  switch (text(item, TAG.ValueType)) {
    case "NUM": {
      const measured = items(item, TAG.MeasuredValueSequence)[0];
      if (!measured) return "";
      const unit = meaning(measured, TAG.MeasurementUnitsCodeSequence);
      return `${text(measured, TAG.NumericValue)} ${unit === "no units" ? "" : unit}`.trim();
    }
    case "CODE":
      return meaning(item, TAG.ConceptCodeSequence);
    case "PNAME":
      return personName(item, TAG.PersonName);
    case "DATE":
      return text(item, TAG.Date);
    case "DATETIME":
      return text(item, TAG.DateTime);
    default:
      return text(item, TAG.TextValue);
  }
}

export function reportLines(data: DicomJson): Line[] {
  const lines: Line[] = [];
  const visit = (item: DicomJson, depth: number): void => {
    if (depth > DEPTH || lines.length >= LINES) return;
    const name = meaning(item, TAG.ConceptNameCodeSequence);
    const value = valueOf(item);
    if (name || value) lines.push({ depth, name, value });
    for (const child of items(item, TAG.ContentSequence)) visit(child, depth + 1);
  };
  visit(data, 0);
  return lines;
}
