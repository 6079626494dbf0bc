"""A source that delivers again what was purged does not bring it back."""

from pathlib import Path
from typing import Any
from uuid import UUID

from tests.support.world import World
from tests.unit.exchange.test_import import document, imported
from tests.unit.store.purging import Custodians, custodians

_NEWEST = """
select r.id, o.id as origin from fhir.resource r join registries.organisation o on o.key = r.origin
where r.citizen is not null and r.citizen <> fhir.key(r.id)"""


async def _purged(world: World, folder: Path, *, nameless: bool = False) -> tuple[UUID, Custodians, Path]:
    """The result of an imported document, purged by the source's custodians."""
    path = document(folder, 1)
    path.write_text(path.read_text().replace('"id": "o1", ', "" if nameless else '"id": "o1", '))
    await imported(world, path)
    row = await world.owner.fetchrow(_NEWEST)
    assert row is not None
    staff = await custodians(world, row["origin"])
    await staff.purge(("Observation", row["id"]))
    return row["id"], staff, path


async def _results(world: World) -> list[Any]:
    return list(await world.owner.fetch(_NEWEST))


async def test_the_same_document_is_known_and_changes_nothing(world: World, tmp_path: Path) -> None:
    _, _, path = await _purged(world, tmp_path)
    report = await imported(world, path)
    assert (report.already, await _results(world)) == (1, [])


async def test_the_same_result_in_another_document_is_refused_and_the_report_says_why(
    world: World, tmp_path: Path
) -> None:
    _, _, path = await _purged(world, tmp_path)
    path.write_text(path.read_text().replace("GENERAL", "Another"))
    report = await imported(world, path)
    assert await _results(world) == []
    assert report.entries == report.stored + report.merged + report.rejected
    assert (
        report.reasons["Observation: recorded on the wrong citizen before and purged: it stays away from this one"] == 1
    )


async def test_the_same_result_under_another_id_of_the_source_is_refused_as_well(world: World, tmp_path: Path) -> None:
    """The document calls it otherwise; what is delivered is byte for byte the same."""
    _, _, path = await _purged(world, tmp_path, nameless=True)
    text = path.read_text()
    path.write_text(text.replace('"fullUrl": "urn:uuid:20000001', '"fullUrl": "urn:uuid:20000009'))
    await imported(world, path)
    assert await _results(world) == []


async def test_the_right_citizen_s_document_is_taken(world: World, tmp_path: Path) -> None:
    row, _, path = await _purged(world, tmp_path)
    text = document(tmp_path, 2).read_text().replace('"o2"', '"o1"')
    path.write_text(text)
    await imported(world, path)
    (now,) = await _results(world)
    assert now["id"] != row
