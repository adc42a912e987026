import type { Role } from "./messages";

export type Stage = "check" | "waiting" | "room" | "left";

/** What a tab remembers of its visit, so that a reload goes on where it was. */
export interface Visit {
  code: string;
  token: string;
  room: string;
  role: Role;
  title: string;
  stage: Stage;
  name?: string;
  session?: string;
  seq?: number;
  microphoneMuted?: boolean;
  cameraMuted?: boolean;
}

const KEY = "distal.visit";

/** The visit of this tab, when it is for the same link. */
export function loadVisit(code: string, storage: Storage = sessionStorage): Visit | null {
  try {
    const visit = JSON.parse(storage.getItem(KEY) ?? "null") as Visit | null;
    return visit?.code === code && typeof visit.token === "string" ? visit : null;
  } catch {
    return null;
  }
}

/** The token of this tab's visit, whatever its link: for pages beside the consultation. */
export function visitToken(storage: Storage = sessionStorage): string | null {
  try {
    const visit = JSON.parse(storage.getItem(KEY) ?? "null") as Visit | null;
    return typeof visit?.token === "string" ? visit.token : null;
  } catch {
    return null;
  }
}

export function saveVisit(visit: Visit, storage: Storage = sessionStorage): void {
  storage.setItem(KEY, JSON.stringify(visit));
}

export function forgetVisit(storage: Storage = sessionStorage): void {
  storage.removeItem(KEY);
}
