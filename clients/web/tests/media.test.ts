import { describe, expect, it } from "vitest";

import { codecNames, offeringRepeats, preferredCodecs } from "../src/media/codecs";
import { meterLevel } from "../src/media/meter";
import { judge, median } from "../src/media/network-check";
import { readTracks, roundTripMs } from "../src/media/stats";
import { iceUfrag } from "../src/media/watch/watcher";

const VP8 = { mimeType: "video/VP8" };
const AV1 = { mimeType: "video/AV1" };
const RTX = { mimeType: "video/rtx" };
const BASELINE = { mimeType: "video/H264", sdpFmtpLine: "profile-level-id=42e01f" };
const HIGH = { mimeType: "video/H264", sdpFmtpLine: "profile-level-id=64001f" };

describe("codecs", () => {
  it("follows the room's order and keeps retransmission", () => {
    const available = [AV1, VP8, RTX, BASELINE];
    expect(preferredCodecs(available, ["h264", "VP8"])).toEqual([BASELINE, VP8, RTX]);
  });

  it("offers only the H.264 that everybody decodes", () => {
    expect(preferredCodecs([HIGH, BASELINE], ["H264"])).toEqual([BASELINE]);
  });

  it("chooses nothing rather than retransmission alone", () => {
    expect(preferredCodecs([VP8, RTX], ["AV1"])).toEqual([]);
  });

  it("offers to send sound again, once", () => {
    const sdp = "m=audio 9 RTP 111\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:0 PCMU/8000\r\n";
    const offered = offeringRepeats(sdp);
    expect(offered).toBe(
      "m=audio 9 RTP 111\r\na=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 nack\r\na=rtpmap:0 PCMU/8000\r\n",
    );
    expect(offeringRepeats(offered)).toBe(offered);
  });

  it("names what is decoded once, without repair formats", () => {
    expect(codecNames([VP8, RTX, HIGH, BASELINE])).toEqual(["VP8", "H264"]);
  });
});

describe("the network check", () => {
  it("judges by delay and by loss", () => {
    expect(judge(20, 0)).toBe("good");
    expect(judge(20, 0.05)).toBe("fair");
    expect(judge(300, 0)).toBe("fair");
    expect(judge(20, 0.2)).toBe("poor");
    expect(judge(900, 0)).toBe("poor");
  });

  it("takes the middle", () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([])).toBeNaN();
  });
});

it("shows silence as nothing and full scale as all", () => {
  expect(meterLevel(new Float32Array(64))).toBe(0);
  expect(meterLevel(new Float32Array(64).fill(1))).toBe(1);
  const quiet = meterLevel(new Float32Array(64).fill(0.01));
  expect(quiet).toBeGreaterThan(0.2);
  expect(quiet).toBeLessThan(0.5);
});

describe("statistics", () => {
  const entries = [
    { id: "c", type: "codec", mimeType: "video/VP8" },
    {
      id: "v",
      type: "inbound-rtp",
      kind: "video" as const,
      trackIdentifier: "x",
      codecId: "c",
      bytesReceived: 1000,
      packetsReceived: 3,
      framesDecoded: 7,
    },
    { id: "?", type: "inbound-rtp", kind: "audio" as const, trackIdentifier: "unknown" },
    { id: "p", type: "candidate-pair", state: "succeeded", currentRoundTripTime: 0.0425 },
  ];

  it("tells streams by participant and source, and leaves out what it does not know", () => {
    const owner = { participant: "a", source: "camera" as const };
    const read = readTracks(entries, (entry) =>
      entry.trackIdentifier === "x" ? owner : undefined,
    );
    expect(read).toEqual([
      {
        ...owner,
        direction: "in",
        kind: "video",
        bytes: 1000,
        packets: 3,
        codec: "video/VP8",
        framesDecoded: 7,
      },
    ]);
  });

  it("finds the round trip of the path in use", () => {
    expect(roundTripMs(entries)).toBe(42.5);
    expect(roundTripMs([])).toBeNull();
  });
});

it("knows a transport made afresh by its ICE credentials", () => {
  expect(iceUfrag("v=0\r\na=ice-ufrag:abcd\r\na=ice-pwd:x\r\n")).toBe("abcd");
  expect(iceUfrag("v=0\r\n")).toBeNull();
});
