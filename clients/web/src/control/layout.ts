/**
 * The messages of motion as octets, by the generated tables, checked as control/messages.py checks
 * them: what could not be read there is not sent, and what is impossible here is not believed.
 */

import { COMMAND, OBSERVATION, TAG_BYTES, VERSION, type Field } from "./messages";
import type { Quaternion, Vector } from "./vectors";

const UNIT_TOLERANCE = 1e-3; // of a quaternion's length, after 32-bit rounding
const SIZES = { B: 1, H: 2, I: 4, Q: 8, f: 4, d: 8 } as const;

export interface Command {
  readonly flags: number;
  readonly epoch: number;
  readonly sequence: number;
  readonly sent_us: number;
  readonly seen_sequence: number;
  readonly seen_rtp: number;
  readonly position: Vector;
  readonly orientation: Quaternion;
  readonly velocity: Vector;
  readonly turning: Vector;
  readonly energy_j: number;
}

export interface Observation {
  readonly flags: number;
  readonly epoch: number;
  readonly sequence: number;
  readonly sent_us: number;
  readonly applied_sequence: number;
  readonly applied_age_us: number;
  readonly mode: number;
  readonly cause: number;
  readonly position: Vector;
  readonly orientation: Quaternion;
  readonly force: Vector;
  readonly torque: Vector;
  readonly energy_j: number;
  readonly chain: readonly number[]; // x, y, z of each joint
}

/** Not a message of this version, or one with impossible figures. */
export class Malformed extends Error {}

type Values = Readonly<Record<string, number | readonly number[]>>;

function sizeOf(table: readonly Field[]): number {
  return table.reduce((sum, { code, values }) => sum + SIZES[code] * values, 0);
}

export const COMMAND_BYTES = sizeOf(COMMAND) + TAG_BYTES;
export const OBSERVATION_BYTES = sizeOf(OBSERVATION) + TAG_BYTES;

/** Without its authentication code. Throws Malformed. */
export function encodeCommand(command: Command): Uint8Array<ArrayBuffer> {
  return encode(COMMAND, { version: VERSION, kind: 1, ...command });
}

/** Of a body without its authentication code, which is somebody else's business. Throws Malformed. */
export function decodeObservation(body: Uint8Array): Observation {
  return decode(OBSERVATION, 2, body) as unknown as Observation;
}

/** The same, for the other direction: tests and a robot that is painted. */
export function encodeObservation(observation: Observation): Uint8Array<ArrayBuffer> {
  return encode(OBSERVATION, { version: VERSION, kind: 2, ...observation });
}

export function decodeCommand(body: Uint8Array): Command {
  return decode(COMMAND, 1, body) as unknown as Command;
}

function encode(table: readonly Field[], values: Values): Uint8Array<ArrayBuffer> {
  check(table, values);
  const body = new DataView(new ArrayBuffer(sizeOf(table)));
  let at = 0;
  for (const { name, code } of table) {
    for (const value of [values[name] ?? 0].flat()) {
      write(body, at, code, value);
      at += SIZES[code];
    }
  }
  return new Uint8Array(body.buffer);
}

function decode(table: readonly Field[], kind: number, body: Uint8Array): Values {
  if (body.length !== sizeOf(table) || body[0] !== VERSION || body[1] !== kind) {
    throw new Malformed(`not of kind ${kind} and version ${VERSION}`);
  }
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const values: Record<string, number | number[]> = {};
  let at = 0;
  for (const { name, code, values: count } of table) {
    const several: number[] = [];
    for (let index = 0; index < count; index++, at += SIZES[code]) {
      several.push(read(view, at, code));
    }
    values[name] = count === 1 ? (several[0] ?? 0) : several;
  }
  check(table, values);
  return values;
}

function check(table: readonly Field[], values: Values): void {
  for (const { name, values: count, most } of table) {
    const several = [values[name] ?? Number.NaN].flat();
    if (several.length !== count) throw new Malformed(`${name} has ${several.length} values`);
    const possible = (v: number): boolean => Number.isFinite(v) && Math.abs(v) <= (most ?? v);
    if (!several.every(possible)) throw new Malformed(`${name} is not possible`);
  }
  const long = Math.hypot(...[values.orientation ?? 0].flat());
  if (Math.abs(long - 1) > UNIT_TOLERANCE) throw new Malformed(`orientation of length ${long}`);
}

function write(view: DataView, at: number, code: Field["code"], value: number): void {
  if (code === "B") view.setUint8(at, value);
  else if (code === "H") view.setUint16(at, value);
  else if (code === "I") view.setUint32(at, value);
  else if (code === "Q") view.setBigUint64(at, BigInt(Math.round(value)));
  else if (code === "f") view.setFloat32(at, value);
  else view.setFloat64(at, value);
}

function read(view: DataView, at: number, code: Field["code"]): number {
  if (code === "B") return view.getUint8(at);
  if (code === "H") return view.getUint16(at);
  if (code === "I") return view.getUint32(at);
  if (code === "Q") return Number(view.getBigUint64(at)); // µs: exact for 285 years
  if (code === "f") return view.getFloat32(at);
  return view.getFloat64(at);
}
