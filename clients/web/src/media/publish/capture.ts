/**
 * This page's microphone, camera and screen. What is wanted is asked for, what came of it is in
 * `media`; nothing here throws at a person who has no camera or says no.
 */

import { Store } from "../../state/store";
import type {
  DeviceChoice,
  DeviceKind,
  DeviceStatus,
  LocalDevice,
  LocalMedia,
  Screen,
} from "../../state/call";

type Input = "microphone" | "camera";

const OFF: LocalDevice = { status: "off", track: null, deviceId: null, muted: false };
const KEY = "distal.devices";
/** Absent in pages that did not come over https. */
const browserDevices = "mediaDevices" in navigator ? navigator.mediaDevices : null;

export const NO_MEDIA: LocalMedia = {
  microphone: OFF,
  camera: OFF,
  screen: null,
  speakerId: null,
  choices: { microphone: [], camera: [], speaker: [] },
};

/** What a refusal of getUserMedia means to the person. */
export function statusOf(errorName: string): DeviceStatus {
  switch (errorName) {
    case "NotAllowedError":
    case "SecurityError":
      return "denied";
    case "NotReadableError":
    case "AbortError":
      return "busy";
    case "TypeError":
      return "unavailable";
    default:
      return "missing"; // NotFoundError, OverconstrainedError
  }
}

function constraints(kind: Input, deviceId: string | null): MediaStreamConstraints {
  const device = deviceId === null ? {} : { deviceId: { exact: deviceId } };
  if (kind === "microphone") {
    const audio = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
    return { audio: { ...audio, ...device } };
  }
  const facing = deviceId === null ? { facingMode: "user" } : {};
  return {
    video: {
      width: { ideal: 1280 },
      height: { ideal: 720 },
      frameRate: { ideal: 30, max: 30 },
      ...facing,
      ...device,
    },
  };
}

function remembered(): Partial<Record<DeviceKind, string>> {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Record<DeviceKind, string>>;
  } catch {
    return {};
  }
}

export class Capture {
  readonly media: Store<LocalMedia>;

  constructor(private readonly onDeviceLost: (kind: Input) => void) {
    const { microphone = null, camera = null, speaker = null } = remembered();
    this.media = new Store<LocalMedia>({
      ...NO_MEDIA,
      microphone: { ...OFF, deviceId: microphone },
      camera: { ...OFF, deviceId: camera },
      speakerId: speaker,
    });
    browserDevices?.addEventListener("devicechange", this.#listDevices);
  }

  /** Starts what is asked for and not yet on, with one question to the person where possible. */
  async start(wanted: { microphone: boolean; camera: boolean }): Promise<void> {
    const kinds = (["microphone", "camera"] as const).filter(
      (kind) => wanted[kind] && !this.media.value[kind].track && !this.#rests(kind),
    );
    if (kinds.length === 2) {
      for (const kind of kinds) this.#set(kind, { status: "asking" });
      if (await this.#startBoth()) return;
    }
    for (const kind of kinds) await this.#start(kind);
  }

  async choose(kind: DeviceKind, id: string): Promise<void> {
    if (kind === "speaker") {
      this.media.update((media) => ({ ...media, speakerId: id }));
    } else {
      this.#set(kind, { deviceId: id });
      if (!this.#rests(kind)) {
        const old = this.media.value[kind].track;
        await this.#start(kind);
        if (old !== this.media.value[kind].track) this.#stop(old);
      }
    }
    localStorage.setItem(KEY, JSON.stringify({ ...remembered(), [kind]: id }));
  }

  /** A muted microphone keeps its track and sends silence: unmuting is instant. */
  async setMicrophoneMuted(muted: boolean): Promise<void> {
    const { track } = this.media.value.microphone;
    if (track) track.enabled = !muted;
    this.#set("microphone", { muted });
    if (!muted && !track) await this.#start("microphone");
  }

  /** A camera that is off is really off, its light too. */
  async setCameraMuted(muted: boolean): Promise<void> {
    const { track } = this.media.value.camera;
    if (muted) {
      this.#set("camera", { muted, track: null, status: "off" });
      this.#stop(track);
      return;
    }
    this.#set("camera", { muted });
    await this.#start("camera");
  }

  /** Resolves false when the person closed the browser's picker without choosing. */
  async share(): Promise<boolean> {
    let stream: MediaStream;
    try {
      stream = await navigator.mediaDevices.getDisplayMedia({
        video: { frameRate: { ideal: 15, max: 30 } },
        audio: true,
      });
    } catch (error) {
      if (error instanceof DOMException && error.name === "NotAllowedError") return false;
      throw error;
    }
    const video = stream.getVideoTracks()[0];
    if (!video) return false;
    video.contentHint = "detail";
    const screen: Screen = { video, audio: stream.getAudioTracks()[0] ?? null };
    video.addEventListener("ended", () => {
      if (this.media.value.screen === screen) this.stopSharing();
    });
    this.stopSharing();
    this.media.update((media) => ({ ...media, screen }));
    return true;
  }

  stopSharing(): void {
    const { screen } = this.media.value;
    if (!screen) return;
    this.media.update((media) => ({ ...media, screen: null }));
    this.#stop(screen.video);
    this.#stop(screen.audio);
  }

  /** Lets go of every device; what was chosen and muted stays for the next time. */
  stop(): void {
    this.stopSharing();
    for (const kind of ["microphone", "camera"] as const) {
      const { track } = this.media.value[kind];
      this.#set(kind, { track: null, status: "off" });
      this.#stop(track);
    }
  }

  close(): void {
    browserDevices?.removeEventListener("devicechange", this.#listDevices);
    this.stop();
  }

  /** A camera switched off is not asked for. */
  #rests(kind: Input): boolean {
    return kind === "camera" && this.media.value.camera.muted;
  }

  async #startBoth(): Promise<boolean> {
    const { microphone, camera } = this.media.value;
    try {
      const stream = await navigator.mediaDevices.getUserMedia({
        ...constraints("microphone", microphone.deviceId),
        ...constraints("camera", camera.deviceId),
      });
      this.#take("microphone", stream.getAudioTracks()[0]);
      this.#take("camera", stream.getVideoTracks()[0]);
      await this.#listDevices();
      return true;
    } catch {
      return false; // one of them is the reason: asked for one by one, each tells its own
    }
  }

  async #start(kind: Input, deviceId = this.media.value[kind].deviceId): Promise<void> {
    this.#set(kind, { status: "asking" });
    try {
      const stream = await navigator.mediaDevices.getUserMedia(constraints(kind, deviceId));
      this.#take(kind, stream.getTracks()[0]);
    } catch (error) {
      const name = error instanceof Error ? error.name : "";
      const unplugged = name === "OverconstrainedError" || name === "NotFoundError";
      if (deviceId !== null && unplugged) {
        await this.#start(kind, null); // the remembered one is not here today
        return;
      }
      this.#set(kind, { status: statusOf(name), track: null });
    }
    await this.#listDevices();
  }

  #take(kind: Input, track: MediaStreamTrack | undefined): void {
    if (!track) {
      this.#set(kind, { status: "missing", track: null });
      return;
    }
    if (kind === "camera") track.contentHint = "motion";
    else track.enabled = !this.media.value.microphone.muted;
    track.addEventListener("ended", () => void this.#ended(kind, track));
    const deviceId = track.getSettings().deviceId ?? this.media.value[kind].deviceId;
    this.#set(kind, { status: "on", track, deviceId });
  }

  /** Unplugged, or taken away by the system: another one serves if there is one. */
  async #ended(kind: Input, track: MediaStreamTrack): Promise<void> {
    if (this.media.value[kind].track !== track) return;
    this.onDeviceLost(kind);
    await this.#start(kind, null);
  }

  #stop(track: MediaStreamTrack | null): void {
    track?.stop();
  }

  #set(kind: Input, change: Partial<LocalDevice>): void {
    this.media.update((media) => ({ ...media, [kind]: { ...media[kind], ...change } }));
  }

  readonly #listDevices = async (): Promise<void> => {
    const all = (await browserDevices?.enumerateDevices().catch(() => [])) ?? [];
    const named = (kind: MediaDeviceKind): DeviceChoice[] =>
      all
        .filter((device) => device.kind === kind && device.deviceId !== "")
        .map(({ deviceId, label }) => ({ id: deviceId, label }));
    this.media.update((media) => ({
      ...media,
      choices: {
        microphone: named("audioinput"),
        camera: named("videoinput"),
        speaker: named("audiooutput"),
      },
    }));
  };
}
