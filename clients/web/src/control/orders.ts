/** The reliable channel's messages, read and sealed as control/orders.py does it. */

import type { LeaseKey } from "./keys";
import type {
  FromHolder,
  FromRelay,
  FromRobot,
  Granted,
  Imaging,
  ModeName,
  CauseName,
  Sealed,
  State,
} from "./messages";
import { base64, fromBase64, same, utf8 } from "./octets";

export type Heard = FromRobot | FromRelay;

const IMAGING: Imaging = { depth_mm: 0, gain_db: 0, frozen: false };
const STATE: Omit<State, "asking"> = {
  type: "state",
  epoch: 0,
  holder: "",
  since_ms: 0,
  mode: "" as ModeName,
  cause: "" as CauseName,
  successor: "",
  grants: "operator",
  label: "",
  preset: "",
  limits: { warn_n: 0, soft_n: 0, hard_n: 0 },
  speed_m_s: 0,
  imaging: IMAGING,
  scene: { centre: [0, 0, 0], along: [0, 0, 0], outward: [0, 0, 0], half: [0, 0], length_m: 0 },
  video: "live",
  simulated: false,
};
const SHAPES: Record<Heard["type"], object> = {
  state: STATE,
  show: { point: "", nonce: "" },
  denied: { reason: "" },
  sealed: { body: "", code: "" },
  gone: { name: "" },
  beat: {},
  closing: {},
};

/** An order as it came; null for what is none, or of a later version that looks otherwise. */
export function read(octets: Uint8Array): Heard | null {
  try {
    const found = JSON.parse(new TextDecoder().decode(octets)) as Heard;
    return Object.hasOwn(SHAPES, found.type) && like(SHAPES[found.type], found) ? found : null;
  } catch {
    return null;
  }
}

/** Whether it has all that the example has, of the same kinds. */
function like(example: unknown, value: unknown): boolean {
  if (typeof example !== "object" || example === null) return typeof value === typeof example;
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(example).every(([name, part]) =>
    like(part, (value as Record<string, unknown>)[name]),
  );
}

const TO_ROBOT = utf8("order to robot\n");
const TO_CONSOLE = utf8("order to console\n");

export async function seal(message: FromHolder, key: LeaseKey): Promise<Sealed> {
  const body = JSON.stringify(message);
  return { type: "sealed", body, code: base64(await key.code(TO_ROBOT, utf8(body))) };
}

/** The robot's word that one has control; null when it is not under this key. */
export async function open(sealed: Sealed, key: LeaseKey): Promise<Granted | null> {
  try {
    const code = await key.code(TO_CONSOLE, utf8(sealed.body));
    if (!same(code, fromBase64(sealed.code))) return null;
    const found = JSON.parse(sealed.body) as Granted;
    const granted: Granted = { type: "granted", epoch: 0, number: 0 };
    return (found.type as string) === "granted" && like(granted, found) ? found : null;
  } catch {
    return null;
  }
}
