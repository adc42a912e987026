import { Problem, problemOfStatus } from "../state/problem";
import type { IceServer } from "./messages";

export interface NetworkOffers {
  readonly udp_ports: readonly number[]; // all that a room may use; a test uses one of them
  readonly turn: boolean; // the operator runs a TURN server
  readonly ice_servers: readonly IceServer[]; // empty without a token
}

/** A test's offer, answered by the relay. Needs no token; throws Problem. */
export async function exchangeProbe(offer: string): Promise<string> {
  const headers = { "Content-Type": "application/sdp" };
  const response = await reach("/api/network/probe", { method: "POST", headers, body: offer });
  return response.text();
}

/** What there is beside the relay itself. Throws Problem, also for a token that has expired. */
export async function networkOffers(token: string | null): Promise<NetworkOffers> {
  const headers: Record<string, string> = token ? { Authorization: `Bearer ${token}` } : {};
  const response = await reach("/api/network", { headers });
  return (await response.json()) as NetworkOffers;
}

async function reach(path: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch (error) {
    throw new Problem("unreachable", String(error));
  }
  if (response.ok) return response;
  if (response.status === 401) throw new Problem("visit_over", response.statusText);
  const body = (await response.json().catch(() => ({}))) as { title?: string; detail?: string };
  throw problemOfStatus(response.status, body.detail ?? body.title ?? response.statusText);
}
