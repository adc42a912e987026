/**
 * One person's visit to a consultation, from the link to the last page: joins the protocol, the
 * media and the stores that elements draw. Phases change here and nowhere else.
 */

import { capabilities } from "../media/codecs";
import { DataChannels } from "../media/data";
import { iceServers } from "../media/ice";
import { Media, outgoing } from "../media/media";
import { measureNetwork } from "../media/network-check";
import { Capture } from "../media/publish/capture";
import type { TrackStats } from "../media/stats";
import { ConnectionLost, ProtocolClient, RequestError, type Draft } from "../protocol/client";
import { exchangeCode, makeInvitation } from "../protocol/join";
import type {
  FilmChanged,
  FilmMoved,
  Role,
  RoomState,
  ServerEvent,
  TransportGroup,
  Welcome,
} from "../protocol/messages";
import { forgetVisit, loadVisit, saveVisit, type Visit } from "../protocol/session";
import type {
  Call,
  DeviceKind,
  Link,
  LocalMedia,
  Me,
  NetworkCheck,
  Panel,
  Phase,
  View,
} from "./call";
import { SharedFilm } from "./film";
import { Notices } from "./notices";
import { Problem, problemOfError } from "./problem";
import { apply, participantOf, roomOf, type Room } from "./room";
import type { Layout } from "./stage";
import { Store } from "./store";

function firstView(): View {
  const phone = matchMedia("(max-width: 719px)").matches;
  return {
    layout: phone ? "speaker" : "grid",
    pinned: null,
    panel: null,
    unread: 0,
    film: false,
    console: false,
  };
}

function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof RequestError) return problemOfError(error.answer.code, error.answer.reason);
  if (error instanceof ConnectionLost) return new Problem("unreachable", error.message);
  throw error;
}

export class Consultation implements Call {
  readonly phase: Store<Phase>;
  readonly me = new Store<Me | null>(null);
  readonly room = new Store<Room | null>(null);
  readonly local: Store<LocalMedia>;
  readonly remote = new Store<ReadonlyMap<string, MediaStreamTrack>>(new Map());
  readonly link = new Store<Link>({ state: "online" });
  readonly network = new Store<NetworkCheck>({ state: "idle" });
  readonly view = new Store<View>(firstView());
  readonly soundBlocked = new Store(false);
  readonly data = new DataChannels();
  readonly film = new SharedFilm((intent) => this.#askQuietly(intent));
  readonly #notices = new Notices();
  readonly notices = this.#notices.all;

  readonly #capture: Capture;
  #visit: Visit | null;
  #client: ProtocolClient | null = null;
  #media: Media | null = null;
  #groups: readonly TransportGroup[] = [];
  #mediaAway = false; // the socket may not have noticed yet
  #goingIn = false; // asked to be let in, and not yet answered
  #enlarged = false; // the layout changed by itself, for a shared screen

  constructor(
    private readonly code: string | null,
    private readonly socketUrl: string,
    private readonly first: "home" | "network" | "film" = "home",
  ) {
    this.#capture = new Capture((device) => this.#notices.add({ kind: "device_lost", device }));
    this.local = this.#capture.media;
    this.local.subscribe((media) => this.#localChanged(media));
    this.#visit = code === null ? null : loadVisit(code);
    this.phase = new Store<Phase>(this.#firstPhase());
    addEventListener("pagehide", () => this.#capture.stop());
  }

  #firstPhase(): Phase {
    if (this.code === null) return { at: this.first };
    if (!("RTCPeerConnection" in window)) {
      const detail = navigator.userAgent;
      return { at: "problem", problem: new Problem("unsupported_browser", detail) };
    }
    if (this.#visit?.stage === "left") return { at: "left" };
    return this.#visit ? { at: "opening" } : { at: "landing" };
  }

  /** After a reload: goes on where the page was. */
  async start(): Promise<void> {
    if (this.phase.value.at !== "opening" || !this.#visit) return;
    const { stage, microphoneMuted, cameraMuted } = this.#visit;
    if (microphoneMuted) await this.setMicrophoneMuted(true);
    if (cameraMuted) await this.setCameraMuted(true);
    await this.#enter(stage === "waiting" || stage === "room");
  }

  // --- the way in ---

  async open(): Promise<void> {
    if (this.code === null) return;
    this.phase.set({ at: "opening" });
    if (!this.#visit) {
      try {
        const ticket = await exchangeCode(this.code);
        this.#remember({ code: this.code, ...ticket, stage: "check" });
      } catch (error) {
        this.phase.set({ at: "problem", problem: problemOf(error) });
        return;
      }
    }
    await this.#enter(false);
  }

  async rejoin(): Promise<void> {
    this.phase.set({ at: "opening" });
    await this.#enter(true);
  }

  /** After a problem: again from where it happened. */
  async retry(): Promise<void> {
    if (this.#visit?.stage === "room" || this.#visit?.stage === "waiting") await this.rejoin();
    else await this.open();
  }

  /** Opens the session; then the device check, or straight on into the room. */
  async #enter(straightOn: boolean): Promise<void> {
    const visit = this.#visit;
    if (!visit) return;
    this.#client?.close();
    this.#client = new ProtocolClient(this.socketUrl, {
      event: (event) => this.#receive(event),
      reconnected: (welcome) => void this.#reconnected(welcome),
      progress: (session, seq) => this.#remember({ session, seq }),
      failed: (problem) => this.#end({ at: "problem", problem }),
    });
    this.#client.link.subscribe((state) => {
      if (state === "online" || this.link.value.state !== "closing") this.#linkChanged();
    });
    const { session, seq } = visit;
    const resume = session !== undefined && seq !== undefined ? { session, seq } : undefined;
    try {
      this.#greeted(await this.#client.connect(visit.token, resume));
      if (straightOn) {
        await this.askForDevices();
        await this.join(visit.name ?? null);
      } else {
        this.phase.set({ at: "check" });
        this.#remember({ stage: "check" });
        await Promise.all([this.askForDevices(), this.checkNetwork()]);
      }
    } catch (error) {
      this.#end({ at: "problem", problem: problemOf(error) });
    }
  }

  #linkChanged(): void {
    const socket = this.#client?.link.value;
    if (socket === "reconnecting" || (socket === "online" && this.#mediaAway)) {
      this.link.set({ state: "reconnecting" });
    } else if (socket === "online") this.link.set({ state: "online" });
  }

  #greeted(welcome: Welcome): void {
    const { participant, role, institution, title, grants } = welcome;
    iceServers.set(welcome.ice_servers);
    const name = welcome.name ?? this.#visit?.name ?? null;
    this.#groups = welcome.transports;
    this.me.set({
      participant,
      role,
      institution,
      title,
      grants,
      name,
      named: welcome.name !== null,
    });
  }

  async askForDevices(): Promise<void> {
    const kinds = this.me.value?.grants.publish ?? [];
    await this.#capture.start({
      microphone: kinds.includes("audio"),
      camera: kinds.includes("video"),
    });
  }

  async checkNetwork(): Promise<void> {
    const client = this.#client;
    if (!client || this.network.value.state === "checking") return;
    this.network.set({ state: "checking" });
    try {
      const result = await measureNetwork(async (sdp) => {
        const answer = await client.request({ type: "check_network", sdp });
        return answer.sdp;
      });
      this.network.set({ state: "done", ...result });
    } catch (error) {
      this.network.set({ state: "blocked", detail: String(error) });
    }
  }

  async join(name: string | null): Promise<void> {
    if (name !== null) this.#remember({ name });
    this.phase.set({ at: "joining" });
    await this.#goIn();
  }

  /** Asks to be let in. A socket lost meanwhile asks again when it is back: see `#reconnected`. */
  async #goIn(): Promise<void> {
    const client = this.#client;
    if (!client) return;
    this.#goingIn = true;
    try {
      const answer = await client.request({
        type: "join",
        name: this.me.value?.named ? null : (this.#visit?.name ?? null),
        capabilities: capabilities(),
      });
      this.#goingIn = false;
      if (answer.type === "waiting") {
        this.phase.set({ at: "waiting" });
        this.#remember({ stage: "waiting" });
      } else {
        this.#inside(answer.state);
      }
    } catch (error) {
      if (client !== this.#client || error instanceof ConnectionLost) return;
      // The answer to an earlier attempt was lost with its socket: a new session can be asked anew.
      if (error instanceof RequestError && error.answer.code === "conflict") client.restart(0);
      else this.#end({ at: "problem", problem: problemOf(error) });
    }
  }

  #inside(state: RoomState): void {
    const client = this.#client;
    const me = this.me.value;
    if (!client || !me) return;
    this.#media?.close();
    const callbacks = {
      refused: (error: Error) => this.#notices.add({ kind: "refused", detail: error.message }),
      lost: () => this.#notices.add({ kind: "media_lost" }),
      away: (away: boolean) => {
        this.#mediaAway = away;
        this.#linkChanged();
      },
    };
    const data = me.grants.data ? this.data : null;
    const media = new Media(client, this.#groups, state.codecs, callbacks, data);
    this.#mediaAway = false;
    this.#media = media;
    media.watcher.tracks.subscribe((tracks) => this.remote.set(tracks));
    media.sound.blocked.subscribe((blocked) => this.soundBlocked.set(blocked));
    void media.sound.setSpeaker(this.local.value.speakerId);
    const room = roomOf(state, me.participant);
    this.film.entered(me.participant, state.film);
    if (this.film.led || this.film.leading) this.setFilm(true);
    this.#followScreens(null, room);
    this.room.set(room);
    this.phase.set({ at: "room" });
    this.#remember({ stage: "room" });
    this.#localChanged(this.local.value);
  }

  async #reconnected(welcome: Welcome): Promise<void> {
    if (welcome.resumed && !this.#goingIn) {
      iceServers.set(welcome.ice_servers);
      this.#media?.resumed();
      return;
    }
    this.#greeted(welcome);
    const { at } = this.phase.value;
    // A new session knows nothing of the old one's transports: everything is made afresh.
    if (at === "room" || at === "waiting" || at === "joining") {
      this.#media?.close();
      this.#media = null;
      await this.#goIn();
    }
  }

  // --- news ---

  #receive(event: ServerEvent): void {
    switch (event.type) {
      case "admitted":
        this.#inside(event.state);
        return;
      case "subscribe_offer":
        this.#media?.take(event);
        return;
      case "ice_servers_changed":
        iceServers.set(event.ice_servers);
        return;
      case "film_changed":
      case "film_moved":
        this.#filmChanged(event);
        return;
      case "mute_asked":
        if (!this.local.value.microphone.muted)
          this.#notices.add({ kind: "mute_asked", by: event.by });
        return;
      case "removed":
        this.#end({ at: "removed", reason: event.reason });
        return;
      case "server_closing":
        this.link.set({ state: "closing", reconnectAfterMs: event.reconnect_after_ms });
        this.#client?.restart(event.reconnect_after_ms);
        return;
      default:
        this.#roomChanged(event);
    }
  }

  /** What somebody begins to show is on everybody's screen; who puts it away is left in peace. */
  #filmChanged(event: FilmChanged | FilmMoved): void {
    const before = this.film.led;
    this.film.receive(event);
    if (this.film.led && !before) this.setFilm(true);
  }

  #roomChanged(event: ServerEvent): void {
    const before = this.room.value;
    if (!before) return;
    const room = apply(before, event);
    this.#announce(event, before);
    this.#followScreens(before, room);
    this.room.set(room);
    if (event.type === "codecs_changed") this.#media?.publisher.setCodecs(event.codecs);
    if (event.type === "layers_wanted") this.#media?.publisher.setLayers(event.track, event.rids);
    if (event.type === "quality") {
      this.#media?.watcher.upstream.update(room.participants, performance.now());
    }
    if (event.type === "limit_changed") this.#media?.publisher.setLimit(event.track, event.bps);
    if (event.type === "chat_added" && this.view.value.panel !== "chat") {
      this.view.update((view) => ({ ...view, unread: view.unread + 1 }));
    }
  }

  #announce(event: ServerEvent, before: Room): void {
    const nameOf = (id: string): string => participantOf(before, id)?.name ?? "";
    switch (event.type) {
      case "participant_joined": {
        const { id, name } = event.participant;
        if (id !== before.self) this.#notices.add({ kind: "joined", name });
        return;
      }
      case "participant_left":
        this.#notices.add({ kind: "left", name: nameOf(event.participant), reason: event.reason });
        return;
      case "participant_updated": {
        const up = event.hand_raised_at_ms !== null;
        const was = participantOf(before, event.participant)?.hand_raised_at_ms ?? null;
        if (up && was === null && event.participant !== before.self) {
          this.#notices.add({ kind: "hand", name: nameOf(event.participant) });
        }
        return;
      }
      case "room_locked":
        if (event.locked !== before.locked)
          this.#notices.add({ kind: "locked", locked: event.locked });
        return;
      default:
        return;
    }
  }

  // --- devices ---

  #localChanged(media: LocalMedia): void {
    const kinds = this.me.value?.grants.publish ?? [];
    this.#media?.publisher.update(outgoing(media, kinds));
    if (this.#visit && (this.phase.value.at === "room" || this.phase.value.at === "check")) {
      const { microphone, camera } = media;
      if (
        this.#visit.microphoneMuted !== microphone.muted ||
        this.#visit.cameraMuted !== camera.muted
      ) {
        this.#remember({ microphoneMuted: microphone.muted, cameraMuted: camera.muted });
      }
    }
  }

  async chooseDevice(kind: DeviceKind, id: string): Promise<void> {
    await this.#capture.choose(kind, id);
    if (kind === "speaker") await this.#media?.sound.setSpeaker(id);
  }

  async setMicrophoneMuted(muted: boolean): Promise<void> {
    await this.#capture.setMicrophoneMuted(muted);
    if (!muted) {
      this.#complain("microphone");
      return;
    }
    for (const notice of this.notices.value) {
      if (notice.kind === "mute_asked") this.#notices.dismiss(notice.id);
    }
  }

  async setCameraMuted(muted: boolean): Promise<void> {
    await this.#capture.setCameraMuted(muted);
    if (!muted) this.#complain("camera");
  }

  /** In the room nothing else says why a device did not come on. */
  #complain(device: "microphone" | "camera"): void {
    const { status } = this.local.value[device];
    if (this.phase.value.at !== "room" || status === "on" || status === "asking") return;
    this.#notices.add({ kind: "device_failed", device, status });
  }

  async setSharing(on: boolean): Promise<void> {
    if (!on) {
      this.#capture.stopSharing();
      return;
    }
    try {
      await this.#capture.share();
    } catch (error) {
      this.#notices.add({ kind: "share_failed", detail: String(error) });
    }
  }

  async turnOnSound(): Promise<void> {
    await this.#media?.sound.unblock();
  }

  // --- the view ---

  /** A shared screen is shown large while it lasts, unless the person chooses otherwise. */
  #followScreens(before: Room | null, room: Room): void {
    const shares = (of: Room | null): boolean =>
      of?.participants.some(
        (p) => p.id !== of.self && p.tracks.some((track) => track.source === "screen"),
      ) ?? false;
    if (shares(before) === shares(room)) return;
    const { layout } = this.view.value;
    if (shares(room) && layout === "grid") {
      this.#enlarged = true;
      this.view.update((view) => ({ ...view, layout: "speaker" }));
    } else if (!shares(room) && this.#enlarged) {
      this.#enlarged = false;
      this.view.update((view) => ({ ...view, layout: "grid" }));
    }
  }

  show(track: string, lines: number, pinned: boolean): void {
    this.#media?.views.show(track, lines, pinned);
  }

  setLayout(layout: Layout): void {
    this.#enlarged = false;
    this.view.update((view) => ({ ...view, layout, pinned: null }));
  }

  setPinned(pinned: string | null): void {
    this.view.update((view) => ({ ...view, pinned }));
  }

  setPanel(panel: Panel): void {
    this.view.update((view) => ({ ...view, panel, unread: panel === "chat" ? 0 : view.unread }));
  }

  setFilm(film: boolean): void {
    if (film === this.view.value.film) return;
    this.view.update((view) => ({ ...view, film, console: view.console && !film }));
  }

  setConsole(console: boolean): void {
    if (console === this.view.value.console) return;
    this.view.update((view) => ({ ...view, console, film: view.film && !console }));
  }

  async openControl(sdp: string): Promise<string> {
    if (!this.#client) throw new ConnectionLost("not in a room");
    const answer = await this.#client.request({ type: "control_open", part: "console", sdp });
    return answer.sdp;
  }

  get token(): string | null {
    return this.#visit?.token ?? null;
  }

  dismiss(notice: number): void {
    this.#notices.dismiss(notice);
  }

  // --- requests ---

  async sendChat(text: string): Promise<boolean> {
    return this.#ask({ type: "chat", text });
  }

  async raiseHand(up: boolean): Promise<void> {
    await this.#ask({ type: "raise_hand", up });
  }

  async askMute(participant: string): Promise<void> {
    await this.#ask({ type: "ask_mute", participant });
  }

  async remove(participant: string): Promise<void> {
    await this.#ask({ type: "remove", participant });
  }

  async lock(locked: boolean): Promise<void> {
    await this.#ask({ type: "lock", locked });
  }

  async admit(participant: string): Promise<void> {
    await this.#ask({ type: "admit", participant });
  }

  async deny(participant: string): Promise<void> {
    await this.#ask({ type: "deny", participant });
  }

  async invite(role: Role): Promise<string | null> {
    const visit = this.#visit;
    if (!visit) return null;
    return makeInvitation(visit.token, visit.room, role).catch(() => null);
  }

  /** False when it was not done; the person has been told why. */
  async #ask(draft: Draft): Promise<boolean> {
    try {
      await this.#client?.request(draft);
      return this.#client !== null;
    } catch (error) {
      if (!(error instanceof RequestError || error instanceof ConnectionLost)) throw error;
      this.#notices.add({ kind: "refused", detail: error.message });
      return false;
    }
  }

  /** For what comes again soon: a failure is worth no notice. */
  async #askQuietly(draft: Draft): Promise<boolean> {
    try {
      await this.#client?.request(draft);
      return this.#client !== null;
    } catch (error) {
      if (!(error instanceof RequestError || error instanceof ConnectionLost)) throw error;
      if (draft.type !== "film_update") {
        this.#notices.add({ kind: "refused", detail: error.message });
      }
      return false;
    }
  }

  // --- the way out ---

  async leave(): Promise<void> {
    const client = this.#client;
    this.#client = null;
    const told = client?.request({ type: "leave" }).catch(() => undefined);
    this.#end({ at: "left" });
    this.#remember({ stage: "left", session: undefined, seq: undefined });
    await told;
    client?.close();
  }

  #end(phase: Phase): void {
    this.#client?.close();
    this.#client = null;
    this.#goingIn = false;
    this.#media?.close();
    this.#media = null;
    this.#capture.stop();
    this.#notices.clear();
    this.room.set(null);
    this.remote.set(new Map());
    this.network.set({ state: "idle" });
    this.link.set({ state: "online" });
    this.view.set(firstView());
    if (phase.at === "removed" || (phase.at === "problem" && phase.problem.code === "visit_over")) {
      this.#visit = null;
      forgetVisit();
    }
    this.phase.set(phase);
  }

  #remember(change: { [K in keyof Visit]?: Visit[K] | undefined }): void {
    const visit = { ...this.#visit, ...change } as Visit;
    if (!visit.token) return;
    this.#visit = visit;
    saveVisit(visit);
  }

  /** For support and tests; see `window.distal`. */
  async stats(): Promise<TrackStats[]> {
    const room = this.room.value;
    return room && this.#media ? this.#media.stats(room) : [];
  }
}
