"""A C-STORE sender that knows to the byte what it sent, and tells what was acknowledged."""

from __future__ import annotations

import io

from dicom.dimse.sender import Sender

EXPLICIT = "1.2.840.10008.1.2.1"


class Scu(Sender):
    """One association for one SOP class."""

    def __init__(self, port: int, sop_class: str) -> None:
        self._only = (sop_class, EXPLICIT)
        super().__init__(("127.0.0.1", port), "DISTAL", "SCU", [self._only])

    def send(self, uid: str, data_set: bytes) -> int | None:
        """The status that was answered."""
        return self.store(self._only, uid, io.BytesIO(data_set))
