"""WADO-RS metadata: stored JSON put together once for a study or series, and kept compressed.

What is kept is thrown away as soon as an instance comes: the index counts them.
"""

from __future__ import annotations

import asyncio
import gzip
from collections import OrderedDict
from collections.abc import Collection, Sequence

from dicom.archive import Archive, Instance
from dicom.descriptions import Descriptions

KEPT_MAX_BYTES = 64 << 20  # compressed; a study of 200 images has 50 KB
PLACEHOLDER = b'"BulkDataURI":"./'
LEVEL = 4  # of compression: 10 ms for 1.6 MB
Key = tuple[int, str, str]  # study, series, root


class Metadata:
    """Answers to `/metadata`."""

    def __init__(self, archive: Archive, descriptions: Descriptions) -> None:
        self._archive = archive
        self._descriptions = descriptions
        self._kept: OrderedDict[Key, tuple[tuple[int, int, int], bytes]] = OrderedDict()
        self._bytes = 0
        self._making: dict[tuple[Key, tuple[int, int, int]], asyncio.Task[bytes]] = {}

    async def compressed(
        self, institutions: Collection[str], study: str, series: str | None, root: str
    ) -> bytes:
        """The JSON array of a study or series, in gzip. Raises NotFound."""
        stamp = await asyncio.to_thread(self._archive.stamp, institutions, study)
        key = (stamp[0], series or "", root)
        kept = self._kept.get(key)
        if kept is not None and kept[0] == stamp:
            self._kept.move_to_end(key)
            return kept[1]
        making = self._making.get((key, stamp))
        if making is None:  # eight viewers open a study at once: it is made once
            making = asyncio.create_task(self._make(institutions, study, series, root))
            self._making[key, stamp] = making
            making.add_done_callback(lambda _: self._making.pop((key, stamp), None))
        made = await asyncio.shield(making)
        self._keep(key, stamp, made)
        return made

    async def plain(self, instances: Sequence[Instance], root: str) -> bytes:
        """The JSON array of some instances."""
        found = await self._descriptions.of(instances)
        parts = [
            said.replace(PLACEHOLDER, b'"BulkDataURI":"' + instance_url(root, one).encode() + b"/")
            for one, said in zip(instances, found, strict=True)
        ]
        return b"[" + b",".join(parts) + b"]"

    async def _make(
        self, institutions: Collection[str], study: str, series: str | None, root: str
    ) -> bytes:
        instances = await asyncio.to_thread(self._archive.instances, institutions, study, series)
        owner = instances[0].institution
        own = [one for one in instances if one.institution == owner]  # the first who has it
        content = await self.plain(own, root)
        return await asyncio.to_thread(gzip.compress, content, LEVEL, mtime=0)

    def _keep(self, key: Key, stamp: tuple[int, int, int], made: bytes) -> None:
        if (old := self._kept.pop(key, None)) is not None:
            self._bytes -= len(old[1])
        self._kept[key] = (stamp, made)
        self._bytes += len(made)
        while self._bytes > KEPT_MAX_BYTES and len(self._kept) > 1:
            self._bytes -= len(self._kept.popitem(last=False)[1][1])


def instance_url(root: str, instance: Instance) -> str:
    """Its address."""
    return f"{root}/studies/{instance.study}/series/{instance.series}/instances/{instance.uid}"
