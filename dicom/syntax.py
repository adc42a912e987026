"""Transfer syntaxes: how each writes elements and what its pixel data are. PS3.5 annex A, PS3.6."""

from __future__ import annotations

from dataclasses import dataclass

from pydicom.uid import UID, AllTransferSyntaxes

from dicom.elements import Coding

IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
DEFLATED = frozenset({"1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.205"})
BIG_ENDIAN = "1.2.840.10008.1.2.2"
PAPYRUS = "1.2.840.10008.1.20"  # retired; implicit VR
VIDEO = "1.2.840.10008.1.2.4.10"  # MPEG2, H.264 and H.265: .100 to .108, all frames in one
LIVE = "1.2.840.10008.1.2.7."  # SMPTE ST 2110: streams, nothing to keep
KNOWN = frozenset(str(uid) for uid in AllTransferSyntaxes if not uid.startswith(LIVE))


@dataclass(frozen=True)
class Syntax:
    """What has to be known of one."""

    uid: str

    @property
    def coding(self) -> Coding:
        return Coding(explicit=self.uid not in (IMPLICIT, PAPYRUS), big=self.uid == BIG_ENDIAN)

    @property
    def deflated(self) -> bool:
        return self.uid in DEFLATED

    @property
    def video(self) -> bool:
        """Frames are in one stream and cannot be found without decoding it."""
        return self.uid.startswith(VIDEO)

    @property
    def known(self) -> bool:
        """Registered, so that its elements can be walked with certainty. Private ones are not."""
        return self.uid in KNOWN

    @property
    def name(self) -> str:
        return UID(self.uid).name
