/**
 * One key per grant that only this console and the robot have, as control/keys.py agrees on it: P-256
 * with a commitment, so that a relay in the middle has one guess at the six digits which two people
 * compare by voice.
 */

import { TAG_BYTES } from "./messages";
import { joined, same, utf8, type Octets } from "./octets";

const CURVE = { name: "ECDH", namedCurve: "P-256" } as const;
const KEY_BYTES = 32;
const NONCE_BYTES = 16;
const PUBLIC_BYTES = 65;
const DIGITS = 6;
const INFO = "distal control 1";

/** What one side shows: its public key, an uncompressed point, and a nonce. */
export interface Shown {
  readonly point: Octets;
  readonly nonce: Octets;
}

export interface Agreed {
  readonly key: LeaseKey;
  readonly digits: string;
}

/** Browsers give their cryptography to pages opened with https, or from this machine, alone. */
export function canAgree(): boolean {
  return "subtle" in crypto;
}

/** The console's side of one exchange; never used twice. */
export class Side {
  private constructor(
    private readonly pair: CryptoKeyPair,
    readonly shown: Shown,
    readonly commitment: Octets,
  ) {}

  static async create(): Promise<Side> {
    const pair = await crypto.subtle.generateKey(CURVE, false, ["deriveBits"]);
    return Side.of(pair, crypto.getRandomValues(new Uint8Array(NONCE_BYTES)));
  }

  /** With a given key: for tests. */
  static async of(pair: CryptoKeyPair, nonce: Octets): Promise<Side> {
    const point = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
    return new Side(pair, { point, nonce }, await digest(point, nonce));
  }

  /** What both sides compute alike. Rejects when the robot shows what is no key. */
  async agree(robot: Shown, names: { robot: string; console: string }): Promise<Agreed> {
    if (robot.point.length !== PUBLIC_BYTES || robot.nonce.length !== NONCE_BYTES) {
      throw new Error("a public key has 65 octets and a nonce 16");
    }
    const other = await crypto.subtle.importKey("raw", robot.point, CURVE, false, []);
    const shared = await crypto.subtle.deriveBits(
      { name: "ECDH", public: other },
      this.pair.privateKey,
      8 * KEY_BYTES,
    );
    const { point, nonce } = this.shown;
    const salt = await digest(this.commitment, robot.point, robot.nonce, point, nonce);
    const info = utf8([INFO, names.robot, names.console].join("\n"));
    const secret = await crypto.subtle.importKey("raw", shared, "HKDF", false, ["deriveBits"]);
    const derived = await crypto.subtle.deriveBits(
      { name: "HKDF", hash: "SHA-256", salt, info },
      secret,
      8 * (KEY_BYTES + 4),
    );
    const number = new DataView(derived).getUint32(KEY_BYTES) % 10 ** DIGITS;
    const key = await LeaseKey.of(new Uint8Array(derived, 0, KEY_BYTES));
    return { key, digits: String(number).padStart(DIGITS, "0") };
  }
}

async function digest(...parts: readonly Uint8Array[]): Promise<Octets> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", joined(...parts)));
}

/** HMAC-SHA256 under one key. */
export class LeaseKey {
  private constructor(private readonly key: CryptoKey) {}

  static async of(octets: Octets): Promise<LeaseKey> {
    const kind = { name: "HMAC", hash: "SHA-256" };
    return new LeaseKey(await crypto.subtle.importKey("raw", octets, kind, false, ["sign"]));
  }

  /** Of observations while nobody has control: everybody may check them. */
  static nobody(): Promise<LeaseKey> {
    return LeaseKey.of(new Uint8Array(KEY_BYTES));
  }

  async code(...parts: readonly Uint8Array[]): Promise<Octets> {
    return new Uint8Array(await crypto.subtle.sign("HMAC", this.key, joined(...parts)));
  }

  /** A message of motion: its body with the code behind it. */
  async sign(body: Uint8Array): Promise<Octets> {
    return joined(body, (await this.code(body)).subarray(0, TAG_BYTES));
  }

  /** The body of a signed message; null when the code is another key's. */
  async verify(message: Uint8Array): Promise<Uint8Array | null> {
    const end = Math.max(0, message.length - TAG_BYTES);
    const body = message.subarray(0, end);
    const code = await this.code(body);
    return same(code.subarray(0, TAG_BYTES), message.subarray(end)) ? body : null;
  }
}
