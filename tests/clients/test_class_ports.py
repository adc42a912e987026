"""A service class with a UDP port of its own: another transport, the same room."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from clients.participant import Participant
from loadtests.ports import free_udp_port
from tests.clients.test_participant import sees
from tests.server_process import DistalServer


async def test_diagnostic_pictures_travel_on_their_own_port(
    tmp_path: Path, show: Callable[..., Any]
) -> None:
    port = free_udp_port()
    config = tmp_path / "distal.toml"
    config.write_text(f"[classes.diagnostic]\nport = {port}\n", encoding="utf-8")
    async with DistalServer(tmp_path / "data", "--config", str(config)) as server:
        county = Participant(
            server.ws_url, server.token("r", "county_doctor", "County"), publish=show("diagnostic")
        )
        expert = Participant(
            server.ws_url, server.token("r", "specialist", "Expert"), publish=show()
        )
        async with county, expert:
            await sees(expert, county)
            await sees(county, expert)
            assert set(county.publishing) == {"publish:diagnostic"}
            assert set(expert.publishing) == {"publish:main"}
            assert remote_port(expert, "subscribe:diagnostic") == port
            assert remote_port(county, "publish:diagnostic") == port
            assert remote_port(county, "subscribe:main") == server.media_port
            view = expert.view
            assert view is not None
            classes = {track.service_class for track in view.tracks_of(county.id or "")}
            assert classes == {"diagnostic"}


def remote_port(person: Participant, transport: str) -> int:
    """Where that transport's packets go."""
    pc = (person.publishing | person.receiving)[transport]
    ice = pc.getTransceivers()[0].receiver.transport.transport
    pair = ice._connection._nominated[1]
    return int(pair.remote_candidate.port)
