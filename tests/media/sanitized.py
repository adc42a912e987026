"""Runs pytest with another build of the plane: `python -m tests.media.sanitized MODULE …`."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

import media

ROOT = Path(__file__).parents[2]
BUILD = ROOT / ".fuzz/plane"


def build() -> Path:
    """The extension module, beside the installed one. Raises CalledProcessError."""
    bin = Path(sys.executable).parent
    if not (BUILD / "build.ninja").exists():
        subprocess.run(
            [bin / "cmake", "-G", "Ninja", "-S", ROOT, "-B", BUILD, "-DDISTAL_SANITIZE=ON",
             "-DCMAKE_BUILD_TYPE=Debug",  # of the bindings
             "-DCMAKE_CXX_COMPILER=g++", f"-DCMAKE_MAKE_PROGRAM={bin / 'ninja'}",
             f"-DPython_EXECUTABLE={sys.executable}"],
            check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
    subprocess.run([bin / "ninja", "-C", BUILD, "_plane"], check=True, stdout=subprocess.DEVNULL)
    (module,) = (BUILD / "media/plane").glob("_plane*.so")
    return module


def main() -> int:
    """Put the build in the installed one's place, and run the tests."""
    spec = importlib.util.spec_from_file_location("media._plane", sys.argv[1])
    assert spec and spec.loader
    plane = importlib.util.module_from_spec(spec)
    sys.modules["media._plane"] = media._plane = plane  # type: ignore[attr-defined]
    spec.loader.exec_module(plane)
    return pytest.main(["-p", "no:cacheprovider", *sys.argv[2:]])


if __name__ == "__main__":
    sys.exit(main())
