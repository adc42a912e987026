"""What tests of the relay share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from media.relay import MediaRelay
from media.settings import SERVICE_CLASSES, ClassGroup, RelaySettings


@pytest.fixture
async def relay() -> AsyncIterator[MediaRelay]:
    relay = MediaRelay(RelaySettings(groups={"main": ClassGroup(0, SERVICE_CLASSES)}))
    await relay.start()
    yield relay
    await relay.close()
