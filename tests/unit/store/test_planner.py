"""What a search begins with: the planner, on a store that is large enough when "few" is set to five rows."""

import pytest
import pytest_asyncio

from helhed.fhir.query import parse_search
from helhed.fhir.store.plan import as_plan
from tests.generative.mutants import Mutant, mutate
from tests.unit.store.scene import Scene

pytestmark = pytest.mark.asyncio(loop_scope="module")
COMMON, RARE = "http://loinc.org|8867-4", "http://loinc.org|8480-6"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def crowd(library: Scene) -> Scene:
    """Forty pulses, two blood pressures; statistics as they are after an analyze."""
    for place in range(42):
        code = RARE if place < 2 else COMMON
        await library.world.observation(library.patient, library.hospital, code.partition("|")[2])
    await library.world.patient(library.hospital, "Holm", identifier=[{"system": "urn:x", "value": "7"}])
    await library.world.owner.execute("analyze fhir.resource")
    await mutate(library.world.owner, Mutant("", "fhir.beginning", "<= 2000", "<= 5"))
    return library


@pytest.mark.parametrize(
    ("url", "strategy", "driver"),
    [
        (f"Observation?code={COMMON}", "walk", None),
        (f"Observation?code={RARE}", "seek", 1),
        (f"Observation?status=final&code={RARE}&code:not=x", "seek", 2),
        (f"Observation?code={COMMON}&_total=accurate", "open", None),
        (f"Observation?code={COMMON}&date=2026-11-20&_sort=date", "range", None),
        (f"Observation?code={COMMON}&_id=018bcfe5-6812-7762-a694-3f9d5f036e21", "seek", 2),
        ("Patient?identifier=urn:x|7", "seek", 1),
        ("Patient?identifier=urn:x|8&gender=female", "seek", 1),
        ("Observation?status=final", "open", None),
        ("Observation?code:not=a", "open", None),
    ],
)
async def test_a_search_begins_with_what_finds_the_fewest(crowd: Scene, url: str, strategy: str, driver: int) -> None:
    place, _, text = url.partition("?")
    plan = as_plan(parse_search(place, [(one.split("=")[0], one.split("=")[1]) for one in text.split("&")]), None)
    begun = await crowd.world.owner.fetchrow("select * from fhir.beginning($1::jsonb)", plan.decode())
    assert begun is not None
    assert (begun["strategy"], begun["driver"]) == (strategy, driver), begun["rows"]


async def test_an_explanation_does_not_tell_whether_somebody_is_there(crowd: Scene) -> None:
    operator = crowd.world.professional(await crowd.world.employee(crowd.ward, "operator"), crowd.ward, "operator")
    told = []
    for number in ("7", "8"):  # one that is there, one that is not
        query = parse_search("Patient", [("identifier", f"urn:x|{number}"), ("_explain", "true")], operator=True)
        told.append((await crowd.world.store.search(operator, query)).explained)
    assert told[0] == told[1]
    assert "condition 1: any, expected rows: at most 2000 (seeks)" in told[0]


async def test_an_explanation_does_not_tell_how_much_there_is_of_somebody(crowd: Scene) -> None:
    operator = crowd.world.professional(await crowd.world.employee(crowd.ward, "operator"), crowd.ward, "operator")
    other = await crowd.world.owner.fetchval("select patient from registries.citizen where name like '%Holm%'")
    told = []
    for patient in (crowd.patient, other):  # one with forty rows, one with none
        query = parse_search("Observation", [("patient", f"Patient/{patient}"), ("_explain", "true")], operator=True)
        told.append((await crowd.world.store.search(operator, query)).explained)
    assert told[0] == told[1]


async def test_a_page_of_a_common_code_is_walked_to_its_end(crowd: Scene) -> None:
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        following = [("_cursor", cursor)] if cursor else []
        query = parse_search(
            "Observation", [("code", COMMON), ("status", "final,amended,preliminary,x"), ("_count", "7"), *following]
        )
        page = await crowd.world.store.search(crowd.doctor, query)
        seen += [str(one.id) for one in page.matches]
        cursor = page.next_cursor
    assert len(seen) == len(set(seen)) == 41
