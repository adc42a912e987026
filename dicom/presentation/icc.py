"""The colours that screens have, as a profile of the pictures (PS3.3 C.11.15)."""

from __future__ import annotations

import functools

DEVICE_CLASS = slice(12, 16)  # ICC.1 7.2


@functools.cache
def srgb() -> bytes:
    """sRGB. DICOM wants the class of a device that takes pictures, not of one that shows them."""
    import imagecodecs

    profile = bytearray(imagecodecs.cms_profile("srgb"))
    profile[DEVICE_CLASS] = b"scnr"
    return bytes(profile) + b"\0" * (len(profile) % 2)
