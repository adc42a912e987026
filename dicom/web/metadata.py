"""WADO-RS metadata: stored JSON put together once for a study or series, and kept compressed.

What is kept is thrown away as soon as an instance comes: the index counts them.
"""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections import OrderedDict
from collections.abc import Collection

from dicom.archive import Archive, Instance
from dicom.descriptions import Descriptions
from dicom.errors import NotFound

KEPT_MAX_BYTES = 64 << 20  # compressed; a study of 200 images has 50 KB
PLACEHOLDER = b'"BulkDataURI":"./'
LEVEL = 3  # of compression: 10 ms for 2.2 MB, to a fiftieth
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
            making = asyncio.create_task(self._make(institutions, study, series, root, stamp[0]))
            self._making[key, stamp] = making
            making.add_done_callback(lambda _: self._making.pop((key, stamp), None))
        made = await asyncio.shield(making)
        self._keep(key, stamp, made)
        return made

    async def plain(self, instance: Instance, root: str) -> bytes:
        """The JSON array of one instance."""
        [said] = await self._descriptions.of([instance])
        return b"[" + _placed(said, instance_url(root, instance)) + b"]"

    async def _make(
        self, institutions: Collection[str], study: str, series: str | None, root: str, number: int
    ) -> bytes:
        made = await asyncio.to_thread(self._put_together, number, study, series, root)
        if made is None:
            instances = await asyncio.to_thread(
                self._archive.instances, institutions, study, series
            )
            await self._descriptions.of(instances)
            made = await asyncio.to_thread(self._put_together, number, study, series, root)
        if made is None:
            raise NotFound("it is not described yet; try again")
        return made

    def _put_together(self, number: int, study: str, series: str | None, root: str) -> bytes | None:
        """None: some are not described yet."""
        rows = self._archive.described(number, series)
        if not rows:
            raise NotFound("no such series")
        parts: list[bytes] = []
        for series_uid, uid, said in rows:
            if said is None:
                return None
            url = f"{root}/studies/{study}/series/{series_uid}/instances/{uid}"
            parts.append(_placed(zlib.decompress(said), url))
        return gzip.compress(b"[" + b",".join(parts) + b"]", LEVEL, mtime=0)

    def _keep(self, key: Key, stamp: tuple[int, int, int], made: bytes) -> None:
        if (old := self._kept.pop(key, None)) is not None:
            self._bytes -= len(old[1])
        self._kept[key] = (stamp, made)
        self._bytes += len(made)
        while self._bytes > KEPT_MAX_BYTES and len(self._kept) > 1:
            self._bytes -= len(self._kept.popitem(last=False)[1][1])


def _placed(description: bytes, url: str) -> bytes:
    return description.replace(PLACEHOLDER, b'"BulkDataURI":"' + url.encode() + b"/")


def instance_url(root: str, instance: Instance) -> str:
    """Its address."""
    return f"{root}/studies/{instance.study}/series/{instance.series}/instances/{instance.uid}"
