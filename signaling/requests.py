"""What each request does: one small function per message, and the table that finds it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from media.contract import CapacityError, SdpError
from signaling import protocol as p
from signaling.refusal import Refused
from signaling.robots import ControlUnavailable
from signaling.room import Member
from signaling.session import Session
from signaling.stage import Stage
from signaling.text import one_line

if TYPE_CHECKING:
    from signaling.service import Signaling

Handler = Callable[["Signaling", Session, Any], Awaitable[p.Answer]]


async def handle(signaling: Signaling, session: Session, request: p.Request) -> p.Answer:
    """Answer one request of somebody who has said hello. Raises Refused."""
    return await HANDLERS[type(request)](signaling, session, request)


def now_ms() -> int:
    """Unix time, as the protocol tells it."""
    return time.time_ns() // 1_000_000


async def _hello(_signaling: Signaling, _session: Session, _request: p.Hello) -> p.Answer:
    raise Refused("conflict", "hello has been said")


async def _ping(_signaling: Signaling, _session: Session, request: p.Ping) -> p.Answer:
    return p.Ok(re=request.id)


async def _check_network(
    signaling: Signaling, session: Session, request: p.CheckNetwork
) -> p.Answer:
    await session.close_probe()
    try:
        place = signaling.stage(session.claims.room).place  # the port that he will use
        session.probe, answer = await place.open_probe(request.sdp)
    except SdpError as error:
        raise Refused("bad_sdp", str(error), "sdp") from None
    except CapacityError as error:
        raise Refused("room_full", str(error)) from None
    session.probe_until = time.monotonic() + signaling.settings.probe_s
    return p.NetworkCheck(re=request.id, sdp=answer)


async def _join(signaling: Signaling, session: Session, request: p.Join) -> p.Answer:
    name = one_line(session.claims.name or "") or one_line(request.name or "")
    if not name:
        raise Refused("malformed", "the token names nobody: give a name", "name")
    await session.close_probe()
    if session.joined and session.rejoin_by is not None and session.stage:
        stage = session.stage
        stage.room.reenter(session.participant, name, request.capabilities)
    else:
        if session.stage is not None:
            raise Refused("conflict", "already in this room, or waiting for it")
        stage = signaling.stage(session.claims.room)
        member = Member(
            id=session.participant,
            name=name,
            claims=session.claims,
            capabilities=request.capabilities,
            since_ms=now_ms(),
        )
        inside = stage.room.enter(member, admitted=session.admitted)
        session.stage = stage
        if not inside:
            return p.Waiting(re=request.id)
    signaling.entered(session)
    return p.Joined(re=request.id, state=stage.room.state(session.participant))


async def _publish(_signaling: Signaling, session: Session, request: p.Publish) -> p.Answer:
    stage = _stage(session)
    direction, group = request.transport.split(":")
    if direction != "publish":
        raise Refused("malformed", "expected publish:GROUP", "transport")
    publisher = stage.publisher(session.participant, session.claims.grants)
    answer, tracks = await publisher.publish(
        group, request.sdp, request.media, stage.room.policy, data=True
    )
    return p.Published(re=request.id, transport=request.transport, sdp=answer, tracks=tracks)


async def _subscribe_answer(
    _signaling: Signaling, session: Session, request: p.SubscribeAnswer
) -> p.Answer:
    direction, group = request.transport.split(":")
    if direction != "subscribe":
        raise Refused("malformed", "expected subscribe:GROUP", "transport")
    subscriber = _stage(session).subscriber(session.participant, group)
    await subscriber.answer(request.revision, request.sdp)
    return p.Ok(re=request.id)


async def _reset_transport(
    _signaling: Signaling, session: Session, request: p.ResetTransport
) -> p.Answer:
    stage = _stage(session)
    direction, group = request.transport.split(":")
    if direction == "subscribe":
        await stage.subscriber(session.participant, group).reset()
    else:
        await stage.publisher(session.participant, session.claims.grants).reset(group)
    return p.Ok(re=request.id)


async def _restart_ice(_signaling: Signaling, session: Session, request: p.RestartIce) -> p.Answer:
    direction, group = request.transport.split(":")
    if direction != "subscribe":
        raise Refused("malformed", "expected subscribe:GROUP", "transport")
    await _stage(session).subscriber(session.participant, group).restart()
    return p.Ok(re=request.id)


async def _subscribe(_signaling: Signaling, session: Session, request: p.Subscribe) -> p.Answer:
    stage = _stage(session)
    stage.view(session.participant, request)
    return p.Ok(re=request.id)


async def _update_track(
    _signaling: Signaling, session: Session, request: p.UpdateTrack
) -> p.Answer:
    label = None if request.label is None else one_line(request.label)
    _stage(session).room.update_track(session.participant, request.track, request.muted, label)
    return p.Ok(re=request.id)


async def _report_quality(
    _signaling: Signaling, session: Session, request: p.ReportQuality
) -> p.Answer:
    _stage(session).said[session.participant] = request
    return p.Ok(re=request.id)


async def _chat(_signaling: Signaling, session: Session, request: p.Chat) -> p.Answer:
    _stage(session).room.chat(session.participant, request.text, now_ms())
    return p.Ok(re=request.id)


async def _raise_hand(_signaling: Signaling, session: Session, request: p.RaiseHand) -> p.Answer:
    _stage(session).room.raise_hand(session.participant, request.up, now_ms())
    return p.Ok(re=request.id)


async def _ask_mute(_signaling: Signaling, session: Session, request: p.AskMute) -> p.Answer:
    _stage(session).room.ask_mute(session.participant, request.participant)
    return p.Ok(re=request.id)


async def _remove(signaling: Signaling, session: Session, request: p.Remove) -> p.Answer:
    _stage(session).room.remove(session.participant, request.participant)
    signaling.sent_away(request.participant)
    return p.Ok(re=request.id)


async def _lock(_signaling: Signaling, session: Session, request: p.Lock) -> p.Answer:
    _stage(session).room.lock(session.participant, request.locked)
    return p.Ok(re=request.id)


async def _admit(signaling: Signaling, session: Session, request: p.Admit) -> p.Answer:
    _stage(session).room.admit(session.participant, request.participant)
    signaling.entered(signaling.by_participant[request.participant])
    return p.Ok(re=request.id)


async def _deny(signaling: Signaling, session: Session, request: p.Deny) -> p.Answer:
    _stage(session).room.deny(session.participant, request.participant)
    signaling.sent_away(request.participant)
    return p.Ok(re=request.id)


async def _film_lead(_signaling: Signaling, session: Session, request: p.FilmLead) -> p.Answer:
    _stage(session).room.lead_film(session.participant, request.on)
    return p.Ok(re=request.id)


async def _film_update(_signaling: Signaling, session: Session, request: p.FilmUpdate) -> p.Answer:
    _stage(session).room.update_film(session.participant, request)
    return p.Ok(re=request.id)


async def _film_close(_signaling: Signaling, session: Session, request: p.FilmClose) -> p.Answer:
    _stage(session).room.close_film(session.participant)
    return p.Ok(re=request.id)


async def _control_open(signaling: Signaling, session: Session, request: p.ControlOpen) -> p.Answer:
    room, grants = _stage(session).room.name, session.claims.grants
    allowed = "control" in grants.classes if request.part == "robot" else grants.subscribe
    if not allowed:
        raise Refused("forbidden", f"this token does not allow a {request.part}", "part")
    may_command = request.part == "console" and grants.control
    try:
        answer = await signaling.control.open(
            room, session.participant, request.part, may_command, request.sdp
        )
    except SdpError as error:
        raise Refused("bad_sdp", str(error), "sdp") from None
    except CapacityError as error:
        raise Refused("room_full", str(error)) from None
    except ControlUnavailable as error:
        raise Refused("unavailable", str(error)) from None
    if not session.joined:
        signaling.control.close_link(room, session.participant)  # left meanwhile
    return p.ControlOpened(re=request.id, sdp=answer)


async def _leave(signaling: Signaling, session: Session, request: p.Leave) -> p.Answer:
    if session.wire:
        session.wire.send(p.encode(p.Ok(re=request.id)))
        session.wire.close(1000, "left")
    signaling.end(session, "left")
    return p.Ok(re=request.id)  # the wire is closing: this one goes nowhere


def _stage(session: Session) -> Stage:
    """The room, for those who are in it. Raises Refused."""
    if session.stage is None or not session.joined or session.rejoin_by is not None:
        raise Refused("not_joined", "join first")
    return session.stage


HANDLERS: dict[type[p.Request], Handler] = {
    p.Hello: _hello,
    p.Ping: _ping,
    p.CheckNetwork: _check_network,
    p.Join: _join,
    p.Publish: _publish,
    p.SubscribeAnswer: _subscribe_answer,
    p.ResetTransport: _reset_transport,
    p.RestartIce: _restart_ice,
    p.Subscribe: _subscribe,
    p.UpdateTrack: _update_track,
    p.ReportQuality: _report_quality,
    p.Chat: _chat,
    p.RaiseHand: _raise_hand,
    p.AskMute: _ask_mute,
    p.Remove: _remove,
    p.Lock: _lock,
    p.Admit: _admit,
    p.Deny: _deny,
    p.FilmLead: _film_lead,
    p.FilmUpdate: _film_update,
    p.FilmClose: _film_close,
    p.ControlOpen: _control_open,
    p.Leave: _leave,
}
