"""One end's way to the server: its signaling through a proxy, its packets through the emulator.

Control has a port of its own and so an emulator of its own: what befalls the commands need not
befall the pictures. Signaling is not impaired; nothing that keeps the arm safe hangs on it.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping
from typing import Any, Literal

from loadtests.impairment.emulator import Emulator
from loadtests.impairment.signaling_proxy import SignalingProxy
from loadtests.impairment.timeline import During

LIVES_S = 7200.0
CLIENTS = 1024  # each link that is opened anew comes from a port of its own
LOST: Mapping[str, Any] = {"outage": "lose"}

Part = Literal["control", "media"]


class Network:
    """`commands_go`: up at the console's end, down at the robot's."""

    def __init__(
        self,
        server: str,
        control_port: int,
        media_port: int,
        commands_go: Literal["up", "down"],
        seed: int,
    ) -> None:
        ports: dict[Part, int] = {"control": control_port, "media": media_port}
        self._emulators: dict[Part, Emulator] = {
            part: Emulator(
                ("127.0.0.1", port), seed=seed + number, seconds=LIVES_S, clients=CLIENTS
            )
            for number, (part, port) in enumerate(ports.items())
        }
        control, media = self._emulators["control"].address, self._emulators["media"].address
        self.web = SignalingProxy(server, {control_port: control, media_port: media})
        self._commands_go = commands_go
        self._usual: Mapping[str, Any] = {}
        self._loss = 0.0

    async def __aenter__(self) -> Network:
        self._stack = contextlib.AsyncExitStack()
        for emulator in self._emulators.values():
            self._stack.enter_context(emulator)
        await self._stack.enter_async_context(self.web)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def usual(self, delay_ms: float, jitter_ms: float, loss: float) -> None:
        """From now on, both ways. `loss`: of control; a picture that is lost is another fault."""
        self._usual = {"delay_ms": delay_ms, "jitter_ms": jitter_ms}
        self._loss = loss
        self.mend()

    def mend(self) -> None:
        """As usual."""
        for part in self._emulators:
            self._play(part)

    def cut(self, *, commands: bool = False, answers: bool = False, video: bool = False) -> None:
        """Lose all of these, and nothing else, until `mend`."""
        up_is_commands = self._commands_go == "up"
        up, down = (commands, answers) if up_is_commands else (answers, commands)
        self._play("control", LOST if up else {}, LOST if down else {})
        video_up, video_down = (False, video) if up_is_commands else (video, False)
        self._play("media", LOST if video_up else {}, LOST if video_down else {})

    def spoil(self, **fields: float) -> None:
        """These fields for commands, until `mend`."""
        up = self._commands_go == "up"
        self._play("control", fields if up else {}, {} if up else fields)

    def _play(
        self, part: Part, up: Mapping[str, Any] | None = None, down: Mapping[str, Any] | None = None
    ) -> None:
        fields = {**self._usual, "loss": self._loss if part == "control" else 0.0}
        usual = During(0.0, math.inf, fields, fields)
        self._emulators[part].play([usual, During(0.0, math.inf, up or {}, down or {})])
