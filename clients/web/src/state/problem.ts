import type { ErrorCode } from "../protocol/messages";

/** What can stop a person; the catalogue says each in words, with the next step. */
export type ProblemCode =
  | "link_unknown"
  | "link_used"
  | "too_many"
  | "unreachable"
  | "server_failed"
  | "visit_over"
  | "room_full"
  | "old_client"
  | "forbidden"
  | "unsupported_browser";

/** `detail` is for support: technical, untranslated, folded away. */
export class Problem extends Error {
  constructor(
    readonly code: ProblemCode,
    readonly detail: string,
  ) {
    super(`${code}: ${detail}`);
  }
}

export function problemOfStatus(status: number, detail: string): Problem {
  const text = `HTTP ${status} ${detail}`.trim();
  if (status === 404 || status === 400 || status === 422) return new Problem("link_unknown", text);
  if (status === 410 || status === 409) return new Problem("link_used", text);
  if (status === 429) return new Problem("too_many", text);
  return new Problem("server_failed", text);
}

const BY_ERROR: Partial<Record<ErrorCode, ProblemCode>> = {
  unauthorized: "visit_over",
  forbidden: "forbidden",
  room_full: "room_full",
  too_many_requests: "too_many",
  unsupported_version: "old_client",
};

export function problemOfError(code: ErrorCode, reason: string): Problem {
  return new Problem(BY_ERROR[code] ?? "server_failed", `${code}: ${reason}`);
}
