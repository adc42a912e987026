import { describe, expect, it, vi } from "vitest";

vi.stubGlobal("localStorage", { getItem: () => null, setItem: () => undefined });
vi.stubGlobal("navigator", { languages: ["de-DE", "zh-Hans-CN", "en"] });

const { duration, milliseconds, bitrate, percent } = await import("../src/i18n/format");
const { chooseLanguage, language, messages, preferred } = await import("../src/i18n/language");
const { en } = await import("../src/i18n/en");
const { zh } = await import("../src/i18n/zh");
const { codeOf } = await import("../src/protocol/join");
const { loadVisit, saveVisit, forgetVisit } = await import("../src/protocol/session");

describe("language", () => {
  it("begins with the first of the person's languages that we speak", () => {
    expect(language.value).toBe("zh-CN");
    expect(preferred(["fr", "en-GB", "zh"])).toBe("en");
    expect(preferred(["zh-TW"])).toBe("zh-CN");
    expect(preferred(["fr"])).toBe("en");
  });

  it("changes at any moment", () => {
    chooseLanguage("en");
    expect(messages().leave).toBe("Leave");
    chooseLanguage("zh-CN");
    expect(messages().leave).toBe("离开");
  });

  it("leaves no text of one language in the other's catalogue", () => {
    const texts = (value: unknown): string[] =>
      typeof value === "string"
        ? [value]
        : typeof value === "object" && value !== null
          ? Object.values(value).flatMap(texts)
          : [];
    const others = new Set(["中文"]);
    expect(texts(en).filter((text) => /\p{Script=Han}/u.test(text) && !others.has(text))).toEqual(
      [],
    );
    const untranslated = texts(zh).filter((text) => !/\p{Script=Han}/u.test(text));
    expect(untranslated).toEqual(["Distal", "English", "–"]);
  });
});

describe("figures", () => {
  it("always carry their unit", () => {
    chooseLanguage("en");
    expect(milliseconds(3.04)).toBe("3.0 ms");
    expect(milliseconds(142.4)).toBe("142 ms");
    expect(percent(0.0123)).toBe("1.2 %");
    expect(bitrate(2_450_000)).toBe("2.5 Mbit/s");
    expect(bitrate(48_300)).toBe("48 kbit/s");
  });

  it("count time as a clock does", () => {
    expect(duration(0)).toBe("00:00");
    expect(duration(761_000)).toBe("12:41");
    expect(duration(3_600_000)).toBe("01:00:00");
    expect(duration(-5)).toBe("00:00");
  });
});

describe("a pasted link", () => {
  it("is read as a link or as a bare code", () => {
    expect(codeOf(" https://care.example/join/-Nqx7lat3_-W ")).toBe("-Nqx7lat3_-W");
    expect(codeOf("http://10.0.0.1:8080/join/abcd/?x=1")).toBe("abcd");
    expect(codeOf("0sK5CCv2AgUQAqPmBuSS")).toBe("0sK5CCv2AgUQAqPmBuSS");
  });

  it("is refused when it is neither", () => {
    expect(codeOf("")).toBeNull();
    expect(codeOf("hello world")).toBeNull();
    expect(codeOf("https://care.example/else")).toBeNull();
  });
});

describe("a visit", () => {
  const storage = (): Storage => {
    const values = new Map<string, string>();
    return {
      getItem: (key: string) => values.get(key) ?? null,
      setItem: (key: string, value: string) => values.set(key, value),
      removeItem: (key: string) => values.delete(key),
    } as unknown as Storage;
  };
  const visit = {
    code: "abc",
    token: "t",
    room: "demo",
    role: "host",
    title: "",
    stage: "room",
  } as const;

  it("survives a reload of the same link only", () => {
    const tab = storage();
    saveVisit(visit, tab);
    expect(loadVisit("abc", tab)).toEqual(visit);
    expect(loadVisit("other", tab)).toBeNull();
    forgetVisit(tab);
    expect(loadVisit("abc", tab)).toBeNull();
  });

  it("is forgotten when it cannot be read", () => {
    const tab = storage();
    tab.setItem("distal.visit", "{");
    expect(loadVisit("abc", tab)).toBeNull();
  });
});
