"""Studies without their patient, for links that teach: made once, when the link is made.

What is made are objects of their own, stored like any others under an institution that only the
link's visitors read (`dicom.shares.DERIVED`), so that nothing of the original can be reached from
there. They go when the link has ended. The original is only read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from dicom import jobs
from dicom.archive import Archive, Instance
from dicom.deidentify import new_uid
from dicom.descriptions import Descriptions
from dicom.errors import DicomError, Refused
from dicom.ingest import Expected, Sender
from dicom.intake import Intake
from dicom.pool import TRANSCODE_S, Busy, Decoders
from dicom.shares import Share, Shares

log = structlog.get_logger("dicom.teaching")
WAITING_MAX = 20  # studies
SWEEP_S = 60.0


class Teaching:
    """Makes them one after the other, and removes them. One event loop owns it."""

    def __init__(
        self,
        archive: Archive,
        descriptions: Descriptions,
        decoders: Decoders,
        intake: Callable[[], Awaitable[Intake]],
        links: Shares,
    ) -> None:
        self._archive = archive
        self._descriptions = descriptions
        self._decoders = decoders
        self._intake = intake
        self._links = links
        self._making: dict[str, asyncio.Task[None]] = {}
        self._one_at_a_time = asyncio.Semaphore(1)
        self.progress: dict[str, tuple[int, int]] = {}  # of a link: objects done, of how many

    def check(self) -> None:
        """Raises Busy where too many wait already."""
        if len(self._making) >= WAITING_MAX:
            raise Busy("many studies are being prepared; try again in a few minutes")

    def begin(self, share: Share) -> None:
        """Prepare what this link shows; `Shares` is told how it ends."""
        task = self._making[share.name] = asyncio.create_task(self._make(share))
        task.add_done_callback(lambda _: self._making.pop(share.name, None))

    async def keep_up(self) -> None:
        """Give up what a stop has cut off, and remove what nobody may see any more, for ever."""
        for share in await asyncio.to_thread(self._links.preparing):
            await asyncio.to_thread(self._links.failed, share)
        while True:
            try:
                for share in await asyncio.to_thread(self._links.left_over):
                    if share.name not in self._making:
                        await asyncio.to_thread(self._links.remove, share, self._archive.remove)
            except Exception as error:
                log.warning("not removed", error=type(error).__name__)
            await asyncio.sleep(SWEEP_S)

    async def close(self) -> None:
        """Stop; what was begun fails at the next start."""
        tasks = list(self._making.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _make(self, share: Share) -> None:
        try:
            async with self._one_at_a_time:
                shown, withheld = await self._derive(share)
        except Exception as error:
            log.error("a study without its name was not made", error=type(error).__name__)
            shown, withheld = 0, 0
        finally:
            self.progress.pop(share.name, None)
        if shown:
            uid = new_uid(self._links.uid_key(share), share.study)
            await asyncio.to_thread(self._links.prepared, share, uid, shown, withheld)
        else:
            await asyncio.to_thread(self._links.failed, share)

    async def _derive(self, share: Share) -> tuple[int, int]:
        found = await asyncio.to_thread(self._archive.instances, {share.institution}, share.study)
        intake = await self._intake()
        key = self._links.uid_key(share)
        shown = 0
        for number, instance in enumerate(found):
            self.progress[share.name] = (number, len(found))
            if await asyncio.to_thread(self._links.over, share):
                return 0, 0
            shown += await self._one(instance, share.shown_institution, intake, key)
        if shown:  # so that nobody describes them any more when they go
            derived = await asyncio.to_thread(
                self._archive.instances,
                {share.shown_institution},
                new_uid(key, share.study),
            )
            await self._descriptions.of(derived)
        return shown, len(found) - shown

    async def _one(self, instance: Instance, owner: str, intake: Intake, key: bytes) -> bool:
        """Whether it is shown."""
        table = await asyncio.to_thread(self._table, instance)
        place = jobs.Place(
            str(self._archive.path(instance)),
            instance.transfer_syntax,
            1,
            table[0] if table else (),
            instance.pixel_at or 0,
            instance.encapsulated,
            instance.data_at,
        )
        draft = await intake.draft()
        try:
            job = jobs.Deidentify(place, table, str(draft.path), key)
            await self._decoders.later.run(job, TRANSCODE_S)
        except Refused as refused:
            log.info("withheld", reason=refused.reason)
            await intake.discard(draft)
            return False
        except BaseException:
            await intake.discard(draft)
            raise
        outcome = await intake.take(draft, Sender(owner, "SHARE"), Expected())
        if not outcome.kept:
            raise DicomError(f"it was not stored: {outcome.reason}")
        return True

    def _table(self, instance: Instance) -> jobs.Table:
        """Where its frames lie; each nowhere in what is deflated."""
        numbers = range(1, instance.frames + 1)
        if instance.syntax.video:
            return ()
        if instance.pixel_at is None:
            return tuple(() for _ in numbers)
        spans = self._archive.spans(instance, numbers)
        return tuple(tuple((at, length) for at, length in frame) for frame in spans)
