"""`python -m loadtests.dicom_store`: C-STORE of CT images, Distal beside Orthanc in one run.

Each image has 512 × 512 points of noise in 16 bits, 0.53 MB. Both servers index what comes and
answer when it is on the disk; both are sent to by dcmtk's storescu, in associations that run at
the same time. The order of the servers alternates. The last line is JSON (`loadtests.verdict`).
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from loadtests import verdict
from loadtests.dicom_peers import DicomServer, Distal, Orthanc

LEAST = 1.3  # times Orthanc's rate
ASSOCIATIONS = (1, 4)
WARM_UP = 20
ROOT = "1.2.826.0.1.3680043.10.1"


def image(series: int, number: int) -> Dataset:
    """One slice."""
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.SOPClassUID = made.file_meta.MediaStorageSOPClassUID = CTImageStorage
    made.SOPInstanceUID = f"{ROOT}.{series}.{number}"
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
    made.StudyInstanceUID, made.SeriesInstanceUID = ROOT, f"{ROOT}.{series}"
    made.PatientName, made.PatientID, made.Modality = "Load^Test", "L1", "CT"
    made.StudyDate, made.StudyTime, made.AccessionNumber = "20260102", "101500", "A1"
    made.SeriesNumber, made.InstanceNumber = series, number
    made.ImagePositionPatient, made.PixelSpacing = [0, 0, number], [0.7, 0.7]
    made.Rows = made.Columns = 512
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
    made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = 16, 12, 11, 0
    noise = np.random.default_rng((series, number)).integers(0, 4096, (512, 512), np.uint16)
    made.PixelData = noise.tobytes()
    return made


def write_series(folder: Path, series: int, count: int) -> Path:
    """`count` slices in a folder of their own."""
    where = folder / str(series)
    where.mkdir()
    for number in range(count):
        image(series, number).save_as(where / f"{number:05d}.dcm", enforce_file_format=True)
    return where


async def measure(kind: type[DicomServer], folder: Path, series: list[Path]) -> dict[int, float]:
    """Images a second, by how many associations send at once, on a fresh server."""
    rates: dict[int, float] = {}
    async with kind(folder / kind.name) as server:
        await server.store(series[:1])
        taken = 1
        for at_once in ASSOCIATIONS:
            chosen = series[taken : taken + at_once]
            taken += at_once
            count = sum(len(list(one.iterdir())) for one in chosen)
            rates[at_once] = count / await server.store(chosen)
    return rates


def main(arguments: list[str] | None = None) -> int:
    """Run, print, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.dicom_store", description=__doc__)
    parser.add_argument("--images", type=int, default=200, help="of each association")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--folder", type=Path, default=None, help="on the disk that is meant")
    chosen = parser.parse_args(arguments)
    rates: dict[str, list[dict[int, float]]] = {"Distal": [], "Orthanc": []}
    with tempfile.TemporaryDirectory(dir=chosen.folder) as made:
        folder = Path(made)
        (folder / "images").mkdir()
        series = [write_series(folder / "images", 0, WARM_UP)]
        for number in range(sum(ASSOCIATIONS)):
            series.append(write_series(folder / "images", number + 1, chosen.images))
        kinds: list[type[DicomServer]] = [Distal, Orthanc]
        for turn in range(chosen.rounds):
            for kind in kinds if turn % 2 == 0 else reversed(kinds):
                rates[kind.name].append(asyncio.run(measure(kind, folder, series)))
    print(_said(rates))
    return 0


def _said(rates: dict[str, list[dict[int, float]]]) -> str:
    bars = []
    numbers: dict[str, Any] = {}
    rows = ["| associations | Distal, images/s | Orthanc | ratio of medians |", "|---:" * 4 + "|"]
    for at_once in ASSOCIATIONS:
        ours, theirs = ([one[at_once] for one in rates[n]] for n in ("Distal", "Orthanc"))
        times = statistics.median(ours) / statistics.median(theirs)
        each = [" ".join(f"{rate:.0f}" for rate in some) for some in (ours, theirs)]
        rows.append(f"| {at_once} | {each[0]} | {each[1]} | {times:.2f} |")
        work = f"C-STORE of 0.5 MB, {at_once} association{'s' if at_once > 1 else ''}"
        measured = f"{statistics.median(ours):.0f}/s, Orthanc {statistics.median(theirs):.0f}/s"
        bars.append(
            verdict.Bar(work, f"≥ {LEAST} × Orthanc", f"{measured}: × {times:.2f}", times >= LEAST)
        )
        numbers[str(at_once)] = {"distal": ours, "orthanc": theirs}
    table = "\n".join(rows)
    print(table)
    return verdict.line("DICOM storage", bars, numbers, markdown=table)


if __name__ == "__main__":
    sys.exit(main())
