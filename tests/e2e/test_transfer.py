"""A doctor sends the study on her screen to another archive, and sees it arrive."""

from __future__ import annotations

from pathlib import Path

from tests.dicom import peers
from tests.e2e.browsers import Browsers
from tests.e2e.conftest import House
from tests.e2e.images import a_study
from tests.e2e.test_film import film_page
from tests.e2e.test_screens import accessible, photograph, resize
from tests.server_process import DistalServer


async def test_a_study_is_sent_to_an_archive(
    browsers: Browsers, tmp_path: Path, shots: Path
) -> None:
    with peers.storescp(tmp_path / "out", "+xa") as port:
        config = tmp_path / "distal.toml"
        config.write_text(f'[dicom_nodes.ARCHIVE]\nhost = "127.0.0.1"\nport = {port}\n')
        data = tmp_path / "data"
        data.mkdir()
        with DistalServer(data, "--config", str(config)) as server:
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
            assert house.visitors[0].errors == []
    assert len(list((tmp_path / "out").iterdir())) == 25
