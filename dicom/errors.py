"""Whose fault it is. `dicom.dimse` turns these into status codes, DICOMweb into problem+json."""

from __future__ import annotations


class DicomError(Exception):
    """Any failure of this package; the message says what happened, without names of patients."""


class Refused(DicomError):
    """The sender's fault: what came is no object that could be kept and found again.

    `reason` is one of a few words, for tables and counters; the message says the particulars.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class StorageFull(DicomError):
    """Ours: the disk has no room. Nothing was kept, and the sender may try again."""


class NotFound(DicomError):
    """Nobody has such a thing, or not for whom it was asked."""
