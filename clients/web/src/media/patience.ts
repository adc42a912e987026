/**
 * A connection that has lost its path, and how it comes back. The invariant: while it is away, it is
 * revived every few seconds; when that has not helped although the server can be reached, it is lost.
 */

import { renewServers } from "./ice";

const REVIVE_AFTER_MS = 1500; // of no answers, on top of the browser's own 2.5 s
const REVIVE_EVERY_MS = 6000; // a browser gives new pairs up after 15 s
const GIVE_UP_MS = 10_000; // of a server that answers on the WebSocket, and no media

export interface Path {
  /** It is there: for the first time, or again. */
  connected(): void;
  /** It is away; called once for each time. */
  away(): void;
  /** Try another one: an ICE restart. */
  revive(): Promise<void>;
  /** The connection is over, and has to be built again. */
  lost(): void;
  /** Whether the server can be reached otherwise. */
  reachable(): boolean;
}

/** Watches until the connection is closed or lost. */
export function watchConnection(peer: RTCPeerConnection, path: Path): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let reachableSince: number | null = null;
  let away = false;

  const over = (): void => {
    peer.onconnectionstatechange = null;
    clearTimeout(timer);
    path.lost();
  };
  const tick = async (): Promise<void> => {
    if (peer.connectionState === "closed") return;
    const now = performance.now();
    if (!path.reachable()) reachableSince = null;
    else if (now - (reachableSince ??= now) > GIVE_UP_MS) {
      over();
      return;
    }
    timer = setTimeout(() => void tick(), REVIVE_EVERY_MS);
    if (pathless(peer)) await path.revive(); // else it is on its way
  };
  peer.onconnectionstatechange = () => {
    const state = peer.connectionState;
    if (state === "connected" || state === "closed") {
      clearTimeout(timer);
      timer = undefined;
      reachableSince = null;
      away = false;
      if (state === "connected") path.connected();
    } else if (state === "failed" && peer.iceConnectionState !== "failed") {
      over(); // not the path: the association
    } else if (state === "failed" || state === "disconnected") {
      if (!away) path.away();
      away = true;
      timer ??= setTimeout(() => void tick(), state === "failed" ? 0 : REVIVE_AFTER_MS);
    }
  };
}

/** Whether this connection's ICE agent has no path, or is about to give its path up. */
export function pathless(peer: RTCPeerConnection): boolean {
  return peer.iceConnectionState === "failed" || peer.iceConnectionState === "disconnected";
}

/**
 * A full restart without asking the server: a lite agent's credentials hold, and it does not look at
 * ours, so its last description is answer enough. Pings go out again, many a second, and find the
 * path in the moment in which there is one; signaling may still be away then.
 */
export async function restartPath(peer: RTCPeerConnection, description: string): Promise<void> {
  renewServers(peer);
  await peer.setLocalDescription(await peer.createOffer({ iceRestart: true }));
  const sdp = description.replaceAll("a=setup:actpass", "a=setup:passive");
  try {
    await peer.setRemoteDescription({ type: "answer", sdp });
  } catch (error) {
    await peer.setLocalDescription({ type: "rollback" });
    throw error;
  }
}
