"""Builds the fuzz targets and runs them: `python -m tests.media.fuzz.programs --seconds 60`.

A target is a program (`rtp.cpp` …), a folder of real messages to begin with (`corpus/rtp/`, written
by seeds.py) and a folder of the inputs that once broke it (`crashes/rtp/`): a new one is kept
there, and the tests run it ever after.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
BUILD = HERE.parents[2] / ".fuzz"
TARGETS = sorted(p.stem for p in HERE.glob("*.cpp") if p.stem != "standalone")
CLANG = "clang++-14"  # tests/install_debian.sh; another compiler gets a driver without coverage
# A program's peak memory begins with that of who starts it, which for a whole test run is a lot.
FORGETFUL = ("sh", "-c", '"$@"; exit $?', "sh")
ENVIRONMENT = {
    **os.environ,
    "ASAN_OPTIONS": "detect_leaks=0",
    "UBSAN_OPTIONS": "print_stacktrace=1",
}


def build(folder: Path = BUILD) -> Path:
    """All targets; what is built already stays. Raises CalledProcessError."""
    bin = Path(sys.executable).parent  # cmake and ninja come with what builds the plane
    compiler = shutil.which(CLANG) or shutil.which("c++") or shutil.which("g++")
    assert compiler, "the plane needs a C++ compiler, and so does its fuzzing"
    if not (folder / "build.ninja").exists():
        subprocess.run(
            [bin / "cmake", "-G", "Ninja", "-S", HERE, "-B", folder,
             f"-DCMAKE_CXX_COMPILER={compiler}", f"-DCMAKE_MAKE_PROGRAM={bin / 'ninja'}"],
            check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
    subprocess.run([bin / "ninja", "-C", folder], check=True, stdout=subprocess.DEVNULL)
    return folder


def folders(target: str) -> list[Path]:
    """The real messages of a target, and what once broke it."""
    return [f for f in (HERE / "corpus" / target, HERE / "crashes" / target) if f.is_dir()]


@dataclass
class Run:
    """What a target did."""

    broke: bool
    log: str

    @property
    def line(self) -> str:
        """In one line: how much was tried, and what came of it."""
        runs = re.search(r"Done (\d+) runs in (\d+) second", self.log)
        covered = re.findall(r"cov: (\d+)", self.log)
        text = f"{runs[1]} inputs in {runs[2]} s" if runs else "ended early"
        text += f", {covered[-1]} edges covered" if covered else ""
        kept = re.search(r"Test unit written to (\S+)", self.log)
        return text + (f"; BROKE, kept as {kept[1]}" if kept else "; BROKE" if self.broke else "")


def run(program: Path, target: str, found: Path, *options: str) -> Run:
    """Fuzz one target; inputs that reach new code go to `found`, crashes where tests run them."""
    crashes = HERE / "crashes" / target
    crashes.mkdir(parents=True, exist_ok=True)
    found.mkdir(parents=True, exist_ok=True)
    words = HERE / f"{target}.dict"
    done = subprocess.run(
        [*FORGETFUL, program, *options, "-max_len=2048", "-timeout=60", "-rss_limit_mb=1024",
         f"-artifact_prefix={crashes}/", *([f"-dict={words}"] if words.exists() else []),
         found, *folders(target)],
        env=ENVIRONMENT, capture_output=True, text=True, errors="replace", check=False,
    )  # fmt: skip
    if not any(crashes.iterdir()):
        crashes.rmdir()
    return Run(done.returncode != 0, done.stdout + done.stderr)


def main() -> int:
    """Each target for so long; one line for each. Not zero when one broke."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("targets", nargs="*", default=TARGETS, help=", ".join(TARGETS))
    arguments = parser.parse_args()
    folder = build()
    broke = False
    for target in arguments.targets:
        done = run(
            folder / f"fuzz_{target}", target, folder / "found" / target,
            f"-max_total_time={arguments.seconds}",
        )  # fmt: skip
        print(f"{target:20} {done.line}", flush=True)
        if done.broke:
            broke = True
            print(done.log[-3000:], file=sys.stderr)
    return int(broke)


if __name__ == "__main__":
    sys.exit(main())
