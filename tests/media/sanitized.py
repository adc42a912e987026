"""Runs pytest with another build of the plane: `python -m tests.media.sanitized MODULE …`."""

from __future__ import annotations

import importlib.util
import sys

import pytest

import media


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
