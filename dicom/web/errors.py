"""What a request can be wrong in; the application turns these into problem+json."""

from __future__ import annotations

from dicom.errors import DicomError


class BadRequest(DicomError):
    """It cannot be understood. 400."""


class Forbidden(DicomError):
    """The asker may not do that. 403."""


class NotAcceptable(DicomError):
    """None of the forms that were asked for can be given. 406."""


class TooLarge(DicomError):
    """More than is taken in. 413."""


class Unsupported(DicomError):
    """A body of another kind. 415."""


class Outside(DicomError):
    """The asker is not where this can be done. 409."""


class TooOften(DicomError):
    """More in a short time than a person asks for. 429; `wait_s` is when to ask again."""

    def __init__(self, detail: str, wait_s: float) -> None:
        super().__init__(detail)
        self.wait_s = wait_s


class BadRange(DicomError):
    """No such bytes. 416; `length` is how many there are."""

    def __init__(self, length: int) -> None:
        super().__init__(f"there are {length} bytes")
        self.length = length
