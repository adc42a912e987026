"""A study to look at: a CT of twelve slices whose pixels say which slice they are of."""

from __future__ import annotations

from collections.abc import Iterable

import aiohttp
import numpy as np
from pydicom import Dataset
from pydicom.uid import UltrasoundMultiFrameImageStorage, generate_uid

from tests.dicom.samples import ct, part10
from tests.server_process import DistalServer

SLICES, SIDE, SPACING_MM = 12, 128, 0.5
NAME = "Zhang^San=张^三"


def value_of(index: int) -> int:
    """What the middle of a slice holds, in HU: 12 slices from -700 to 400."""
    return -700 + 100 * index


def ct_series(study: str, thickness_mm: float = 2.0, number: int = 1) -> list[Dataset]:
    """Slices of one grey, with a white bar from which 30 mm can be measured."""
    made = []
    for index in range(SLICES):
        points = np.full((SIDE, SIDE), value_of(index) + 1024, np.int16)
        points[60:64, 34:94] = 3000
        made.append(
            ct(
                index + 1,
                study,
                f"{study}.{number}",
                SpecificCharacterSet="ISO_IR 192",
                PatientName=NAME,
                PatientID="H20260102",
                PatientSex="M",
                PatientBirthDate="19610304",
                StudyDescription="胸部 CT",
                InstitutionName="清河县医院",
                SeriesNumber=number,
                SeriesDescription=f"{thickness_mm:g} mm",
                FrameOfReferenceUID=f"{study}.9",
                ImagePositionPatient=[-32.0, -32.0, thickness_mm * index],
                ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
                PixelSpacing=[SPACING_MM, SPACING_MM],
                SliceThickness=thickness_mm,
                Rows=SIDE,
                Columns=SIDE,
                BitsStored=16,
                HighBit=15,
                PixelRepresentation=1,
                RescaleIntercept=-1024,
                RescaleSlope=1,
                WindowCenter=40,
                WindowWidth=400,
                PixelData=points.tobytes(),
            )
        )
    return made


def ultrasound(study: str) -> Dataset:
    """Eight frames in colour, 40 ms each."""
    frames = np.zeros((8, 64, 96, 3), np.uint8)
    for index in range(8):
        frames[index, :, 12 * index : 12 * index + 12] = (220, 40, 40)
    return ct(
        1,
        study,
        f"{study}.3",
        SOPClassUID=UltrasoundMultiFrameImageStorage,
        Modality="US",
        PatientName=NAME,
        PatientID="H20260102",
        PatientBirthDate="19610304",
        SpecificCharacterSet="ISO_IR 192",
        SeriesNumber=3,
        SeriesDescription="心脏",
        NumberOfFrames=8,
        FrameTime=40,
        Rows=64,
        Columns=96,
        SamplesPerPixel=3,
        PlanarConfiguration=0,
        PhotometricInterpretation="RGB",
        BitsAllocated=8,
        BitsStored=8,
        HighBit=7,
        PixelData=frames.tobytes(),
    )


async def send(
    server: DistalServer, images: Iterable[Dataset | bytes], institution: str = ""
) -> None:
    """Store them by STOW-RS, as a doctor's own system would."""
    files = (image if isinstance(image, bytes) else part10(image) for image in images)
    parts = b"".join(
        b"--part\r\nContent-Type: application/dicom\r\n\r\n" + file + b"\r\n" for file in files
    )
    headers = {
        "Authorization": f"Bearer {server.token('images', 'specialist', institution=institution)}",
        "Content-Type": 'multipart/related; type="application/dicom"; boundary=part',
    }
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.post(f"{server.url}/dicomweb/studies", data=parts + b"--part--\r\n") as answer,
    ):
        assert answer.status == 200, await answer.text()


async def a_study(server: DistalServer) -> str:
    """A CT of two series and an ultrasound; the study's UID."""
    study = str(generate_uid())[:50]
    images = [*ct_series(study), *ct_series(study, 4.0, 2), ultrasound(study)]
    await send(server, images)
    return study
