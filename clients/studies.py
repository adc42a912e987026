"""The demonstration's studies, sent as a hospital sends its own: `POST /dicomweb/studies`.

`python -m clients.studies --url http://127.0.0.1:8080 --token-file -`. A chest CT that is drawn
here, with the one of a year before and a report, and a few real studies that pydicom ships. What
is there already is not sent again.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import logging
import sys
import warnings
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pydicom.data
from pydicom import Dataset, FileMetaDataset, dcmwrite
from pydicom.uid import (
    CTImageStorage,
    EncapsulatedPDFStorage,
    ExplicitVRLittleEndian,
    generate_uid,
)

from clients import phantom

log = logging.getLogger("clients.studies")
REAL = (  # of pydicom's wheel
    "examples_ybr_color.dcm",  # ultrasound, 30 frames, colour
    "examples_overlay.dcm",  # MR
    "examples_jpeg2k.dcm",  # ultrasound, JPEG 2000
    "examples_palette.dcm",
    "CT_small.dcm",
    "test-SR.dcm",
)
PATIENT, PATIENT_ID = "Wang^Xiaodong=王^小东", "DEMO-0001"
BOUNDARY = "distal-demonstration"
TYPE = f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'


@dataclass(frozen=True)
class Scan:
    """One examination of the simulated patient."""

    name: str  # of which its UIDs are made
    date: str
    size: int
    count: int
    thickness_mm: float
    nodule_mm: float


SCANS = (
    Scan("chest", "20260918", 512, 64, 4.0, 7.5),
    Scan("chest a year before", "20250911", 256, 43, 6.0, 4.0),
)


def studies() -> Iterator[tuple[str, int, Iterator[bytes]]]:
    """Each study's UID, how many instances it has here, and they themselves."""
    folder = Path(pydicom.data.__file__).parent / "test_files"
    for name in REAL:
        content = (folder / name).read_bytes()
        image = pydicom.dcmread(io.BytesIO(content), stop_before_pixels=True)
        yield str(image.StudyInstanceUID), 1, iter([content])
    for scan in SCANS:
        yield uid(scan.name), scan.count + 1, _examination(scan)


def uid(name: str) -> str:
    """Always the same for the same name."""
    return str(generate_uid(prefix="2.25.", entropy_srcs=["distal demonstration", name]))


def _examination(scan: Scan) -> Iterator[bytes]:
    planes = phantom.slices(scan.size, scan.count, scan.thickness_mm, scan.nodule_mm)
    spacing = phantom.FIELD_MM / scan.size
    corner = -phantom.FIELD_MM / 2 + spacing / 2
    for number, plane in enumerate(planes):
        image = _common(scan, CTImageStorage, f"{scan.name} {number}")
        image.ImageType = ["DERIVED", "SECONDARY", "AXIAL"]
        image.Modality = "CT"
        image.SeriesInstanceUID = uid(scan.name + " series")
        image.SeriesNumber, image.AcquisitionNumber = 2, 1
        image.InstanceNumber = number + 1
        image.SeriesDescription = f"胸部 {scan.thickness_mm:g}mm 软组织窗"
        image.BodyPartExamined, image.PatientPosition = "CHEST", "HFS"
        image.FrameOfReferenceUID = uid(scan.name + " frame")
        z = (number - (scan.count - 1) / 2) * scan.thickness_mm
        image.ImagePositionPatient = [round(corner, 4), round(corner, 4), round(z, 4)]
        image.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        image.PixelSpacing = [round(spacing, 6)] * 2
        image.SliceThickness, image.SliceLocation = scan.thickness_mm, round(z, 4)
        image.KVP, image.ConvolutionKernel = 120, "SIMULATED"
        image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
        image.Rows = image.Columns = scan.size
        image.BitsAllocated, image.BitsStored, image.HighBit = 16, 12, 11
        image.PixelRepresentation = 0
        image.RescaleIntercept, image.RescaleSlope, image.RescaleType = -1024, 1, "HU"
        image.WindowCenter, image.WindowWidth = [40, -600], [400, 1500]
        image.WindowCenterWidthExplanation = ["MEDIASTINUM", "LUNG"]
        image.PixelData = (plane + 1024).astype("<u2").tobytes()
        yield _file(image)
    yield _report(scan)


def _report(scan: Scan) -> bytes:
    document = _common(scan, EncapsulatedPDFStorage, scan.name + " report")
    document.Modality, document.ConversionType = "DOC", "WSD"
    document.SeriesInstanceUID = uid(scan.name + " reports")
    document.SeriesNumber, document.InstanceNumber = 9, 1
    document.SeriesDescription, document.DocumentTitle = "报告", "胸部CT报告"
    document.BurnedInAnnotation, document.MIMETypeOfEncapsulatedDocument = "YES", "application/pdf"
    document.AcquisitionDateTime, document.ConceptNameCodeSequence = "", []
    content = pdf(
        "Chest CT (simulated)",
        f"Solid nodule of {2 * scan.nodule_mm:g} mm in the right upper lobe.",
        "Liver lesion of 22 mm, low density. Nothing here is real.",
    )
    document.EncapsulatedDocument = content + bytes(len(content) % 2)
    document.EncapsulatedDocumentLength = len(content)
    return _file(document)


def _common(scan: Scan, kind: str, name: str) -> Dataset:
    image = Dataset()
    image.SpecificCharacterSet = "GB18030"
    image.SOPClassUID, image.SOPInstanceUID = kind, uid(name)
    image.StudyDate = image.SeriesDate = image.ContentDate = scan.date
    image.StudyTime = image.SeriesTime = image.ContentTime = "093000"
    image.AccessionNumber = "DEMO" + scan.date
    image.Manufacturer, image.InstitutionName = "Distal (simulated)", "清河县医院"
    image.ReferringPhysicianName = "Li^Hua=李^华"
    image.StudyDescription = "胸部CT平扫（模拟）"
    image.PatientName, image.PatientID = PATIENT, PATIENT_ID
    image.PatientBirthDate, image.PatientSex = "19680423", "M"
    image.StudyInstanceUID, image.StudyID = uid(scan.name), "1"
    image.PositionReferenceIndicator = ""
    return image


def _file(image: Dataset) -> bytes:
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    out = io.BytesIO()
    dcmwrite(out, image, enforce_file_format=True)
    return out.getvalue()


def pdf(*lines: str) -> bytes:
    """One page of text: ISO 32000-1, the least that readers take."""
    text = " ".join(f"({line}) Tj T*" for line in lines)
    drawn = f"BT /F 18 Tf 72 760 Td 30 TL {text} ET".encode("ascii")
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R"
        b"/Resources<</Font<</F 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(drawn), drawn),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    out, places = b"%PDF-1.4\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj%s endobj\n" % (number, one)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"xref\n0 6\n0000000000 65535 f \n"
    tail = b"trailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % len(out)
    return out + head + table + tail


async def send(url: str, token: str) -> int:
    """Store what is not there yet; how many instances were sent. Raises ClientError."""
    sent = 0
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(url, headers=headers) as http:
        for study, count, instances in studies():
            async with http.get(f"/dicomweb/studies/{study}/instances") as answer:
                answer.raise_for_status()
                if len(await answer.json(content_type=None)) >= count:
                    continue
            async with http.post(
                "/dicomweb/studies", data=_body(instances), headers={"Content-Type": TYPE}
            ) as answer:
                answer.raise_for_status()
                sent += count
    return sent


async def _body(instances: Iterator[bytes]) -> AsyncIterator[bytes]:
    head = f"--{BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode()
    while (content := await asyncio.to_thread(next, instances, None)) is not None:
        yield head + content + b"\r\n"
    yield f"--{BOUNDARY}--\r\n".encode()


def main() -> int:
    """Send them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--token-file", required=True, help="a file, or - for the standard input")
    said = parser.parse_args()
    file = said.token_file
    token = sys.stdin.readline() if file == "-" else Path(file).read_text(encoding="utf-8")
    warnings.simplefilter("ignore")  # real files are not all by the book
    try:
        asyncio.run(send(said.url, token.strip()))
    except aiohttp.ClientError as error:
        log.error("the studies are not there: %s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
