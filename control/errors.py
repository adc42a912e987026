"""What can be wrong with a message or a wish; each says what to do."""

from __future__ import annotations


class ControlError(Exception):
    """Base of all errors here."""


class MalformedMessage(ControlError):
    """Not a message of this version, or one with impossible figures: drop it."""


class ForgedMessage(ControlError):
    """Its authentication code is wrong: drop it, and count it."""


class LeaseRefused(ControlError):
    """Control cannot be given like this; the message says why."""
