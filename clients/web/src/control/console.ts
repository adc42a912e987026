/** What the console's elements see: stores to draw, what is newest for each frame, intents. */

import type { Level } from "../protocol/messages";
import type { Store } from "../state/store";
import type { PadName, Touch } from "./devices";
import type { Observation } from "./layout";
import type { Standing } from "./lease";
import type { Imaging } from "./messages";

/** Why this page cannot have control, whatever the robot says. */
export type Obstacle =
  | "grant" // the token allows none
  | "small" // a phone: watching and stopping
  | "insecure" // without https browsers give no cryptography
  | "nameless"; // this browser does not say which frame it shows

export interface Held {
  readonly deadman: boolean;
  readonly clutch: boolean;
  readonly rotating: boolean;
  readonly speed: number;
  readonly gamepad: string | null;
}

/** Times in ms; null: not known. */
export interface Figures {
  readonly level: Level | null;
  readonly roundTripMs: number | null;
  readonly whole: boolean; // the round trip goes as far as the robot; else to the server alone
  readonly pictureMs: number | null; // from the machine to this screen
  readonly pictureSilentMs: number | null; // since the last frame
  readonly framesPerSecond: number;
  readonly loss: number | null;
  readonly silentMs: number | null; // since the robot's last word
  readonly fresh: boolean; // the pose on the screen is the present one
  readonly proven: boolean; // its words are under a key that this page can check
}

export const UNKNOWN: Figures = {
  level: null,
  roundTripMs: null,
  whole: false,
  pictureMs: null,
  pictureSilentMs: null,
  framesPerSecond: 0,
  loss: null,
  silentMs: null,
  fresh: false,
  proven: false,
};

export interface Robot {
  readonly id: string;
  readonly label: string;
}

export interface Console {
  readonly robot: Store<Robot | null>;
  readonly standing: Store<Standing>;
  readonly obstacle: Store<Obstacle | null>;
  readonly held: Store<Held>;
  readonly figures: Store<Figures>;
  readonly self: string;

  /** For views that are drawn with every frame. */
  newest(): Observation | null;
  /** What this element shows is what the specialist sees. The answer ends it. */
  watch(video: HTMLVideoElement): () => void;

  ask(): void;
  withdraw(): void;
  release(): void;
  handOver(to: string): void;
  stop(): void;
  adjust(imaging: Imaging): void;

  key(code: string, down: boolean): boolean;
  touch(pad: PadName, touch: Touch): void;
  clutch(on: boolean): void;
  rotate(on: boolean): void;
  setSpeed(share: number): void;
  close(): void;
}
