"""The cores that this process may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from media import cores


@pytest.mark.parametrize(
    ("own", "limits", "share"),
    [
        ("0::/", {"": "200000 100000"}, 2.0),
        ("0::/", {"": "max 100000"}, None),
        ("0::/", {}, None),
        ("0::/a/b", {"a": "150000 100000", "a/b": "max 100000"}, 1.5),
        ("0::/a/b", {"a": "400000 100000", "a/b": "50000 100000"}, 0.5),
        ("0::/a", {"a": "garbage"}, None),
        ("4:memory:/a", {"a": "100000 100000"}, None),
    ],
)
def test_a_container_s_share_counts(
    tmp_path: Path, own: str, limits: dict[str, str], share: float | None
) -> None:
    for group, text in limits.items():
        (tmp_path / group).mkdir(parents=True, exist_ok=True)
        (tmp_path / group / "cpu.max").write_text(text + "\n")
    (tmp_path / "membership").write_text("1:name=systemd:/\n" + own + "\n")
    assert cores.cgroup_share(tmp_path, tmp_path / "membership") == share
    assert cores.cgroup_share(tmp_path, tmp_path / "none") is None


@pytest.mark.parametrize(("share", "expected"), [(None, 4), (1.5, 2), (0.2, 1), (9.0, 4)])
def test_never_more_than_the_mask_and_never_none(
    share: float | None, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 2, 3})
    monkeypatch.setattr(cores, "cgroup_share", lambda mount, membership: share)
    assert cores.usable_cores() == expected
