"""The room's codec policy: nothing is transcoded, so publishers send what every member decodes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from media.contract import CodecPolicy
from signaling.protocol import Capabilities, CodecPreferences


def room_policy(preferred: CodecPolicy, members: Iterable[Capabilities]) -> CodecPolicy:
    """The preferred codecs that all members decode, in order.

    A member who names no codec of a kind does not take that kind and binds nobody. When no codec
    suits everybody, those that suit most are left: better that one sees nothing than all.
    """
    everyone = list(members)
    return CodecPolicy(
        audio=_common(preferred.audio, [m.audio for m in everyone]),
        video=_common(preferred.video, [m.video for m in everyone]),
    )


def decodes(capabilities: Capabilities, kind: str, codec: str) -> bool:
    """Whether somebody with these capabilities can play a track."""
    return codec.casefold() in _folded(
        capabilities.audio if kind == "audio" else capabilities.video
    )


def as_preferences(policy: CodecPolicy) -> CodecPreferences:
    """The policy as the protocol says it."""
    return CodecPreferences(audio=list(policy.audio), video=list(policy.video))


def _common(preferred: Sequence[str], members: Iterable[Sequence[str]]) -> tuple[str, ...]:
    takers = [_folded(names) for names in members if names]
    suits = {codec: sum(codec.casefold() in names for names in takers) for codec in preferred}
    most = max(suits.values(), default=0)
    return tuple(codec for codec in preferred if suits[codec] == most)


def _folded(names: Sequence[str]) -> frozenset[str]:
    return frozenset(name.casefold() for name in names)
