/** Octets: joined, compared, as base64. */

export type Octets = Uint8Array<ArrayBuffer>;

export function joined(...parts: readonly Uint8Array[]): Octets {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** In a time that does not tell where they differ. */
export function same(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (const [index, octet] of a.entries()) difference |= octet ^ (b[index] ?? 0);
  return difference === 0;
}

export function utf8(text: string): Octets {
  return joined(new TextEncoder().encode(text));
}

export function base64(octets: Uint8Array): string {
  return btoa(String.fromCharCode(...octets));
}

/** Throws when it is none. */
export function fromBase64(text: string): Octets {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}
