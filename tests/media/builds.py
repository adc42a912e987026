"""Compiles what the tests run beside the product: `python -m tests.media.builds`.

`make test` does it while the linters run, on the other core.
"""

from __future__ import annotations

import shutil

from tests.media import sanitized
from tests.media.fuzz import programs

if __name__ == "__main__":
    programs.build()
    if shutil.which("g++"):
        sanitized.build()
