"""The simulated county site of the demonstration: a film with sound, and one line of greeting.

`python -m clients.site --url http://127.0.0.1:8080 --token-file FILE` (`-`: the standard input).
It stays until it is removed, refused or terminated, and comes back after a server restart.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from clients import media_loop
from clients.living import live
from clients.participant import Participant, Publication
from clients.protocol_client import RequestError
from clients.scene import scene_file
from signaling import protocol as p

log = logging.getLogger("clients.site")

GREETING = (
    "您好，这里是清河县医院，图像和声音都是模拟的。"
    "Hello, this is Qinghe County Hospital; picture and sound are simulated."
)
FILMS = ("VP8", "H264")


class Site:
    """What the site does in a room: it shows its film, and greets the first to come."""

    def __init__(self, url: str, token: Callable[[], str], name: str | None, films: Path) -> None:
        self._films = films
        self._greeted = False
        self.participant = Participant(
            websocket_url(url), token, name=name, publish=self._tracks, on_event=self._greet
        )

    async def _tracks(self, codecs: p.CodecPreferences) -> Sequence[Publication]:
        wanted = {name.lower() for name in codecs.video}
        codec = next((film for film in FILMS if film.lower() in wanted), None)
        if codec is None:
            log.warning("this room takes none of %s: sound only", ", ".join(FILMS))
        path = await asyncio.to_thread(scene_file, self._films, codec or FILMS[0])
        loops = await asyncio.to_thread(media_loop.load, path)
        return [
            Publication(
                track,
                source="camera" if track.kind == "video" else "microphone",
                codec=track.loop.codec,
            )
            for track in media_loop.tracks(loops)
            if track.kind == "audio" or codec is not None
        ]

    async def _greet(self, _: p.AnyEvent) -> None:
        """One line, once somebody is there to read it, and never again in that room."""
        view = self.participant.view
        if self._greeted or view is None or len(view.people) < 2:
            return
        self._greeted = True
        if not any(line.text == GREETING for line in view.chat):
            with contextlib.suppress(ConnectionError, RequestError, TimeoutError):
                await self.participant.say(GREETING)


def websocket_url(url: str) -> str:
    """The signaling address of the server at `url`."""
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"{url!r} does not begin with http:// or https://")
    return url.replace("http", "ws", 1).rstrip("/") + "/ws"


def token_reader(file: str) -> Callable[[], str]:
    """How to get the token: from a file, anew for every session, or once from standard input."""
    if file != "-":
        return lambda: Path(file).read_text(encoding="utf-8").strip()
    token = sys.stdin.readline().strip()
    return lambda: token


async def run(site: Site) -> int:
    """Its life in the room, as an exit status."""
    try:
        return await live(site.participant.run())
    finally:
        await site.participant.close()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m clients.site", description=__doc__)
    parser.add_argument(
        "--url", required=True, help="the server, for example http://127.0.0.1:8080"
    )
    parser.add_argument("--token-file", required=True, help="file with a bearer token; - for stdin")
    parser.add_argument("--name", help="counts when the token names nobody")
    parser.add_argument(
        "--data-dir",
        type=Path,
        default=Path(os.environ.get("DISTAL_DATA_DIR", "data")),
        help="where the film is kept once it is drawn (default: DISTAL_DATA_DIR, or data)",
    )
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="site: %(message)s")
    films = options.data_dir / "scene"
    if not any(films.glob("*.mkv")):
        print("site: drawing the demonstration's film, some 10 s, once", file=sys.stderr)
    try:
        token = token_reader(options.token_file)
        token()  # a file that is not there should be said now, not tried again for ever
        scene_file(films, FILMS[0])  # before joining: nobody should look at an empty tile
        return asyncio.run(run(Site(options.url, token, options.name, films)))
    except (OSError, ValueError, media_loop.MediaFileError) as error:
        print(f"site: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # while drawing; run() takes over
    sys.exit(main())
