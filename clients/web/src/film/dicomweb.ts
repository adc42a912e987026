/**
 * DICOMweb as the viewer needs it. What cannot send a header (pictures, the image loader) rides on
 * a cookie that `open` gets for the token.
 */

import type { KeptSession } from "./keeping";
import type { DicomJson } from "./tags";

let base = "/dicomweb";
let held = base; // where the open study is: two institutions may hold one of the same UID
const PASS = "distal.film-pass"; // in this tab alone, as the visit's is
const LIST = 60; // studies in a list; more are found by searching

/** Who came by a link asks below its address: `server/share_visits.py`. */
export function readBelow(address: string): void {
  base = held = address;
}

/** The study that is open is the one that this institution holds; empty: whichever came first. */
export function readFrom(holder: string): void {
  held = holder ? `${base}/of/${encodeURIComponent(holder)}` : base;
}

/** Whose study a list's row is, where several may hold it: named in its address. */
export function holderIn(address: string): string {
  const said = /\/of\/([^/]+)\/studies\//.exec(address)?.[1] ?? "";
  try {
    return decodeURIComponent(said);
  } catch {
    return "";
  }
}

/** Why images cannot be shown; the catalogue says each in words. */
export type FilmProblemCode =
  "signed_out" | "forbidden" | "missing" | "unavailable" | "unreachable" | "failed";

export class FilmProblem extends Error {
  constructor(
    readonly code: FilmProblemCode,
    readonly detail: string,
  ) {
    super(`${code}: ${detail}`);
  }
}

function codeOf(status: number): FilmProblemCode {
  if (status === 401) return "signed_out";
  if (status === 403) return "forbidden";
  if (status === 404 || status === 410) return "missing";
  if (status === 503 || status === 501) return "unavailable";
  return "failed";
}

export async function ask(
  url: string,
  request: RequestInit,
  signal?: AbortSignal,
): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { ...request, ...(signal ? { signal } : {}) });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new FilmProblem("unreachable", String(error));
  }
  if (!response.ok) {
    const told = (await response.text().catch(() => "")).slice(0, 300);
    throw new FilmProblem(codeOf(response.status), `HTTP ${response.status} ${told}`.trim());
  }
  return response;
}

/** JSON for JSON, as the holder of a token. Throws FilmProblem. */
export async function askAs<T>(
  token: string,
  url: string,
  method = "GET",
  body?: unknown,
): Promise<T> {
  const headers: Record<string, string> = { Authorization: `Bearer ${token}` };
  const request: RequestInit = { method, headers };
  if (body !== undefined) {
    headers["Content-Type"] = "application/json";
    request.body = JSON.stringify(body);
  }
  return (await (await ask(url, request)).json()) as T;
}

async function json(url: string, signal?: AbortSignal): Promise<DicomJson[]> {
  const headers = { Accept: "application/dicom+json" };
  const response = await ask(url, { headers }, signal);
  if (response.status === 204) return [];
  try {
    return (await response.json()) as DicomJson[];
  } catch (error) {
    throw new FilmProblem("failed", String(error));
  }
}

/** What a doctor types above the list: part of a name, a patient's number, an accession number. */
export interface Search {
  readonly words: string;
  readonly modality: string;
}

/** The QIDO-RS query of a search. Letters and Chinese are names, what holds a digit is a number. */
export function studiesQuery({ words, modality }: Search): string {
  const query = new URLSearchParams({ limit: String(LIST) });
  const term = words.trim();
  if (/\d/.test(term)) query.set("PatientID", `${term}*`);
  else if (term) query.set("PatientName", `*${term}*`);
  if (modality) query.set("ModalitiesInStudy", modality);
  for (const field of ["StudyDescription", "InstitutionName"]) query.append("includefield", field);
  return query.toString();
}

const RENEW_MOST_S = 3600;

interface Session {
  may_share: boolean;
  lasts_s: number;
}

export class DicomWeb {
  /** What a doctor shares studies with; null for who may not. */
  sharing: string | null = null;
  #renewal: ReturnType<typeof setTimeout> | undefined;

  /** Whether what is seen can be kept with the study: by who may share it. */
  get maySave(): boolean {
    return this.sharing !== null;
  }

  /** Keeps a session; the server says as which objects. */
  async save(study: string, session: KeptSession): Promise<void> {
    await ask(`/api/film/studies/${study}/presentations`, {
      method: "POST",
      headers: {
        Authorization: `Bearer ${this.sharing ?? ""}`,
        "Content-Type": "application/json",
      },
      body: JSON.stringify(session),
    });
  }

  /**
   * A cookie for what follows, renewed before it ends: in a room it outlives the token. Without a
   * token the one of an earlier visit may still be good.
   */
  async open(given: string | null): Promise<void> {
    this.close();
    const token = given ?? sessionStorage.getItem(PASS); // a reload asks for nothing again
    if (token === null) return;
    sessionStorage.removeItem(PASS);
    try {
      const answer = await ask("/api/dicomweb/session", {
        method: "POST",
        headers: { Authorization: `Bearer ${token}` },
      });
      const told = (await answer.json().catch(() => ({}))) as Partial<Session>;
      this.sharing = told.may_share ? token : null;
      sessionStorage.setItem(PASS, token);
      const wait_s = Math.min(RENEW_MOST_S, (told.lasts_s ?? 0) / 2);
      // One that cannot be renewed ends by itself: the next request says so.
      if (wait_s > 0) this.#renewal = setTimeout(() => void this.#renew(token), wait_s * 1000);
    } catch (error) {
      if (!(error instanceof FilmProblem) || error.code !== "missing") throw error;
      throw new FilmProblem("unavailable", error.detail); // a server without an archive
    }
  }

  #renew(token: string): Promise<void> {
    return this.open(token).catch(() => undefined);
  }

  /** Renews no more. */
  close(): void {
    clearTimeout(this.#renewal);
  }

  studies(search: Search, signal?: AbortSignal): Promise<DicomJson[]> {
    return json(`${base}/studies?${studiesQuery(search)}`, signal);
  }

  series(study: string, signal?: AbortSignal): Promise<DicomJson[]> {
    return json(`${held}/studies/${study}/series`, signal);
  }

  metadata(study: string, series: string, signal?: AbortSignal): Promise<DicomJson[]> {
    return json(`${held}/studies/${study}/series/${series}/metadata`, signal);
  }

  static thumbnail(study: string, series: string): string {
    return `${held}/studies/${study}/series/${series}/thumbnail?viewport=128,128`;
  }

  static instance(study: string, series: string, instance: string): string {
    return `${held}/studies/${study}/series/${series}/instances/${instance}`;
  }

  static frame(study: string, series: string, instance: string, frame: number): string {
    return `${DicomWeb.instance(study, series, instance)}/frames/${frame}`;
  }

  /** A picture made by the server, for where the browser cannot make it. */
  static rendered(at: string, window: readonly [number, number] | null, size: number): string {
    const query = new URLSearchParams({ viewport: `${size},${size}` });
    if (window) query.set("window", `${window[0]},${window[1]},linear`);
    return `${at}/rendered?${query.toString()}`;
  }

  /** The PDF or other document that an object carries. */
  static async document(instance: string, bulk: string | undefined): Promise<Blob> {
    const url = bulk ? new URL(bulk, location.origin + instance).pathname : `${instance}/rendered`;
    const response = await ask(url, { headers: { Accept: "application/pdf, */*;q=0.5" } });
    return response.blob();
  }
}
