"""Decoder processes at work for the server: so many at once, each job with its time."""

from __future__ import annotations

import asyncio
import contextlib
import sys

import structlog

from dicom import jobs
from dicom.errors import DicomError, Refused

log = structlog.get_logger("dicom.pool")

PROCESSES = 2  # 150 MB each
NICE, LATER_NICE = 1, 5  # a call's media come first, then who waits for a picture
WAITING_MAX = 200  # requests; a page of thumbnails asks for dozens
RENDER_S = 15.0
DESCRIBE_S = 60.0
TRANSCODE_S = 600.0
CAPTURE_S = 120.0  # a minute of video, on a machine with other things to do
TIMES: dict[type[jobs.Job], float] = {
    jobs.Describe: DESCRIBE_S,
    jobs.Transcode: TRANSCODE_S,
    jobs.Capture: CAPTURE_S,
}


class Busy(DicomError):
    """Ours: too many wait for a decoder already."""


class Decoders:
    """The processes: started when needed, replaced when they die.

    One more, `later`, does what nobody waits for, so that no picture stands behind that.
    """

    def __init__(self, processes: int = PROCESSES, nice: int = NICE) -> None:
        self._idle: list[asyncio.subprocess.Process] = []
        self._free = asyncio.Semaphore(processes)
        self._nice = nice
        self._waiting = 0
        self._closed = False
        self._later: Decoders | None = None

    @property
    def later(self) -> Decoders:
        """For what nobody waits for."""
        if self._later is None:
            self._later = Decoders(1, LATER_NICE)
        return self._later

    async def run(self, job: jobs.Job, time_s: float | None = None) -> bytes:
        """The job's answer. Raises Refused, also when the file brought its decoder down; Busy."""
        if self._waiting >= WAITING_MAX:
            raise Busy("too many pictures are being made; ask again in a moment")
        self._waiting += 1
        try:
            async with self._free:
                return await self._run(job, time_s or TIMES.get(type(job), RENDER_S))
        finally:
            self._waiting -= 1

    async def _run(self, job: jobs.Job, time_s: float) -> bytes:
        process = self._idle.pop() if self._idle else await _start(self._nice)
        try:
            async with asyncio.timeout(time_s):
                answer = await _ask(process, job)
        except TimeoutError:
            await _end(process)
            log.warning("decoder ended", reason="too slow", job=type(job).__name__)
            raise Refused("undecodable", f"it was not decoded in {time_s:g} s") from None
        except (asyncio.IncompleteReadError, ConnectionError):
            await _end(process)
            log.warning("decoder died", status=process.returncode, job=type(job).__name__)
            raise Refused("undecodable", "its decoder broke down over it") from None
        except BaseException:
            await _end(process)  # it may still answer the question that nobody asks any more
            raise
        if self._closed:
            await _end(process)
        else:
            self._idle.append(process)
        if isinstance(answer, jobs.Failed):
            raise Refused(answer.reason, answer.detail)
        return answer.content

    async def close(self) -> None:
        """End those that are idle; the others end with their job."""
        self._closed = True
        if self._later is not None:
            await self._later.close()
        while self._idle:
            await _end(self._idle.pop())


async def _start(nice: int) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "dicom.decoder", str(nice)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=jobs.PIPE_BYTES,
        start_new_session=True,  # Ctrl-C is for the server, which then ends it
    )


async def _ask(process: asyncio.subprocess.Process, job: jobs.Job) -> jobs.Answer:
    asked, said = process.stdin, process.stdout
    if asked is None or said is None:
        raise ConnectionError("it was started without pipes")
    asked.write(jobs.framed(job))
    await asked.drain()
    size = int.from_bytes(await said.readexactly(4), "little")
    if size > jobs.ANSWER_MAX_BYTES:
        raise ConnectionError("no answer is that long")
    return jobs.answer_decoder.decode(await said.readexactly(size))


async def _end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()
