"""Frames in a form that shows sooner, made when somebody asks and kept beside the objects.

What is kept can be made again: it is never synced, and a start begins with nothing, for a crash may
have cut a file off. The object itself stays as it came. One event loop owns it.
"""

from __future__ import annotations

import asyncio
import shutil
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from dicom import jobs
from dicom.pool import Decoders

KEPT_MAX_BYTES = 10 << 30  # a thousand mammograms


@dataclass(frozen=True)
class Made:
    """A file."""

    path: Path
    size: int


class Derived:
    """HTJ2K frames below one directory."""

    def __init__(self, folder: Path, decoders: Decoders) -> None:
        self._folder = folder
        self._decoders = decoders
        self._kept: OrderedDict[str, Made] = OrderedDict()
        self._bytes = 0
        self._making: dict[str, asyncio.Task[Made]] = {}

    def prepare(self) -> None:
        """An empty directory. Waits for the disk."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(mode=0o700, parents=True)

    async def frame(self, key: str, place: jobs.Place) -> Made:
        """A frame of the object under `key`. Raises Refused, Busy."""
        name = f"{key.replace('/', '-')}-{place.frame}"
        if (kept := self._kept.get(name)) is not None:
            self._kept.move_to_end(name)
            return kept
        if (making := self._making.get(name)) is None:  # eight viewers open it at once
            making = self._making[name] = asyncio.create_task(self._make(name, place))
            making.add_done_callback(lambda _: self._making.pop(name, None))
        return await asyncio.shield(making)

    async def _make(self, name: str, place: jobs.Place) -> Made:
        path = self._folder / name
        try:
            await self._decoders.run(jobs.Progressive(place, str(path)))
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        made = Made(path, path.stat().st_size)
        self._kept[name] = made
        self._bytes += made.size
        while self._bytes > KEPT_MAX_BYTES and len(self._kept) > 1:
            _, old = self._kept.popitem(last=False)
            self._bytes -= old.size
            old.path.unlink(missing_ok=True)
        return made
