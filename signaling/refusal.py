"""A request that cannot be served: whose fault, at which field, and why."""

from __future__ import annotations

from signaling.protocol import Error, ErrorCode


class Refused(Exception):
    """Raised anywhere below the socket; the edge turns it into an Error answer."""

    def __init__(self, code: ErrorCode, reason: str, field: str | None = None) -> None:
        super().__init__(reason)
        self.code: ErrorCode = code
        self.reason = reason
        self.field = field

    def answer(self, re: int) -> Error:
        """The answer to request `re`."""
        return Error(re=re, code=self.code, reason=self.reason, field=self.field)
