"""`python -m loadtests.dicom_query`: searches among a million instances beside ten thousand.

Two servers, their indices filled by SQL with what a hospital has: studies of two series and fifty
instances over ten years, common names and rare ones, in Latin letters and in Chinese. Each search
is asked of both in turn, over one connection each, for the twenty newest as a list shows them;
values differ from one time to the next. The last line is JSON (`loadtests.verdict`).
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import http.client
import random
import sqlite3
import statistics
import sys
import tempfile
import time
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from loadtests import verdict
from loadtests.dicom_peers import Distal

MOST = 2.0  # times as long
SMALL, LARGE = 10_000, 1_000_000
OF_SERIES, OF_STUDY = 25, 2
DAYS = 3650
FIRST_DAY = datetime.date(2016, 1, 1)
ROOT = "1.2.826.0.1.3680043.10.2"
CT, EXPLICIT = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1"
SURNAMES = {  # and of how many hundredths of the people
    **{"Wang=王": 8, "Li=李": 8, "Zhang=张": 7, "Liu=刘": 6, "Chen=陈": 5, "Yang=杨": 4},
    **{"Zhao=赵": 3, "Huang=黄": 3, "Zhou=周": 2, "Wu=吴": 2, "Sun=孙": 2, "Hu=胡": 1},
}
GIVEN = ["Wei=伟", "Fang=芳", "Na=娜", "Min=敏", "Jing=静", "Lei=磊", "Yang=洋", "Yan=艳", "Jie=杰"]
MODALITIES = {"CT": 60, "MR": 25, "DX": 10, "US": 4, "MG": 1}
WORDS = ["Chest", "Abdomen", "Head", "Knee", "Spine", "Pelvis"]

Ask = Callable[[random.Random, int], str]  # of so many studies


def _day(chance: random.Random) -> str:
    return (FIRST_DAY + datetime.timedelta(chance.randrange(DAYS))).strftime("%Y%m%d")


def _one(path: str, value: str) -> Ask:
    """A search for what only one study has."""
    return lambda chance, studies: path + value.format(chance.randrange(studies))


def _range(chance: random.Random, _studies: int) -> str:
    day = _day(chance)
    return f"/studies?StudyDate={day[:4]}0101-{day}&limit=20"


def _list(chance: random.Random, studies: int) -> str:
    uids = ",".join(f"{ROOT}.{chance.randrange(studies)}" for _ in range(20))
    return f"/studies?StudyInstanceUID={uids}&limit=20"


SEARCHES: dict[str, Ask] = {
    "the newest": lambda _c, _n: "/studies?limit=20",
    "patient id": _one("/studies?limit=20&PatientID=", "P{:07d}"),
    "end of a patient id": _one("/studies?limit=20&PatientID=*", "{:07d}"),
    "accession number": _one("/studies?limit=20&AccessionNumber=", "A{:07d}"),
    "study UID": _one(f"/studies?limit=20&StudyInstanceUID={ROOT}.", "{}"),
    "20 study UIDs": _list,
    "birth date": lambda c, _n: f"/studies?limit=20&PatientBirthDate={c.randrange(1930, 2015)}0101",
    "days": _range,
    "days and modality": lambda c, n: _range(c, n) + "&ModalitiesInStudy=MR",
    "common modality": lambda _c, _n: "/studies?ModalitiesInStudy=CT&limit=20",
    "rare modality": lambda _c, _n: "/studies?ModalitiesInStudy=MG&limit=20",
    "name begins, common": lambda _c, _n: "/studies?PatientName=zhang*&limit=20",
    "name begins, rare": lambda _c, _n: "/studies?PatientName=ouyang*&limit=20",
    "name contains, common": lambda _c, _n: "/studies?PatientName=*wei*&limit=20",
    "name contains, rare": lambda _c, _n: "/studies?PatientName=*ouy*&limit=20",
    "name contains, nobody": lambda _c, _n: "/studies?PatientName=*nobody*&limit=20",
    "name contains, Chinese": lambda _c, _n: "/studies?PatientName=*歐陽*&limit=20",
    "fuzzy": lambda _c, _n: "/studies?PatientName=ouyang&fuzzymatching=true&limit=20",
    "description contains": lambda _c, _n: "/studies?StudyDescription=*contrast*&limit=20",
    "referring contains": lambda _c, _n: "/studies?ReferringPhysicianName=*who*&limit=20",
    "series of a study": _one(f"/studies/{ROOT}.", "{}/series?limit=20"),
    "instances of a study": _one(f"/studies/{ROOT}.", "{}/instances?limit=20"),
    "series, newest of a modality": lambda _c, _n: "/series?Modality=MR&limit=20",
    "instances, newest": lambda _c, _n: "/instances?limit=20",
    "instance UID": _one("/instances?limit=20&SOPInstanceUID=" + ROOT, ".{}.1.7"),
}


def _studies(count: int, chance: random.Random) -> Iterator[dict[str, Any]]:
    surnames, shares = list(SURNAMES), list(SURNAMES.values())
    for number in range(count):
        surname = chance.choices(surnames, shares)[0].split("=")
        given = chance.choice(GIVEN).split("=")
        if number % (count // 5) == 1:  # five studies, however many there are
            surname, given = ["Ouyang", "歐陽"], ["Xiu", "修"]
        name = "=".join(f"{one}^{other}" for one, other in zip(surname, given, strict=True))
        yield {
            **{"institution_id": 1, "patient_ref": number + 1, "uid": f"{ROOT}.{number}"},
            **{"date": _day(chance), "time": "101500", "accession": f"A{number:07d}"},
            **{"patient_id": f"P{number:07d}", "patient_name": name},
            "patient_name_key": name.casefold().replace("^", " ").replace("=", " "),
            "patient_birth_date": f"{chance.randrange(1930, 2015)}{chance.randrange(1, 13):02d}01",
            "patient_sex": chance.choice("MF"),
            "description": chance.choice(WORDS) + (" contrast" if number % 3000 == 2 else ""),
            "referring": "Doctor^Who" if number % 3000 == 3 else "Doctor^Any",
            "referring_key": "doctor who" if number % 3000 == 3 else "doctor any",
            "modalities": chance.choices(list(MODALITIES), list(MODALITIES.values()))[0],
            **{"series_count": OF_STUDY, "instance_count": OF_STUDY * OF_SERIES},
            **{"received_ms": number, "changed_ms": number},
        }


def fill(path: Path, instances: int) -> int:
    """Write the rows of so many instances into an empty index; how many studies they are."""
    base = sqlite3.connect(path)
    base.execute("PRAGMA synchronous = OFF")
    base.execute("INSERT INTO institution (id, name) VALUES (1, 'default')")
    count = instances // (OF_STUDY * OF_SERIES)
    made = list(_studies(count, random.Random(1)))
    _insert(
        base,
        "patient",
        (
            {"id": one["patient_ref"], "institution_id": 1, "patient_id": one["patient_id"]}
            | {"name": one["patient_name"], "name_key": one["patient_name_key"]}
            for one in made
        ),
    )
    _insert(base, "study", made)
    _insert(
        base,
        "series",
        (
            {"institution_id": 1, "study_ref": number + 1, "uid": f"{study['uid']}.{series}"}
            | {"modality": study["modalities"], "number": series, "received_ms": number}
            | {"instance_count": OF_SERIES}
            for number, study in enumerate(made)
            for series in range(OF_STUDY)
        ),
    )
    _insert(
        base,
        "instance",
        (
            {"institution_id": 1, "study_ref": n // OF_STUDY + 1, "series_ref": n + 1}
            | {"uid": f"{ROOT}.{n // OF_STUDY}.{n % OF_STUDY}.{one}", "number": one}
            | {"sop_class": CT, "transfer_syntax": EXPLICIT, "rows": 512, "columns": 512}
            | {"size": 525_000, "data_at": 340, "digest": bytes(32), "frames": 1}
            | {"object_key": f"{n:06d}/{one}", "received_ms": n, "described": 1}
            for n in range(count * OF_STUDY)
            for one in range(OF_SERIES)
        ),
    )
    base.commit()
    base.close()
    return count


def _insert(base: sqlite3.Connection, table: str, rows: Any) -> None:
    rows = iter(rows)
    first = next(rows)
    names = ", ".join(f'"{name}"' for name in first)
    marks = ", ".join("?" * len(first))
    statement = f"INSERT INTO {table} ({names}) VALUES ({marks})"
    base.execute(statement, list(first.values()))
    base.executemany(statement, (list(row.values()) for row in rows))


class Asker:
    """One connection to a server with so many studies."""

    def __init__(self, server: Distal, studies: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", server.http_port)
        self._headers = {"Authorization": f"Bearer {server.token()}"}
        self._root = server.web
        self._studies = studies
        self._chance = random.Random(2)

    def timed(self, ask: Ask) -> float:
        """Seconds. Raises RuntimeError."""
        path = urllib.parse.quote(self._root + ask(self._chance, self._studies), "/?=&*,")
        began = time.perf_counter()
        self._connection.request("GET", path, headers=self._headers)
        answer = self._connection.getresponse()
        content = answer.read()
        took_s = time.perf_counter() - began
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {content[:300]!r}")
        return took_s


async def measure(folder: Path, sizes: tuple[int, int], times: int) -> dict[str, list[float]]:
    """Median seconds of each search, few and many."""
    servers = [Distal(folder / str(size)) for size in sizes]
    askers = []
    found: dict[str, list[float]] = {}
    for server, size in zip(servers, sizes, strict=True):
        async with server:
            pass  # it makes its tables
        began = time.perf_counter()
        studies = await asyncio.to_thread(fill, server.folder / "data/dicom/index.db", size)
        print(f"{size} instances seeded in {time.perf_counter() - began:.0f} s", file=sys.stderr)
        askers.append((server, studies))
    async with servers[0], servers[1]:
        both = [Asker(server, studies) for server, studies in askers]
        for name, ask in SEARCHES.items():
            took: list[list[float]] = [[], []]
            for turn in range(times + 2):
                for which in (0, 1) if turn % 2 else (1, 0):
                    took[which].append(await asyncio.to_thread(both[which].timed, ask))
            found[name] = [statistics.median(some[2:]) for some in took]
    return found


def main(arguments: list[str] | None = None) -> int:
    """Run, print, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.dicom_query", description=__doc__)
    parser.add_argument("--instances", type=int, default=LARGE)
    parser.add_argument("--times", type=int, default=30, help="each search is asked")
    parser.add_argument("--folder", type=Path, default=None, help="on the disk that is meant")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=chosen.folder) as made:
        found = asyncio.run(measure(Path(made), (SMALL, chosen.instances), chosen.times))
    rows = [f"| search | {SMALL}, ms | {chosen.instances}, ms | times |", "|---|---:|---:|---:|"]
    bars = []
    for name, (few, many) in found.items():
        rows.append(f"| {name} | {few * 1000:.2f} | {many * 1000:.2f} | {many / few:.2f} |")
        measured = f"{few * 1000:.2f} ms, {many * 1000:.2f} ms: × {many / few:.2f}"
        work = f"QIDO, {name}: {chosen.instances} instances"
        bars.append(
            verdict.Bar(work, f"≤ {MOST:g} × as with {SMALL}", measured, many <= MOST * few)
        )
    table = "\n".join(rows)
    print(table)
    print(verdict.line("DICOM searches", bars, {"seconds": found}, markdown=table))
    return 0


if __name__ == "__main__":
    sys.exit(main())
