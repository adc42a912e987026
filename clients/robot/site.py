"""What an agent is told of its place, and what everybody in the room is told of it."""

from __future__ import annotations

from typing import Literal, cast

import msgspec

from clients.robot.grants import Grants
from clients.robot.servo import Settings as ServoSettings
from clients.robot.servo_messages import Status
from control import orders as o
from control.messages import Cause, Mode
from control.presets import preset

Video = Literal["live", "lost"]


class Site(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One robot's."""

    label: str
    grants: Literal["operator", "at_once"] = "operator"
    simulated: bool = True
    servo: ServoSettings = msgspec.field(default_factory=ServoSettings)
    scene: o.Scene


def public_state(
    site: Site, grants: Grants, status: Status, since_ms: int, imaging: o.Imaging, video: Video
) -> o.State:
    """Who has control (`since_ms`, Unix), who asks for it, and how robot and machine stand."""
    settings = site.servo
    limits = preset(settings.preset, settings.centre, settings.outward).limits
    return o.State(
        epoch=grants.epoch,
        holder=grants.holder,
        since_ms=since_ms if grants.holder else 0,
        mode=cast(o.ModeName, Mode(status.mode).name.lower()),
        cause=cast(o.CauseName, Cause(status.cause).name.lower()),
        asking=list(grants.asking),
        successor=grants.successor,
        grants=site.grants,
        label=site.label,
        preset=settings.preset,
        limits=o.ForceLimits(warn_n=limits.warn_n, soft_n=limits.soft_n, hard_n=limits.hard_n),
        speed_m_s=limits.speed_m_s,
        imaging=imaging,
        scene=site.scene,
        video=video,
        simulated=site.simulated,
    )
