"""The documentation page of the protocol, docs/protocol.md."""

from __future__ import annotations

from typing import Literal, get_args, get_origin

from msgspec import Struct

from media import data, data_queue
from signaling import protocol
from signaling.message_info import UNIONS, default, doc, info, limits, structs_within, type_name
from signaling.roles import GRANTS, WAITING_ROLES
from signaling.settings import SignalingSettings

INTRO = """\
# The signaling protocol, version {version}

<!-- Generated from signaling/protocol.py by `python -m signaling.schema`: do not edit. -->

JSON text messages over the WebSocket at `GET /ws`. The same messages as
[JSON Schema](protocol.schema.json), and as TypeScript in `clients/web/src/protocol/messages.ts`.

## A session

1. **Hello.** The first message, within {settings.hello_s:g} seconds and 16 KB, is
   `hello` with the protocol version and a token (or the token comes in the handshake's
   `Authorization: Bearer` header; never in the address). The answer, `welcome`, says who one is,
   what one may do, and gives a secret `session` name. Later messages may have 256 KB.
2. **Join.** `join` enters the room and is answered by `joined` with all that is needed to draw it,
   or by `waiting`; then `admitted` or `removed` follows when a moderator decides. Before joining,
   `check_network` tries the path of the media.
3. **Publish.** The client offers on `publish:GROUP` (ICE: the server is lite and lists all its
   candidates in its answer, so the client sends none). `media` says what each section that sends
   is; a section that turns inactive ends its track. `published` gives the answer and each track's
   id. Renegotiation is the same message again on the same transport.
4. **Subscribe.** Everybody who may is subscribed to every track of the others. The server offers
   with `subscribe_offer`, the client answers with `subscribe_answer` of the same revision. A newer
   offer may come before the answer to an older one; only the newest counts. `subscribe` with
   `on: false` stops a track's packets without negotiation.
5. **Leave.** `leave` frees everything at once.

`transports` in `welcome` lists the groups of service classes that have a UDP port, and so a
transport, of their own: `publish:main` and `subscribe:main` always exist.

## Envelope

A request has an `id` chosen by the client; its one answer carries it as `re`. Events carry `seq`,
counting up from 1 within a session. Every message says what it is in `type`. Unknown fields in
requests are errors; unknown fields in answers and events are to be ignored.

An `error` answer has a `code`, the `reason` in words, and the `field` where one is at fault, as a
path such as `media[0].mid`. A message that cannot be read at all is answered with `re: -1`.

## Data channels

Who has the grant `data` may have one data section (`m=application`, RFC 8841) in his offers on
`publish:GROUP`, first or later, with or without media. What he sends on a channel goes to every
other participant of the room who has a channel of the same label and kind open on the same group's
transport. It arrives as **the sender's participant id, a line feed, and the message**, text as text
and binary as binary; the server writes the id. Nobody needs to be asked to open or close a channel.

- **Unreliable** (`ordered: false, maxRetransmits: 0`): for what a newer message makes worthless,
  pointers, readings, a joystick. At most {data.UNRELIABLE_MAX} bytes. Only the newest message of
  each sender and label waits for a receiver, and at most {stale:.0f} ms; then it is dropped. Say
  the present state, not the change, and say it again now and then.
- **Reliable** (the default of a channel): for annotations. At most {long} KB, arriving in order.
  When {queue} KB or {data_queue.RELIABLE_MAX} messages wait for a receiver, his channel is closed
  with `data_closed` (`slow`): he opens it again and asks for what he missed. A long message holds
  up all else that goes to that receiver: send much at once over HTTP.

A label is 1 to 32 of `A-Z a-z 0-9 . _ -`; each participant may have {data.CHANNELS_MAX} channels
in a group, and send {data.MESSAGES_PER_S:.0f} messages and {octets} KB a second: beyond that,
unreliable messages are dropped, and a reliable channel is closed. `data_closed` says why a channel
was closed.

## Studies looked at together

Who has the grant `film` may take the lead with `film_lead`; then what he looks at goes to everybody
as `film_update` becomes `film_moved`, and a newcomer finds it in the room's state. One has the lead
at a time; it ends with his leaving. Pictures are named by
object and frame, places by the frame of reference in mm, so that each page may show them in its own
size, and come back after looking around alone. Who holds the grant but not the lead may draw.
Updates come at most 25 times a second, each with the newest of everything; what a dropped socket
misses comes as one `film_changed`.

## When the socket drops

The session outlives its socket by `resume_s` seconds, during which the others see the participant
as `reconnecting`. `hello` with `resume` (session, the last `seq` seen, `media: true`) goes on:
`welcome` has `resumed: true`, the missed events follow, and peer connections are left as they are.
After a page reload the peer connections are gone: `media: false` keeps the identity, `welcome` has
`resumed: false, joined: true`, and `join` enters again without waiting; `welcome` says the same
when more was missed than the server keeps, and then too all peer connections start afresh. When the
time is over, the error is `session_gone`: say hello without `resume`. A session that is resumed
elsewhere closes the older socket, after a `removed` (`replaced`) that has `seq` 0.

The server pings on the WebSocket level every {settings.heartbeat_s:g} seconds and drops a socket
that stays silent. Once the socket and all media have been silent for {settings.lost_after_s:g}
seconds ({settings.left_after_s:g} after a closing frame with 1000 or 1001), the others see the
participant leave (`lost`) and his media are freed; who he is stays known for `resume_s` all the
same. Until then an ICE restart is enough: `publish` with new credentials in its offer, and
`restart_ice` for what is received, need no new handshake and lose no track. A socket that reads
too slowly is cut, and may resume.

## Bounds

{settings.requests_per_s:g} requests a second, {settings.requests_burst:g} at once; `publish` counts
for several, and every {kb} KB of a message for one more. Beyond that, `too_many_requests`; a flood
is cut off. A room holds {settings.room_people} people, a participant publishes
{settings.tracks} tracks.

## Close codes

| code | meaning |
|---|---|
| 1000 | left, or removed: an event said why |
| 1001 | the server is closing |
| 1008 | no or bad hello, or a flood: the error before it says which |
| 1009 | message too large |
| 4000 | the session goes on in another socket |
"""


def protocol_page() -> str:
    """The whole page."""
    parts = [
        INTRO.format(
            version=protocol.PROTOCOL_VERSION,
            settings=SignalingSettings(),
            kb=16,
            data=data,
            data_queue=data_queue,
            stale=data_queue.STALE_S * 1000,
            long=data.RELIABLE_MAX // 1024,
            queue=data_queue.RELIABLE_MAX_OCTETS // 1024,
            octets=int(data.OCTETS_PER_S) // 1024,
        )
    ]
    parts += [_roles(), _names(), "## Requests\n"]
    parts += [_message(m, from_client=True) for m in UNIONS["ClientRequest"]]
    parts.append("## Answers\n")
    parts += [_message(m, from_client=False) for m in UNIONS["ServerAnswer"]]
    parts.append("## Events\n")
    parts += [_message(m, from_client=False) for m in UNIONS["ServerEvent"]]
    parts.append("## What messages carry\n")
    sent = structs_within(UNIONS["ClientRequest"])
    received = structs_within(UNIONS["ServerAnswer"] + UNIONS["ServerEvent"])
    parts += [_message(s, from_client=True) for s in sent]
    parts += [_message(s, from_client=False) for s in received if s not in sent]
    return "\n".join(parts)


def _roles() -> str:
    def mark(yes: bool) -> str:
        return "yes" if yes else "–"

    rows = [
        f"| `{role}` | {', '.join(g.publish) or '–'} | {', '.join(g.classes) or '–'} "
        f"| {mark(g.subscribe)} | {mark(g.data)} | {mark(g.chat)} | {mark(g.control)} "
        f"| {mark(g.moderate)} | {mark(g.film)} | {mark(role in WAITING_ROLES)} |"
        for role, g in GRANTS.items()
    ]
    return (
        "## Roles\n\nWhat a token of each role allows unless it carries grants of its own. "
        "While a room is locked, everybody but moderators waits.\n\n"
        "| role | publish | classes | subscribe | data | chat | control | moderate | film "
        "| waits |\n|---|---|---|---|---|---|---|---|---|---|\n" + "\n".join(rows) + "\n"
    )


def _names() -> str:
    rows = [
        f"| {name} | {', '.join(f'`{v}`' for v in get_args(value))} |"
        for name, value in vars(protocol).items()
        if get_origin(value) is Literal
    ]
    return "## Names\n\n| type | values |\n|---|---|\n" + "\n".join(rows) + "\n"


def _message(struct: type[Struct], from_client: bool) -> str:
    described = info(struct)
    lines = [f"### {described.tag or struct.__name__}\n"]
    if text := doc(struct):
        lines.append(text + "\n")
    if issubclass(struct, protocol.Request):
        answers = protocol.ANSWERS.get(struct, (protocol.Ok,))
        names = " or ".join(f"`{info(answer).tag}`" for answer in answers)
        lines.append(f"Answered by {names}.\n")
    if not described.fields:
        return "\n".join(lines)
    lines.append("| field | type | default | limits |\n|---|---|---|---|")
    for each in described.fields:
        value = default(each) if from_client else None
        name = type_name(each.type).replace("|", "\\|")
        shown = f"`{value}`" if value is not None else ""
        bound = limits(each.type).replace("|", "\\|")
        lines.append(f"| `{each.name}` | {name} | {shown} | {bound} |")
    return "\n".join(lines) + "\n"
