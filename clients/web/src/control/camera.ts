/** From metres in the arm's base frame to a picture: an eye that goes round one point. Pure. */

import { cross, dot, minus, plus, times, unit, type Vector } from "./vectors";

export interface Camera {
  readonly eye: Vector;
  readonly right: Vector;
  readonly up: Vector;
  readonly forward: Vector;
}

/** Where to look from: round `outward` by `yaw`, above the table by `pitch`, in radians. */
export interface Orbit {
  readonly yaw: number;
  readonly pitch: number;
  readonly distance: number; // m
}

export interface Spot {
  readonly x: number;
  readonly y: number;
  readonly depth: number; // m, before the eye
}

export const VIEWS = {
  side: { yaw: 0.5, pitch: 0.35, distance: 1.35 },
  top: { yaw: 0.5, pitch: 1.5, distance: 1.35 },
  front: { yaw: 1.57, pitch: 0.15, distance: 1.35 },
} as const satisfies Record<string, Orbit>;

const NEAREST = 0.05;
const LENS = 1.5; // picture heights from the eye to the picture

export function cameraAt(
  middle: Vector,
  along: Vector,
  outward: Vector,
  { yaw, pitch, distance }: Orbit,
): Camera {
  const across = unit(cross(along, outward));
  const round = plus(times(across, Math.cos(yaw)), times(along, Math.sin(yaw)));
  const away = plus(times(round, Math.cos(pitch)), times(outward, Math.sin(pitch)));
  const forward = times(away, -1);
  const right = unit(cross(forward, outward));
  return {
    eye: plus(middle, times(away, distance)),
    right,
    up: cross(right, forward),
    forward,
  };
}

/** Null: behind the eye. */
export function project(
  { eye, right, up, forward }: Camera,
  point: Vector,
  width: number,
  height: number,
): Spot | null {
  const away = minus(point, eye);
  const depth = dot(away, forward);
  if (depth < NEAREST) return null;
  const scale = (LENS * Math.min(width, height)) / depth;
  return {
    x: width / 2 + dot(away, right) * scale,
    y: height / 2 - dot(away, up) * scale,
    depth,
  };
}
