"""Instances that were looked up, with the others of their series: who asks for one asks for more.

What is indexed never changes, so that what is remembered stays true; what came later is looked up.
`get` waits for nothing: an event loop asks it before it goes to the index in a thread. One event
loop owns it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Collection

from dicom.archive import Archive, Instance

REMEMBERED_MAX = 10_000  # instances, of 1 KB
TOGETHER_MAX = 1000  # of one series at once, some 10 ms in a thread

Key = tuple[frozenset[str], str, str]  # who asks, study, series


class Recent:
    """An archive's instances by their addresses."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._series: OrderedDict[Key, dict[str, Instance]] = OrderedDict()
        self._count = 0
        self._reading: dict[Key, asyncio.Task[None]] = {}

    async def instance(
        self, institutions: frozenset[str], study: str, series: str, uid: str
    ) -> Instance:
        """One by its address. Raises NotFound."""
        key = (institutions, study, series)
        known = self._series.get(key)
        if known is not None and (found := known.get(uid)) is not None:
            self._series.move_to_end(key)
            return found
        found = await asyncio.to_thread(self._archive.instance, institutions, uid, study, series)
        if key not in self._reading:
            self._reading[key] = task = asyncio.create_task(self._read(key, found))
            task.add_done_callback(lambda _: self._reading.pop(key, None))
        return found

    async def _read(self, key: Key, found: Instance) -> None:
        """The others of its series, as far as they are not known."""
        last = max((one.id for one in self._series.get(key, {}).values()), default=0)
        with contextlib.suppress(Exception):  # whoever asks for them will hear of it
            more = await asyncio.to_thread(self._archive.since, *key, last, TOGETHER_MAX)
            self._remember(key, [found, *more])

    def _remember(self, key: Key, fresh: Collection[Instance]) -> None:
        series = self._series.setdefault(key, {})
        self._series.move_to_end(key)
        before = len(series)
        for one in fresh:
            series.setdefault(one.uid, one)  # of two institutions, the first that stored it
        self._count += len(series) - before
        while self._count > REMEMBERED_MAX:
            self._count -= len(self._series.popitem(last=False)[1])
