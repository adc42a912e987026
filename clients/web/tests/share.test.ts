import { describe, expect, it } from "vitest";

import { DicomWeb, readBelow } from "../src/film/dicomweb";
import { birthDate, problemOf } from "../src/share/visit";

describe("a birth date", () => {
  it.each([
    ["1961", "3", "4", "19610304"],
    [" 1961", "03", "04 ", "19610304"],
    ["2000", "2", "29", "20000229"],
    ["1900", "2", "29", null],
    ["1961", "13", "1", null],
    ["1961", "0", "1", null],
    ["61", "3", "4", null],
    ["", "", "", null],
    ["1961", "x", "4", null],
  ])("%s-%s-%s is %s", (year, month, day, said) => {
    expect(birthDate(year, month, day)).toBe(said);
  });
});

describe("what went wrong", () => {
  it.each([
    [403, { left: 2 }, "wrong"],
    [404, {}, "unknown"],
    [410, { reason: "revoked" as const }, "revoked"],
    [429, { until_ms: 5 }, "locked"],
    [429, {}, "busy"],
    [503, {}, "preparing"],
    [500, {}, "unreachable"],
  ])("%i %o is %s", (status, told, code) => {
    expect(problemOf(status, told).code).toBe(code);
  });
});

describe("who came by a link", () => {
  it("asks for everything below its address", () => {
    readBelow("/shared/name/dicomweb");
    for (const address of [
      DicomWeb.instance("1", "2", "3"),
      DicomWeb.frame("1", "2", "3", 4),
      DicomWeb.thumbnail("1", "2"),
    ])
      expect(address).toMatch(/^\/shared\/name\/dicomweb\/studies\/1\//);
    readBelow("/dicomweb");
  });
});
