import {
  UNKNOWN,
  type Console,
  type Figures,
  type Held,
  type Obstacle,
  type Robot,
} from "../control/console";
import type { PadName, Touch } from "../control/devices";
import type { Observation } from "../control/layout";
import { NOWHERE, type Standing } from "../control/lease";
import { Cause, Mode, type Imaging, type State } from "../control/messages";
import { ofVector, plus, rotate, times, type Vector } from "../control/vectors";
import type { Participant, RobotInfo } from "../protocol/messages";
import { Store } from "../state/store";

export const ROBOT = "robot1";

export interface RobotScene {
  standing?: Partial<Standing>;
  state?: Partial<State>;
  mode?: keyof typeof Mode;
  cause?: keyof typeof Cause;
  flags?: number;
  forceN?: number;
  held?: Partial<Held>;
  figures?: Partial<Figures>;
  obstacle?: Obstacle;
  absent?: boolean; // the robot has left
  none?: boolean; // there never was one
}

/** What a simulated arm over an abdomen says of itself. */
export function paintedState(): State {
  return {
    type: "state",
    epoch: 0,
    holder: "",
    since_ms: 0,
    mode: "idle",
    cause: "none",
    asking: [],
    successor: "",
    grants: "operator",
    label: "Simulated arm",
    preset: "abdomen",
    limits: { warn_n: 10, soft_n: 15, hard_n: 25 },
    speed_m_s: 0.1,
    imaging: { depth_mm: 120, gain_db: 0, frozen: false },
    scene: {
      centre: [0.45, 0, 0],
      along: [0, 1, 0],
      outward: [0, 0, 1],
      half: [0.17, 0.11],
      length_m: 0.5,
    },
    video: "live",
    simulated: true,
  };
}

const LABEL = "清河县医院 超声机器人 · Qinghe ultrasound robot (simulated)";

export function robotsOf({ none, standing, state }: RobotScene): RobotInfo[] {
  if (none) return [];
  const holder = standing?.stage === "held" ? "p0" : (state?.holder ?? "");
  const mode = state?.mode ?? "idle";
  return [{ participant: ROBOT, label: LABEL, holder, mode, simulated: true }];
}

/** The site's program, with its two pictures. */
export function robotPerson(): Participant {
  const video = (label: string, service: "diagnostic" | "talk") => ({
    id: `${ROBOT}-${label}`,
    participant: ROBOT,
    kind: "video" as const,
    source: "device" as const,
    service_class: service,
    codec: "VP8",
    label,
    muted: false,
  });
  return {
    id: ROBOT,
    name: "清河县医院 超声室",
    role: "device",
    institution: "清河县医院",
    state: "online",
    hand_raised_at_ms: null,
    tracks: [video("ultrasound", "diagnostic"), video("room", "talk")],
    quality: null,
  };
}

/** A fan of speckle that moves a little. */
export function paintedFan(): MediaStreamTrack {
  const canvas = document.createElement("canvas");
  canvas.width = 640;
  canvas.height = 480;
  const context = canvas.getContext("2d");
  let turn = 0;
  const paint = (): void => {
    if (!context) return;
    turn += 0.05;
    context.fillStyle = "#000";
    context.fillRect(0, 0, 640, 480);
    for (let index = 0; index < 5000; index++) {
      const angle = (((index * 7919) % 1000) / 1000 - 0.5) * 1.25;
      const deep = 40 + ((index * 104729) % 4100) / 10;
      const dark = Math.hypot(angle * deep - 20 * Math.sin(turn), deep - 240) < 70;
      const grey = dark ? 22 : 60 + ((index * 31) % 120) * (1 - deep / 600);
      context.fillStyle = `rgb(${grey} ${grey} ${grey})`;
      context.fillRect(320 + deep * Math.sin(angle), 10 + deep * Math.cos(angle), 5, 2.5);
    }
  };
  paint();
  setInterval(paint, 100);
  const track = canvas.captureStream(10).getVideoTracks()[0];
  if (!track) throw new Error("the canvas gives no track");
  return track;
}

/** A console whose stores are painted, and whose probe breathes. */
export class PaintedConsole implements Console {
  readonly robot = new Store<Robot | null>({ id: ROBOT, label: LABEL });
  readonly standing: Store<Standing>;
  readonly obstacle: Store<Obstacle | null>;
  readonly held: Store<Held>;
  readonly figures: Store<Figures>;
  readonly self = "p0";

  constructor(private readonly scene: RobotScene) {
    const { standing, state, obstacle, held, figures } = scene;
    this.standing = new Store<Standing>({
      ...NOWHERE,
      stage: "watching",
      state: scene.absent ? null : { ...paintedState(), ...state },
      ...standing,
    });
    this.obstacle = new Store<Obstacle | null>(obstacle ?? null);
    this.held = new Store<Held>({
      deadman: false,
      clutch: false,
      rotating: false,
      speed: 0.3,
      gamepad: null,
      ...held,
    });
    this.figures = new Store<Figures>({
      ...UNKNOWN,
      level: "good",
      roundTripMs: 38,
      whole: true,
      pictureMs: 92,
      pictureSilentMs: 20,
      framesPerSecond: 30,
      loss: 0.002,
      silentMs: 8,
      fresh: true,
      proven: true,
      ...figures,
    });
  }

  newest(): Observation | null {
    const { scene } = this;
    if (scene.absent) return null;
    const breath = 0.004 * Math.sin(performance.now() / 800);
    const orientation = ofVector(times([Math.cos(0.4), Math.sin(0.4), 0], Math.PI));
    const position: Vector = [0.45, 0.02, 0.112 + breath];
    const wrist = plus(position, rotate(orientation, [0, 0, -0.13]));
    const joints: Vector[] = [
      [0, 0, 0],
      [0, 0, 0.3],
      [0.05, 0, 0.42],
      [0.28, 0.01, 0.55],
      [0.36, 0.01, 0.5],
      plus(wrist, [0, 0, 0.12]),
      plus(wrist, [0, 0, 0.04]),
      wrist,
    ];
    return {
      flags: scene.flags ?? 0,
      epoch: 1,
      sequence: 1,
      sent_us: 0,
      applied_sequence: 1,
      applied_age_us: 0,
      mode: Mode[scene.mode ?? "IDLE"],
      cause: Cause[scene.cause ?? "NONE"],
      position,
      orientation,
      force: [0, 0.4, (scene.forceN ?? 0) - 60 * breath * (scene.forceN ? 1 : 0)],
      torque: [0, 0, 0],
      energy_j: 0,
      chain: joints.flat(),
    };
  }

  adjust(imaging: Imaging): void {
    this.standing.update((standing) => ({
      ...standing,
      state: standing.state && { ...standing.state, imaging },
    }));
  }
  setSpeed(speed: number): void {
    this.held.update((held) => ({ ...held, speed }));
  }
  clutch(clutch: boolean): void {
    this.held.update((held) => ({ ...held, clutch }));
  }
  rotate(rotating: boolean): void {
    this.held.update((held) => ({ ...held, rotating }));
  }
  touch(_pad: PadName, touch: Touch): void {
    this.held.update((held) => ({ ...held, deadman: touch !== null }));
  }
  key(): boolean {
    return false;
  }
  readonly watch = () => () => undefined;
  readonly ask = () => undefined;
  readonly withdraw = () => undefined;
  readonly release = () => undefined;
  readonly handOver = () => undefined;
  readonly stop = () => undefined;
  readonly close = () => undefined;
}
