"""Our DICOM JSON says what pydicom's says of the same file, save where that leaves the standard."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pydicom
import pytest

from dicom import header
from dicom.describe import describe
from dicom.syntax import Syntax
from tests.dicom.samples import TAKEN, ct, part10, real

# pydicom leaves big-endian words as they are, NUL and blanks in some values, UN as None
OTHERWISE = {"OW", "OB", "UT", "UN"}


def of(path: Path, fallback: str = "") -> dict[str, Any]:
    found = header.read(path)
    said = describe(path, Syntax(found.transfer_syntax), found.data_at, fallback)
    return dict(json.loads(said))


def alike(ours: Any, theirs: Any) -> bool:
    """Equal but for blanks at ends, and the several ways to say nothing."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        if "BulkDataURI" in ours or ours.get("vr") in OTHERWISE:
            return True
        keys = {key for key in ours.keys() | theirs.keys() if not key.endswith("0000")}
        return all(alike(ours.get(key), theirs.get(key)) for key in keys - {"00080005"})
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(alike, ours, theirs))
    if isinstance(theirs, str):
        theirs = theirs.strip(" \0")
    return (ours or None) == (theirs or None) or (ours == 0 and theirs == 0)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("path", TAKEN, ids=lambda path: path.name)
def test_every_real_file(path: Path) -> None:
    found = TAKEN[path]
    ours = json.loads(describe(path, Syntax(found.transfer_syntax), found.data_at))
    assert ours["00083002"]["Value"] == [found.transfer_syntax]
    image = pydicom.dcmread(path)
    theirs = image.to_json_dict(
        bulk_data_threshold=1 << 40,
        bulk_data_element_handler=lambda _: "",
        suppress_invalid_tags=True,
    )
    for tag in ("00083002", "00080005"):
        ours.pop(tag, None), theirs.pop(tag, None)
    unlike = [
        tag
        for tag in ours.keys() | theirs.keys()
        if not (tag.endswith("0000") or tag == "00080005")
        and not alike(ours.get(tag), theirs.get(tag))
    ]
    if path.name.startswith("rtdose_rle"):
        unlike.remove("300C0002")  # a sequence of VR UN and known length, which pydicom leaves out
    assert unlike == []


def test_chinese_is_utf_8_whatever_it_was(tmp_path: Path) -> None:
    image = ct(SpecificCharacterSet="GB18030", PatientName="Zhang^San=张^三")
    image.StudyDescription = "胸部CT平扫\\1"
    path = tmp_path / "image"
    path.write_bytes(part10(image))
    said = of(path)
    assert said["00100010"]["Value"] == [{"Alphabetic": "Zhang^San", "Ideographic": "张^三"}]
    assert said["00081030"]["Value"] == ["胸部CT平扫", "1"]
    assert said["00080005"]["Value"] == ["ISO_IR 192"]


def test_what_is_long_is_named_by_its_place(tmp_path: Path) -> None:
    image = ct(EncapsulatedDocument=b"%PDF-" + bytes(5000))
    path = tmp_path / "image"
    path.write_bytes(part10(image))
    said = of(path)["00420011"]["BulkDataURI"]
    at, length, unit = said.removeprefix("./bulkdata/").split("-")
    assert path.read_bytes()[int(at) : int(at) + int(length)].startswith(b"%PDF-")
    assert unit == "1"


@pytest.mark.parametrize("name", ["MR_small_bigendian.dcm", "SC_rgb_expb_2frame.dcm"])
def test_words_are_little_endian(name: str) -> None:
    big, little = of(real(name)), of(real(name.replace("_bigendian", "").replace("_expb", "")))
    for tag in big.keys() & little.keys() - {"00083002"}:
        assert big[tag] == little[tag]
