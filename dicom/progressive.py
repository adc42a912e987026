"""A frame as HTJ2K whose first bytes are a small picture of all of it: PS3.5 10.18.

Nothing is lost: decoded to its end it has the values that are stored. Runs in a decoder's process.
"""

from __future__ import annotations

import imagecodecs

from dicom.pixels import Pixels

BASE_POINTS = 64  # of the smallest picture's shorter side, at most
LEVELS_MIN = 5


def encode(pixels: Pixels) -> bytes:
    """Resolution after resolution (RPCL), with the lengths of its parts (TLM)."""
    levels = LEVELS_MIN
    while min(pixels.shape[:2]) >> levels > BASE_POINTS:
        levels += 1
    return bytes(imagecodecs.htj2k_encode(pixels, reversible=True, tlm=True, resolutions=levels))
