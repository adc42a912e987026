"""The network check: a transport whose data channels echo, so that a person's browser measures
its path to the media port before she joins.
"""

from __future__ import annotations

from aiortc import RTCDataChannel

from .contract import SdpError
from .sdp import parse, render
from .transport import BaseTransport, check_bundle, data_answer, data_section

MESSAGE_MAX = 1200  # a packet's worth: the check measures, it does not store
MESSAGES_MAX = 2000


class ProbeTransport(BaseTransport):
    """Echoes what arrives on its data channels, within bounds."""

    _echoed = 0

    async def negotiate(self, offer: str) -> str:
        """Answer an offer with one data section. Raises SdpError."""
        description = parse(offer)
        check_bundle(description)
        sections = []
        for m in description.media:
            if not data_section(m):
                raise SdpError("the network check takes one data channel and no media")
            sctp = self._accept_data(m)
            sctp.on("datachannel", self._opened)
            sections.append(data_answer(m, 65536))
        security = description.security()
        self._secure(security)
        return render(self._describe(sections, self._answered_setup))

    def _opened(self, channel: RTCDataChannel) -> None:
        def echo(message: str | bytes) -> None:
            self._echoed += 1
            if len(message) <= MESSAGE_MAX and self._echoed <= MESSAGES_MAX:
                channel.send(message)

        channel.on("message", echo)
