"""The benchmark of DICOM storage, tiny, on both servers."""

from __future__ import annotations

import json

import pytest

from loadtests import dicom_store


def test_both_servers_store_and_are_compared(capsys: pytest.CaptureFixture[str]) -> None:
    assert dicom_store.main(["--images", "2", "--rounds", "1"]) == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [bar["work"][-14:] for bar in said["bars"]] == [" 1 association", "4 associations"]
    for rates in said["numbers"].values():
        assert rates["distal"][0] > 0 and rates["orthanc"][0] > 0
