"""A transport with data channels alone: how a robot or its console reaches the control process."""

from __future__ import annotations

from collections.abc import Callable

from .contract import DataClosing
from .data import RELIABLE_MAX, DataEnd, DataRoom
from .lane import Lane
from .sctp import BoundedSctp
from .transport import BaseTransport


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
        return self._answer_data(offer, self._join, RELIABLE_MAX)

    def _join(self, sctp: BoundedSctp) -> None:
        if self._end is None:
            self._end = DataEnd(self._room, self._participant, sctp, self._data_closed)

    def _data_closed(self, label: str, reason: DataClosing) -> None:
        if self.on_data_closed is not None:
            self.on_data_closed(label, reason)

    async def close(self) -> None:
        if self._end is not None:
            self._end.close()
        await super().close()
