"""What must be on the machine before anything can be installed; run by `make` with any Python 3.

Debian leaves two parts of Python out of `python3`. Where it may, this installs them; what else is
missing, it names, all at once.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path

PYTHON_MIN = (3, 11)
NODE_MIN = (20, 19)


def missing_packages() -> list[str]:
    """Debian packages that this Python is split over and that are not there."""
    dotted = ".".join(str(part) for part in sys.version_info[:2])
    packages = []
    if find_spec("ensurepip") is None:
        packages.append(f"python{dotted}-venv")
    if not (Path(sysconfig.get_paths()["include"]) / "Python.h").exists():
        packages.append(f"python{dotted}-dev")
    return packages


def missing_programs() -> list[str]:
    """What a person has to install, in words."""
    found = []
    if sys.version_info < PYTHON_MIN:
        found.append(f"Python 3.11 or newer, not {sys.version.split()[0]}: make PYTHON=python3.12")
    compilers = [os.environ.get("CXX", ""), "c++", "g++", "clang++"]
    if not any(shutil.which(name) for name in compilers if name):
        found.append("a C++20 compiler: apt-get install g++")
    node = _node()
    if node < NODE_MIN or not shutil.which("npm"):
        has = ".".join(str(part) for part in node) if any(node) else "none"
        found.append(f"Node 20.19 or newer with npm (found {has})")
    return found


def _node() -> tuple[int, int]:
    node = shutil.which("node")
    if node is None:
        return (0, 0)
    said = subprocess.run([node, "--version"], capture_output=True, text=True).stdout  # noqa: S603
    numbers = re.match(r"v(\d+)\.(\d+)", said)
    return (int(numbers[1]), int(numbers[2])) if numbers else (0, 0)


def _install(packages: list[str]) -> bool:
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        return False
    print(f"== Debian packages of Python: {' '.join(packages)}", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update", "-q"], ["install", "-q", "-y", "--no-install-recommends"]):
        command = [apt, *arguments, *(packages if "install" in arguments else [])]
        if subprocess.run(command, env=environment).returncode:  # noqa: S603
            return False
    return True


def main() -> int:
    """Name all that is missing; 1 when something is."""
    wanted = missing_programs()
    packages = missing_packages()
    if packages and not wanted and _install(packages):
        packages = []
    if packages:
        wanted.append(f"as root: apt-get install {' '.join(packages)}")
    for line in wanted:
        print(f"Distal needs {line}", file=sys.stderr)
    return 1 if wanted else 0


if __name__ == "__main__":
    sys.exit(main())
