"""Several archives: a study is sent to another one, and of two that hold a study each is seen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dicom import peers
from tests.e2e.browsers import Browsers
from tests.e2e.conftest import House
from tests.e2e.images import NAME, a_study, ct_series, send
from tests.e2e.test_film import film_page, ready
from tests.e2e.test_screens import accessible, photograph, resize
from tests.server_process import DistalServer

CONFIG = """
[dicom_nodes.ARCHIVE]
host = "127.0.0.1"
port = {port}

[institutions.centre]
sees = ["default", "village"]
"""


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("outside")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, outside: Path) -> Iterator[DistalServer]:
    data = tmp_path_factory.mktemp("data")
    config = outside.with_suffix(".toml")
    with peers.storescp(outside, "+xa") as port:
        config.write_text(CONFIG.format(port=port))
        with DistalServer(data, "--config", str(config)) as running:
            yield running


async def test_a_study_is_sent_to_an_archive(
    browsers: Browsers, server: DistalServer, outside: Path, shots: Path
) -> None:
    house = House(server, browsers, "transfer")
    language = "zh-CN"
    doctor = await film_page(house, await a_study(server), language=language)
    await doctor.press("transfer-button")
    await doctor.press("transfer-send")
    await doctor.page.locator("[data-testid=transfer][data-state=done]").wait_for()
    await accessible(doctor, "transfer")
    await photograph(doctor, shots, "transfer", language)
    await resize(doctor, 1280, 800)
    await doctor.press("transfer-close")
    assert doctor.errors == []
    assert len(list(outside.iterdir())) == 25


async def test_of_two_that_hold_a_study_the_one_that_was_pressed_opens(
    browsers: Browsers, server: DistalServer
) -> None:
    study = "1.2.826.0.1.3680043.8.498.4"
    images = ct_series(study)
    await send(server, images)
    for image in images:
        image.PatientName = "Li^Si=李^四"
    await send(server, images, "village")
    doctor = await film_page(House(server, browsers, "centre"), institution="centre")
    name = doctor.find("film-patient")
    for holder, shown in (("village", "李四"), ("default", NAME.split("=")[1].replace("^", ""))):
        await doctor.page.locator(f'[data-study="{study}"][data-holder={holder}]').click()
        await ready(doctor)
        assert await name.inner_text() == shown
        await doctor.page.reload()
        await ready(doctor)
        assert await name.inner_text() == shown, "its address says whose it is"
        await doctor.press("film-back")
    assert doctor.errors == []
