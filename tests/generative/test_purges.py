"""Whatever is purged: nothing of it is left anywhere, and all the rest is as it was."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings as hypothesis_settings, strategies as st

from helhed.fhir.store.purging import Connected
from helhed.foundation.settings import Settings
from tests.support.databases import copy_of
from tests.support.world import World
from tests.unit.store.purging import Custodians, Ward, custodians, found_in, planted

#: how a row is built: what it is, how many versions it has had, whether it was deleted, and whether it presents the row before it
ROWS = st.lists(
    st.tuples(
        st.sampled_from(
            ["Observation", "Condition", "DiagnosticReport", "RelatedPerson", "DocumentReference", "Encounter"]
        ),
        st.integers(1, 3),
        st.booleans(),
        st.booleans(),
    ),
    min_size=2,
    max_size=5,
)


def _resource(type_name: str, patient: UUID, marker: str, version: int, presented: UUID | None) -> dict[str, Any]:
    """A row of a type with the marker in its narrative, and in what is indexed where the type has such a thing."""
    about = {"reference": f"Patient/{patient}"}
    shown = [] if presented is None else [{"reference": f"Observation/{presented}"}]
    text = {"text": planted(marker)["text"], "language": f"da-{version}"}
    more: dict[str, dict[str, Any]] = {
        "Observation": {"status": "final", "code": {"text": marker}, "subject": about, "valueString": marker, "derivedFrom": shown},
        "Condition": {"subject": about, "code": {"text": marker}, "onsetDateTime": "2020-01-01", "abatementString": marker},
        "DiagnosticReport": {"status": "final", "code": {"text": marker}, "subject": about, "result": shown, "issued": "2026-11-21T08:00:00Z"},
        "RelatedPerson": {"patient": about, "name": [{"family": marker}], "telecom": [{"system": "email", "value": f"{marker}@here.example"}]},
        "DocumentReference": {"status": "current", "subject": about, "description": marker, "content": [{"attachment": {"title": marker}}],
                              "context": {"related": shown}},
        "Encounter": {"status": "finished", "class": {"code": "AMB"}, "subject": about, "reasonCode": [{"text": marker}],
                      "length": {"value": version, "unit": marker}},
    }  # fmt: skip
    return {
        "resourceType": type_name,
        **text,
        **{name: value for name, value in more[type_name].items() if value not in ([], {"related": []})},
    }


async def _written(ward: Ward, rows: list[Any]) -> list[tuple[str, UUID, str]]:
    """The rows in the store, each with a marker of its own."""
    found: list[tuple[str, UUID, str]] = []
    system = ward.world.system(ward.hospital)
    for type_name, versions, deleted, presents in rows:
        marker = f"zyx{uuid4().hex[:12]}"
        before = next((one for kind, one, _ in reversed(found) if kind == "Observation"), None) if presents else None
        row = await ward.put(_resource(type_name, ward.wrong, marker, 1, before))
        for version in range(2, versions + 1):
            await ward.world.change(
                system, row, {**_resource(type_name, ward.wrong, marker, version, before), "id": str(row)}
            )
        if deleted:
            await ward.world.delete(system, type_name, row)
        found.append((type_name, row, marker))
    return found


async def _purge(ward: Ward, rows: list[tuple[str, UUID]]) -> set[UUID]:
    """Purges these, and whatever presents them; answers what went."""
    while True:
        try:
            await ward.staff.purge(*rows, rightful=ward.right)
        except Connected as connected:
            rows += connected.others
            continue
        return {row for _, row in rows}


@pytest.mark.parametrize("examples", [6, pytest.param(120, marks=pytest.mark.long)])
async def test_nothing_of_what_is_purged_is_left_and_all_the_rest_is(server_target, tmp_path, examples):
    drawn: list[list[Any]] = []

    @hypothesis_settings(
        max_examples=examples, database=None, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
    )
    @given(ROWS, st.integers(0, 4))
    def draw(rows, which):
        drawn.append([rows, which])

    draw()
    async with copy_of(server_target) as target:
        world = await World.open(target, Settings(data_dir=tmp_path, demo=True))
        hospital = await world.organisation("Sygehus")
        staff = await custodians(world, hospital)
        try:
            await _examine(world, hospital, staff, drawn)
        finally:
            await world.close()


async def _examine(world: World, hospital: UUID, staff: Custodians, drawn: list[list[Any]]) -> None:
    for rows, which in drawn:
        ward = Ward(world, staff, hospital, await world.patient(hospital), await world.patient(hospital), "")
        written = await _written(ward, rows)
        await world.owner.execute("analyze fhir.resource_string")
        type_name, row, _ = written[which % len(written)]
        before = {one: await found_in(world.owner, marker) for _, one, marker in written}
        gone = await _purge(ward, [(type_name, row)])
        for _, one, marker in written:
            left = await found_in(world.owner, marker)
            assert left == (set() if one in gone else before[one] & left), (type_name, left)
            assert one in gone or {place for place in before[one] if not place.startswith("statistics")} <= left
