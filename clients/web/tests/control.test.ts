import { describe, expect, it } from "vitest";

import { addressed, opened, stamped } from "../src/control/envelope";
import { LeaseKey, Side } from "../src/control/keys";
import {
  COMMAND_BYTES,
  Malformed,
  OBSERVATION_BYTES,
  decodeCommand,
  decodeObservation,
  encodeCommand,
  type Command,
} from "../src/control/layout";
import type { Sealed } from "../src/control/messages";
import { base64, fromBase64, utf8, type Octets } from "../src/control/octets";
import { open, read, seal } from "../src/control/orders";
import vectors from "./control-vectors.json";

const { command, observation, names } = vectors;
const [robotName, consoleName] = names as [string, string];

function url(octets: Uint8Array): string {
  return base64(octets).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

async function pair(secret: Octets, point: Octets): Promise<CryptoKeyPair> {
  const curve = { name: "ECDH", namedCurve: "P-256" };
  const x = url(point.subarray(1, 33));
  const y = url(point.subarray(33));
  const jwk = { kty: "EC", crv: "P-256", x, y };
  const load = (key: JsonWebKey, uses: KeyUsage[]): Promise<CryptoKey> =>
    crypto.subtle.importKey("jwk", key, curve, true, uses);
  return {
    privateKey: await load({ ...jwk, d: url(secret) }, ["deriveBits"]),
    publicKey: await load(jwk, []),
  };
}

const leaseKey = (): Promise<LeaseKey> => LeaseKey.of(fromBase64(vectors.key));

describe("the agreement on a key", () => {
  it("comes to what Python comes to", async () => {
    const point = fromBase64(vectors.console.point);
    const own = await pair(fromBase64(vectors.secret), point);
    const side = await Side.of(own, fromBase64(vectors.console.nonce));
    expect(base64(side.commitment)).toBe(vectors.commitment);
    const robot = {
      point: fromBase64(vectors.robot.point),
      nonce: fromBase64(vectors.robot.nonce),
    };
    const agreed = await side.agree(robot, { robot: robotName, console: consoleName });
    expect(agreed.digits).toBe(vectors.digits);
    expect(await agreed.key.verify(fromBase64(observation.octets))).not.toBeNull();
  });

  it("has other digits under another name", async () => {
    const side = await Side.create();
    const robot = (await Side.create()).shown;
    const one = await side.agree(robot, { robot: robotName, console: consoleName });
    const other = await side.agree(robot, { robot: robotName, console: "p-else" });
    expect(one.digits).not.toBe(other.digits);
  });

  it("refuses what is no key", async () => {
    const side = await Side.create();
    const shown = { point: new Uint8Array(65), nonce: new Uint8Array(16) };
    await expect(side.agree(shown, { robot: "a", console: "b" })).rejects.toThrow();
  });
});

describe("a message of motion", () => {
  it("is written as Python writes it", async () => {
    const body = encodeCommand(command.values as unknown as Command);
    const octets = await (await leaseKey()).sign(body);
    expect(base64(octets)).toBe(command.octets);
    expect(octets.length).toBe(COMMAND_BYTES);
    expect(decodeCommand(body)).toMatchObject(command.values);
  });

  it("is read as Python wrote it", async () => {
    const octets = fromBase64(observation.octets);
    expect(octets.length).toBe(OBSERVATION_BYTES);
    const body = await (await leaseKey()).verify(octets);
    expect(body && decodeObservation(body)).toMatchObject(observation.values);
  });

  it("is believed under its own key alone", async () => {
    const nobody = await LeaseKey.nobody();
    expect(await nobody.verify(fromBase64(observation.octets))).toBeNull();
    expect(await nobody.verify(fromBase64(observation.unheld))).not.toBeNull();
    const changed = fromBase64(observation.octets);
    changed[20] = (changed[20] ?? 0) ^ 1;
    expect(await (await leaseKey()).verify(changed)).toBeNull();
    expect(await nobody.verify(new Uint8Array(3))).toBeNull();
  });

  it("has no impossible figures", () => {
    const values = command.values as unknown as Command;
    const wrong: Partial<Command>[] = [
      { position: [Number.NaN, 0, 0] },
      { position: [11, 0, 0] },
      { velocity: [0, Number.POSITIVE_INFINITY, 0] },
      { orientation: [0.9, 0, 0, 0] },
    ];
    for (const change of wrong) {
      expect(() => encodeCommand({ ...values, ...change })).toThrow(Malformed);
    }
    expect(() => decodeObservation(new Uint8Array(OBSERVATION_BYTES - 16))).toThrow(Malformed);
  });
});

describe("the envelope", () => {
  it("says from whom a message is, and how long the relay kept it", () => {
    const octets = fromBase64(vectors.relayed);
    const envelope = opened(octets.buffer);
    const relayed = envelope && stamped(envelope.message);
    expect(envelope?.from).toBe(robotName);
    expect(relayed).toMatchObject({ cameUs: 5_000_000, keptUs: 120 });
    expect(base64(relayed?.message ?? new Uint8Array())).toBe(observation.octets);
    expect(opened(addressed("p-robot", utf8("x")).buffer)).toMatchObject({ from: "p-robot" });
    expect(opened("no line feed")).toBeNull();
    expect(stamped(new Uint8Array(3))).toBeNull();
  });
});

describe("a sealed order", () => {
  it("from the robot is opened with the lease's key", async () => {
    const granted = vectors.granted as Sealed;
    expect(await open(granted, await leaseKey())).toMatchObject({ epoch: 7, number: 1 });
    expect(await open(granted, await LeaseKey.nobody())).toBeNull();
    const changed = { ...granted, body: granted.body.replace("7", "8") };
    expect(await open(changed, await leaseKey())).toBeNull();
  });

  it("is sealed as Python seals it", async () => {
    const release = { type: "release", epoch: 7, number: 2 } as const;
    const sealed = await seal(release, await leaseKey());
    expect(JSON.parse(sealed.body)).toEqual(vectors.release);
    expect(sealed).toMatchObject(vectors.sealed_release);
    expect(await open(sealed, await leaseKey())).toBeNull(); // the other direction
  });
});

describe("an order", () => {
  const said = (value: unknown) => read(utf8(JSON.stringify(value)));

  it("is read when it is whole", () => {
    expect(said({ type: "gone", name: "p" })).toEqual({ type: "gone", name: "p" });
    expect(said({ type: "denied", reason: "operator" })).not.toBeNull();
  });

  it("is dropped otherwise", () => {
    for (const wrong of [null, 3, {}, { type: "state" }, { type: "show", point: 1, nonce: "" }]) {
      expect(said(wrong)).toBeNull();
    }
    expect(said({ type: "toString" })).toBeNull();
    expect(read(utf8("{"))).toBeNull();
  });
});
