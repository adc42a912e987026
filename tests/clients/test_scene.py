"""The film's file: made once, whole or not at all; its picture and sound repeat without a seam."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from clients import scene
from clients.scene_picture import HEIGHT, LOOP_S, WIDTH, Scene


def test_the_film_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Path] = []

    def quick(path: Path, codec: str) -> None:
        made.append(path)
        path.write_bytes(b"film")

    monkeypatch.setattr(scene, "encode", quick)
    first = scene.scene_file(tmp_path / "new" / "folder", "VP8")
    assert scene.scene_file(tmp_path / "new" / "folder", "VP8") == first
    assert len(made) == 1
    assert [path.name for path in first.parent.iterdir()] == [first.name]


def test_a_film_that_fails_half_way_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(path: Path, codec: str) -> None:
        path.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(scene, "encode", broken)
    with pytest.raises(OSError, match="disk full"):
        scene.scene_file(tmp_path, "VP8")
    assert list(tmp_path.iterdir()) == []


def test_the_picture_moves_and_comes_back_to_where_it_began() -> None:
    drawn = Scene()
    first, later, again = drawn.frame(0.0), drawn.frame(0.3), drawn.frame(float(LOOP_S))
    assert first.shape == (HEIGHT, WIDTH, 3)
    screen = np.s_[150:480, 800:1200]
    assert np.abs(first[screen].astype(int) - later[screen]).mean() > 1
    assert np.abs(first.astype(int) - again).mean() < 1  # the grain alone


def test_the_sound_is_soft_and_silent_at_both_ends() -> None:
    sound = scene.tones() / 32768
    assert abs(sound[0]) < 1e-3
    assert abs(sound[-1]) < 1e-3
    assert 0.005 < float(np.sqrt(np.mean(sound**2))) < 0.1
    assert float(np.abs(sound).max()) < 0.3
