"""A citizen with several keys or numbers is asked about by each, seen once, and parted again without a trace of the other."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import orjson
import pytest

from helhed.foundation.ask import Ask
from helhed.foundation.ids import key_of
from helhed.record.manifest import Said
from helhed.registries.identifiers import CPR, REPLACEMENT_CPR
from helhed.registries.linking import Linking
from helhed.trust.blocks.shapes import Blocks, Shape
from tests.support.stand_in import Asked, bundle, measured, ok
from tests.unit.sources.conftest import NUMBER, Small

pytestmark = pytest.mark.asyncio(loop_scope="module")
REPLACEMENT = "251248AAA1"
HERS, EARLIER = {"system": CPR, "value": NUMBER}, {"system": REPLACEMENT_CPR, "value": REPLACEMENT}


class Registrations:
    """What the source knows: Patients by id, with their numbers and what each has."""

    def __init__(self, small: Small, **patients: tuple[list[dict[str, str]], list[dict[str, Any]]]) -> None:
        self.patients = patients
        small.stand_in.twist = self.twist

    def twist(self, asked: Asked) -> Any:
        *_, one, last = asked.path.split("/")
        if last == "_search":
            system, _, value = asked.form["identifier"][0].partition("|")
            wanted = {"system": system, "value": value}
            return ok(bundle([self._patient(name) for name, (known, _) in self.patients.items() if wanted in known]))
        return ok(bundle([self._patient(one), *self.patients[one][1]]))

    def _patient(self, name: str) -> dict[str, Any]:
        return {"resourceType": "Patient", "id": name, "identifier": self.patients[name][0]}


def named(small: Small) -> list[str]:
    """The numbers that the source was told, in order."""
    return [
        one.form["identifier"][0].partition("|")[2]
        for one in small.stand_in.asked
        if one.path.endswith("Patient/_search")
    ]


async def keeper(small: Small) -> Ask:
    place = await small.world.organisation("CPR")
    await small.world.owner.execute("insert into registries.keeper values ($1)", key_of(place))
    return small.world.system(place)


async def earlier(small: Small) -> UUID:
    """The same person, as the ambulance registered them."""
    return await small.world.patient(small.ward, identifier=[EARLIER])


async def linked(small: Small) -> tuple[UUID, Ask]:
    other, who = await earlier(small), await keeper(small)
    await Linking(small.world.store.pool).link(who, other, small.patient, "Samme pas")
    return other, who


def values(rows: Any) -> list[str]:
    return sorted(orjson.loads(row.body)["note"][0]["text"] for row in rows)


def noted(name: str, whose: str) -> dict[str, Any]:
    return measured(name, whose, note=[{"text": name}])


async def test_both_numbers_are_asked_by_and_what_each_has_is_seen_on_one_page(small: Small) -> None:
    Registrations(small, a=([HERS], [noted("now", "a")]), b=([EARLIER], [noted("then", "b")]))
    other, _ = await linked(small)

    assert (await small.told()).said is Said.ANSWERED
    rows = await small.seen()

    assert named(small) == [NUMBER, REPLACEMENT]
    assert values(rows) == ["now", "then"]
    assert {orjson.loads(row.body)["subject"]["reference"] for row in rows} == {
        f"Patient/{small.patient}",
        f"Patient/{other}",
    }


async def test_a_source_that_has_both_numbers_for_one_patient_is_told_one_and_gives_no_doubles(small: Small) -> None:
    Registrations(small, a=([HERS, EARLIER], [noted("now", "a")]))
    await linked(small)
    await small.told()

    assert named(small) == [NUMBER]
    assert values(await small.seen()) == ["now"]


async def test_what_was_answered_before_the_two_were_one_is_not_there_twice_and_its_block_holds(small: Small) -> None:
    Registrations(small, a=([HERS, EARLIER], [noted("now", "a"), noted("other", "a")]))
    other = await earlier(small)
    await small.world.contact(other, small.ward)
    await small.live.ask_all(small.asks(), key_of(other), ("Observation",))
    before = await small.live.answered(small.asks(), key_of(other), ("Observation",), 100)
    (blocked,) = [row for row in before if values([row]) == ["other"]]
    await Blocks(small.world.store.pool).put(small.world.citizen(other), Shape(what_document=UUID(str(blocked.id))))
    await Linking(small.world.store.pool).link(await keeper(small), other, small.patient, "Samme pas")
    await small.told(small.asks(5))

    assert values(await small.seen(small.asks(5))) == ["now"]
    assert values(await small.seen(replace(small.world.citizen(small.patient), at=small.asks(5).at))) == [
        "now",
        "other",
    ]


async def test_when_they_are_parted_nobody_has_what_was_answered_of_the_other(small: Small) -> None:
    Registrations(small, a=([HERS], [noted("now", "a")]), b=([EARLIER], [noted("then", "b")]))
    other, who = await linked(small)
    await small.told()
    await Linking(small.world.store.pool).unlink(who, other, small.patient, "To personer")

    assert values(await small.seen()) == ["now"]
    before = len(named(small))
    await small.told(small.asks(5))
    assert named(small)[before:] == [NUMBER]


async def test_a_source_that_knows_no_replacement_numbers_is_told_none(small: Small) -> None:
    Registrations(small, a=([HERS], [noted("now", "a")]))
    await linked(small)
    await small.register(replacement_numbers=False)
    await small.told()

    assert named(small) == [NUMBER]


async def test_who_has_a_replacement_number_alone_is_asked_about_nowhere_that_knows_none(small: Small) -> None:
    Registrations(small, b=([EARLIER], [noted("then", "b")]))
    other = await earlier(small)
    await small.world.contact(other, small.ward)
    await small.register(replacement_numbers=False)
    (told,) = (await small.live.ask_all(small.asks(), key_of(other), ("Observation",))).told

    assert (told.said, small.stand_in.asked) == (Said.ANSWERED, [])


async def test_two_numbers_on_one_registration_of_ours_are_both_asked_by(small: Small) -> None:
    Registrations(small, a=([HERS], [noted("now", "a")]), b=([EARLIER], [noted("then", "b")]))
    await small.world.change(
        small.world.system(small.ward),
        small.patient,
        {"resourceType": "Patient", "id": str(small.patient), "identifier": [EARLIER, HERS]},
    )
    await small.told()

    assert sorted(named(small)) == sorted([NUMBER, REPLACEMENT])
    assert values(await small.seen()) == ["now", "then"]


async def test_a_look_at_what_both_numbers_gave_is_in_the_log_of_each_key(small: Small) -> None:
    Registrations(small, a=([HERS], [noted("now", "a")]), b=([EARLIER], [noted("then", "b")]))
    other, _ = await linked(small)
    await small.told()
    ask = small.asks()
    await small.seen(ask)

    for patient in (small.patient, other):
        (row,) = [one for one in await small.world.log(patient) if one["trace"] == ask.trace]
        assert len(row["resources"]) == 1
