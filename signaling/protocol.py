"""Every message of the signaling WebSocket, defined once.

Validation, the JSON Schema, the documentation page and the TypeScript types are generated from
these structs. A client sends requests, each with an `id`; the server answers every request with
one answer whose `re` is that id, and sends events whose `seq` counts up from 1 within a session, so
that a dropped socket resumes where it was. Units are in the names: `_ms`, `_bps`, `_s`.
"""

from __future__ import annotations

from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta, Struct, field

PROTOCOL_VERSION = 1

Name = Annotated[str, Meta(min_length=1, max_length=80)]
Ident = Annotated[str, Meta(min_length=1, max_length=64)]
Label = Annotated[str, Meta(max_length=120)]
Text = Annotated[str, Meta(min_length=1, max_length=4000)]
Sdp = Annotated[str, Meta(min_length=1, max_length=200_000)]  # 60 tracks of 3 KB each fit
Uid = Annotated[str, Meta(pattern=r"^[0-9]+(\.[0-9]+)*$", max_length=64)]  # PS3.5, 9.1
Number = Annotated[float, Meta(ge=-1e9, le=1e9)]
Point = Annotated[list[Number], Meta(min_length=3, max_length=3)]  # mm in a frame of reference
TransportId = Annotated[str, Meta(pattern=r"^(publish|subscribe):[a-z]{1,20}$", max_length=32)]

Kind = Literal["audio", "video"]
Source = Literal["microphone", "camera", "screen", "screen_audio", "device"]
ServiceClass = Literal["control", "diagnostic", "talk", "teaching", "imaging", "vitals"]
SERVICE_CLASSES: tuple[ServiceClass, ...] = get_args(ServiceClass)
Role = Literal[
    "host", "county_doctor", "specialist", "student", "patient", "interpreter", "device", "operator"
]
Level = Literal["good", "fair", "poor"]
ViewQuality = Literal["low", "medium", "high"]
Shortage = Literal["none", "reduced", "still"]
FilmLayout = Literal["one", "two", "planes"]
FilmPlane = Literal["acquired", "axial", "coronal", "sagittal"]
ControlPart = Literal["robot", "console"]
RobotMode = Literal["idle", "ready", "following", "frozen", "holding", "retreating", "latched"]
FilmTool = Literal["length", "angle", "ellipse", "probe", "key_image"]
ErrorCode = Literal[
    "malformed",  # not JSON, or not this protocol: `field` and `reason` say where
    "unsupported_version",
    "unauthorized",  # token missing, forged, expired or revoked
    "forbidden",  # the token's grants do not allow it
    "not_found",  # no such participant, track or transport
    "not_joined",  # join first
    "conflict",  # the state has moved on: a stale answer, a second join
    "bad_sdp",  # a session description that cannot be served; `reason` says why
    "room_full",
    "session_gone",  # nothing left to resume: say hello without `resume`
    "too_many_requests",
    "too_large",
    "unavailable",  # a part of this server that is switched off, or is just being replaced
    "internal",
]


# --- what the messages carry -------------------------------------------------------------------


class Grants(Struct, kw_only=True, forbid_unknown_fields=True):
    """What a token allows in its room."""

    publish: list[Kind] = []
    classes: list[ServiceClass] = []
    subscribe: bool = False
    data: bool = False
    chat: bool = False
    control: bool = False
    moderate: bool = False
    film: bool = False  # open studies in the room, lead the others through them, draw on them


class Capabilities(Struct, kw_only=True, forbid_unknown_fields=True):
    """Codecs that the client can decode, by RTP encoding name, for example VP8, H264, AV1, opus."""

    audio: Annotated[list[Name], Meta(max_length=16)] = field(default_factory=lambda: ["opus"])
    video: Annotated[list[Name], Meta(max_length=16)] = field(
        default_factory=lambda: ["VP8", "H264"]
    )


class CodecPreferences(Struct, kw_only=True):
    """What publishers in this room may send, best first."""

    audio: list[str]
    video: list[str]


class IceServer(Struct, kw_only=True):
    """A TURN server for networks that let nothing else through, as RTCPeerConnection takes it."""

    urls: list[str]
    username: str
    credential: str


class TransportGroup(Struct, kw_only=True):
    """Service classes that share a UDP port, and so the transports publish:NAME, subscribe:NAME."""

    name: str
    classes: list[ServiceClass]


class TrackInfo(Struct, kw_only=True):
    id: str
    participant: str
    kind: Kind
    source: Source
    service_class: ServiceClass
    codec: str
    label: str = ""
    muted: bool = False


class Quality(Struct, kw_only=True):
    """A participant's network, over the last two seconds. None: not known yet. Loss is 0..1."""

    participant: str
    level: Level
    rtt_ms: float | None = None
    loss_up: float | None = None
    gaps_up: float | None = None  # before repair: what a receiver must wait for, a round trip each
    loss_down: float | None = None
    bitrate_up_bps: int = 0
    bitrate_down_bps: int = 0
    estimate_down_bps: int | None = None  # what the network carries; None: receives no picture
    width: int | None = None
    height: int | None = None
    frames_per_second: float | None = None


class Participant(Struct, kw_only=True):
    id: str
    name: str
    role: Role
    institution: str = ""
    state: Literal["online", "reconnecting"] = "online"
    hand_raised_at_ms: int | None = None  # Unix time; the list shows hands in this order
    tracks: list[TrackInfo] = []
    quality: Quality | None = None


class WaitingPerson(Struct, kw_only=True):
    id: str
    name: str
    role: Role
    institution: str = ""
    since_ms: int


class ChatLine(Struct, kw_only=True):
    id: str
    participant: str
    name: str  # kept with the line: its writer may have left
    role: Role
    at_ms: int
    text: str


class FilmPane(Struct, kw_only=True, forbid_unknown_fields=True):
    """A series on one part of the screen: which picture, and how it is looked at.

    Known by object and frame, never by a place in a stack, which grows while a study arrives.
    `zoom` 1: the whole picture fits. `centre` is what lies in the middle, as a share of the
    picture's columns and rows. `voi` is [black, white] in the picture's units, or null for the
    object's own window. In a layout of `planes`, `focus` is where they meet, and `instance` and
    `frame` are the acquired picture nearest to it, for who cannot cut.
    """

    series: Uid
    instance: Uid
    frame: Annotated[int, Meta(ge=1, le=1_000_000)]
    plane: FilmPlane
    zoom: Annotated[float, Meta(gt=0, le=1000)]
    centre: Annotated[list[Number], Meta(min_length=2, max_length=2)]
    rotation: Number  # degrees, clockwise
    flip_h: bool
    flip_v: bool
    voi: Annotated[list[Number], Meta(min_length=2, max_length=2)] | None
    invert: bool
    focus: Point | None
    thick: Annotated[float, Meta(ge=0, le=500)]  # mm of which the brightest is shown; 0: one slice


class FilmView(Struct, kw_only=True, forbid_unknown_fields=True):
    """What the presenter looks at."""

    study: Uid
    layout: FilmLayout
    panes: Annotated[list[FilmPane], Meta(min_length=1, max_length=4)]
    active: Annotated[int, Meta(ge=0, le=3)]


class FilmCursor(Struct, kw_only=True, forbid_unknown_fields=True):
    """Where the presenter points."""

    instance: Uid
    frame: Annotated[int, Meta(ge=1, le=1_000_000)]
    frame_of_reference: Annotated[str, Meta(max_length=64)]  # empty: the object's own
    point: Point


class FilmMark(Struct, kw_only=True, forbid_unknown_fields=True):
    """A measurement or a key image. `removed` takes it away. The last to write wins."""

    uid: Ident
    tool: FilmTool
    study: Uid
    series: Uid
    instance: Uid
    frame: Annotated[int, Meta(ge=1, le=1_000_000)]
    frame_of_reference: Annotated[str, Meta(max_length=64)]
    points: Annotated[list[Point], Meta(max_length=16)]
    removed: bool


class FilmMarked(Struct, kw_only=True):
    """A mark as the room has it: `revision` counts the changes to all marks of the room."""

    mark: FilmMark
    revision: int
    by: str  # participant


class FilmState(Struct, kw_only=True):
    """The studies that the room looks at together."""

    presenter: str | None  # participant; without one the last view stays
    view: FilmView | None
    cursor: FilmCursor | None
    marks: list[FilmMarked]


class RobotInfo(Struct, kw_only=True):
    """A robot in the room, as it says itself. `holder`: who moves it now; empty: nobody."""

    participant: str
    label: str
    holder: str
    mode: RobotMode
    simulated: bool


class RoomState(Struct, kw_only=True):
    """All that a newcomer needs to draw the room."""

    room: str
    title: str
    locked: bool
    started_at_ms: int
    codecs: CodecPreferences
    participants: list[Participant]  # oneself among them
    chat: list[ChatLine]
    waiting: list[WaitingPerson]  # empty for those who cannot admit
    active_speaker: str | None = None
    players: int = 0  # WHEP players that watch without being participants
    film: FilmState
    robots: list[RobotInfo] = []


# --- requests ----------------------------------------------------------------------------------


class Request(Struct, kw_only=True, forbid_unknown_fields=True, tag_field="type"):
    id: Annotated[int, Meta(ge=0, le=2**53 - 1)]


class Resume(Struct, kw_only=True, forbid_unknown_fields=True):
    session: Ident
    seq: Annotated[int, Meta(ge=0)]  # the last event seen
    media: bool  # False after a page reload: peer connections are gone, identity is kept


class Hello(Request, tag="hello"):
    """First message. `token` may come in the Authorization header instead."""

    version: int
    token: Annotated[str, Meta(max_length=8192)] | None = None
    resume: Resume | None = None


class Ping(Request, tag="ping"):
    """Proof of life in both directions."""


class CheckNetwork(Request, tag="check_network"):
    """Device check, before joining: an offer with one data channel, which the server echoes."""

    sdp: Sdp


class Join(Request, tag="join"):
    """Enter the room. `name` counts when the token names nobody."""

    name: Name | None = None
    capabilities: Capabilities = field(default_factory=Capabilities)


class PublishedMedia(Struct, kw_only=True, forbid_unknown_fields=True):
    """One section of a Publish. Simulcast encodings are listed from the smallest picture up."""

    mid: Annotated[str, Meta(min_length=1, max_length=16)]
    source: Source
    service_class: ServiceClass = "talk"
    label: Label = ""
    muted: bool = False


class Publish(Request, tag="publish"):
    """Offer of the publishing transport, first or renegotiated; `media` lists all that is sent."""

    transport: TransportId
    sdp: Sdp
    media: Annotated[list[PublishedMedia], Meta(max_length=16)]


class SubscribeAnswer(Request, tag="subscribe_answer"):
    """Answer to the SubscribeOffer of the same `revision`; an older one is a conflict."""

    transport: TransportId
    revision: int
    sdp: Sdp


class ResetTransport(Request, tag="reset_transport"):
    """The peer connection is lost: forget it. A subscribing one is offered afresh."""

    transport: TransportId


class RestartIce(Request, tag="restart_ice"):
    """The path of a subscribing transport is lost: offer again with new ICE credentials.

    The association, its keys and all tracks stay. A publishing transport is restarted by a
    Publish whose offer has new credentials.
    """

    transport: TransportId


class Subscribe(Request, tag="subscribe"):
    """Start or pause one track's packets to me; everything is `high` at first.

    `quality` is what the picture's size on my screen needs; a `pinned` picture is the last to lose
    quality. Both stay as they were when not given. Where there are many cameras, of those that I
    never asked for only the last speakers' are on.
    """

    track: Ident
    on: bool
    quality: ViewQuality | None = None
    pinned: bool | None = None


class UpdateTrack(Request, tag="update_track"):
    """Tell the room that my track is muted or not, or what it is called now."""

    track: Ident
    muted: bool | None = None
    label: Label | None = None


class ReportQuality(Request, tag="report_quality"):
    """What only the client knows of its own link and camera, every few seconds."""

    rtt_ms: Annotated[float, Meta(ge=0, le=60_000)] | None = None
    width: Annotated[int, Meta(ge=0, le=16_384)] | None = None
    height: Annotated[int, Meta(ge=0, le=16_384)] | None = None
    frames_per_second: Annotated[float, Meta(ge=0, le=1000)] | None = None


class Chat(Request, tag="chat"):
    text: Text


class RaiseHand(Request, tag="raise_hand"):
    up: bool


class AskMute(Request, tag="ask_mute"):
    """Moderator: ask somebody to mute the microphone. The server never mutes anybody itself."""

    participant: Ident


class Remove(Request, tag="remove"):
    participant: Ident


class Lock(Request, tag="lock"):
    """Moderator: while locked, newcomers wait until they are admitted, whatever their role."""

    locked: bool


class Admit(Request, tag="admit"):
    participant: Ident


class Deny(Request, tag="deny"):
    participant: Ident


class FilmLead(Request, tag="film_lead"):
    """Lead the others through studies, or stop it.

    While somebody leads, only a moderator takes the lead from him, or anybody when he is away.
    """

    on: bool


class FilmUpdate(Request, tag="film_update"):
    """What is looked at now: the newest counts, so many changes become one, 25 times a second.

    `view` and `cursor` are the presenter's; null leaves the view as it was and hides the cursor.
    Marks may be made by everybody with the grant.
    """

    view: FilmView | None
    cursor: FilmCursor | None
    marks: Annotated[list[FilmMark], Meta(max_length=16)]


class FilmClose(Request, tag="film_close"):
    """Presenter or moderator: put the pictures away, for everybody. Marks stay."""


class ControlOpen(Request, tag="control_open"):
    """A link to the control process: an offer with data channels and no media.

    A robot needs a token for the class `control`. Any console hears robots and may stop them; it
    commands with the grant `control`. A second request closes the link before. Channels and
    messages: docs/control.md.
    """

    part: ControlPart
    sdp: Sdp


class Leave(Request, tag="leave"):
    """Go at once, and free everything."""


AnyRequest = (
    Hello
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
    | Leave
)


# --- answers -----------------------------------------------------------------------------------


class Answer(Struct, kw_only=True, tag_field="type"):
    re: int


class Ok(Answer, tag="ok"):
    pass


class Error(Answer, tag="error"):
    """`re` is -1 when the request's id could not be read. `field` is a path: `media[0].mid`."""

    code: ErrorCode
    reason: str
    field: str | None = None


class Welcome(Answer, tag="welcome"):
    version: int
    session: str  # secret; resumes this session
    participant: str
    room: str
    title: str
    role: Role
    name: str | None  # None: the person chooses one when joining
    institution: str
    grants: Grants
    transports: list[TransportGroup]
    resumed: bool  # True: missed events follow, nothing else is needed
    joined: bool  # True and not resumed (a reload, or too much missed): join again, without waiting
    resume_s: int  # how long the session outlives its socket
    ice_servers: list[IceServer] = []  # they expire; IceServersChanged brings new ones in time


class NetworkCheck(Answer, tag="network_check"):
    sdp: str


class ControlOpened(Answer, tag="control_opened"):
    sdp: str


class Joined(Answer, tag="joined"):
    state: RoomState


class Waiting(Answer, tag="waiting"):
    """In the waiting room: an Admitted or Removed event follows."""


class PublishedTrack(Struct, kw_only=True):
    mid: str
    track: str


class Published(Answer, tag="published"):
    transport: str
    sdp: str
    tracks: list[PublishedTrack]


# What a request is answered with, when it is not an Error; Ok where this is silent.
ANSWERS: dict[type[Struct], tuple[type[Answer], ...]] = {
    Hello: (Welcome,),
    CheckNetwork: (NetworkCheck,),
    Join: (Joined, Waiting),
    ControlOpen: (ControlOpened,),
    Publish: (Published,),
}

AnyAnswer = Ok | Error | Welcome | NetworkCheck | Joined | Waiting | Published | ControlOpened


# --- events ------------------------------------------------------------------------------------


class Event(Struct, kw_only=True, tag_field="type"):
    seq: int = 0  # set when sent


class Admitted(Event, tag="admitted"):
    state: RoomState


class ParticipantJoined(Event, tag="participant_joined"):
    participant: Participant


class ParticipantUpdated(Event, tag="participant_updated"):
    """State or hand changed; tracks and quality have events of their own."""

    participant: str
    state: Literal["online", "reconnecting"]
    hand_raised_at_ms: int | None


class ParticipantLeft(Event, tag="participant_left"):
    participant: str
    reason: Literal["left", "removed", "lost"]


class TrackAdded(Event, tag="track_added"):
    track: TrackInfo


class TrackUpdated(Event, tag="track_updated"):
    track: TrackInfo


class TrackRemoved(Event, tag="track_removed"):
    track: str
    participant: str


class SubscribedTrack(Struct, kw_only=True):
    mid: str
    track: str
    participant: str


class SubscribeOffer(Event, tag="subscribe_offer"):
    """Answer with SubscribeAnswer of the same revision. `tracks` is the whole list."""

    transport: str
    revision: int
    sdp: str
    tracks: list[SubscribedTrack]


class LayersWanted(Event, tag="layers_wanted"):
    """To a publisher of simulcast: the encodings that somebody watches now. Stop the others."""

    track: str
    rids: list[str]


class LimitChanged(Event, tag="limit_changed"):
    """To a publisher: nobody who watches this track has room for more than so many bits a second.

    With null he may send as much as he likes again. It is told of tracks without layers.
    """

    track: str
    bps: int | None


class ShortageChanged(Event, tag="shortage_changed"):
    """My network is too slow for this picture: a lesser one comes, or a still every few seconds.

    It begins as `none`, and ends by itself.
    """

    track: str
    shortage: Shortage


class DataClosed(Event, tag="data_closed"):
    """The server has closed my data channel of this label ("" if it was none).

    `label`: of another form than 1 to 32 of A-Z a-z 0-9 . _ - or open already. `kind`: neither
    reliable and ordered, nor unordered without retransmissions. `channels`, `size`, `flood`: beyond
    a bound. `slow`: my network is too slow for what others send reliably.
    """

    transport: str
    label: str
    reason: Literal["label", "kind", "channels", "size", "flood", "slow"]


class CodecsChanged(Event, tag="codecs_changed"):
    """Somebody who can decode less has come, or gone: publishers of video offer again."""

    codecs: CodecPreferences


class ActiveSpeaker(Event, tag="active_speaker"):
    participant: str | None


class PlayersChanged(Event, tag="players_changed"):
    """How many WHEP players watch now: nobody is watched unseen."""

    players: int


class IceServersChanged(Event, tag="ice_servers_changed"):
    """Fresh credentials, for connections made or restarted from now on. Allocations go on."""

    ice_servers: list[IceServer]


class QualityReport(Event, tag="quality"):
    participants: list[Quality]


class ChatAdded(Event, tag="chat_added"):
    line: ChatLine


class WaitingChanged(Event, tag="waiting_changed"):
    """To moderators: who waits now."""

    waiting: list[WaitingPerson]


class MuteAsked(Event, tag="mute_asked"):
    by: str  # the moderator's name


class RoomLocked(Event, tag="room_locked"):
    locked: bool


class FilmChanged(Event, tag="film_changed"):
    """Somebody leads, or nobody, or the pictures are put away; and after a dropped socket."""

    film: FilmState


class FilmMoved(Event, tag="film_moved"):
    """The presenter moves, or somebody draws. A view of null is the one before.

    What one has sent oneself comes back only as `marks`, for their order.
    """

    view: FilmView | None
    cursor: FilmCursor | None
    marks: list[FilmMarked]


class RobotsChanged(Event, tag="robots_changed"):
    """The robots that are in the room now, and who moves them. Everybody sees it."""

    robots: list[RobotInfo]


class Removed(Event, tag="removed"):
    """This session is over; the socket closes."""

    reason: Literal["removed", "denied", "replaced", "revoked"]


class ServerClosing(Event, tag="server_closing"):
    """Planned restart: come back after `reconnect_after_ms`; this session is gone."""

    reconnect_after_ms: int


AnyEvent = (
    Admitted
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
    | ServerClosing
)

_encoder = msgspec.json.Encoder()


def encode(message: Answer | Event) -> bytes:
    """A message as it goes over the wire."""
    return _encoder.encode(message)
