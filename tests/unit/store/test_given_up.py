"""Looks that the database stopped because they took too long: nothing is answered, and whoever was named reads of it."""

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from helhed.foundation.ask import Action, Ask
from helhed.foundation.ids import key_of
from helhed.registries.identifiers import CPR
from tests.support.door import Door
from tests.unit.store.scene import Scene

#: every look takes too long, but for the reads of single rows
_SLOW = """
create function stopped() returns trigger language plpgsql as $$
declare stack text;
begin
  get diagnostics stack = pg_context;
  if stack ~ '(search_any|search_record_many|history_between|everything_of)' then
    raise exception 'canceling statement due to statement timeout' using errcode = 'query_canceled';
  end if;
  return new;
end $$;
create trigger stopped before insert on foundation.access_log for each row execute function stopped()"""
NUMBER = "1403581235"


async def _told(scene: Scene, ask: Ask) -> list[tuple[UUID | None, bool]]:
    """Whom the rows of an ask name, and whether they were permitted."""
    rows = await scene.world.owner.fetch(
        "select l.citizen, l.permitted, c.patient from foundation.access_log l"
        " left join registries.citizen c on c.key = l.citizen where l.trace = $1 order by l.id", ask.trace
    )  # fmt: skip
    return [(row["patient"], row["permitted"]) for row in rows]


@pytest.mark.parametrize("stranger", [False, True])
@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("Observation?patient=Patient/{id}&_sort=status", 422),
        ("Observation?patient=Patient/{id}", 503),
        ("Patient?identifier={cpr}|{number}&gender=female", 422),
        ("Patient/{id}/_history", 422),
        ("Patient/{id}/$everything", 422),
    ],
)
async def test_whom_a_look_named_that_took_too_long_reads_so(
    scene: Scene, url: str, status: int, stranger: bool
) -> None:
    named = await scene.world.patient(scene.hospital, identifier=[{"system": CPR, "value": NUMBER}])
    await scene.world.contact(named, scene.ward)
    await scene.world.owner.execute(_SLOW)
    ask = replace(scene.stranger if stranger else scene.doctor, trace=uuid4())
    found, _ = await Door(scene.world, ask).get("/fhir/" + url.format(id=named, cpr=CPR, number=NUMBER))
    assert found == status
    assert await _told(scene, ask) == [(named, not stranger)]


async def test_a_look_that_named_nobody_and_took_too_long_is_a_row_too(scene: Scene) -> None:
    await scene.world.owner.execute(_SLOW)
    ask = replace(scene.doctor, trace=uuid4())
    assert (await Door(scene.world, ask).get("/fhir/Observation?status=final&_sort=status"))[0] == 422
    assert await _told(scene, ask) == [(None, True)]


async def test_a_condition_that_took_too_long_leaves_its_row_and_the_attempt(scene: Scene) -> None:
    await scene.world.owner.execute(_SLOW)
    ask = replace(scene.custodian, trace=uuid4())
    condition = {"if-none-exist": f"patient=Patient/{scene.patient}&status=final"}
    status, _ = await Door(scene.world, ask).post("/fhir/Observation", scene.result(), **condition)
    assert status == 422
    rows: list[Any] = await scene.world.owner.fetch("select * from foundation.access_log where trace = $1", ask.trace)
    assert [(row["citizen"], row["action"]) for row in rows] == [(key_of(scene.patient), Action.SEARCH)]
