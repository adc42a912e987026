/** How this page's connections reach the relay: the server's TURN servers, and whether to insist. */

import type { IceServer } from "../protocol/messages";
import { Store } from "../state/store";

const KEY = "distal.relayOnly";

/** From the latest welcome; they expire, and the server sends new ones in time. */
export const iceServers = new Store<readonly IceServer[]>([]);

/** Whether this browser takes the TURN server even where a direct way seems to work. */
export function relayOnly(): boolean {
  return localStorage.getItem(KEY) === "yes";
}

export function setRelayOnly(on: boolean): void {
  if (on) localStorage.setItem(KEY, "yes");
  else localStorage.removeItem(KEY);
}

export function iceConfiguration(): RTCConfiguration {
  const servers = [...iceServers.value];
  const insist = servers.length > 0 && relayOnly();
  return { iceServers: servers, iceTransportPolicy: insist ? "relay" : "all" };
}

/** Before an ICE restart in a long call: the credentials that it began with may be over by now. */
export function renewServers(peer: RTCPeerConnection): void {
  if (iceServers.value.length === 0) return;
  peer.setConfiguration({ ...peer.getConfiguration(), ...iceConfiguration() });
}
