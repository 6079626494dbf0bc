"""What each kind of search finds. One record is searched in many ways; dates have a file of their own."""

from uuid import UUID

import pytest
import pytest_asyncio

from helhed.foundation.errors import BadRequest
from tests.support.world import World
from tests.unit.store.scene import Scene

pytestmark = pytest.mark.asyncio(loop_scope="module")
LOINC, LOCAL = "http://loinc.org", "urn:local"


class Shelf:
    """Named rows, and which of them a search finds."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.rows: dict[str, UUID] = {}

    async def finds(self, url: str) -> str:
        """The names of the matches, sorted, in one word."""
        names = {identifier: name for name, identifier in self.rows.items()}
        found = await self.scene.world.found(self.scene.doctor, url.format(**self.rows))
        return " ".join(sorted(names[one] for one in found if one in names))


def concept(*codings: tuple[str | None, str]) -> dict[str, object]:
    return {
        "coding": [{"code": code} if system is None else {"system": system, "code": code} for system, code in codings]
    }


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shelf_of_rows(library: Scene) -> Shelf:
    shelf = Shelf(library)
    world, rows = library.world, shelf.rows
    people = {"aase": "Åse", "oele": "Øle", "aere": "Ærø", "jose": "José", "pct": "50%_off"}
    for name, family in people.items():
        rows[name] = await treated(library, family)
    rows["patient"], rows["visit"] = library.patient, library.contact
    rows["pulse"] = await world.observation(library.patient, library.hospital, "8867-4")
    for name, code in {
        "two": concept((LOINC, "8867-4"), (LOCAL, "puls")),
        "local": concept((LOCAL, "8867-4")),
        "bare": concept((None, "8867-4")),
        "text": {"text": "puls"},
    }.items():
        rows[name] = await world.put(library.custodian, library.result(code=code, status="preliminary"))
    visit = {"reference": f"Encounter/{library.contact}"}
    outside = {"reference": "https://elsewhere.example/fhir/Encounter/7"}
    named = {"identifier": {"system": "urn:visits", "value": "v1"}}
    for name, reference in {"atvisit": visit, "outside": outside, "named": named}.items():
        rows[name] = await world.observation(library.patient, library.hospital, "9-9", encounter=reference)
    return shelf


async def treated(scene: Scene, family: str) -> UUID:
    patient = await scene.world.patient(scene.hospital, family)
    await scene.world.contact(patient, scene.ward)
    return patient


@pytest.mark.parametrize(
    ("url", "names"),
    [
        ("Observation?code=8867-4", "bare local pulse two"),
        ("Observation?code=http://loinc.org|8867-4", "pulse two"),
        ("Observation?code=urn:local|8867-4", "local"),
        ("Observation?code=|8867-4", "bare"),
        ("Observation?code=urn:local|", "local two"),
        ("Observation?code=puls", "two"),
        ("Observation?code=puls,http://loinc.org|9-9", "atvisit named outside two"),
        ("Observation?code=8867-4&code=puls", "two"),
        ("Observation?code=8867-4&status=preliminary", "bare local two"),
        ("Observation?code:not=8867-4", "atvisit named outside text"),
        ("Observation?code:not=http://loinc.org|8867-4", "atvisit bare local named outside text"),
        ("Observation?code:not=puls&status:not=final", "bare local text"),
        ("Observation?code:not=8867-4,9-9", "text"),
        ("Observation?encounter:missing=false", "atvisit named outside"),
        ("Observation?encounter:missing=true&status=final", "pulse"),
        ("Observation?code=8867-", ""),
    ],
)  # fmt: skip
async def test_tokens(shelf_of_rows: Shelf, url: str, names: str) -> None:
    assert await shelf_of_rows.finds(url) == names


@pytest.mark.parametrize(
    ("url", "names"),
    [
        ("Patient?family=å", "aase patient"),
        ("Patient?family=Å", "aase patient"),
        ("Patient?family=a", ""),
        ("Patient?family=øl", "oele"),
        ("Patient?family=ol", ""),
        ("Patient?family=ÆRØ", "aere"),
        ("Patient?family=aero", ""),
        ("Patient?family=JOSE", "jose"),
        ("Patient?family=josé", "jose"),
        ("Patient?family:exact=José", "jose"),
        ("Patient?family:exact=jose", ""),
        ("Patient?family:exact=Jos", ""),
        ("Patient?family:contains=rø", "aere"),
        ("Patient?family:contains=s", "aase jose patient"),
        ("Patient?family=jos,øl", "jose oele"),
        ("Patient?family=50%", "pct"),
        ("Patient?family=5__", ""),
        ("Patient?family:contains=%", "pct"),
        ("Patient?name=ane&family=jos", "jose"),
        ("Patient?given:missing=true", ""),
        ("Patient?family=' or true --", ""),
    ],
)
async def test_strings(shelf_of_rows: Shelf, url: str, names: str) -> None:
    assert await shelf_of_rows.finds(url) == names


@pytest.mark.parametrize(
    ("url", "names"),
    [
        ("Observation?encounter=Encounter/{visit}", "atvisit"),
        ("Observation?encounter={visit}", "atvisit"),
        ("Observation?encounter:Encounter={visit}", "atvisit"),
        ("Observation?encounter=https://elsewhere.example/fhir/Encounter/7", "outside"),
        ("Observation?encounter=Encounter/7", ""),
        ("Observation?encounter:identifier=urn:visits|v1", "named"),
        ("Observation?encounter:identifier=urn:other|v1", ""),
        ("Observation?subject=Patient/{aase}", ""),
        ("Observation?patient={patient}&code=9-9", "atvisit named outside"),
        ("Patient?_id={patient},{jose}", "jose patient"),
        ("Patient?_id=not-an-id", ""),
        ("Observation?_id={pulse}&_id={two}", ""),
        ("Patient?_id={pulse}", ""),
    ],
)
async def test_references_and_ids(shelf_of_rows: Shelf, url: str, names: str) -> None:
    assert await shelf_of_rows.finds(url) == names


@pytest.mark.parametrize(
    ("url", "names"),
    [
        ("Observation?subject:Patient.family=ånæs&code=9-9", "atvisit named outside"),
        ("Observation?patient.family=ånæs&code=9-9", "atvisit named outside"),
        ("Observation?patient.family=jos", ""),
        ("Observation?encounter:Encounter.status=in-progress", "atvisit"),
        ("Observation?encounter:Encounter.status=finished", ""),
        ("Observation?encounter:Encounter.patient.family=ån", "atvisit"),
        ("Observation?encounter.service-provider.name=afd", "atvisit"),
        ("Encounter?patient.birthdate=1958-03", "visit"),
        ("Encounter?patient.family:missing=true", ""),
        ("Patient?general-practitioner:Organization.name=lægehus", "patient"),
        ("Patient?general-practitioner:Organization.name=laegehus", ""),
        ("Patient?general-practitioner.name=lægehus", "patient"),
        ("Observation?encounter.status=in-progress", "atvisit"),
        ("Observation?subject.name=ånæs&code=9-9", "atvisit named outside"),
        ("Patient?_has:Observation:patient:code=9-9", "patient"),
        ("Patient?_has:Observation:patient:code=none", ""),
        ("Encounter?_has:Observation:encounter:code=9-9", "visit"),
        ("Encounter?_has:Observation:encounter:status=preliminary", ""),
        ("Patient?_has:Encounter:patient:_has:Observation:encounter:code=9-9", "patient"),
        ("Observation?patient._has:Encounter:patient:status=in-progress&code=9-9", "atvisit named outside"),
        ("Encounter?_has:Observation:encounter:patient.family=ånæs", "visit"),
    ],
)
async def test_chains(shelf_of_rows: Shelf, url: str, names: str) -> None:
    assert await shelf_of_rows.finds(url) == names


@pytest.mark.parametrize(
    ("url", "names"),
    [
        ("Observation?_filter=code eq 9-9", "atvisit named outside"),
        ("Observation?_filter=code eq http://loinc.org|8867-4 and status eq preliminary", "two"),
        ("Observation?_filter=code eq 9-9 or status eq preliminary", "atvisit bare local named outside text two"),
        ("Observation?_filter=(code eq 9-9 or code eq puls) and not (encounter pr true)", "two"),
        ("Observation?_filter=code eq 9-9 and encounter.status eq in-progress", "atvisit"),
        ("Observation?_filter=encounter:Encounter[status eq in-progress].subject pr true", "atvisit"),
        ("Observation?_filter=encounter:Encounter[status eq finished].subject pr true", ""),
        ("Observation?_filter=encounter re Encounter/{visit}", "atvisit"),
        ("Encounter?_filter=_has:Observation:encounter:code eq 9-9", "visit"),
        ("Patient?_filter=birthdate ge 1958-01-01 and birthdate po 1958-03", "patient"),
        ('Patient?_filter=family eq "JOSE"', "jose"),
        ('Patient?_filter=family eq "jos"', ""),
        ('Patient?_filter=family sw "jos"', "jose"),
        ('Patient?_filter=family ew "rø"', "aere"),
        ('Patient?_filter=family co "%"', "pct"),
        ('Patient?_filter=family eq "x\\" or family ne \\"x"', ""),
    ],
)
async def test_filters(shelf_of_rows: Shelf, url: str, names: str) -> None:
    assert await shelf_of_rows.finds(url) == names


async def test_a_total_counts_all_matches_whatever_the_page(shelf_of_rows: Shelf) -> None:
    world, doctor = shelf_of_rows.scene.world, shelf_of_rows.scene.doctor
    for count in (0, 2, 200):
        page = await world.search(doctor, f"Observation?code=8867-4&_total=accurate&_count={count}")
        assert page.total == 5  # four of this shelf and the scene's own
    assert (await world.search(doctor, "Observation?code=8867-4&_total=none")).total is None


async def test_include_brings_what_a_match_names_once(shelf_of_rows: Shelf) -> None:
    scene = shelf_of_rows.scene
    page = await scene.world.search(
        scene.doctor, "Observation?code=9-9&_include=Observation:encounter&_include=Observation:subject"
    )
    assert sorted(version.type_name for version in page.included) == ["Encounter", "Patient"]


async def test_include_can_ask_for_one_target_type(shelf_of_rows: Shelf) -> None:
    scene = shelf_of_rows.scene
    page = await scene.world.search(scene.doctor, "Observation?code=9-9&_include=Observation:subject:Group")
    assert page.included == []


async def test_revinclude_brings_what_names_a_match(shelf_of_rows: Shelf) -> None:
    scene, rows = shelf_of_rows.scene, shelf_of_rows.rows
    page = await scene.world.search(scene.doctor, f"Encounter?_id={rows['visit']}&_revinclude=Observation:encounter")
    assert [version.id for version in page.included] == [rows["atvisit"]]
    page = await scene.world.search(scene.doctor, f"Patient?_id={rows['patient']}&_revinclude=Encounter:patient")
    assert [version.id for version in page.included] == [rows["visit"]]


async def test_includes_of_a_hidden_row_are_left_out(library: Scene, shelf_of_rows: Shelf) -> None:
    """A role that reads contacts but no results gets no result by asking around the corner."""
    world: World = library.world
    secretary = world.professional(await world.employee(library.ward, "secretary"), library.ward, "secretary")
    page = await world.search(
        secretary, f"Encounter?_id={library.contact}&_revinclude=Observation:encounter&_include=Encounter:patient"
    )
    assert [version.type_name for version in page.included] == ["Patient"]


@pytest.mark.parametrize("url", ["Observation?nosuch=1", "Observation?code:in=x", "Observation?_sort=nosuch"])
async def test_what_is_not_understood_is_refused(shelf_of_rows: Shelf, url: str) -> None:
    with pytest.raises(BadRequest):
        await shelf_of_rows.finds(url)
