"""Status codes: PS3.7 annex C, PS3.4 B.2.3 (store), C.4.1 (find), C.4.2 (move)."""

from __future__ import annotations

from dicom.ingest import Kind, Outcome

SUCCESS = 0x0000
PENDING = 0xFF00
CANCELLED = 0xFE00
REFUSED_NOT_AUTHORIZED = 0x0124
PROCESSING_FAILURE = 0x0110
UNRECOGNIZED_OPERATION = 0x0211
SOP_CLASS_NOT_SUPPORTED = 0x0122

OUT_OF_RESOURCES = 0xA700
STORE_MISMATCH = 0xA900
STORE_CANNOT_UNDERSTAND = 0xC000
STORE_CONFLICT = 0xC001  # of the range that every peer takes as an error

FIND_MISMATCH = 0xA900
MOVE_DESTINATION_UNKNOWN = 0xA801
MOVE_OUT_OF_RESOURCES = 0xA702
MOVE_WARNING = 0xB000  # complete, but for one or more failures


def of(outcome: Outcome) -> int:
    """What a C-STORE's sender is answered."""
    if outcome.kept:
        return SUCCESS
    if outcome.kind is Kind.CONFLICT:
        return STORE_CONFLICT
    return STORE_MISMATCH if outcome.reason == "mismatch" else STORE_CANNOT_UNDERSTAND
