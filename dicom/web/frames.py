"""In which form frames are given: what is accepted against what is stored. PS3.18 8.7.3.3, 10.4."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from dicom.archive import Instance
from dicom.syntax import BIG_ENDIAN, EXPLICIT, IMPLICIT
from dicom.web.accept import Media, covers
from dicom.web.errors import NotAcceptable

OCTETS = "application/octet-stream"
HTJ2K_RPCL = "1.2.840.10008.1.2.4.202"  # lossless, coarse first
# Of encapsulated frames, PS3.18 table 8.7.3-4 and -5. Other syntaxes are native.
MEDIA = {
    "1.2.840.10008.1.2.5": "image/dicom-rle",
    **dict.fromkeys((f"1.2.840.10008.1.2.4.{n}" for n in (50, 51, 57, 70)), "image/jpeg"),
    **dict.fromkeys((f"1.2.840.10008.1.2.4.{n}" for n in (80, 81)), "image/jls"),
    **dict.fromkeys((f"1.2.840.10008.1.2.4.{n}" for n in (90, 91)), "image/jp2"),
    **dict.fromkeys((f"1.2.840.10008.1.2.4.{n}" for n in (92, 93)), "image/jpx"),
    **dict.fromkeys((f"1.2.840.10008.1.2.4.{n}" for n in (201, 202, 203)), "image/jphc"),
    **dict.fromkeys((f"1.2.840.10008.1.2.4.{n}" for n in (110, 111, 112)), "image/jxl"),
    "1.2.840.10008.1.2.8.1": "application/x-deflate",
}


@dataclass(frozen=True)
class Form:
    """How an answer looks."""

    multipart: bool
    type: str  # of each part, or of the only one
    syntax: str
    decode: bool  # not as it is stored
    progressive: bool = False  # nor without compression: as HTJ2K

    @property
    def content_type(self) -> str:
        return f"{self.type}; transfer-syntax={self.syntax}"


def choose(accepted: Iterable[Media], instance: Instance, single: bool) -> Form:
    """The first form that can be given. Raises NotAcceptable."""
    for media in accepted:
        if not (media.multipart or media.type == "*/*" or single):
            continue
        form = _form(media, instance)
        if form is not None:
            return form
    raise NotAcceptable(
        f"these frames are {instance.transfer_syntax}; accept multipart/related;"
        ' type="application/octet-stream"; transfer-syntax=*'
    )


def _form(media: Media, instance: Instance) -> Form | None:
    multipart = media.multipart or media.type == "*/*"
    stored = instance.transfer_syntax
    compressed = MEDIA.get(stored, "video/mp4") if instance.encapsulated else None
    content = media.content
    if media.syntax == HTJ2K_RPCL != stored and _plain_grey(instance):
        for offered in (MEDIA[HTJ2K_RPCL], OCTETS):
            if covers(content, offered):
                return Form(multipart, offered, HTJ2K_RPCL, False, True)
    if compressed is None:  # native
        if not covers(content, OCTETS):
            return None
        swapped = stored == BIG_ENDIAN and media.syntax not in ("*", BIG_ENDIAN)
        if media.syntax not in ("", "*", EXPLICIT, IMPLICIT, stored):
            return None
        syntax = BIG_ENDIAN if stored == BIG_ENDIAN and not swapped else EXPLICIT
        inside = instance.pixel_at is None or _begins_inside_a_byte(instance)
        return Form(multipart, OCTETS, syntax, swapped or inside)
    if media.syntax in ("*", stored) or (not media.syntax and content != OCTETS):
        for offered in (OCTETS, compressed):
            if covers(content, offered) and (offered != OCTETS or media.syntax or content == "*/*"):
                return Form(multipart, offered, stored, False)
        return None
    if media.syntax in ("", EXPLICIT) and covers(content, OCTETS) and not instance.syntax.video:
        return Form(multipart, OCTETS, EXPLICIT, True)
    return None


def _plain_grey(instance: Instance) -> bool:
    """What HTJ2K is made of here."""
    grey = instance.photometric in ("MONOCHROME1", "MONOCHROME2")
    return grey and instance.bits_allocated in (8, 16) and not instance.syntax.video


def native_length(instance: Instance) -> int | None:
    """Bytes of an uncompressed frame without padding; None where the index does not say."""
    shape = (instance.rows, instance.columns, instance.samples or 1, instance.bits_allocated)
    if not all(shape):
        return None
    bits = math.prod(number or 0 for number in shape)
    if instance.photometric in ("YBR_FULL_422", "YBR_PARTIAL_422"):
        bits = bits * 2 // 3  # PS3.3 C.7.6.3.1.2
    return (bits + 7) // 8


def _begins_inside_a_byte(instance: Instance) -> bool:
    points = (instance.rows or 0) * (instance.columns or 0) * (instance.samples or 1)
    return instance.bits_allocated == 1 and instance.frames > 1 and points % 8 != 0
