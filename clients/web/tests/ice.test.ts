import { describe, expect, it, vi } from "vitest";

let insists: string | null = null;
vi.stubGlobal("localStorage", { getItem: () => insists });

const { iceConfiguration, iceServers } = await import("../src/media/ice");
const { restartPath } = await import("../src/media/patience");

const server = (credential: string) => ({ urls: ["turn:turn.example"], username: "u", credential });

/** As much of a peer connection as a restart touches. */
class Peer {
  readonly done: string[] = [];
  #configuration: RTCConfiguration = { bundlePolicy: "max-bundle", iceServers: [server("old")] };
  getConfiguration = (): RTCConfiguration => this.#configuration;
  setConfiguration = (configuration: RTCConfiguration): void => {
    this.#configuration = configuration;
    this.done.push(
      `${String(configuration.iceServers?.[0]?.credential)}, ${String(configuration.bundlePolicy)}`,
    );
  };
  createOffer = (): Promise<object> => Promise.resolve(this.done.push("offer") && {});
  setLocalDescription = (): Promise<void> => Promise.resolve();
  setRemoteDescription = (): Promise<void> => Promise.resolve();
}

describe("the TURN server", () => {
  it("is insisted on only where there is one", () => {
    insists = "yes";
    iceServers.set([]);
    expect(iceConfiguration().iceTransportPolicy).toBe("all");
    iceServers.set([server("new")]);
    expect(iceConfiguration().iceTransportPolicy).toBe("relay");
    insists = null;
    expect(iceConfiguration().iceTransportPolicy).toBe("all");
  });

  it("gets the renewed credentials before an ICE restart", async () => {
    iceServers.set([server("new")]);
    const peer = new Peer();
    await restartPath(peer as unknown as RTCPeerConnection, "v=0");
    expect(peer.done).toEqual(["new, max-bundle", "offer"]);
  });
});
