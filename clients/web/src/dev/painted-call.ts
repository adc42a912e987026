import { NO_MEDIA } from "../media/publish/capture";
import type { Participant, Role, Source, TrackInfo, WaitingPerson } from "../protocol/messages";
import type {
  Call,
  Link,
  LocalMedia,
  Me,
  NetworkCheck,
  Notice,
  Panel,
  Phase,
  View,
} from "../state/call";
import { apply, type Room } from "../state/room";
import type { Layout } from "../state/stage";
import { SharedFilm } from "../state/film";
import { Store } from "../state/store";
import { paintedTrack } from "./painted";
import { paintedFan, robotPerson, robotsOf, type RobotScene } from "./painted-robot";

const PEOPLE: [string, Role, string][] = [
  ["Dr. Margarethe Hollenstein-Vandenberghe", "host", "University Hospital for Internal Medicine"],
  ["清河县医院 · Qinghe County Hospital (simulated)", "county_doctor", "清河县医院"],
  ["李建国", "specialist", "省立第一医院 心内科"],
  ["王秀英", "patient", ""],
  ["Aisha Rahman", "interpreter", "Language Service"],
  ["欧阳志远", "student", "医科大学"],
  ["Tom Lee", "student", "Medical School"],
  ["陈静", "county_doctor", "安平县人民医院"],
  ["Ultrasound room 3", "device", "清河县医院"],
  ["Dr. Ngozi Okonkwo", "specialist", "Teaching Hospital"],
  ["赵敏", "student", "医科大学"],
  ["Jürgen Weiß", "operator", "Robotics"],
  ["孙丽华", "student", "医科大学"],
  ["Maria da Conceição Albuquerque", "specialist", "Hospital das Clínicas"],
];

function track(participant: string, source: Source, muted = false): TrackInfo {
  const kind = source === "microphone" || source === "screen_audio" ? "audio" : "video";
  return {
    id: `${participant}-${source}`,
    participant,
    kind,
    source,
    service_class: "talk",
    codec: kind === "audio" ? "opus" : "VP8",
    label: "",
    muted,
  };
}

function person(index: number): Participant {
  const [name, role, institution] = PEOPLE[index % PEOPLE.length] ?? ["?", "student", ""];
  const id = `p${index}`;
  const levels = ["good", "good", "fair", "poor"] as const;
  const level = levels[index % 4] ?? "good";
  return {
    id,
    name,
    role,
    institution,
    state: index === 6 ? "reconnecting" : "online",
    hand_raised_at_ms: index === 5 || index === 2 ? 1_700_000_000_000 - index : null,
    tracks: [
      ...(index % 5 === 3 ? [] : [track(id, "microphone", index % 3 === 2)]),
      ...(index % 4 === 3 ? [] : [track(id, "camera", index === 7)]),
    ],
    quality:
      index === 9
        ? null
        : {
            participant: id,
            level,
            rtt_ms: 18 + 40 * (index % 4),
            loss_up: 0.004 * index,
            gaps_up: 0.004 * index,
            loss_down: 0.001 * index,
            bitrate_up_bps: 2_450_000 - 120_000 * index,
            bitrate_down_bps: 640_000 * (index + 1),
            estimate_down_bps: index === 0 ? 1_200_000 : null,
            width: 1280,
            height: 720,
            frames_per_second: 29.97,
          },
  };
}

export interface Scene {
  phase?: Phase;
  people?: number;
  self?: number;
  waiting?: number;
  screen?: boolean;
  link?: Link;
  network?: NetworkCheck;
  view?: Partial<View>;
  named?: boolean;
  noDevices?: boolean;
  notices?: Notice[];
  soundBlocked?: boolean;
  locked?: boolean;
  role?: Role;
  stills?: number[]; // of these people there is only a picture now and then
  console?: RobotScene;
}

const CHAT = [
  ["p1", "清河县医院", "county_doctor", "患者男，62 岁，胸痛 3 小时，心电图已上传。"],
  ["p2", "李建国", "specialist", "收到。请把超声探头放在心尖位置，我看一下室壁运动。"],
  [
    "p0",
    "Margarethe Hollenstein",
    "host",
    "Troponin is back: 0.8 ng/ml. Please repeat in one hour.",
  ],
] as const;

/** A call whose stores are painted and whose intents only move the stores. */
export class PaintedCall implements Call {
  readonly phase: Store<Phase>;
  readonly me: Store<Me | null>;
  readonly room: Store<Room | null>;
  readonly local: Store<LocalMedia>;
  readonly remote: Store<ReadonlyMap<string, MediaStreamTrack>>;
  readonly link: Store<Link>;
  readonly network: Store<NetworkCheck>;
  readonly notices: Store<readonly Notice[]>;
  readonly view: Store<View>;
  readonly film = new SharedFilm(() => Promise.resolve(true));
  readonly token = null;
  readonly soundBlocked: Store<boolean>;

  constructor(scene: Scene) {
    const count = scene.people ?? 0;
    const participants = Array.from({ length: count }, (_, index) => person(index));
    if (scene.screen) participants[2]?.tracks.push(track("p2", "screen"));
    if (scene.console && !scene.console.none) participants.push(robotPerson());
    const role = scene.role ?? "host";
    const sends = role !== "student";
    this.phase = new Store<Phase>(scene.phase ?? { at: "room" });
    this.me = new Store<Me | null>({
      participant: "p0",
      role,
      name: scene.named ? "Dr. Margarethe Hollenstein-Vandenberghe" : null,
      named: scene.named ?? false,
      institution: "",
      title: "示范会诊 / Demonstration consultation",
      grants: {
        publish: sends ? ["audio", "video"] : [],
        classes: ["talk"],
        subscribe: true,
        data: true,
        chat: true,
        control: sends,
        moderate: role === "host",
        film: sends,
      },
    });
    this.room = new Store<Room | null>({
      self: "p0",
      title: "示范会诊 / Demonstration consultation",
      locked: scene.locked ?? false,
      startedAtMs: Date.now() - 761_000,
      codecs: { audio: ["opus"], video: ["VP8"] },
      participants,
      chat: CHAT.map(([participant, name, sender, text], index) => ({
        id: String(index),
        participant,
        name,
        role: sender,
        at_ms: Date.now() - 300_000 + index * 60_000,
        text,
      })),
      waiting: Array.from({ length: scene.waiting ?? 0 }, (_, index): WaitingPerson => {
        const [name, role, institution] = PEOPLE[3 + index] ?? ["?", "patient", ""];
        return { id: `w${index}`, name, role, institution, since_ms: Date.now() };
      }),
      activeSpeaker: count > 1 ? "p1" : null,
      players: count > 2 ? 3 : 0,
      spoke: ["p1"],
      robots: scene.console === undefined ? [] : robotsOf(scene.console),
      shortages: new Map(
        (scene.stills ?? []).map((person) => [`p${person}-camera`, "still"] as const),
      ),
    });
    const camera = scene.noDevices || !sends ? null : paintedTrack(200, "");
    this.local = new Store<LocalMedia>({
      ...NO_MEDIA,
      microphone: {
        ...NO_MEDIA.microphone,
        status: scene.noDevices ? "denied" : "on",
        track: scene.noDevices ? null : silence(),
      },
      camera: {
        ...NO_MEDIA.camera,
        status: camera ? "on" : scene.noDevices ? "missing" : "off",
        track: camera,
      },
      choices: scene.noDevices
        ? NO_MEDIA.choices
        : {
            camera: [
              { id: "a", label: "Integrated Camera (13d3:5a08)" },
              { id: "b", label: "UVC document camera" },
            ],
            microphone: [{ id: "c", label: "Default – Jabra Speak 510 USB (0b0e:0420)" }],
            speaker: [{ id: "d", label: "Default – Jabra Speak 510 USB (0b0e:0420)" }],
          },
    });
    const remote = participants.slice(1).flatMap(({ tracks }, index) =>
      tracks
        .filter(({ kind }) => kind === "video")
        .map(({ id, source, label }) => {
          const fan = label === "ultrasound";
          return [id, fan ? paintedFan() : paintedTrack(index * 47, source)] as const;
        }),
    );
    this.remote = new Store<ReadonlyMap<string, MediaStreamTrack>>(new Map(remote));
    this.link = new Store<Link>(scene.link ?? { state: "online" });
    this.network = new Store<NetworkCheck>(scene.network ?? { state: "checking" });
    this.notices = new Store<readonly Notice[]>(scene.notices ?? []);
    this.view = new Store<View>({
      layout: "grid",
      pinned: null,
      panel: null,
      unread: 2,
      film: false,
      console: scene.console !== undefined,
      ...scene.view,
    });
    this.soundBlocked = new Store(scene.soundBlocked ?? false);
  }

  show(): void {
    // nothing is sent here
  }
  setLayout(layout: Layout): void {
    this.view.update((view) => ({ ...view, layout, pinned: null }));
  }
  setPinned(pinned: string | null): void {
    this.view.update((view) => ({ ...view, pinned }));
  }
  setFilm(film: boolean): void {
    this.view.update((view) => ({ ...view, film }));
  }
  setConsole(console: boolean): void {
    this.view.update((view) => ({ ...view, console }));
  }
  openControl(): Promise<string> {
    return Promise.reject(new Error("painted"));
  }
  setPanel(panel: Panel): void {
    this.view.update((view) => ({ ...view, panel }));
  }
  dismiss(id: number): void {
    this.notices.update((notices) => notices.filter((notice) => notice.id !== id));
  }
  lock(locked: boolean): Promise<void> {
    this.room.update((room) => room && apply(room, { type: "room_locked", seq: 0, locked }));
    return Promise.resolve();
  }
  sendChat(): Promise<boolean> {
    return Promise.resolve(false);
  }
  chooseDevice(): Promise<void> {
    return this.nothing();
  }
  setMicrophoneMuted(muted: boolean): Promise<void> {
    this.local.update((media) => ({ ...media, microphone: { ...media.microphone, muted } }));
    return Promise.resolve();
  }
  setCameraMuted(): Promise<void> {
    return this.nothing();
  }
  invite(): Promise<string | null> {
    return Promise.resolve("https://care.example/join/-Nqx7lat3_-WBkBrMsxT");
  }
  private nothing(): Promise<void> {
    return Promise.resolve();
  }
  readonly open = () => this.nothing();
  readonly checkNetwork = () => this.nothing();
  readonly askForDevices = () => this.nothing();
  readonly join = () => this.nothing();
  readonly leave = () => this.nothing();
  readonly rejoin = () => this.nothing();
  readonly retry = () => this.nothing();
  readonly setSharing = () => this.nothing();
  readonly turnOnSound = () => this.nothing();
  readonly raiseHand = () => this.nothing();
  readonly askMute = () => this.nothing();
  readonly remove = () => this.nothing();
  readonly admit = () => this.nothing();
  readonly deny = () => this.nothing();
}

function silence(): MediaStreamTrack | null {
  return new AudioContext().createMediaStreamDestination().stream.getAudioTracks()[0] ?? null;
}
