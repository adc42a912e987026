/** Datagrams to the relay and back, before a call: for the device check and the network page. */

import type { Level } from "../protocol/messages";
import { iceConfiguration } from "./ice";

export interface NetworkResult {
  readonly level: Level;
  readonly rttMs: number;
  readonly loss: number;
}

export interface NetworkTest {
  readonly configuration: RTCConfiguration;
  readonly echoes: number;
  readonly spacingMs: number;
}

const OPEN_MS = 8000;
const LAST_ECHO_MS = 1500;

/** ITU-T G.114 finds one-way delays to 150 ms fine and above 400 ms poor. */
export function judge(rttMs: number, loss: number): Level {
  if (rttMs > 600 || loss > 0.1) return "poor";
  return rttMs > 250 || loss > 0.02 ? "fair" : "good";
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function opened(peer: RTCPeerConnection, channel: RTCDataChannel): Promise<void> {
  const troubles = new Set<string>();
  peer.onicecandidateerror = ({ errorCode, errorText, url }) =>
    troubles.add(`${String(errorCode)} ${errorText} (${url})`);
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error([`no data channel within ${OPEN_MS} ms`, ...troubles].join("; "))),
      OPEN_MS,
    );
    channel.onopen = () => {
      clearTimeout(timer);
      resolve();
    };
  });
}

export async function measureNetwork(
  exchange: (offer: string) => Promise<string>,
  test: NetworkTest = { configuration: iceConfiguration(), echoes: 20, spacingMs: 40 },
): Promise<NetworkResult> {
  const peer = new RTCPeerConnection(test.configuration);
  try {
    const channel = peer.createDataChannel("echo", { ordered: false, maxRetransmits: 0 });
    const open = opened(peer, channel);
    open.catch(() => undefined); // awaited below, unless the exchange fails first
    await peer.setLocalDescription(await peer.createOffer());
    const answer = await exchange(peer.localDescription?.sdp ?? "");
    await peer.setRemoteDescription({ type: "answer", sdp: answer });
    await open;
    const trips = await echo(channel, test);
    if (trips.length === 0) throw new Error("no echo came back");
    const loss = 1 - trips.length / test.echoes;
    const rttMs = median(trips);
    return { level: judge(rttMs, loss), rttMs, loss };
  } finally {
    peer.close();
  }
}

function echo(channel: RTCDataChannel, { echoes, spacingMs }: NetworkTest): Promise<number[]> {
  return new Promise((resolve) => {
    const sentMs: number[] = [];
    const trips = new Map<number, number>();
    const finish = (): void => {
      clearTimeout(end);
      resolve([...trips.values()]);
    };
    let end: ReturnType<typeof setTimeout> | undefined;
    channel.onmessage = ({ data }) => {
      const index = Number(data);
      const at = sentMs[index];
      if (at !== undefined && !trips.has(index)) trips.set(index, performance.now() - at);
      if (trips.size === echoes) finish();
    };
    const timer = setInterval(() => {
      if (sentMs.length === echoes || channel.readyState !== "open") {
        clearInterval(timer);
        end = setTimeout(finish, LAST_ECHO_MS);
        return;
      }
      const index = sentMs.push(performance.now()) - 1;
      channel.send(String(index));
    }, spacingMs);
  });
}
