import { Problem, problemOfStatus } from "../state/problem";
import type { Role } from "./messages";

export interface Ticket {
  token: string;
  room: string;
  role: Role;
  title: string;
}

/** Exchanges a join code for a token. Only ever after a click: codes may be good for one use. */
export async function exchangeCode(code: string): Promise<Ticket> {
  let response: Response;
  try {
    response = await fetch("/api/join", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ code }),
    });
  } catch (error) {
    throw new Problem("unreachable", String(error));
  }
  if (!response.ok) {
    const body = (await response.json().catch(() => ({}))) as { title?: string; detail?: string };
    throw problemOfStatus(response.status, body.detail ?? body.title ?? response.statusText);
  }
  return (await response.json()) as Ticket;
}

/** A moderator's invitation: a link that leads into the room in this role. */
export async function makeInvitation(token: string, room: string, role: Role): Promise<string> {
  const response = await fetch(`/api/rooms/${encodeURIComponent(room)}/invitations`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` },
    body: JSON.stringify({ role }),
  });
  if (!response.ok) throw problemOfStatus(response.status, response.statusText);
  return ((await response.json()) as { url: string }).url;
}

/** The code in a pasted join link, or in the bare code itself; null when it is neither. */
export function codeOf(pasted: string): string | null {
  const text = pasted.trim();
  const match = /\/join\/([\w-]+)\/?(?:[?#]|$)/.exec(text) ?? /^([\w-]{4,200})$/.exec(text);
  return match?.[1] ?? null;
}
