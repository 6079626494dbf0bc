"""Sources at the doors: the header and the OperationOutcome of FHIR, one row by its id, an image through the network, the operator's page."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from helhed.foundation.ask import Action
from helhed.foundation.errors import Unknown
from helhed.portals.language import Words
from helhed.portals.presenters.images import images_view
from helhed.portals.presenters.names import Names
from helhed.portals.presenters.sources import manifest_view, source_rows
from helhed.portals.rooms.rows import PortalRows
from helhed.record.live.pictures import NotShown, Pictures
from helhed.record.manifest import Said
from helhed.record.reading import RecordReader, record_of
from tests.support.door import Door
from tests.support.stand_in import THERE, measured
from tests.support.world import NOW
from tests.unit.sources.conftest import Small

pytestmark = pytest.mark.asyncio(loop_scope="module")

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40
STUDY = {
    "resourceType": "ImagingStudy", "id": "s", "status": "available", "subject": {"reference": f"Patient/{THERE}"}, "started": "2026-11-01T10:00:00Z",
    "identifier": [{"system": "urn:dicom:uid", "value": "urn:oid:1.2"}],
    "series": [{"uid": "1.2.3", "modality": {"code": "DX"}, "instance": [{"uid": "1.2.3.4", "sopClass": {"code": "x"}}]}],
}  # fmt: skip
PHOTO = {
    "resourceType": "Media", "id": "m", "status": "completed", "subject": {"reference": f"Patient/{THERE}"}, "createdDateTime": "2026-11-02",
    "bodySite": {"text": "Højre fod"}, "content": {"contentType": "image/png", "url": "Binary/x", "title": "Sår"},
}  # fmt: skip
LENGTH = {"coding": [{"system": "http://loinc.org", "code": "39126-8"}]}


@pytest_asyncio.fixture(loop_scope="module")
async def door(small: Small) -> AsyncIterator[Door]:
    """The FHIR door, as the ward's doctor."""
    yield Door(small.world, small.asks(), live=small.live)


async def test_everything_says_who_answered_and_holds_the_answer(small: Small, door: Door) -> None:
    _, headers, found = await door.do("GET", f"/fhir/Patient/{small.patient}/$everything")

    entries = found["entry"]
    assert headers["helhed-sources"] == f'"Organization/{small.clinic}";said=answered;at={int(NOW.timestamp())}'
    assert entries[-1]["resource"]["issue"][0]["details"]["coding"][0]["code"] == "answered"
    (row,) = [one["resource"] for one in entries if one["resource"]["resourceType"] == "Observation"]
    assert await door.get(f"/fhir/Observation/{row['id']}") == (200, row)


async def test_the_summary_says_it_too_and_a_search_says_that_nobody_was_asked(small: Small, door: Door) -> None:
    _, summary, _ = await door.do("GET", f"/fhir/Patient/{small.patient}/$summary")
    _, searched, _ = await door.do("GET", f"/fhir/Observation?patient={small.patient}")

    assert "said=answered" in summary["helhed-sources"]
    assert searched["helhed-sources"] == f'"Organization/{small.clinic}";said=not-asked'


async def test_a_patient_who_may_not_be_seen_is_missing_and_nobody_is_asked(small: Small) -> None:
    elsewhere = await small.world.organisation("Et andet sted")
    stranger = small.world.professional(await small.world.employee(elsewhere), elsewhere)
    door = Door(small.world, stranger, live=small.live)

    assert (await door.get(f"/fhir/Patient/{small.patient}/$everything"))[0] == 404
    assert small.stand_in.asked == []


async def test_a_page_holds_what_is_stored_and_what_was_answered(small: Small) -> None:
    await small.world.observation(small.patient, small.ward)

    record = await RecordReader(_Rows(small), live=small.live).whole_record(small.asks(), small.citizen)

    assert len(list(record.of("Observation"))) == 2
    told = manifest_view(record.manifest, Words("da"), NOW)
    assert (told.whole, told.asked[0].said) == (True, "Svarede i dag kl. 09.00")


async def test_a_silent_source_is_told_in_words_with_what_silence_does_not_mean(small: Small) -> None:
    small.stand_in.twist = lambda _: (503, {}, b"")
    manifest = await small.live.ask_all(small.asks(), small.citizen, ("Observation",))

    told = manifest_view(manifest, Words("da"), NOW)
    assert not told.whole
    assert told.asked[0].said == "Svarer ikke, for stedet meldte fejl. Intet herfra er vist."
    (row,) = source_rows(await small.live.sources.all(), Words("da"), NOW)
    assert (row.state, row.details[0]) == (
        "Svarer ikke altid",
        "Fejlede 1 gang, sidst i dag kl. 09.00: for stedet meldte fejl",
    )


async def _pictured(small: Small, *resources: dict[str, Any]) -> Pictures:
    small.stand_in.resources = list(resources)
    await small.register(
        types=("Media", "ImagingStudy", "Observation"), images=small.stand_in.url.replace("/fhir", "/wado")
    )
    await small.told(types=("Media", "ImagingStudy", "Observation"))
    return Pictures(small.world.store, small.live)


async def test_an_image_is_fetched_through_the_network_after_the_look_is_logged(small: Small) -> None:
    images = await _pictured(small, STUDY, PHOTO)
    small.stand_in.twist = lambda asked: (
        (200, {"content-type": "image/png"}, PNG) if "rendered" in asked.path or "Binary" in asked.path else None
    )
    rows = await small.seen(types=("Media", "ImagingStudy"))

    for row in rows:
        ask = small.asks()
        found = await images.of(ask, row.type_name, row.id, 0)
        assert Action.SEE_ANSWERS in {one["action"] for one in await small.logged(ask)}
        assert (found.kind, found.content) == ("image/png", PNG)
        assert small.stand_in.url.encode() not in row.body
    assert small.stand_in.paths[-2:] == [
        "GET /fhir/Binary/x",
        "GET /wado/studies/1.2/series/1.2.3/instances/1.2.3.4/rendered",
    ]


@pytest.mark.parametrize("body", [b"<svg/>", b"%PDF-1.7", b"", b'{"resourceType":"Binary","data":"!"}'])
async def test_what_is_no_jpeg_and_no_png_is_not_shown(small: Small, body: bytes) -> None:
    images = await _pictured(small, PHOTO)
    small.stand_in.twist = lambda asked: (200, {"content-type": "image/png"}, body) if "Binary" in asked.path else None
    (row,) = await small.seen(types=("Media",))

    with pytest.raises(NotShown):
        await images.of(small.asks(), "Media", row.id, 0)


async def test_an_image_at_another_server_is_not_fetched(small: Small) -> None:
    images = await _pictured(
        small, {**PHOTO, "content": {"contentType": "image/png", "url": "http://127.0.0.1:9/x.png"}}
    )
    (row,) = await small.seen(types=("Media",))

    with pytest.raises(NotShown):
        await images.of(small.asks(), "Media", row.id, 0)


async def test_a_stranger_finds_no_image_and_the_source_is_not_asked(small: Small) -> None:
    images = await _pictured(small, PHOTO)
    (row,) = await small.seen(types=("Media",))
    asked = len(small.stand_in.asked)
    elsewhere = await small.world.organisation("Et andet sted")
    stranger = small.world.professional(await small.world.employee(elsewhere), elsewhere)

    with pytest.raises(Unknown):
        await images.of(stranger, "Media", row.id, 0)
    assert len(small.stand_in.asked) == asked


async def test_a_wound_stands_with_its_pictures_and_measurements_over_time(small: Small) -> None:
    lengths = [
        measured(
            name,
            code=LENGTH,
            bodySite={"text": "Højre fod"},
            effectiveDateTime=day,
            valueQuantity={"value": value, "unit": "cm"},
        )
        for name, day, value in (("a", "2026-11-02", 2.5), ("b", "2026-10-02", 3.5))
    ]
    await _pictured(small, PHOTO, *lengths)

    record = record_of(await small.seen(types=("Media", "Observation")))
    view = images_view(record, Words("da"), Names({}, {}), "", "")

    (wound,) = view.wounds
    assert [(day.values, day.pictures) for day in wound.days] == [(("2,5 cm",), ("1",)), (("3,5 cm",), ())]


async def test_an_operator_pauses_a_source_and_nobody_else_does(small: Small) -> None:
    operator = small.world.professional(await small.world.employee(small.ward, "operator"), small.ward, "operator")

    with pytest.raises(Unknown):
        await small.live.sources.switch(asked := small.asks(), small.source, on=False)
    await small.live.sources.switch(operator, small.source, on=False)

    assert (await small.told()).said == Said.PAUSED
    logged = "select permitted from foundation.access_log where action = 202 and trace = $1"
    assert [await small.world.owner.fetchval(logged, one.trace) for one in (asked, operator)] == [False, True]


class _Rows:
    def __init__(self, small: Small) -> None:
        self._small = small

    async def citizen_rows(self, ask: Any, citizen: int, types: Any, limit: int) -> list[Any]:
        return await PortalRows(self._small.world.store).citizen_rows(ask, citizen, types, limit)
