/** What the 3-D view draws: the body, the arm, the probe with its plane, the force. Pure. */

import type { Observation } from "./layout";
import type { Scene } from "./messages";
import { cross, plus, rotate, times, unit, type Vector } from "./vectors";

export type Part = "table" | "body" | "arm" | "joint" | "probe" | "plane" | "force";

export interface Shape {
  readonly part: Part;
  readonly points: readonly Vector[]; // one: a ball; two: a rod; more: a face
  readonly radius?: number; // m
}

const RIBS = 12; // faces round half the body
const SLICES = 8; // along it
const ROD_PARTS = 6; // so that what is nearer covers it piece by piece
const PROBE = { long: 0.13, wide: 0.03, thick: 0.012 };
const FORCE_M_PER_N = 0.008;
const FORCE_SHOWN_N = 0.3;

export function vector(numbers: readonly number[], at = 0): Vector {
  return [numbers[at] ?? 0, numbers[at + 1] ?? 0, numbers[at + 2] ?? 0];
}

export function shapesOf(scene: Scene, seen: Observation | null, depthM: number): Shape[] {
  const shapes = [...bodyOf(scene)];
  if (!seen) return shapes;
  return [...shapes, ...armOf(seen), ...probeOf(seen, depthM)];
}

/** Half an elliptic cylinder on a table. */
function* bodyOf(scene: Scene): Generator<Shape> {
  const centre = vector(scene.centre);
  const along = unit(vector(scene.along));
  const outward = unit(vector(scene.outward));
  const across = unit(cross(along, outward));
  const [wide = 0, high = 0] = scene.half;
  const long = scene.length_m / 2;
  const corner = (u: number, v: number): Vector =>
    plus(centre, plus(times(along, u * long * 1.2), times(across, v * wide * 1.6)));
  yield { part: "table", points: [corner(-1, -1), corner(1, -1), corner(1, 1), corner(-1, 1)] };
  const skin = (slice: number, rib: number): Vector => {
    const angle = (Math.PI * rib) / RIBS;
    const round = plus(
      times(across, wide * Math.cos(angle)),
      times(outward, high * Math.sin(angle)),
    );
    return plus(centre, plus(times(along, long * ((2 * slice) / SLICES - 1)), round));
  };
  for (let slice = 0; slice < SLICES; slice++) {
    for (let rib = 0; rib < RIBS; rib++) {
      const points = [
        skin(slice, rib),
        skin(slice + 1, rib),
        skin(slice + 1, rib + 1),
        skin(slice, rib + 1),
      ];
      yield { part: "body", points };
    }
  }
}

function* armOf({ chain }: Observation): Generator<Shape> {
  if (chain.every((figure) => figure === 0)) return; // the robot does not say where its joints are
  const joints: Vector[] = [];
  for (let at = 0; at + 2 < chain.length; at += 3) joints.push(vector(chain, at));
  for (const [index, joint] of joints.entries()) {
    const next = joints[index + 1];
    const radius = 0.045 - 0.003 * index;
    yield { part: "joint", points: [joint], radius };
    if (next) yield* rod("arm", joint, next, radius * 0.8);
  }
}

function* rod(part: Part, from: Vector, to: Vector, radius: number): Generator<Shape> {
  for (let index = 0; index < ROD_PARTS; index++) {
    const at = (share: number): Vector => plus(times(from, 1 - share), times(to, share));
    yield { part, points: [at(index / ROD_PARTS), at((index + 1) / ROD_PARTS)], radius };
  }
}

/** The beam leaves the face along the probe's own z; x is along the image, y across it. */
function* probeOf(seen: Observation, depthM: number): Generator<Shape> {
  const face = seen.position;
  const at = (x: number, y: number, z: number): Vector =>
    plus(face, rotate(seen.orientation, [x, y, z]));
  const { long, wide, thick } = PROBE;
  for (const side of [-1, 1]) {
    yield {
      part: "probe",
      points: [
        at(-wide, side * thick, 0),
        at(wide, side * thick, 0),
        at(wide * 0.6, side * thick, -long),
        at(-wide * 0.6, side * thick, -long),
      ],
    };
    yield {
      part: "probe",
      points: [
        at(side * wide, -thick, 0),
        at(side * wide, thick, 0),
        at(side * wide * 0.6, thick, -long),
        at(side * wide * 0.6, -thick, -long),
      ],
    };
  }
  const spread = wide + depthM * 0.35;
  yield {
    part: "plane",
    points: [at(-wide, 0, 0), at(wide, 0, 0), at(spread, 0, depthM), at(-spread, 0, depthM)],
  };
  if (Math.hypot(...seen.force) > FORCE_SHOWN_N) {
    yield {
      part: "force",
      points: [face, plus(face, times(seen.force, FORCE_M_PER_N))],
      radius: 0.006,
    };
  }
}
