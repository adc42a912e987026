"""The searches among many instances find what they are to find, few and many alike."""

from __future__ import annotations

import json

import pytest

from loadtests import dicom_query


def test_every_search_is_asked_of_both(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(dicom_query, "SMALL", 500)
    assert dicom_query.main(["--instances", "1000", "--times", "1"]) == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert len(said["bars"]) == len(dicom_query.SEARCHES)
