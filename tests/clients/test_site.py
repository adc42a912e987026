"""`python -m clients.site`: a film, a greeting, a clean end."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from clients.participant import Participant
from clients.scene import VERSION
from clients.site import GREETING, main
from tests.clients.site_process import start_site
from tests.clients.test_participant import track_of
from tests.server_process import DistalServer


async def test_the_simulated_site_shows_its_film_greets_once_and_leaves_when_asked(
    shared_distal: DistalServer, site_folder: Path
) -> None:
    server = shared_distal
    process = start_site(server, "demo-site", site_folder)
    try:
        for _ in range(2):
            token = server.token("demo-site", "host", "Host")
            async with Participant(server.ws_url, token) as host:
                await host.until(lambda: bool(host.view and host.view.named("Qinghe")))
                assert host.view is not None
                site = host.view.named("Qinghe")
                assert site is not None
                for kind in ("video", "audio"):
                    await host.until(
                        lambda kind=kind, site=site: track_of(host, site.id, kind) is not None
                    )
                    track = track_of(host, site.id, kind)
                    assert track is not None
                    await host.until_receiving(track, 70)  # past the seam of a two-second film
                await host.until(lambda: bool(host.view and host.view.chat))
                assert [line.text for line in host.view.chat] == [GREETING]
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 5) == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""
    finally:
        process.kill()
        process.wait()


def test_a_missing_token_file_is_said_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "scene").mkdir()
    (tmp_path / "scene" / f"scene-{VERSION}-VP8.mkv").touch()
    nowhere = str(tmp_path / "no-token")
    arguments = ["--url", "http://127.0.0.1:1", "--token-file", nowhere]
    assert main([*arguments, "--data-dir", str(tmp_path)]) == 1
    assert nowhere in capsys.readouterr().err


def test_an_address_that_is_none_is_said_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "scene").mkdir()
    (tmp_path / "scene" / f"scene-{VERSION}-VP8.mkv").touch()
    (tmp_path / "token").write_text("t", encoding="utf-8")
    arguments = ["--url", "example", "--token-file", str(tmp_path / "token")]
    assert main([*arguments, "--data-dir", str(tmp_path)]) == 1
    assert "http://" in capsys.readouterr().err
