"""What is no picture: a structured report is read, an encapsulated PDF is opened."""

from __future__ import annotations

import pydicom
from playwright.async_api import Response
from pydicom.uid import EncapsulatedPDFStorage, generate_uid

from tests.dicom.samples import ct, real
from tests.e2e.conftest import House
from tests.e2e.images import NAME, ct_series, send
from tests.e2e.test_film import film_page
from tests.e2e.visitor import eventually

PDF = b"""%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>endobj
trailer<</Root 1 0 R>>
%%EOF
"""


async def test_a_report_and_a_pdf_are_read(house: House) -> None:
    study = str(generate_uid())[:50]
    document = ct(
        1,
        study,
        f"{study}.4",
        SOPClassUID=EncapsulatedPDFStorage,
        Modality="DOC",
        SpecificCharacterSet="ISO_IR 192",
        PatientName=NAME,
        SeriesNumber=4,
        SeriesDescription="出院小结",
        MIMETypeOfEncapsulatedDocument="application/pdf",
        EncapsulatedDocument=PDF + b"\n" * (len(PDF) % 2),
    )
    for keyword in ("Rows", "Columns", "PixelData"):
        delattr(document, keyword)
    report = pydicom.dcmread(real("reportsi.dcm"))
    report.StudyInstanceUID, report.SeriesInstanceUID = study, f"{study}.5"
    report.SeriesNumber = 5
    await send(house.server, [*ct_series(study)[:1], document, report])

    doctor = await film_page(house, study)
    answers: list[Response] = []
    doctor.page.on("response", lambda answer: answers.append(answer))
    await doctor.find("film-series").nth(2).click()
    text = await eventually(lambda: doctor.find("film-report").inner_text())
    for item in report.ContentSequence:
        assert item.ConceptNameCodeSequence[0].CodeMeaning in text
    assert await doctor.find("film-pane").is_hidden()

    await doctor.find("film-series").nth(1).click()
    async with (
        doctor.page.expect_popup() as tab,
        doctor.page.expect_response(lambda answer: "bulkdata" in answer.url) as answer,
    ):
        await doctor.press("film-document")
    opened = await doctor.page.request.get((await answer.value).url)
    assert (await opened.body()).rstrip(b"\n") == PDF.rstrip(b"\n")
    await (await tab.value).wait_for_url("blob:**")
    await doctor.find("film-series").nth(0).click()
    await eventually(lambda: doctor.find("film-pane").is_visible())
    assert [answer.url for answer in answers if not answer.ok] == []
