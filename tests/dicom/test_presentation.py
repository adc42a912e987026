"""A session kept as DICOM: others' programs find it right, and it holds what was seen."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import msgspec
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import Dataset

from dicom import header
from dicom.errors import Refused
from dicom.presentation.image import Image
from dicom.presentation.session import Author, Figure, Kind, Pane, Place, Session
from dicom.presentation.write import objects, part10
from tests.dicom import saved_examples
from tests.dicom.samples import ct
from tests.dicom.saved_examples import AUTHOR, CT, ULTRASOUND, images, pane, place, sessions


def written(session: Session, known: list[Image] | None = None) -> list[Dataset]:
    """The objects, as they are read from their files."""
    made = objects(session, known or images(), AUTHOR, 9001)
    return [pydicom.dcmread(io.BytesIO(part10(one))) for one in made]


def said(*command: str | Path) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, timeout=60)
    return (done.stdout + done.stderr).decode(errors="replace")


@pytest.mark.parametrize("name", sessions())
def test_dciodvfy_finds_no_error(name: str, tmp_path: Path) -> None:
    for number, one in enumerate(written(sessions()[name])):
        path = tmp_path / f"{number}.dcm"
        one.save_as(path)
        found = said("dciodvfy", "-new", path)
        assert "SoftcopyPresentationState" in found or "KeyObjectSelection" in found
        assert "Error" not in found


def test_dcmtk_reads_them(tmp_path: Path) -> None:
    """dcmpschk knows no UTF-8, so this is in letters that it knows."""
    image = ct(1, PatientSex="O", PatientBirthDate="19610304", Modality="CT")
    known = [Image(image.to_json_dict(suppress_invalid_tags=True))]
    session = Session(
        title="nodule",
        panes=[pane(image, area=(2, 2, 20, 12), rotation=90)],
        figures=[Figure(**place(image), kind="point", points=[(3, 4)], text="12 HU")],
        keys=[Place(**place(image))],
    )
    state, document = objects(session, known, Author("Li Yi", "20261122161500", "1"), 9001)
    (tmp_path / "state").write_bytes(part10(state))
    (tmp_path / "document").write_bytes(part10(document))
    assert "Test passed" in said("dcmpschk", tmp_path / "state")
    found = said("dsrdump", tmp_path / "document")
    assert 'CONTAINER:(,,"Of Interest")' in found
    assert '(,,"Key Object Description")="nodule"' in found
    assert "contains IMAGE:=(CT image,),(GSPS,)" in found
    assert 'PNAME:(,,"Person Observer Name")="Li Yi"' in found


def test_the_examples_of_the_viewer_are_new() -> None:
    told = "python -m tests.dicom.saved_examples"
    assert saved_examples.FILE.read_text() == saved_examples.examples(), told


def test_a_state_holds_for_the_series_of_its_pane() -> None:
    state, document = written(sessions()["a measured slice"])
    [series] = state.ReferencedSeriesSequence
    found = [item.ReferencedSOPInstanceUID for item in series.ReferencedImageSequence]
    assert found == [CT[index].SOPInstanceUID for index in (3, 5, 7)]
    [window] = state.SoftcopyVOILUTSequence
    assert (window.WindowCenter, window.WindowWidth) == (-600, 1500)
    assert (state.RescaleIntercept, state.RescaleType) == (-1024, "HU")
    assert state.PresentationLUTShape == "INVERSE"
    assert str(state.ContentCreatorName) == AUTHOR.name
    evidence = {
        item.ReferencedSOPInstanceUID
        for series in document.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence
        for item in series.ReferencedSOPSequence
    }
    assert evidence == {CT[3].SOPInstanceUID, CT[7].SOPInstanceUID, state.SOPInstanceUID}
    assert (state.StudyInstanceUID, str(state.PatientName)) == (
        CT[0].StudyInstanceUID,
        str(CT[0].PatientName),
    )


def test_colour_has_a_state_of_its_own_kind() -> None:
    grey, colour, _ = written(sessions()["two panes"])
    assert grey.SOPClassUID.name.startswith("Grayscale")
    assert colour.SOPClassUID.name.startswith("Color")
    assert colour.ICCProfile[36:40] == b"acsp"
    assert "PresentationLUTShape" not in colour and "SoftcopyVOILUTSequence" not in colour
    [series] = colour.ReferencedSeriesSequence
    assert series.ReferencedImageSequence[0].ReferencedFrameNumber == [3, 4]


def test_what_is_marked_elsewhere_looks_as_it_was_stored() -> None:
    first = ct(1, series="1.2.3.5", WindowCenter=40, WindowWidth=400)
    second = ct(2, series="1.2.3.6", PhotometricInterpretation="MONOCHROME1")
    known = [Image(one.to_json_dict(suppress_invalid_tags=True)) for one in (first, second)]
    session = Session(panes=[pane(first)], keys=[Place(**place(second))])
    _, other, _ = written(session, known)
    assert other.ContentLabel == "MARKS"
    assert "SoftcopyVOILUTSequence" not in other, "none was asked for"
    assert other.PresentationLUTShape == "INVERSE", "its small values are white"


def test_units_of_the_modality_are_never_mixed() -> None:
    """The slope holds for a whole state: slices of a PET have one each."""
    slices = [ct(n, RescaleSlope=n, RescaleIntercept=0, Modality="PT") for n in (1, 2, 3)]
    known = [Image(one.to_json_dict(suppress_invalid_tags=True)) for one in slices]
    session = Session(panes=[pane(slices[0])], keys=[Place(**place(one)) for one in slices])
    *made, _ = written(session, known)
    assert [state.RescaleSlope for state in made] == [1, 2, 3]
    assert all(
        len(state.ReferencedSeriesSequence[0].ReferencedImageSequence) == 1 for state in made
    )


@st.composite
def panes(draw: st.DrawFn) -> Pane:
    image = draw(st.sampled_from([*CT, ULTRASOUND]))
    edge = st.floats(-200, 200)
    left, top = draw(edge), draw(edge)
    size = st.floats(0.01, 400)
    black = draw(st.floats(-3000, 3000))
    grey = image is not ULTRASOUND
    return pane(
        image,
        1 if grey else draw(st.integers(1, 8)),
        area=(left, top, left + draw(size), top + draw(size)),
        rotation=draw(st.sampled_from([0, 90, 180, 270])),
        flip=draw(st.booleans()),
        invert=draw(st.booleans()),
        voi=(black, black + draw(st.floats(0.001, 5000))) if grey else None,
    )


KINDS: list[tuple[Kind, int]] = [("polyline", 2), ("polyline", 3), ("ellipse", 4), ("point", 1)]


@st.composite
def figures(draw: st.DrawFn) -> Figure:
    image = draw(st.sampled_from([*CT, ULTRASOUND]))
    kind, count = draw(st.sampled_from(KINDS))
    at = st.floats(-50, 300, width=32)
    return Figure(
        instance=image.SOPInstanceUID,
        frame=1,
        kind=kind,
        points=[(draw(at), draw(at)) for _ in range(count)],
        text=draw(
            st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=40)
        ),
    )


some = st.builds(
    Session,
    title=st.text(
        st.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters="\\"),
        max_size=64,
    ),
    panes=st.lists(panes(), min_size=1, max_size=4),
    figures=st.lists(figures(), max_size=5),
    keys=st.lists(
        st.builds(
            Place, instance=st.sampled_from([one.SOPInstanceUID for one in CT]), frame=st.just(1)
        ),
        max_size=4,
    ),
)


@settings(deadline=None, max_examples=60)
@given(some)
def test_every_session_is_read_back_hypothesis(session: Session) -> None:
    """And taken in like any other object. What is beyond a picture's edge is not kept."""
    made = written(session)
    known = {image.uid: image for image in images()}
    for want, state in zip(session.panes, made, strict=False):
        image = known[want.instance]
        first = state.ReferencedSeriesSequence[0].ReferencedImageSequence[0]
        assert first.ReferencedSOPInstanceUID == want.instance
        area = state.DisplayedAreaSelectionSequence[0]
        (x, y), (u, v) = (
            area.DisplayedAreaTopLeftHandCorner,
            area.DisplayedAreaBottomRightHandCorner,
        )
        seen = (min(x, u) - 1, min(y, v) - 1, max(x, u), max(y, v))
        assert 0 <= seen[0] < seen[2] <= image.columns and 0 <= seen[1] < seen[3] <= image.rows
        left, top, right, bottom = want.area
        if left < image.columns and right > 0 and top < image.rows and bottom > 0:
            inside = (max(left, 0), max(top, 0), min(right, image.columns), min(bottom, image.rows))
            assert all(abs(a - b) <= 1 for a, b in zip(seen, inside, strict=True))
        assert state.get("ImageRotation", 0) == want.rotation
        assert state.get("ImageHorizontalFlip", "N") == ("Y" if want.flip else "N")
        if want.voi:
            window = state.SoftcopyVOILUTSequence[0]
            half = (window.WindowWidth - 1) / 2
            black_white = (window.WindowCenter - 0.5 - half, window.WindowCenter - 0.5 + half)
            assert black_white == pytest.approx(want.voi, abs=1e-6)
            assert state.PresentationLUTShape == ("INVERSE" if want.invert else "IDENTITY")
    drawn = [item for state in made for item in state.get("GraphicAnnotationSequence", [])]
    assert len(drawn) == len(session.figures)
    texts = [
        item.TextObjectSequence[0].UnformattedTextValue
        for item in drawn
        if "TextObjectSequence" in item
    ]
    assert sorted(texts) == sorted(figure.text for figure in session.figures if figure.text)
    named = {
        item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID
        for item in (made[-1].ContentSequence if session.keys else [])
        if item.ValueType == "IMAGE"
    }
    assert named == {key.instance for key in session.keys}


def test_it_is_taken_in(tmp_path: Path) -> None:
    for one in objects(sessions()["two panes"], images(), AUTHOR, 9001):
        path = tmp_path / one.SOPInstanceUID
        path.write_bytes(part10(one))
        assert header.read(path, None).text["StudyInstanceUID"] == one.StudyInstanceUID


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"panes":[],"figures":[],"keys":[]}',
        b'{"keys":[{"instance":"1.2","frame":0}]}',
        b'{"keys":[{"instance":"../1","frame":1}]}',
        b'{"title":"a\\\\b","keys":[{"instance":"1.2","frame":1}]}',
        b'{"figures":[{"instance":"1.2","frame":1,"kind":"ellipse","points":[[1,2]]}]}',
        b'{"figures":[{"instance":"1.2","frame":1,"kind":"point","points":[[1e300,2]]}]}',
        b'{"keys":[{"instance":"1.2","frame":1}],"more":1}',
    ],
)
def test_what_makes_no_sense_is_no_session(body: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(body, type=Session)


def test_it_speaks_of_what_is_there() -> None:
    with pytest.raises(Refused, match="not there"):
        objects(Session(keys=[Place(instance="1.2.404", frame=1)]), images(), AUTHOR, 1)
    with pytest.raises(Refused, match="not there"):
        objects(Session(keys=[Place(**place(CT[0], 2))]), images(), AUTHOR, 1)
    with pytest.raises(Refused, match="no picture"):
        Image({})
