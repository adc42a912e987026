const PATIENCE_MS = 6000; // a lost Wi-Fi roams within a few seconds; the browser itself waits far longer

/** Calls `lost` once when a connection has failed, or has been disconnected for too long. */
export function watchConnection(
  peer: RTCPeerConnection,
  callbacks: { connected?(): void; lost(): void },
): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const lost = (): void => {
    peer.onconnectionstatechange = null;
    clearTimeout(timer);
    callbacks.lost();
  };
  peer.onconnectionstatechange = () => {
    clearTimeout(timer);
    if (peer.connectionState === "connected") callbacks.connected?.();
    if (peer.connectionState === "failed") lost();
    if (peer.connectionState === "disconnected") {
      timer = setTimeout(() => {
        if (peer.connectionState === "disconnected") lost();
      }, PATIENCE_MS);
    }
  };
}
