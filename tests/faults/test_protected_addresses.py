"""The address of whom CPR protects is nowhere: no column of the database has it, whenever protection began, and no door tells it.

Markers are planted in every place where a Patient, a RelatedPerson or a Person can say an address, before and after protection begins; then
every column of every table is searched, and every door is asked by those who may see the record. (Attack 78 in access.md is the same scan
for numbers and secrets.)
"""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
import pytest_asyncio

from helhed.fhir.changes import Change
from helhed.foundation.ids import bucket_of, key_of, new_id
from helhed.record.live.keeping import LiveRows, Planned
from helhed.record.live.taking import LiveRow, Taken
from helhed.registries.identifiers import CPR
from helhed.registries.sources import Terms
from tests.support.door import Door
from tests.support.pages import Pages
from tests.support.world import NOW, World

pytestmark = pytest.mark.asyncio
LABEL = {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}]}
MARK = "Kvidrestien"  #: a street that there is not
NUMBER, OLD = "0101809111", "0101809222"


def address(mark: str = MARK) -> dict[str, Any]:
    return {
        "use": "home",
        "text": f"{mark} 7, 6991 {mark}by",
        "line": [f"{mark} 7"],
        "city": f"{mark}by",
        "postalCode": "6991",
    }


def patient(*, protected: bool, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        **({"meta": LABEL} if protected else {}),
        "text": {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{MARK} 7</div>'},
        "identifier": [
            {"use": "official", "system": CPR, "value": NUMBER},
            {"use": "old", "system": CPR, "value": OLD},
        ],
        "name": [{"family": "Skjult", "given": ["Asta"]}],
        "gender": "female",
        "birthDate": "1980-01-01",
        "address": [address(), {**address(), "use": "old"}],
        "contact": [{"name": {"text": "Bo"}, "address": address()}],
        "extension": [{"url": "urn:x", "valueAddress": address()}],
        "contained": [
            {"resourceType": "RelatedPerson", "id": "a", "patient": {"reference": "#"}, "address": [address()]}
        ],
        **more,
    }


def related(about: UUID | str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "RelatedPerson",
        "patient": {"reference": f"Patient/{about}"},
        "name": [{"text": "Bo"}],
        "address": [address()],
        **more,
    }


class Ward:
    """A ward that treats her, and whoever else may see the record."""

    def __init__(self, world: World, ward: UUID, doctor: UUID) -> None:
        self.world, self.ward, self.doctor = world, ward, doctor
        self.patient = new_id()

    async def bundle(self, *resources: dict[str, Any]) -> None:
        """Created together with her, in one transaction."""
        changes = [
            Change("POST", "Patient", patient(protected=True), orjson.dumps(patient(protected=True)), self.patient)
        ]
        for body in resources:
            changes.append(
                Change("POST", body["resourceType"], body, orjson.dumps(body), new_id(bucket_of(self.patient)))
            )
        await self.world.store.commit(self.world.system(self.ward), changes)


@pytest_asyncio.fixture
async def ward(world: World) -> AsyncIterator[Ward]:
    place = await world.organisation("Afdelingen")
    yield Ward(world, place, await world.employee(place))


async def everything_kept(world: World) -> list[str]:
    """Every table in which the marker stands, in whatever column: bytes are read as hexadecimal, as PostgreSQL writes them."""
    tables = await world.owner.fetch(
        "select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace "
        "where c.relkind in ('r', 'p', 'm') and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')"
    )
    wanted = "|".join([MARK, MARK.encode().hex(), MARK.lower().encode().hex()])
    sought = [row["name"] for row in tables]
    return [
        one
        for one in sought
        if await world.owner.fetchval(f"select exists (select from {one} t where t::text ~* $1)", wanted)
    ]


async def doors(ward: Ward) -> dict[str, str]:
    """What each door says of her to those who may see the record."""
    world, about, answers = ward.world, ward.patient, {}
    await world.contact(about, ward.ward)
    askers = {
        "doctor": world.professional(ward.doctor, ward.ward), "citizen": world.citizen(about), "system": world.system(ward.ward),
    }  # fmt: skip
    body = {"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": {
        "resourceType": "Patient", "identifier": [{"system": CPR, "value": OLD}]}}]}  # fmt: skip
    for who, ask in askers.items():
        door = Door(world, ask)
        for path in (
            f"/fhir/Patient/{about}", f"/fhir/Patient/{about}/_history", f"/fhir/Patient/{about}/_history/1", f"/fhir/Patient/{about}/$everything",
            f"/fhir/Patient/{about}/$summary", f"/fhir/Patient?_id={about}", "/fhir/Patient?address=" + MARK, "/fhir/Patient?address-city=" + MARK,
            f"/fhir/RelatedPerson?patient=Patient/{about}", f"/fhir/RelatedPerson?patient=Patient/{about}&address={MARK}",
            f"/fhir/Person?patient=Patient/{about}", f"/fhir/Patient?_content={MARK}&_id={about}", "/fhir/_history", "/fhir/RelatedPerson/_history",
        ):  # fmt: skip
            _, _, content = await door.do("GET", path)
            answers[f"{who} {path.replace(MARK, 'X')}"] = without_the_question(
                orjson.dumps(content, default=str).decode()
            )
        _, _, content = await door.do("POST", "/fhir/Patient/$match", body)
        answers[f"{who} $match"] = orjson.dumps(content, default=str).decode()
    pages = Pages(world)
    for who, paths in (
        ("citizen", ("/borger", "/borger/stamkort", "/borger/log", "/borger/log/papir", "/borger/beskeder", "/borger/fuldmagter", "/borger/spaerringer")),
        ("doctor", ("/hospital",)),
    ):  # fmt: skip
        person = await pages.person(askers[who])
        for path in paths:
            answers[f"{who} {path}"] = await person.get(path)
        if who == "doctor":
            for number in (NUMBER, OLD):
                answers[f"doctor finds {number}"] = await person.post("/hospital/find", patient=number)
                assert person.status == 200
                assert "Asta Skjult" in person.page, "by the old number as by the new"
            handle = person.address.rpartition("/")[2]
            for path in ("tidslinje", "hjemmel", "indsigt", "apps"):
                answers[f"doctor {path}"] = await person.get(f"/hospital/patient/{handle}/{path}")
    return answers


def without_the_question(text: str) -> str:
    """A search answers with the address that was asked; that is the asker's own word."""
    return text.replace(f"={MARK}", "=X")


@pytest.mark.parametrize(
    "how",
    [
        "protected from the first",
        "protected later",
        "relatives afterwards",
        "all in one transaction",
        "by the relative's own number",
    ],
)
async def test_no_column_has_it_and_no_door_tells_it(ward: Ward, how: str) -> None:
    world, system, about = ward.world, ward.world.system(ward.ward), ward.patient
    person = {"resourceType": "Person", "link": [{"target": {"reference": f"Patient/{about}"}}], "address": [address()]}
    if how == "protected from the first":
        await world.put(system, patient(protected=True), about)
    elif how == "protected later":
        await world.put(system, patient(protected=False), about)
        await world.put(system, related(about))
        row = await world.put(system, related(about, name=[{"text": "Bo 1"}]))
        await world.change(system, row, related(about, name=[{"text": "Bo 2"}]))
        await world.put(system, person)
        await world.change(system, about, patient(protected=False, birthDate="1980-01-02"))
        assert await everything_kept(world), "the scanner finds what is there"
        await world.change(system, about, patient(protected=True))
    elif how == "relatives afterwards":
        await world.put(system, patient(protected=True), about)
        row = await world.put(system, related(about))
        await world.change(system, row, related(about, gender="male"))
        await world.put(system, person)
    elif how == "all in one transaction":
        await ward.bundle(related(about), person)
    else:
        await world.put(system, patient(protected=True), about)
        child = await world.patient(ward.ward, "Barn")
        await world.put(system, related(child, identifier=[{"system": CPR, "value": f"{NUMBER[:6]}-{NUMBER[6:]}"}]))
    assert await everything_kept(world) == []
    answers = await doors(ward)
    assert [door for door, said in answers.items() if MARK.lower() in said.lower()] == []
    assert [door for door, said in answers.items() if "Traceback" in said] == []


async def test_who_is_not_protected_keeps_the_address_to_the_byte(ward: Ward) -> None:
    system = ward.world.system(ward.ward)
    await ward.world.put(system, patient(protected=False), ward.patient)
    row = await ward.world.put(system, related(ward.patient))
    read = (await ward.world.store.read(ward.world.citizen(ward.patient), "RelatedPerson", row)).body
    assert orjson.loads(read)["address"] == [address()]
    other = await ward.world.put(system, patient(protected=True, identifier=[{"system": CPR, "value": "0202809111"}]))
    assert (
        orjson.loads((await ward.world.store.read(ward.world.citizen(ward.patient), "Patient", ward.patient)).body)[
            "address"
        ][0]
        == address()
    )
    masked = orjson.loads((await ward.world.store.read(ward.world.citizen(other), "Patient", other)).body)
    assert masked["address"][0]["extension"][0]["valueCode"] == "masked"
    assert "address" not in masked["contact"][0]


async def test_when_protection_ends_an_address_is_kept_again(ward: Ward) -> None:
    system = ward.world.system(ward.ward)
    await ward.world.put(system, patient(protected=True), ward.patient)
    await ward.world.change(system, ward.patient, patient(protected=False))
    assert await everything_kept(ward.world)
    await ward.world.put(system, related(ward.patient, id=str(uuid4())))
    found = await ward.world.found(
        ward.world.citizen(ward.patient), f"RelatedPerson?patient=Patient/{ward.patient}&address={MARK}"
    )
    assert len(found) == 1


async def test_what_a_live_source_answers_keeps_none_either(ward: Ward) -> None:
    world, system, about = ward.world, ward.world.system(ward.ward), ward.patient
    await world.put(system, patient(protected=True), about)
    other = await world.put(system, patient(protected=False, identifier=[{"system": CPR, "value": "0303809111"}]))
    source = uuid4()
    await world.owner.execute(
        "insert into registries.source (id, organisation, name, kind, way, types, keeper, terms, changed_at) "
        "values ($1, $2, 'Kilde', 'hospital', 'live', '{114}', 'Driften', '{}', now())",
        source, key_of(ward.ward),
    )  # fmt: skip
    terms = Terms(address="http://127.0.0.1:1/fhir")
    for whose in (about, other):
        planned = Planned(
            source,
            ward.ward,
            "Kilde",
            "hospital",
            False,
            "ask",
            ("RelatedPerson",),
            None,
            0,
            None,
            terms,
            (),
            True,
        )
        body = orjson.dumps({"resourceType": "RelatedPerson", "id": str(uuid4()), **related(whose)})
        row = LiveRow(uuid4(), "RelatedPerson", (), (), (), NOW, NOW, NOW, body)
        await LiveRows(world.store.pool).put(planned, key_of(whose), NOW, Taken((row,)))
    kept = {row["citizen"]: row["body"] for row in await world.owner.fetch("select citizen, body from fhir.live_row")}
    assert MARK.encode() in kept[key_of(other)]
    assert MARK.encode() not in kept[key_of(about)]
