"""Fixtures of the media that integration and browser tests publish."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from clients import media_loop
from clients.participant import Publication
from clients.scene import encode
from signaling import protocol as p

FILMS = ("VP8", "H264")
Publish = Callable[[p.CodecPreferences], Awaitable[Sequence[Publication]]]


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """`films(codec)`: two seconds of the demonstration's film, encoded when first asked for."""
    folder = tmp_path_factory.mktemp("films")

    def film(codec: str) -> Path:
        path = folder / f"{codec}.mkv"
        if not path.exists():
            encode(path, codec, seconds=2)
        return path

    return film


@pytest.fixture(scope="session")
def show(films: Callable[[str], Path]) -> Callable[..., Publish]:
    """`show()` is what a participant publishes: a film, of some class, in a codec of the room."""

    def of_class(service_class: p.ServiceClass = "talk") -> Publish:
        async def publications(codecs: p.CodecPreferences) -> Sequence[Publication]:
            wanted = {name.lower() for name in codecs.video}
            codec = next(name for name in FILMS if name.lower() in wanted)
            return [
                Publication(
                    track,
                    source="camera" if track.kind == "video" else "microphone",
                    service_class=service_class,
                    codec=track.loop.codec,
                )
                for track in media_loop.tracks(media_loop.load(films(codec)))
            ]

        return publications

    return of_class
