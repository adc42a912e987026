"""A transport with data channels alone: how a robot or its console reaches the control process."""

from __future__ import annotations

from collections.abc import Callable

from .contract import DataClosing, SdpError
from .data import RELIABLE_MAX, DataEnd, DataRoom
from .lane import Lane
from .sdp import parse, render
from .transport import BaseTransport, check_bundle, data_answer, data_section


class LinkTransport(BaseTransport):
    """One participant's; what it says goes to `room`, under the participant's name."""

    def __init__(self, lane: Lane, room: DataRoom, participant: str) -> None:
        super().__init__(lane)
        self.on_data_closed: Callable[[str, DataClosing], None] | None = None
        self._room = room
        self._participant = participant
        self._end: DataEnd | None = None

    async def negotiate(self, offer: str) -> str:
        """Answer an offer with one data section and no media. Raises SdpError."""
        description = parse(offer)
        check_bundle(description)
        sections = []
        for m in description.media:
            if not data_section(m):
                raise SdpError("a control link takes data channels and no media")
            sctp = self._accept_data(m)
            if self._end is None:
                self._end = DataEnd(self._room, self._participant, sctp, self._data_closed)
            sections.append(data_answer(m, RELIABLE_MAX))
        self._secure(description.security(), offered=True)
        return render(self._describe(sections, self._answered_setup))

    def _data_closed(self, label: str, reason: DataClosing) -> None:
        if self.on_data_closed is not None:
            self.on_data_closed(label, reason)

    async def close(self) -> None:
        if self._end is not None:
            self._end.close()
        await super().close()
