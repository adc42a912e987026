/** Development only, not in the build: any state of the client, by ?scene=NAME&lang=en|zh-CN. */

import "../elements/app";
import { chooseLanguage } from "../i18n/language";
import { Problem } from "../state/problem";
import "../style/tokens.css";
import { PaintedCall, type Scene } from "./painted-call";

const done = { state: "done", level: "good", rttMs: 12.4, loss: 0 } as const;
const notices = [
  { id: 1, kind: "mute_asked", by: "李建国" },
  { id: 2, kind: "joined", name: "Maria da Conceição Albuquerque" },
] as const;

const SCENES: Record<string, Scene> = {
  home: { phase: { at: "home" } },
  landing: { phase: { at: "landing" } },
  check: { phase: { at: "check" }, network: done },
  "check-named": { phase: { at: "check" }, network: done, named: true },
  "check-none": {
    phase: { at: "check" },
    noDevices: true,
    network: { state: "blocked", detail: "Error: no data channel within 8000 ms" },
  },
  "check-student": { phase: { at: "check" }, network: done, role: "student" },
  waiting: { phase: { at: "waiting" } },
  left: { phase: { at: "left" } },
  removed: { phase: { at: "removed", reason: "removed" } },
  problem: {
    phase: { at: "problem", problem: new Problem("link_used", "HTTP 410 Join link already used") },
  },
  room1: { people: 1 },
  room2: { people: 2 },
  room5: { people: 5, view: { panel: "people" }, waiting: 2 },
  "room5-chat": { people: 5, view: { panel: "chat", layout: "speaker" } },
  "room5-screen": { people: 5, screen: true, view: { layout: "speaker" }, locked: true },
  "room5-news": {
    people: 5,
    notices: [...notices],
    soundBlocked: true,
    link: { state: "reconnecting" },
  },
  "room5-still": { people: 5, stills: [1, 2, 4] },
  "room5-still-speaker": { people: 5, stills: [1, 2, 4], view: { layout: "speaker" } },
  room14: { people: 14 },
  room60: { people: 60 },
  "room60-speaker": { people: 60, view: { layout: "speaker" } },
  "room14-speaker": { people: 14, view: { layout: "speaker" } },
  "room14-people": { people: 14, view: { panel: "people" } },
  "room-student": { people: 3, role: "student", noDevices: true },
};

const query = new URLSearchParams(location.search);
chooseLanguage(query.get("lang") === "zh-CN" ? "zh-CN" : "en");
const scene = SCENES[query.get("scene") ?? ""];
if (scene) {
  const app = document.createElement("distal-app");
  app.call = new PaintedCall(scene);
  document.body.append(app);
} else {
  for (const name of Object.keys(SCENES)) {
    const link = document.createElement("a");
    link.href = `?scene=${name}`;
    link.textContent = name;
    document.body.append(link, document.createElement("br"));
  }
}
