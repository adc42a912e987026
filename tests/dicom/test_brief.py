"""The short way to read a header says what the long one says."""

from __future__ import annotations

from pathlib import Path

import pydicom
import pytest

from dicom import brief
from dicom.syntax import Syntax
from tests.dicom.samples import PICTURES, TAKEN

KEYWORDS = [*brief.US.values(), *brief.DS.values(), *brief.CS.values()]
MORE = ("SharedFunctionalGroupsSequence", "VOILUTSequence", "RedPaletteColorLookupTableDescriptor")


READ = [path for path in PICTURES if not Syntax(TAKEN[path].transfer_syntax).deflated]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", READ, ids=lambda path: path.name)
def test_it_says_what_pydicom_says(path: Path) -> None:
    found = TAKEN[path]
    said = brief.read(str(path), Syntax(found.transfer_syntax), found.data_at)
    whole = pydicom.dcmread(path, stop_before_pixels=True, force=True)
    if said is None:
        assert any(whole.get(keyword) is not None for keyword in (*MORE, "ModalityLUTSequence"))
        return
    for keyword in KEYWORDS:
        value = whole.get(keyword)
        if isinstance(value, pydicom.multival.MultiValue):
            value = value[0]
        assert said.get(keyword) in ((None, "") if value in (None, "") else (value,)), keyword
