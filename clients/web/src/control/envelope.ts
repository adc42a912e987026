/** Whom a message is for, or from, and the relay's stamp behind one of motion: control/envelope.py. */

import { joined, utf8, type Octets } from "./octets";

export const RELAY = "-"; // the sender of what the relay says itself
const STAMP_BYTES = 12;
const LINE_FEED = 10;

export interface Stamped {
  readonly message: Uint8Array;
  readonly cameUs: number; // on the relay's clock
  readonly keptUs: number; // how long the relay kept it
}

export function addressed(to: string, message: Uint8Array): Octets {
  return joined(utf8(`${to}\n`), message);
}

/** The sender and the message; null when it has none. */
export function opened(data: string | ArrayBuffer): { from: string; message: Uint8Array } | null {
  const octets = typeof data === "string" ? utf8(data) : new Uint8Array(data);
  const end = octets.indexOf(LINE_FEED);
  if (end <= 0) return null;
  const from = new TextDecoder().decode(octets.subarray(0, end));
  return { from, message: octets.subarray(end + 1) };
}

export function stamped(message: Uint8Array): Stamped | null {
  const end = message.length - STAMP_BYTES;
  if (end < 0) return null;
  const stamp = new DataView(message.buffer, message.byteOffset + end, STAMP_BYTES);
  return {
    message: message.subarray(0, end),
    cameUs: Number(stamp.getBigUint64(0)),
    keptUs: stamp.getUint32(8),
  };
}
