/**
 * The messages between console and robot. Generated from control/messages.py and control/orders.py
 * by `python -m control.schema`: do not edit. Octets are base64 in JSON.
 */

export interface Field {
  readonly name: string;
  readonly code: "B" | "H" | "I" | "Q" | "f" | "d"; // as in Python's struct, big-endian
  readonly values: number;
  readonly most: number | null; // in absolute value
}

export const VERSION = 1;

export const TAG_BYTES = 16;

export const Flag = {
  DEADMAN: 1,
  CLUTCH: 2,
  STOP: 4,
  SEES: 8,
} as const;

export const Mode = {
  IDLE: 0,
  READY: 1,
  FOLLOWING: 2,
  FROZEN: 3,
  HOLDING: 4,
  RETREATING: 5,
  LATCHED: 6,
} as const;

export const Cause = {
  NONE: 0,
  SILENCE: 1,
  BLIND: 2,
  DELAY: 3,
  RELEASED: 4,
  FAR: 5,
  STOP: 6,
  FORCE: 7,
  SENSOR: 8,
  CLOCK: 9,
  ARM: 10,
} as const;

export const Held = {
  SPEED: 1,
  TURNING: 2,
  ACCELERATION: 4,
  WORKSPACE: 8,
  FORCE_WARNING: 16,
  FORCE_SOFT: 32,
  FORCE_HARD: 64,
  FORCE_RATE: 128,
  NO_FIGURES: 256,
  TILT: 512,
} as const;

export const COMMAND: readonly Field[] = [
  // 1
  { name: "version", code: "B", values: 1, most: null },
  // 1: command, 2: observation
  { name: "kind", code: "B", values: 1, most: null },
  // of a command: 1 deadman, 2 clutch, 4 stop, 8 sees; of an observation, what held a motion back: 1 speed, 2 turning, 4 acceleration, 8 workspace, 16 force warning, 32 soft, 64 hard, 128 force rate, 512 tilt
  { name: "flags", code: "H", values: 1, most: null },
  // of the lease
  { name: "epoch", code: "I", values: 1, most: null },
  // grows by one with each message of its direction
  { name: "sequence", code: "I", values: 1, most: null },
  // µs, sender's monotonic clock; no deadline is counted on it
  { name: "sent_us", code: "Q", values: 1, most: null },
  // the newest observation that the console has
  { name: "seen_sequence", code: "I", values: 1, most: null },
  // 90 kHz, RTP timestamp of the frame on the screen
  { name: "seen_rtp", code: "I", values: 1, most: null },
  // m, of the probe's face, in the arm's base frame
  { name: "position", code: "f", values: 3, most: 10 },
  // unit quaternion w, x, y, z
  { name: "orientation", code: "f", values: 4, most: 1.001 },
  // m/s, to lead the position
  { name: "velocity", code: "f", values: 3, most: 5 },
  // rad/s, to lead the orientation
  { name: "turning", code: "f", values: 3, most: 20 },
  // J, that the hand has put in since the lease began
  { name: "energy_j", code: "d", values: 1, most: 1e+06 },
];

export const OBSERVATION: readonly Field[] = [
  // 1
  { name: "version", code: "B", values: 1, most: null },
  // 1: command, 2: observation
  { name: "kind", code: "B", values: 1, most: null },
  // of a command: 1 deadman, 2 clutch, 4 stop, 8 sees; of an observation, what held a motion back: 1 speed, 2 turning, 4 acceleration, 8 workspace, 16 force warning, 32 soft, 64 hard, 128 force rate, 512 tilt
  { name: "flags", code: "H", values: 1, most: null },
  // of the lease
  { name: "epoch", code: "I", values: 1, most: null },
  // grows by one with each message of its direction
  { name: "sequence", code: "I", values: 1, most: null },
  // µs, sender's monotonic clock; no deadline is counted on it
  { name: "sent_us", code: "Q", values: 1, most: null },
  // the command that is followed
  { name: "applied_sequence", code: "I", values: 1, most: null },
  // µs, since it came
  { name: "applied_age_us", code: "I", values: 1, most: null },
  // 0 idle … 6 latched
  { name: "mode", code: "B", values: 1, most: 6 },
  // of the mode; 0: none
  { name: "cause", code: "B", values: 1, most: 10 },
  // m, of the probe's face, in the arm's base frame
  { name: "position", code: "f", values: 3, most: 10 },
  // unit quaternion w, x, y, z
  { name: "orientation", code: "f", values: 4, most: 1.001 },
  // N, that the body exerts on the probe, base frame
  { name: "force", code: "f", values: 3, most: 1000 },
  // N·m, the same, about the probe's face
  { name: "torque", code: "f", values: 3, most: 100 },
  // J, that the body has given since the lease began
  { name: "energy_j", code: "d", values: 1, most: 1e+06 },
  // m, the arm's joints from base to flange
  { name: "chain", code: "f", values: 24, most: 10 },
];

export type ModeName = "idle" | "ready" | "following" | "frozen" | "holding" | "retreating" | "latched";

export type CauseName = "none" | "silence" | "blind" | "delay" | "released" | "far" | "stop" | "force" | "sensor" | "clock" | "arm";

/** I want control. Begins an exchange of keys, or begins it anew. */
export interface Ask {
  type: "ask";
  commitment: string;
}

/** My public key, now that I have the robot's. */
export interface Reveal {
  type: "reveal";
  point: string;
  nonce: string;
}

/** Stand still, whoever has control; only a fresh grant leads out. */
export interface Stop {
  type: "stop";
}

/** To who asked: my public key. Both sides can compute the digits once `reveal` is there. */
export interface Show {
  type: "show";
  point: string;
  nonce: string;
}

/** To who asked, or sent what cannot be read. */
export interface Denied {
  type: "denied";
  reason: "busy" | "exchange" | "operator" | "stopped";
}

/** Newtons: a warning, less motion into the body from here, none and yielding from there. */
export interface ForceLimits {
  warn_n: number;
  soft_n: number;
  hard_n: number;
}

/** The ultrasound machine's knobs. */
export interface Imaging {
  depth_mm: number;
  gain_db: number;
  frozen: boolean;
}

/** What a 3-D view shows beside the arm; metres, the arm's base frame. The body is half an elliptic cylinder along `along` through `centre`, `half` wide and high. */
export interface Scene {
  centre: number[];
  along: number[];
  outward: number[];
  half: number[];
  length_m: number;
}

/** To everybody, whole, whenever something has changed and every second. The relay reads it: motion passes from `holder` in `epoch` alone. */
export interface State {
  type: "state";
  epoch: number;
  holder: string;
  since_ms: number;
  mode: ModeName;
  cause: CauseName;
  asking: string[];
  successor: string;
  grants: "at_once" | "operator";
  label: string;
  preset: string;
  limits: ForceLimits;
  speed_m_s: number;
  imaging: Imaging;
  scene: Scene;
  video: "live" | "lost";
  simulated: boolean;
}

/** `name` has left; of a robot: it has said nothing for too long, or its connection is over. */
export interface Gone {
  type: "gone";
  name: string;
}

/** Every second, to everybody: the link lives. One that is silent for 4 s is opened anew. */
export interface Beat {
  type: "beat";
}

/** The relay is going: robots come to rest. */
export interface Closing {
  type: "closing";
}

/** `body` is one of the messages below as JSON; `code` its HMAC-SHA256 with the lease's key. */
export interface Sealed {
  type: "sealed";
  body: string;
  code: string;
}

/** From the robot: you have control, in this epoch. */
export interface Granted {
  type: "granted";
  epoch: number;
  number: number;
}

/** From the holder: I give control back. */
export interface Release {
  type: "release";
  epoch: number;
  number: number;
}

/** From the holder: give it to `to`, who has asked, once the operator agrees. */
export interface HandOver {
  type: "hand_over";
  epoch: number;
  number: number;
  to: string;
}

/** From the holder: turn the ultrasound machine's knobs. */
export interface Adjust {
  type: "adjust";
  epoch: number;
  number: number;
  imaging: Imaging;
}

/** From the robot: you have control, in this epoch. */
export interface Granted {
  type: "granted";
  epoch: number;
  number: number;
}

export type FromConsole = Ask | Reveal | Stop | Sealed;

export type FromRobot = Show | Denied | State | Sealed;

export type FromRelay = Gone | Beat | Closing;

export type FromHolder = Release | HandOver | Adjust;
