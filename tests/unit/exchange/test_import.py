"""Import of foreign FHIR: counted, merged, refused with a reason, and never twice."""

import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from helhed.commands.importing import owner_pool
from helhed.exchange.foreign.load import Importer, Report
from helhed.exchange.foreign.source import register_source
from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.fhir.packages import install, read_package, require
from helhed.fhir.profiles.knowledge import Knowledge
from helhed.fhir.store.cursor import CursorSigner
from helhed.fhir.store.sessions import Sessions
from helhed.foundation.clock import system_clock
from helhed.hooks import HOOKS
from helhed.registries.identifiers import CPR
from tests.support.archives import archive
from tests.support.shapes import element, profile
from tests.support.world import NOW, SECRET, World

SHARED = Path(os.environ.get("HELHED_SHARED", Path(__file__).resolve().parents[4] / "shared"))
SYNTHEA = SHARED / "data" / "synthea-r4" / "bundles.tar.xz"


async def imported(world: World, *paths: Path) -> Report:
    pool = await owner_pool(world.target, 4)
    try:
        knowledge = Knowledge(pool)
        await knowledge.refresh()
        sessions = Sessions(pool, HOOKS, CursorSigner(SECRET))
        source = await register_source(sessions, "Foreign", SECRET, system_clock)
        return await Importer(pool, sessions, source, SECRET, system_clock, knowledge).run(list(paths))
    finally:
        await pool.close()


def document(folder: Path, number: int, **patient: Any) -> Path:
    """A Bundle of one patient, one result and the organisation that all documents share."""
    name = f"urn:uuid:0000000{number}-0000-4000-8000-000000000000"
    entries = [
        {"resourceType": "Organization", "id": "shared-hospital", "name": "GENERAL HOSPITAL"},
        {"resourceType": "Patient", "id": f"p{number}", "name": [{"family": "Roe", "given": ["Ann"]}], "gender": "female", "birthDate": "1974-01-26", **patient},
        {"resourceType": "Observation", "id": f"o{number}", "status": "final", "code": {"coding": [{"system": "http://loinc.org", "code": "8302-2"}]}, "subject": {"reference": name}, "valueQuantity": {"value": 1.50, "unit": "m"}},
        {"resourceType": "Observation", "id": f"bad{number}", "status": "nonsense", "code": {}, "subject": {"reference": name}},
    ]  # fmt: skip
    urls = ["urn:uuid:10000000-0000-4000-8000-000000000000", name, f"urn:uuid:2000000{number}-0000-4000-8000-000000000000", f"urn:uuid:3000000{number}-0000-4000-8000-000000000000"]  # fmt: skip
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"fullUrl": u, "resource": r, "request": {"method": "POST", "url": r["resourceType"]}} for u, r in zip(urls, entries, strict=True)],
    }  # fmt: skip
    path = folder / f"{number}.json"
    path.write_text(json.dumps(bundle))
    return path


async def test_every_entry_is_stored_merged_or_refused_with_its_reason(world: World, tmp_path: Path) -> None:
    report = await imported(world, document(tmp_path, 1), document(tmp_path, 2))
    assert (report.entries, report.stored, report.merged, report.rejected) == (8, 5, 1, 2)
    assert list(report.reasons) == ["Observation: status must be one of the codes its definition lists."]


async def test_importing_again_changes_nothing(world: World, tmp_path: Path) -> None:
    path = document(tmp_path, 1)
    await imported(world, path)
    before = await world.owner.fetchval("select count(*) from fhir.resource")
    again = await imported(world, path)
    assert (again.already, again.stored) == (1, 3)
    assert await world.owner.fetchval("select count(*) from fhir.resource") == before


async def test_whoever_is_here_by_number_is_merged_and_their_results_go_to_them(world: World, tmp_path: Path) -> None:
    number = {"identifier": [{"system": CPR, "value": "2601741234"}]}
    await imported(world, document(tmp_path, 1, **number))
    report = await imported(
        world, document(tmp_path, 2, identifier=[{"value": "x"}, {"system": CPR, "value": "260174-1234"}])
    )
    assert (report.stored, report.merged) == (1, 2)
    (patient,) = await world.owner.fetch("select patient from registries.citizen where name = 'Ann Roe'")
    results = await world.search(world.citizen(patient["patient"]), "Observation?_sort=_id")
    assert len(results.matches) == 2


async def test_a_patient_without_a_number_gets_a_replacement_number_and_keeps_its_own(
    world: World, tmp_path: Path
) -> None:
    await imported(world, document(tmp_path, 1))
    row = await world.owner.fetchrow("select * from registries.citizen where name = 'Ann Roe'")
    assert row is not None
    assert (row["replacement"], row["cpr"][:7]) == (True, "2601741")
    body = json.loads((await world.store.read(world.citizen(row["patient"]), "Patient", row["patient"])).body)
    assert {one["system"] for one in body["identifier"]} == {
        "urn:helhed:source:foreign",
        "urn:oid:1.2.208.176.1.6.1.1",
    }


async def test_what_was_sent_is_what_comes_back_to_the_decimal(world: World, tmp_path: Path) -> None:
    path = document(tmp_path, 1)
    path.write_text(path.read_text().replace("1.5,", "1.50,"))
    await imported(world, path)
    patient = await world.owner.fetchval("select patient from registries.citizen where name = 'Ann Roe'")
    page = await world.search(world.citizen(patient), "Observation?_sort=_id")
    assert b'"value":1.50' in page.matches[0].body


async def test_what_breaks_a_demand_is_refused_by_itself(world: World, tmp_path: Path) -> None:
    """The measurement lacks what the profile wants; its patient and organisation go in."""
    rule = profile("p", "Observation", element("Observation.effective[x]", kind="dateTime", min=1, max="1"))
    await install(world.owner, [read_package(archive({"package/p.json": rule.body}))], NOW)
    await require(world.owner, rule.url, None, TYPE_NUMBERS["Observation"], "error", NOW - timedelta(days=1))
    report = await imported(world, document(tmp_path, 1))
    assert (report.entries, report.stored, report.rejected) == (4, 2, 2)
    assert any("effective" in reason for reason in report.reasons)


async def test_an_unreadable_document_is_told_and_the_others_go_in(world: World, tmp_path: Path) -> None:
    (tmp_path / "0.json").write_text('{"resourceType": "Bundle", "entry": [')
    document(tmp_path, 1)
    report = await imported(world, tmp_path)
    assert (report.stored, len(report.unread)) == (3, 1)


async def test_a_document_that_may_not_be_stored_is_told_and_the_others_go_in(world: World, tmp_path: Path) -> None:
    names = [{"system": "urn:x", "value": str(number)} for number in range(6000)]
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": {"resourceType": "Organization", "id": "big", "name": "x", "alias": ["a"] * 6000, "identifier": names}}],
    }  # fmt: skip
    (tmp_path / "0.json").write_text(json.dumps(bundle))
    report = await imported(world, tmp_path / "0.json", document(tmp_path, 1))
    assert (report.stored, len(report.unread)) == (3, 1)
    assert "0.json" in report.unread[0]


@pytest.mark.skipif(not SYNTHEA.exists(), reason="external data: the Synthea bundles are not here")
async def test_all_synthea_bundles_go_in(world: World) -> None:
    report = await imported(world, SYNTHEA)
    assert (report.entries, report.stored, report.merged, report.rejected) == (20893, 20729, 164, 0)
