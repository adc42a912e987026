"""Fixtures that every folder's tests share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.server_process import DistalServer

settings.register_profile("long", max_examples=20_000, deadline=None)  # `make fuzz`
settings.register_profile("default", deadline=None)  # two busy cores: time is no verdict
settings.load_profile("default")


@pytest.fixture
async def distal(tmp_path: Path) -> AsyncIterator[DistalServer]:
    """A server of this test's own."""
    async with DistalServer(tmp_path / "data") as server:
        yield server


@pytest.fixture(scope="session")
def shared_distal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DistalServer]:
    """One server for all tests that keep to rooms of their own and break nothing."""
    with DistalServer(tmp_path_factory.mktemp("distal") / "data") as server:
        yield server
