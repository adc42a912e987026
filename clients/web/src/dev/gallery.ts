/** Development only, not in the build: any state of the client, by ?scene=NAME&lang=en|zh-CN. */

import "../elements/app";
import { chooseLanguage } from "../i18n/language";
import { Problem } from "../state/problem";
import "../style/tokens.css";
import { PaintedCall, type Scene } from "./painted-call";
import { PaintedConsole, type RobotScene } from "./painted-robot";

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

const HELD = { stage: "held", epoch: 1 } as const;
const MINE = { holder: "p0", since_ms: Date.now() - 300_000, epoch: 1 };
const CONSOLES: Record<string, RobotScene> = {
  none: { none: true },
  free: {},
  busy: {
    state: { holder: "p2", since_ms: Date.now() - 60_000, mode: "following" },
    mode: "FOLLOWING",
    forceN: 6.2,
    figures: { whole: false },
  },
  phone: { obstacle: "small", state: { holder: "p2" }, mode: "FOLLOWING", forceN: 6.2 },
  student: { obstacle: "grant", state: { holder: "p2" }, mode: "READY" },
  asking: { standing: { stage: "asking" } },
  digits: { standing: { stage: "digits", digits: "048682" } },
  ready: { standing: HELD, state: MINE, mode: "READY", cause: "RELEASED" },
  moving: {
    standing: HELD,
    state: { ...MINE, asking: ["p2"] },
    mode: "FOLLOWING",
    forceN: 6.2,
    held: { deadman: true },
  },
  limit: {
    standing: HELD,
    state: MINE,
    mode: "FOLLOWING",
    forceN: 18.4,
    flags: 48,
    held: { deadman: true, rotating: true, gamepad: "Xbox Wireless Controller (STANDARD GAMEPAD)" },
  },
  frozen: {
    standing: HELD,
    state: { ...MINE, video: "lost" },
    mode: "FROZEN",
    cause: "BLIND",
    figures: { level: "poor", roundTripMs: 310, pictureSilentMs: 1240 },
  },
  latched: {
    standing: { why: { kind: "ended", cause: "silence", mode: "latched" } },
    state: { mode: "latched", cause: "silence" },
    mode: "LATCHED",
    cause: "SILENCE",
  },
  stopped: {
    standing: { why: { kind: "ended", cause: "stop", mode: "holding" } },
    state: { mode: "holding", cause: "stop" },
    mode: "HOLDING",
    cause: "STOP",
    forceN: 26,
  },
  silent: {
    standing: HELD,
    state: MINE,
    mode: "FOLLOWING",
    figures: { level: "poor", fresh: false, silentMs: 1300 },
  },
  gone: { absent: true, standing: { stage: "absent", why: { kind: "gone" } } },
};
for (const [name, console] of Object.entries(CONSOLES)) {
  SCENES[`console-${name}`] = {
    people: 4,
    console,
    role: name === "student" ? "student" : "specialist",
  };
}

const query = new URLSearchParams(location.search);
chooseLanguage(query.get("lang") === "zh-CN" ? "zh-CN" : "en");
const scene = SCENES[query.get("scene") ?? ""];

async function open(scene: Scene): Promise<void> {
  const { console } = scene;
  if (console) {
    const { DistalUltrasound } = await import("../elements/ultrasound/ultrasound");
    DistalUltrasound.make = () => new PaintedConsole(console);
  }
  const app = document.createElement("distal-app");
  const call = new PaintedCall(scene);
  app.call = call;
  document.body.append(app);
  if (console?.absent) {
    setTimeout(() => call.room.update((room) => room && { ...room, robots: [] }), 1000);
  }
}

if (scene) void open(scene);
else {
  for (const name of Object.keys(SCENES)) {
    const link = document.createElement("a");
    link.href = `?scene=${name}`;
    link.textContent = name;
    document.body.append(link, document.createElement("br"));
  }
}
