"""Ask the kernel to begin to write a file out, without waiting: sync_file_range(2), Linux alone.

It promises nothing; it only leaves less for the fdatasync that follows. Python has no name for it.
"""

from __future__ import annotations

import ctypes

SYNC_FILE_RANGE_WRITE = 2  # fcntl.h
_function = getattr(ctypes.CDLL(None, use_errno=True), "sync_file_range", None)
if _function is not None:
    _function.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)


def begin(fd: int) -> None:
    """All of the file that is not written out yet."""
    if _function is not None:
        _function(fd, 0, 0, SYNC_FILE_RANGE_WRITE)
