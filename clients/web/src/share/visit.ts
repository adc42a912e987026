/** What somebody does who comes by a link: `server/share_visits.py`. */

import type { Factor } from "./links";

/** The catalogue says each in words. */
export type VisitProblemCode =
  | "unknown"
  | "expired"
  | "revoked"
  | "closed"
  | "failed"
  | "preparing"
  | "wrong"
  | "locked"
  | "busy"
  | "unreachable";

export class VisitProblem extends Error {
  constructor(
    readonly code: VisitProblemCode,
    readonly left = 0, // answers that may still be given
    readonly untilMs = 0, // of a lock
  ) {
    super(code);
  }
}

export interface Invitation {
  readonly sender: string;
  readonly factor: Factor;
  readonly deidentified: boolean;
  readonly expires_ms: number;
}

interface Told {
  reason?: VisitProblemCode;
  left?: number;
  until_ms?: number;
}

/** Which words an answer of the server has. */
export function problemOf(status: number, told: Told): VisitProblem {
  if (status === 403) return new VisitProblem("wrong", told.left ?? 0);
  if (status === 410) return new VisitProblem(told.reason ?? "expired");
  if (status === 429 && told.until_ms) return new VisitProblem("locked", 0, told.until_ms);
  if (status === 429) return new VisitProblem("busy");
  if (status === 503) return new VisitProblem("preparing");
  if (status === 404 || status === 400 || status === 413) return new VisitProblem("unknown");
  return new VisitProblem("unreachable");
}

/** A link: its name stands in the address, its code behind `#`, which no browser sends. */
export class Visit {
  constructor(
    readonly name: string,
    private readonly code: string,
  ) {}

  get base(): string {
    return `/shared/${this.name}/dicomweb`;
  }

  look(): Promise<Invitation> {
    return this.#post("look", { code: this.code });
  }

  open(factor: string): Promise<{ study: string; until_ms: number }> {
    return this.#post("open", { code: this.code, factor });
  }

  async close(): Promise<void> {
    await this.#post("close", {});
  }

  async #post<T>(what: string, body: unknown): Promise<T> {
    let answer: Response;
    try {
      answer = await fetch(`/shared/${this.name}/${what}`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body),
      });
    } catch {
      throw new VisitProblem("unreachable");
    }
    if (answer.status === 204) return undefined as T;
    const told = (await answer.json().catch(() => ({}))) as unknown;
    if (!answer.ok) throw problemOf(answer.status, told as Told);
    return told as T;
  }
}

/** Year, month and day as they were typed; null when they are no day. */
export function birthDate(year: string, month: string, day: string): string | null {
  const [y, m, d] = [year, month, day].map((text) => Number(text.trim())) as [
    number,
    number,
    number,
  ];
  const at = new Date(Date.UTC(y, m - 1, d));
  const real = y >= 1850 && at.getUTCFullYear() === y && at.getUTCMonth() === m - 1;
  if (!real || at.getUTCDate() !== d) return null;
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${y}${two(m)}${two(d)}`;
}
