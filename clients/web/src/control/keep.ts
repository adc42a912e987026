/** The way of a still or a clip into the archive: `dicom/web/capturing.py`. */

import type { Capture } from "./case";

/** Why it is not kept; the catalogue says each in words. */
export type KeepCode =
  | "forbidden" // this person keeps nothing here
  | "outside" // no longer in the consultation
  | "missing" // the study that was open is gone
  | "unreadable" // the server makes nothing of it, now or later
  | "busy"
  | "full"
  | "unreachable"
  | "failed";

export class KeepProblem extends Error {
  constructor(
    readonly code: KeepCode,
    readonly detail: string,
  ) {
    super(`${code}: ${detail}`);
  }
}

/** What the server has kept, and of whom; empty: of nobody that it knows. */
export interface Kept {
  readonly study: string;
  readonly institution: string;
  readonly patient: string;
}

export type Send = (
  capture: Capture,
  sent: (share: number) => void,
  signal: AbortSignal,
) => Promise<Kept>;

const CODES = new Map<number, KeepCode>([
  [401, "forbidden"],
  [403, "forbidden"],
  [404, "missing"],
  [409, "outside"],
  [413, "unreadable"],
  [415, "unreadable"],
  [422, "unreadable"],
  [429, "busy"],
  [503, "busy"],
  [507, "full"],
]);

export function codeOf(status: number): KeepCode {
  return status === 0 ? "unreachable" : (CODES.get(status) ?? "failed");
}

/** Sends as who holds the token. XMLHttpRequest: `fetch` does not say how much has gone out. */
export function sendAs(token: () => string | null): Send {
  return (capture, sent, signal) =>
    new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      const query = new URLSearchParams({
        age_ms: String(Math.round(performance.now() - capture.tickMs)),
      });
      if (capture.study !== null) query.set("study", capture.study);
      request.open("PUT", `/api/film/captures/${capture.id}?${query.toString()}`);
      request.setRequestHeader("Authorization", `Bearer ${token() ?? ""}`);
      request.setRequestHeader("Content-Type", capture.blob.type);
      request.upload.onprogress = ({ loaded, total }) => sent(total > 0 ? loaded / total : 0);
      const end = (): void => {
        const { status, responseText } = request;
        try {
          if (status === 200 || status === 201) resolve(JSON.parse(responseText) as Kept);
          else reject(new KeepProblem(codeOf(status), `HTTP ${status} ${responseText}`.trim()));
        } catch (error) {
          reject(new KeepProblem("failed", String(error)));
        }
      };
      request.onload = request.onerror = request.onabort = end;
      signal.addEventListener("abort", () => request.abort(), { once: true });
      request.send(capture.blob);
    });
}
