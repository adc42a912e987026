"""The network check: a transport whose data channels echo, so that a person's browser measures
its path to the media port before she joins.
"""

from __future__ import annotations

from aiortc import RTCDataChannel

from .transport import BaseTransport

MESSAGE_MAX = 1200  # a packet's worth: the check measures, it does not store
MESSAGES_MAX = 2000
STORED_MAX = 65536  # octets of a message that SCTP takes in


class ProbeTransport(BaseTransport):
    """Echoes what arrives on its data channels, within bounds."""

    _echoed = 0

    async def negotiate(self, offer: str) -> str:
        """Answer an offer with one data section. Raises SdpError."""
        return self._answer_data(
            offer, lambda sctp: sctp.on("datachannel", self._opened), STORED_MAX
        )

    def _opened(self, channel: RTCDataChannel) -> None:
        def echo(message: str | bytes) -> None:
            self._echoed += 1
            if len(message) <= MESSAGE_MAX and self._echoed <= MESSAGES_MAX:
                channel.send(message)

        channel.on("message", echo)
