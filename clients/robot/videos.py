"""A site's two videos: the ultrasound machine's, judged by its age, and the room's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from clients.participant import Participant, Publication
from clients.robot.picture_track import Pictures, PictureTrack
from clients.robot.room_camera import RoomCamera
from clients.robot.servo_messages import Status
from clients.robot.source import Pose, Source
from control import orders as o

LOOK_S = 0.05


class Videos:
    """`sent(rtp, captured_us)` is told of each picture of the machine's that goes out."""

    def __init__(self, source: Source, scene: o.Scene, sent: Callable[[int, int], None]) -> None:
        self.source = source
        self._room = RoomCamera(scene)
        self._sent = sent
        self._pictures: list[Pictures] = []
        self._finding: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to read."""
        self._pictures = [Pictures(one) for one in (self.source, self._room)]

    def close(self) -> None:
        if self._finding is not None:
            self._finding.cancel()
        for pictures in self._pictures:
            pictures.close()

    @property
    def lost(self) -> bool:
        """The machine gives no picture."""
        return not self._pictures or self._pictures[0].lost

    def follow(self, status: Status) -> None:
        """The arm is there."""
        self.source.follow(Pose(status.position, status.orientation), status.force)
        self._room.see(status.points)

    def publications(self, participant: Participant) -> Sequence[Publication]:
        """Tracks for a connection that begins."""
        machine, room = self._pictures
        ultrasound, camera = PictureTrack(machine, self._sent), PictureTrack(room, _ignored)
        if self._finding is not None:
            self._finding.cancel()
        self._finding = asyncio.create_task(_find_sender(ultrasound, participant))
        return [
            Publication(ultrasound, "device", "diagnostic", "ultrasound"),
            Publication(camera, "camera", "talk", "room"),
        ]


async def _find_sender(track: PictureTrack, participant: Participant) -> None:
    """aiortc's, which adds its origin to the timestamps."""
    while track.sender is None and track.readyState == "live":
        for pc in participant.publishing.values():
            for sender in pc.getSenders():
                if sender.track is track:
                    track.sender = sender
        await asyncio.sleep(LOOK_S)


def _ignored(rtp: int, captured_us: int) -> None:
    """Of the room's camera nobody judges the age."""
