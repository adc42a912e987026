/** What elements see of a call: stores to draw, intents to send. */

import type { Grants, Level, Role } from "../protocol/messages";
import type { SharedFilm } from "./film";
import type { Problem } from "./problem";
import type { Room } from "./room";
import type { Layout } from "./stage";
import type { Store } from "./store";

export type Phase =
  | { at: "home" }
  | { at: "network" } // which ways lead here
  | { at: "film" } // studies, without a call
  | { at: "landing" }
  | { at: "opening" } // the link is being exchanged, or the session resumed
  | { at: "check" }
  | { at: "joining" }
  | { at: "waiting" }
  | { at: "room" }
  | { at: "left" }
  | { at: "removed"; reason: "removed" | "denied" | "replaced" | "revoked" }
  | { at: "problem"; problem: Problem };

/** Oneself, as the token says. `name` null: to be chosen. */
export interface Me {
  readonly participant: string;
  readonly role: Role;
  readonly name: string | null;
  readonly institution: string;
  readonly title: string;
  readonly named: boolean; // by the token: not to be changed
  readonly grants: Grants;
}

export type Link =
  { state: "online" } | { state: "reconnecting" } | { state: "closing"; reconnectAfterMs: number };

export type DeviceStatus =
  | "off" // never asked for
  | "asking"
  | "on"
  | "missing"
  | "denied"
  | "busy"
  | "unavailable"; // this browser, or this page without https, gives none

export interface LocalDevice {
  readonly status: DeviceStatus;
  readonly track: MediaStreamTrack | null;
  readonly deviceId: string | null;
  readonly muted: boolean;
}

export interface Screen {
  readonly video: MediaStreamTrack;
  readonly audio: MediaStreamTrack | null;
}

export interface DeviceChoice {
  readonly id: string;
  readonly label: string;
}

export type DeviceKind = "microphone" | "camera" | "speaker";

export interface LocalMedia {
  readonly microphone: LocalDevice;
  readonly camera: LocalDevice;
  readonly screen: Screen | null;
  readonly speakerId: string | null;
  readonly choices: Readonly<Record<DeviceKind, readonly DeviceChoice[]>>;
}

export type NetworkCheck =
  | { state: "idle" }
  | { state: "checking" }
  | { state: "done"; level: Level; rttMs: number; loss: number }
  | { state: "blocked"; detail: string };

export type NoticeBody =
  | { kind: "mute_asked"; by: string }
  | { kind: "joined"; name: string }
  | { kind: "left"; name: string; reason: "left" | "removed" | "lost" }
  | { kind: "hand"; name: string }
  | { kind: "locked"; locked: boolean }
  | { kind: "device_lost"; device: "microphone" | "camera" }
  | { kind: "device_failed"; device: "microphone" | "camera"; status: Exclude<DeviceStatus, "on"> }
  | { kind: "media_lost" }
  | { kind: "share_failed"; detail: string }
  | { kind: "refused"; detail: string };

export type Notice = NoticeBody & { readonly id: number };

export type Panel = "people" | "chat" | null;

export interface View {
  readonly layout: Layout;
  readonly pinned: string | null; // the key of a tile
  readonly panel: Panel;
  readonly unread: number;
  readonly film: boolean; // images beside the people
  readonly console: boolean; // a robot's console; never both
}

export interface Call {
  readonly phase: Store<Phase>;
  readonly me: Store<Me | null>;
  readonly room: Store<Room | null>;
  readonly local: Store<LocalMedia>;
  readonly remote: Store<ReadonlyMap<string, MediaStreamTrack>>; // by track id
  readonly link: Store<Link>;
  readonly network: Store<NetworkCheck>;
  readonly notices: Store<readonly Notice[]>;
  readonly view: Store<View>;
  readonly soundBlocked: Store<boolean>;
  readonly film: SharedFilm;
  /** For what this person may see besides the call; null before the link was opened. */
  readonly token: string | null;

  open(): Promise<void>;
  checkNetwork(): Promise<void>;
  askForDevices(): Promise<void>;
  join(name: string | null): Promise<void>;
  leave(): Promise<void>;
  rejoin(): Promise<void>;
  retry(): Promise<void>; // after a problem

  chooseDevice(kind: DeviceKind, id: string): Promise<void>;
  setMicrophoneMuted(muted: boolean): Promise<void>;
  setCameraMuted(muted: boolean): Promise<void>;
  setSharing(on: boolean): Promise<void>;
  turnOnSound(): Promise<void>;

  /** A track is shown this high, in device pixels; 0 when it is not shown. */
  show(track: string, lines: number, pinned: boolean): void;
  setLayout(layout: Layout): void;
  setPinned(key: string | null): void;
  setPanel(panel: Panel): void;
  setFilm(open: boolean): void;
  setConsole(open: boolean): void;
  dismiss(notice: number): void;

  /** The server's answer to an offer of a way to the room's robots. Rejects when it has none now. */
  openControl(sdp: string): Promise<string>;

  sendChat(text: string): Promise<boolean>;
  raiseHand(up: boolean): Promise<void>;
  askMute(participant: string): Promise<void>;
  remove(participant: string): Promise<void>;
  lock(locked: boolean): Promise<void>;
  admit(participant: string): Promise<void>;
  deny(participant: string): Promise<void>;
  /** A join link for somebody; null when none could be made. */
  invite(role: Role): Promise<string | null>;
}
