/** Three numbers, and unit quaternions w, x, y, z, as control/vectors.py and rotations have them. */

export type Vector = readonly [number, number, number];
export type Quaternion = readonly [number, number, number, number];

export const ZERO: Vector = [0, 0, 0];
export const UPRIGHT: Quaternion = [1, 0, 0, 0];

export function plus(a: Vector, b: Vector): Vector {
  return [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
}

export function minus(a: Vector, b: Vector): Vector {
  return [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
}

export function times(a: Vector, k: number): Vector {
  return [a[0] * k, a[1] * k, a[2] * k];
}

export function dot(a: Vector, b: Vector): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

export function cross(a: Vector, b: Vector): Vector {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

export function length(a: Vector): number {
  return Math.hypot(...a);
}

export function unit(a: Vector): Vector {
  return times(a, 1 / (length(a) || 1));
}

/** The same direction, no longer than that. */
export function atMost(a: Vector, most: number): Vector {
  const long = length(a);
  return long <= most ? a : times(a, most / long);
}

/** First `b`, then `a`. */
export function product(a: Quaternion, b: Quaternion): Quaternion {
  const [aw, ax, ay, az] = a;
  const [bw, bx, by, bz] = b;
  return [
    aw * bw - ax * bx - ay * by - az * bz,
    aw * bx + ax * bw + ay * bz - az * by,
    aw * by - ax * bz + ay * bw + az * bx,
    aw * bz + ax * by - ay * bx + az * bw,
  ];
}

export function inverse([w, x, y, z]: Quaternion): Quaternion {
  return [w, -x, -y, -z];
}

export function normal(q: Quaternion): Quaternion {
  const k = 1 / (Math.hypot(...q) || 1);
  return [q[0] * k, q[1] * k, q[2] * k, q[3] * k];
}

/** A turn about the vector's direction by its length, in radians. */
export function ofVector(turn: Vector): Quaternion {
  const angle = length(turn);
  if (angle < 1e-12) return UPRIGHT;
  const [x, y, z] = times(turn, Math.sin(angle / 2) / angle);
  return [Math.cos(angle / 2), x, y, z];
}

/** The shortest turn that leads from one to the other, base frame, in radians. */
export function between(start: Quaternion, end: Quaternion): Vector {
  const turn = product(end, inverse(start));
  const k = turn[0] < 0 ? -1 : 1;
  const axis: Vector = [turn[1] * k, turn[2] * k, turn[3] * k];
  const sine = length(axis);
  return sine < 1e-12 ? ZERO : times(axis, (2 * Math.atan2(sine, turn[0] * k)) / sine);
}

/** The vector, turned. */
export function rotate(q: Quaternion, v: Vector): Vector {
  const axis: Vector = [q[1], q[2], q[3]];
  const side = times(cross(axis, v), 2);
  return plus(plus(v, times(side, q[0])), cross(axis, side));
}
