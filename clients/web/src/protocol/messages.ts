/**
 * The signaling protocol. Generated from signaling/protocol.py by `python -m signaling.schema`:
 * do not edit. What the client sends may leave out fields that have defaults; what the server
 * sends is always complete.
 */

export const PROTOCOL_VERSION = 1 as const;

export type Kind = "audio" | "video";

export type Source = "microphone" | "camera" | "screen" | "screen_audio" | "device";

export type ServiceClass = "control" | "diagnostic" | "talk" | "teaching" | "imaging" | "vitals";

export type Role = "host" | "county_doctor" | "specialist" | "student" | "patient" | "interpreter" | "device" | "operator";

export type Level = "good" | "fair" | "poor";

export type ViewQuality = "low" | "medium" | "high";

export type Shortage = "none" | "reduced" | "still";

export type FilmLayout = "one" | "two" | "planes";

export type FilmPlane = "acquired" | "axial" | "coronal" | "sagittal";

export type ControlPart = "robot" | "console";

export type RobotMode = "idle" | "ready" | "following" | "frozen" | "holding" | "retreating" | "latched";

export type FilmTool = "length" | "angle" | "ellipse" | "probe" | "key_image";

export type ErrorCode = "malformed" | "unsupported_version" | "unauthorized" | "forbidden" | "not_found" | "not_joined" | "conflict" | "bad_sdp" | "room_full" | "session_gone" | "too_many_requests" | "too_large" | "unavailable" | "internal";

/** Codecs that the client can decode, by RTP encoding name, for example VP8, H264, AV1, opus. */
export interface Capabilities {
  /** at most 16 entries, each 1 to 80 characters; default ["opus"] */
  audio?: string[];
  /** at most 16 entries, each 1 to 80 characters; default ["VP8","H264"] */
  video?: string[];
}

/** A series on one part of the screen: which picture, and how it is looked at. Known by object and frame, never by a place in a stack, which grows while a study arrives. `zoom` 1: the whole picture fits. `centre` is what lies in the middle, as a share of the picture's columns and rows. `voi` is [black, white] in the picture's units, or null for the object's own window. In a layout of `planes`, `focus` is where they meet, and `instance` and `frame` are the acquired picture nearest to it, for who cannot cut. */
export interface FilmPane {
  /** at most 64 characters, matches `^[0-9]+(\.[0-9]+)*$` */
  series: string;
  /** at most 64 characters, matches `^[0-9]+(\.[0-9]+)*$` */
  instance: string;
  /** 1 to 1000000 */
  frame: number;
  plane: FilmPlane;
  /** at most 1000 */
  zoom: number;
  /** 2 to 2 entries, each -1000000000.0 to 1000000000.0 */
  centre: number[];
  /** -1000000000.0 to 1000000000.0 */
  rotation: number;
  flip_h: boolean;
  flip_v: boolean;
  /** 2 to 2 entries, each -1000000000.0 to 1000000000.0 */
  voi: number[] | null;
  invert: boolean;
  /** 3 to 3 entries, each -1000000000.0 to 1000000000.0 */
  focus: number[] | null;
  /** at most 500 */
  thick: number;
}

/** What the presenter looks at. */
export interface FilmView {
  /** at most 64 characters, matches `^[0-9]+(\.[0-9]+)*$` */
  study: string;
  layout: FilmLayout;
  /** 1 to 4 entries */
  panes: FilmPane[];
  /** at most 3 */
  active: number;
}

/** Where the presenter points. */
export interface FilmCursor {
  /** at most 64 characters, matches `^[0-9]+(\.[0-9]+)*$` */
  instance: string;
  /** 1 to 1000000 */
  frame: number;
  /** at most 64 characters */
  frame_of_reference: string;
  /** 3 to 3 entries, each -1000000000.0 to 1000000000.0 */
  point: number[];
}

/** A measurement or a key image. `removed` takes it away. The last to write wins. */
export interface FilmMark {
  /** 1 to 64 characters */
  uid: string;
  tool: FilmTool;
  /** at most 64 characters, matches `^[0-9]+(\.[0-9]+)*$` */
  study: string;
  /** at most 64 characters, matches `^[0-9]+(\.[0-9]+)*$` */
  series: string;
  /** at most 64 characters, matches `^[0-9]+(\.[0-9]+)*$` */
  instance: string;
  /** 1 to 1000000 */
  frame: number;
  /** at most 64 characters */
  frame_of_reference: string;
  /** at most 16 entries, each 3 to 3 entries, each -1000000000.0 to 1000000000.0 */
  points: number[][];
  removed: boolean;
}

export interface Resume {
  /** 1 to 64 characters */
  session: string;
  /** at least 0 */
  seq: number;
  media: boolean;
}

/** One section of a Publish. Simulcast encodings are listed from the smallest picture up. */
export interface PublishedMedia {
  /** 1 to 16 characters */
  mid: string;
  source: Source;
  /** default "talk" */
  service_class?: ServiceClass;
  /** at most 120 characters; default "" */
  label?: string;
  /** default false */
  muted?: boolean;
}

/** What a token allows in its room. */
export interface Grants {
  publish: Kind[];
  classes: ServiceClass[];
  subscribe: boolean;
  data: boolean;
  chat: boolean;
  control: boolean;
  moderate: boolean;
  film: boolean;
}

/** What publishers in this room may send, best first. */
export interface CodecPreferences {
  audio: string[];
  video: string[];
}

/** A TURN server for networks that let nothing else through, as RTCPeerConnection takes it. */
export interface IceServer {
  urls: string[];
  username: string;
  credential: string;
}

/** Service classes that share a UDP port, and so the transports publish:NAME, subscribe:NAME. */
export interface TransportGroup {
  name: string;
  classes: ServiceClass[];
}

export interface TrackInfo {
  id: string;
  participant: string;
  kind: Kind;
  source: Source;
  service_class: ServiceClass;
  codec: string;
  label: string;
  muted: boolean;
}

/** A participant's network, over the last two seconds. None: not known yet. Loss is 0..1. */
export interface Quality {
  participant: string;
  level: Level;
  rtt_ms: number | null;
  loss_up: number | null;
  gaps_up: number | null;
  loss_down: number | null;
  bitrate_up_bps: number;
  bitrate_down_bps: number;
  estimate_down_bps: number | null;
  width: number | null;
  height: number | null;
  frames_per_second: number | null;
}

export interface Participant {
  id: string;
  name: string;
  role: Role;
  institution: string;
  state: "online" | "reconnecting";
  hand_raised_at_ms: number | null;
  tracks: TrackInfo[];
  quality: Quality | null;
}

export interface WaitingPerson {
  id: string;
  name: string;
  role: Role;
  institution: string;
  since_ms: number;
}

export interface ChatLine {
  id: string;
  participant: string;
  name: string;
  role: Role;
  at_ms: number;
  text: string;
}

/** A mark as the room has it: `revision` counts the changes to all marks of the room. */
export interface FilmMarked {
  mark: FilmMark;
  revision: number;
  by: string;
}

/** The studies that the room looks at together. */
export interface FilmState {
  presenter: string | null;
  view: FilmView | null;
  cursor: FilmCursor | null;
  marks: FilmMarked[];
}

/** A robot in the room, as it says itself. `holder`: who moves it now; empty: nobody. */
export interface RobotInfo {
  participant: string;
  label: string;
  holder: string;
  mode: RobotMode;
  simulated: boolean;
}

/** All that a newcomer needs to draw the room. */
export interface RoomState {
  room: string;
  title: string;
  locked: boolean;
  started_at_ms: number;
  codecs: CodecPreferences;
  participants: Participant[];
  chat: ChatLine[];
  waiting: WaitingPerson[];
  active_speaker: string | null;
  players: number;
  film: FilmState;
  robots: RobotInfo[];
}

export interface PublishedTrack {
  mid: string;
  track: string;
}

export interface SubscribedTrack {
  mid: string;
  track: string;
  participant: string;
}

/** First message. `token` may come in the Authorization header instead. */
export interface Hello {
  type: "hello";
  version: number;
  /** at most 8192 characters */
  token?: string | null;
  resume?: Resume | null;
  /** at most 9007199254740991 */
  id: number;
}

/** Proof of life in both directions. */
export interface Ping {
  type: "ping";
  /** at most 9007199254740991 */
  id: number;
}

/** Device check, before joining: an offer with one data channel, which the server echoes. */
export interface CheckNetwork {
  type: "check_network";
  /** 1 to 200000 characters */
  sdp: string;
  /** at most 9007199254740991 */
  id: number;
}

/** Enter the room. `name` counts when the token names nobody. */
export interface Join {
  type: "join";
  /** 1 to 80 characters */
  name?: string | null;
  /** default {"audio":["opus"],"video":["VP8","H264"]} */
  capabilities?: Capabilities;
  /** at most 9007199254740991 */
  id: number;
}

/** Offer of the publishing transport, first or renegotiated; `media` lists all that is sent. */
export interface Publish {
  type: "publish";
  /** at most 32 characters, matches `^(publish|subscribe):[a-z]{1,20}$` */
  transport: string;
  /** 1 to 200000 characters */
  sdp: string;
  /** at most 16 entries */
  media: PublishedMedia[];
  /** at most 9007199254740991 */
  id: number;
}

/** Answer to the SubscribeOffer of the same `revision`; an older one is a conflict. */
export interface SubscribeAnswer {
  type: "subscribe_answer";
  /** at most 32 characters, matches `^(publish|subscribe):[a-z]{1,20}$` */
  transport: string;
  revision: number;
  /** 1 to 200000 characters */
  sdp: string;
  /** at most 9007199254740991 */
  id: number;
}

/** The peer connection is lost: forget it. A subscribing one is offered afresh. */
export interface ResetTransport {
  type: "reset_transport";
  /** at most 32 characters, matches `^(publish|subscribe):[a-z]{1,20}$` */
  transport: string;
  /** at most 9007199254740991 */
  id: number;
}

/** The path of a subscribing transport is lost: offer again with new ICE credentials. The association, its keys and all tracks stay. A publishing transport is restarted by a Publish whose offer has new credentials. */
export interface RestartIce {
  type: "restart_ice";
  /** at most 32 characters, matches `^(publish|subscribe):[a-z]{1,20}$` */
  transport: string;
  /** at most 9007199254740991 */
  id: number;
}

/** Start or pause one track's packets to me; everything is `high` at first. `quality` is what the picture's size on my screen needs; a `pinned` picture is the last to lose quality. Both stay as they were when not given. Where there are many cameras, of those that I never asked for only the last speakers' are on. */
export interface Subscribe {
  type: "subscribe";
  /** 1 to 64 characters */
  track: string;
  on: boolean;
  quality?: ViewQuality | null;
  pinned?: boolean | null;
  /** at most 9007199254740991 */
  id: number;
}

/** Tell the room that my track is muted or not, or what it is called now. */
export interface UpdateTrack {
  type: "update_track";
  /** 1 to 64 characters */
  track: string;
  muted?: boolean | null;
  /** at most 120 characters */
  label?: string | null;
  /** at most 9007199254740991 */
  id: number;
}

/** What only the client knows of its own link and camera, every few seconds. */
export interface ReportQuality {
  type: "report_quality";
  /** at most 60000 */
  rtt_ms?: number | null;
  /** at most 16384 */
  width?: number | null;
  /** at most 16384 */
  height?: number | null;
  /** at most 1000 */
  frames_per_second?: number | null;
  /** at most 9007199254740991 */
  id: number;
}

export interface Chat {
  type: "chat";
  /** 1 to 4000 characters */
  text: string;
  /** at most 9007199254740991 */
  id: number;
}

export interface RaiseHand {
  type: "raise_hand";
  up: boolean;
  /** at most 9007199254740991 */
  id: number;
}

/** Moderator: ask somebody to mute the microphone. The server never mutes anybody itself. */
export interface AskMute {
  type: "ask_mute";
  /** 1 to 64 characters */
  participant: string;
  /** at most 9007199254740991 */
  id: number;
}

export interface Remove {
  type: "remove";
  /** 1 to 64 characters */
  participant: string;
  /** at most 9007199254740991 */
  id: number;
}

/** Moderator: while locked, newcomers wait until they are admitted, whatever their role. */
export interface Lock {
  type: "lock";
  locked: boolean;
  /** at most 9007199254740991 */
  id: number;
}

export interface Admit {
  type: "admit";
  /** 1 to 64 characters */
  participant: string;
  /** at most 9007199254740991 */
  id: number;
}

export interface Deny {
  type: "deny";
  /** 1 to 64 characters */
  participant: string;
  /** at most 9007199254740991 */
  id: number;
}

/** Lead the others through studies, or stop it. While somebody leads, only a moderator takes the lead from him, or anybody when he is away. */
export interface FilmLead {
  type: "film_lead";
  on: boolean;
  /** at most 9007199254740991 */
  id: number;
}

/** What is looked at now: the newest counts, so many changes become one, 25 times a second. `view` and `cursor` are the presenter's; null leaves the view as it was and hides the cursor. Marks may be made by everybody with the grant. */
export interface FilmUpdate {
  type: "film_update";
  view: FilmView | null;
  cursor: FilmCursor | null;
  /** at most 16 entries */
  marks: FilmMark[];
  /** at most 9007199254740991 */
  id: number;
}

/** Presenter or moderator: put the pictures away, for everybody. Marks stay. */
export interface FilmClose {
  type: "film_close";
  /** at most 9007199254740991 */
  id: number;
}

/** A link to the control process: an offer with data channels and no media. A robot needs a token for the class `control`. Any console hears robots and may stop them; it commands with the grant `control`. A second request closes the link before. Channels and messages: docs/control.md. */
export interface ControlOpen {
  type: "control_open";
  part: ControlPart;
  /** 1 to 200000 characters */
  sdp: string;
  /** at most 9007199254740991 */
  id: number;
}

/** Go at once, and free everything. */
export interface Leave {
  type: "leave";
  /** at most 9007199254740991 */
  id: number;
}

export type ClientRequest =
  | Hello
  | Ping
  | CheckNetwork
  | Join
  | Publish
  | SubscribeAnswer
  | ResetTransport
  | RestartIce
  | Subscribe
  | UpdateTrack
  | ReportQuality
  | Chat
  | RaiseHand
  | AskMute
  | Remove
  | Lock
  | Admit
  | Deny
  | FilmLead
  | FilmUpdate
  | FilmClose
  | ControlOpen
  | Leave;

export interface Ok {
  type: "ok";
  re: number;
}

/** `re` is -1 when the request's id could not be read. `field` is a path: `media[0].mid`. */
export interface Error {
  type: "error";
  code: ErrorCode;
  reason: string;
  field: string | null;
  re: number;
}

export interface Welcome {
  type: "welcome";
  version: number;
  session: string;
  participant: string;
  room: string;
  title: string;
  role: Role;
  name: string | null;
  institution: string;
  grants: Grants;
  transports: TransportGroup[];
  resumed: boolean;
  joined: boolean;
  resume_s: number;
  ice_servers: IceServer[];
  re: number;
}

export interface NetworkCheck {
  type: "network_check";
  sdp: string;
  re: number;
}

export interface Joined {
  type: "joined";
  state: RoomState;
  re: number;
}

/** In the waiting room: an Admitted or Removed event follows. */
export interface Waiting {
  type: "waiting";
  re: number;
}

export interface Published {
  type: "published";
  transport: string;
  sdp: string;
  tracks: PublishedTrack[];
  re: number;
}

export interface ControlOpened {
  type: "control_opened";
  sdp: string;
  re: number;
}

export type ServerAnswer =
  | Ok
  | Error
  | Welcome
  | NetworkCheck
  | Joined
  | Waiting
  | Published
  | ControlOpened;

export interface Admitted {
  type: "admitted";
  state: RoomState;
  seq: number;
}

export interface ParticipantJoined {
  type: "participant_joined";
  participant: Participant;
  seq: number;
}

/** State or hand changed; tracks and quality have events of their own. */
export interface ParticipantUpdated {
  type: "participant_updated";
  participant: string;
  state: "online" | "reconnecting";
  hand_raised_at_ms: number | null;
  seq: number;
}

export interface ParticipantLeft {
  type: "participant_left";
  participant: string;
  reason: "left" | "lost" | "removed";
  seq: number;
}

export interface TrackAdded {
  type: "track_added";
  track: TrackInfo;
  seq: number;
}

export interface TrackUpdated {
  type: "track_updated";
  track: TrackInfo;
  seq: number;
}

export interface TrackRemoved {
  type: "track_removed";
  track: string;
  participant: string;
  seq: number;
}

/** Answer with SubscribeAnswer of the same revision. `tracks` is the whole list. */
export interface SubscribeOffer {
  type: "subscribe_offer";
  transport: string;
  revision: number;
  sdp: string;
  tracks: SubscribedTrack[];
  seq: number;
}

/** To a publisher of simulcast: the encodings that somebody watches now. Stop the others. */
export interface LayersWanted {
  type: "layers_wanted";
  track: string;
  rids: string[];
  seq: number;
}

/** To a publisher: nobody who watches this track has room for more than so many bits a second. With null he may send as much as he likes again. It is told of tracks without layers. */
export interface LimitChanged {
  type: "limit_changed";
  track: string;
  bps: number | null;
  seq: number;
}

/** My network is too slow for this picture: a lesser one comes, or a still every few seconds. It begins as `none`, and ends by itself. */
export interface ShortageChanged {
  type: "shortage_changed";
  track: string;
  shortage: Shortage;
  seq: number;
}

/** The server has closed my data channel of this label ("" if it was none). `label`: of another form than 1 to 32 of A-Z a-z 0-9 . _ - or open already. `kind`: neither reliable and ordered, nor unordered without retransmissions. `channels`, `size`, `flood`: beyond a bound. `slow`: my network is too slow for what others send reliably. */
export interface DataClosed {
  type: "data_closed";
  transport: string;
  label: string;
  reason: "channels" | "flood" | "kind" | "label" | "size" | "slow";
  seq: number;
}

/** Somebody who can decode less has come, or gone: publishers of video offer again. */
export interface CodecsChanged {
  type: "codecs_changed";
  codecs: CodecPreferences;
  seq: number;
}

export interface ActiveSpeaker {
  type: "active_speaker";
  participant: string | null;
  seq: number;
}

/** How many WHEP players watch now: nobody is watched unseen. */
export interface PlayersChanged {
  type: "players_changed";
  players: number;
  seq: number;
}

/** Fresh credentials, for connections made or restarted from now on. Allocations go on. */
export interface IceServersChanged {
  type: "ice_servers_changed";
  ice_servers: IceServer[];
  seq: number;
}

export interface QualityReport {
  type: "quality";
  participants: Quality[];
  seq: number;
}

export interface ChatAdded {
  type: "chat_added";
  line: ChatLine;
  seq: number;
}

/** To moderators: who waits now. */
export interface WaitingChanged {
  type: "waiting_changed";
  waiting: WaitingPerson[];
  seq: number;
}

export interface MuteAsked {
  type: "mute_asked";
  by: string;
  seq: number;
}

export interface RoomLocked {
  type: "room_locked";
  locked: boolean;
  seq: number;
}

/** Somebody leads, or nobody, or the pictures are put away; and after a dropped socket. */
export interface FilmChanged {
  type: "film_changed";
  film: FilmState;
  seq: number;
}

/** The presenter moves, or somebody draws. A view of null is the one before. What one has sent oneself comes back only as `marks`, for their order. */
export interface FilmMoved {
  type: "film_moved";
  view: FilmView | null;
  cursor: FilmCursor | null;
  marks: FilmMarked[];
  seq: number;
}

/** The robots that are in the room now, and who moves them. Everybody sees it. */
export interface RobotsChanged {
  type: "robots_changed";
  robots: RobotInfo[];
  seq: number;
}

/** This session is over; the socket closes. */
export interface Removed {
  type: "removed";
  reason: "denied" | "removed" | "replaced" | "revoked";
  seq: number;
}

/** Planned restart: come back after `reconnect_after_ms`; this session is gone. */
export interface ServerClosing {
  type: "server_closing";
  reconnect_after_ms: number;
  seq: number;
}

export type ServerEvent =
  | Admitted
  | ParticipantJoined
  | ParticipantUpdated
  | ParticipantLeft
  | TrackAdded
  | TrackUpdated
  | TrackRemoved
  | SubscribeOffer
  | LayersWanted
  | LimitChanged
  | ShortageChanged
  | DataClosed
  | CodecsChanged
  | ActiveSpeaker
  | PlayersChanged
  | IceServersChanged
  | QualityReport
  | ChatAdded
  | WaitingChanged
  | MuteAsked
  | RoomLocked
  | FilmChanged
  | FilmMoved
  | RobotsChanged
  | Removed
  | ServerClosing;

export type ServerMessage = ServerAnswer | ServerEvent;

/** What each request is answered with when all is well. */
export interface AnswerTo {
  hello: Welcome;
  ping: Ok;
  check_network: NetworkCheck;
  join: Joined | Waiting;
  publish: Published;
  subscribe_answer: Ok;
  reset_transport: Ok;
  restart_ice: Ok;
  subscribe: Ok;
  update_track: Ok;
  report_quality: Ok;
  chat: Ok;
  raise_hand: Ok;
  ask_mute: Ok;
  remove: Ok;
  lock: Ok;
  admit: Ok;
  deny: Ok;
  film_lead: Ok;
  film_update: Ok;
  film_close: Ok;
  control_open: ControlOpened;
  leave: Ok;
}
