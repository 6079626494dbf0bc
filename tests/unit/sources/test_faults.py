"""Whatever a source answers, no wrong row comes into the record, and the manifest says that it did not answer."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import orjson
import pytest

from helhed.foundation.ids import key_of, new_id
from helhed.record.live.asking import Number, ask
from helhed.record.live.faults import Fault, SourceFault
from helhed.record.live.taking import Taken, Whose, take
from helhed.record.live.talking import Talk, Wire
from helhed.record.manifest import Said
from helhed.registries.identifiers import AUTHORISATION
from helhed.registries.sources import Terms
from tests.support.stand_in import THERE, Asked, StandIn, bundle, measured, ok, person
from tests.support.world import NOW, SECRET
from tests.unit.sources.conftest import NUMBER, TYPES, Small

pytestmark = pytest.mark.asyncio(loop_scope="module")

Twist = Callable[[Asked], Any]


def _everything(answer: Any) -> Twist:
    return lambda asked: answer if "everything" in asked.path else None


def _known(answer: Any) -> Twist:
    return lambda asked: answer if asked.path.endswith("Patient/_search") else None


_BASE = {"resourceType": "Bundle", "type": "searchset"}
_FAULTS: dict[str, tuple[Twist, Fault]] = {
    "an error": (_everything((503, {}, b"")), Fault.FAILED),
    "no entry for us": (_everything((401, {}, b"")), Fault.REFUSED),
    "a redirect": (_everything((302, {"location": "http://127.0.0.1:1/fhir"}, b"")), Fault.SENT_ELSEWHERE),
    "garbage": (_everything((200, {}, b"\x00\xff{]")), Fault.UNREADABLE),
    "nothing": (_everything((200, {}, b"")), Fault.UNREADABLE),
    "a page for people": (_everything((200, {"content-type": "text/html"}, b"<html></html>")), Fault.UNREADABLE),
    "too deep": (_everything((200, {}, b"[" * 100_000)), Fault.UNREADABLE),
    "the same name twice": (_everything((200, {}, b'{"resourceType":"Bundle","resourceType":"Bundle"}')), Fault.UNREADABLE),
    "no Bundle": (_everything(ok({"resourceType": "Observation"})), Fault.UNREADABLE),
    "another sort of Bundle": (_everything(ok({**bundle([]), "type": "transaction"})), Fault.UNREADABLE),
    "entries that are none": (_everything(ok({**_BASE, "entry": [1]})), Fault.UNREADABLE),
    "another version": (_everything((200, {"content-type": "application/fhir+json; fhirVersion=5.0"}, orjson.dumps(bundle([])))), Fault.UNREADABLE),
    "half an answer": (_everything((200, {"content-length": "1000"}, b"{")), Fault.UNREACHED),
    "two lengths": (_everything((200, {"content-length": "1\r\ncontent-length: 2"}, b"{}")), Fault.UNREACHED),
    "more than is taken": (_everything((200, {}, b" " * 9_000_000)), Fault.TOO_LARGE),
    "too many rows": (_everything(ok(bundle([measured(str(n)) for n in range(2001)]))), Fault.TOO_LARGE),
    "pages at another server": (_everything(ok(bundle([], link=[{"relation": "next", "url": "https://elsewhere.example/fhir?2"}]))), Fault.SENT_ELSEWHERE),
    "pages above its address": (_everything(ok(bundle([], link=[{"relation": "next", "url": "../secret"}]))), Fault.SENT_ELSEWHERE),
    "pages in a circle": (_everything(ok(bundle([], link=[{"relation": "next", "url": f"Patient/{THERE}/$everything"}]))), Fault.TOO_LARGE),
    "a row of another citizen": (_everything(ok(bundle([measured("a"), measured("b", "somebody-else")]))), Fault.WRONG_PERSON),
    "another citizen": (_everything(ok(bundle([person("0101019999", "other"), measured("a")]))), Fault.WRONG_PERSON),
    "a Patient with another number": (_known(ok(bundle([person("0101019999")]))), Fault.WRONG_PERSON),
    "a Patient with no number": (_known(ok(bundle([{"resourceType": "Patient", "id": THERE}]))), Fault.WRONG_PERSON),
    "two Patients": (_known(ok(bundle([person(NUMBER), person(NUMBER, "other")]))), Fault.WRONG_PERSON),
    "an id that is an address": (_known(ok(bundle([person(NUMBER, "../../admin")]))), Fault.UNREADABLE),
}  # fmt: skip


@pytest.mark.parametrize("name", _FAULTS)
async def test_an_answer_with_a_fault_is_not_used(name: str) -> None:
    twist, fault = _FAULTS[name]
    async with StandIn(NUMBER, [measured("a")], twist).running() as stand_in:
        with pytest.raises(SourceFault) as raised:
            await _taken_from(stand_in)

    assert raised.value.fault == fault


async def _taken_from(stand_in: StandIn) -> Taken:
    talk = Talk(Wire(), Terms(stand_in.url, internal_network=True), "", "x")
    answered = await ask(talk, Number(NUMBER, replacement=False), TYPES)
    return take(answered, TYPES, Whose(UUID(int=1), stand_in.url, new_id(), SECRET, NOW, {}))


async def test_what_was_known_stays_when_an_answer_has_a_fault(small: Small) -> None:
    await small.told()
    small.stand_in.twist, fault = _FAULTS["a row of another citizen"]

    told = await small.told(small.asks(minutes=5))

    assert (told.said, told.fault) == (Said.LAST_ANSWER, fault)
    assert [orjson.loads(row.body)["valueQuantity"]["value"] for row in await small.seen(small.asks(minutes=5))] == [72]


async def test_nobody_listens(small: Small) -> None:
    await small.register()
    await small.world.owner.execute(
        "update registries.source set terms = jsonb_set(terms, '{address}', '\"http://127.0.0.1:9\"')"
    )

    assert (await small.told()).fault == Fault.UNREACHED


async def test_a_source_that_stands_within_our_own_network_without_permission_is_not_reached(small: Small) -> None:
    await small.world.owner.execute("update registries.source set terms = terms || '{\"internal_network\": false}'")

    assert (await small.told()).fault == Fault.SENT_ELSEWHERE
    assert small.stand_in.asked == []


async def test_a_citizen_whom_the_source_does_not_know_has_nothing_there(small: Small) -> None:
    small.stand_in.twist = _known(ok(bundle([])))

    told = await small.told()

    assert (told.said, await small.seen()) == (Said.ANSWERED, [])


async def test_rows_that_break_the_definitions_are_left_out_and_counted(small: Small) -> None:
    wrong = measured("b") | {"status": "nonsense"}
    small.stand_in.resources = [measured("a"), wrong, measured("c") | {"unknown": 1}, measured("not an id")]

    told = await small.told()

    assert (told.said, told.dropped, len(await small.seen())) == (Said.ANSWERED, 3, 1)


async def test_a_row_that_comes_twice_is_there_once_as_its_newest_version(small: Small) -> None:
    older, newer = (measured("a", meta={"versionId": n}, note=[{"text": n}]) for n in ("9", "10"))
    small.stand_in.resources = [newer, older]
    await small.told()

    (row,) = await small.seen()
    assert orjson.loads(row.body)["note"] == [{"text": "10"}]


async def test_a_row_that_also_names_another_citizen_is_left_out(small: Small) -> None:
    mother = measured("b", focus=[{"reference": "Patient/mother"}])
    contained = measured("c", contained=[{"resourceType": "Patient", "id": "x"}])
    small.stand_in.resources = [measured("a"), mother, contained]

    assert ((await small.told()).dropped, len(await small.seen())) == (2, 1)


async def test_what_a_source_has_no_more_is_gone_with_its_next_answer(small: Small) -> None:
    await small.told()
    small.stand_in.resources = [measured("b", note=[{"text": "ny"}])]
    await small.told(small.asks(minutes=5))

    (row,) = await small.seen(small.asks(minutes=5))
    assert orjson.loads(row.body)["note"] == [{"text": "ny"}]


async def test_a_row_keeps_its_id_from_answer_to_answer(small: Small) -> None:
    await small.told()
    (before,) = await small.seen()
    await small.told(small.asks(minutes=5))
    (after,) = await small.seen(small.asks(minutes=5))

    assert before.id == after.id


async def test_an_answer_that_comes_late_does_not_take_the_place_of_a_newer_one(small: Small) -> None:
    small.stand_in.hangs = lambda asked: "everything" in asked.path
    early = asyncio.create_task(small.told())
    await small.stand_in.reached.wait()
    (planned,) = await small.live.kept.plan(small.asks(minutes=5), small.citizen, ("Observation",))
    await small.live.kept.put(planned, small.citizen, small.asks(minutes=5).at, Taken(()))
    await small.live.kept.put(planned, small.citizen, small.asks().at, Taken((), 7))
    small.bell.ring()
    await early

    assert await small.world.owner.fetchval("select sum(dropped) from fhir.live_answer") == 0


async def test_numbers_keep_their_precision(small: Small) -> None:
    raw = orjson.dumps(bundle([small.stand_in.patient, measured("a")])).replace(b"72", b"72.00")
    small.stand_in.twist = _everything((200, {}, raw))
    await small.told()

    assert b'"value":72.00' in (await small.seen())[0].body


async def test_no_address_of_the_source_stands_in_a_row(small: Small) -> None:
    base = small.stand_in.url
    small.stand_in.resources = [
        measured("a", derivedFrom=[{"reference": f"{base}/Observation/b"}], device={"reference": "Device/7", "display": "Måler"}),
        measured("b"),
    ]  # fmt: skip
    await small.told()

    rows = {row.id: orjson.loads(row.body) for row in await small.seen()}
    (first,) = [one for one in rows.values() if "device" in one]
    assert first["device"] == {"display": "Måler", "identifier": {"system": base, "value": "Device/7"}}
    assert first["derivedFrom"][0]["reference"].removeprefix("Observation/") in map(str, rows)


async def test_a_block_of_the_sources_organisation_hides_its_rows_and_changes_nothing_else(small: Small) -> None:
    open_told = await small.told()
    await small.world.block(small.patient, who=small.ward, what=small.clinic)

    assert await small.told(small.asks(minutes=5)) == replace_at(open_told, small)
    assert await small.seen(small.asks(minutes=5)) == []
    assert len(await small.seen(small.world.citizen(small.patient))) == 1


@pytest.mark.parametrize("minutes", [0, 5])
async def test_nobody_behind_a_block_learns_that_a_source_had_something_that_could_not_be_used(
    small: Small, minutes: int
) -> None:
    small.stand_in.resources = [measured("a"), measured("b") | {"status": "nonsense"}]
    assert (await small.told()).dropped == 1
    await small.world.block(small.patient, who=small.ward, what=small.clinic)

    told = await small.told(small.asks(minutes=minutes))

    assert (told.said, told.dropped) == (Said.ANSWERED, 0)
    assert (await small.told(small.world.citizen(small.patient))).dropped == 1


async def test_a_block_of_everything_leaves_the_manifest_as_it_is(small: Small) -> None:
    open_told = await small.told()
    await small.world.block(small.patient, who=small.ward)

    assert await small.told(small.asks(minutes=5)) == replace_at(open_told, small)
    assert await small.seen(small.asks(minutes=5)) == []


def replace_at(told: Any, small: Small) -> Any:
    return replace(told, at=small.asks(minutes=5).at)


async def _block_author(small: Small, professional: Any) -> None:
    await small.world.owner.execute(
        "insert into trust.block (id, citizen, what_author, valid_from, set_by, set_at) values (gen_random_uuid(), $1, $2, '-infinity', $1, now())",
        small.citizen, key_of(professional),
    )  # fmt: skip


async def test_a_block_of_an_author_holds_for_one_who_is_known_here_by_number(small: Small) -> None:
    number = [{"system": AUTHORISATION, "value": "ABC12"}]
    author = await small.world.employee(small.clinic, practitioner={"identifier": number})
    doctor = {"resourceType": "Practitioner", "id": "d", "identifier": number}
    small.stand_in.resources = [doctor, measured("a", performer=[{"reference": "Practitioner/d"}]), measured("b")]
    await small.told()
    assert len(await small.seen()) == 2

    await _block_author(small, author)
    (left,) = await small.seen()
    assert b"performer" not in left.body


async def test_a_row_by_an_author_whom_nobody_here_knows_is_covered_by_every_block_of_an_author(small: Small) -> None:
    small.stand_in.resources = [measured("a", performer=[{"reference": "Practitioner/nobody"}]), measured("b")]
    await small.told()
    await _block_author(small, small.doctor)

    assert len(await small.seen()) == 1


async def test_a_report_is_hidden_with_a_result_that_it_presents(small: Small) -> None:
    number = [{"system": AUTHORISATION, "value": "ABC12"}]
    author = await small.world.employee(small.clinic, practitioner={"identifier": number})
    doctor = {"resourceType": "Practitioner", "id": "d", "identifier": number}
    report = {
        "resourceType": "DiagnosticReport", "id": "r", "status": "final", "code": {"text": "Svar"},
        "subject": {"reference": f"Patient/{THERE}"}, "result": [{"reference": "Observation/a"}],
    }  # fmt: skip
    small.stand_in.resources = [doctor, measured("a", performer=[{"reference": "Practitioner/d"}]), report]
    await small.told()
    assert len(await small.seen()) == 2

    await _block_author(small, author)
    assert await small.seen() == []


@pytest.mark.parametrize("blocked", ["Observation", "DiagnosticReport"])
async def test_a_block_of_one_document_hides_it_with_what_it_presents_and_with_what_presents_it(
    small: Small, blocked: str
) -> None:
    report = {
        "resourceType": "DiagnosticReport", "id": "r", "status": "final", "code": {"text": "Svar"},
        "subject": {"reference": f"Patient/{THERE}"}, "result": [{"reference": "Observation/a"}],
    }  # fmt: skip
    small.stand_in.resources = [measured("a"), measured("b"), report]
    await small.told()
    rows = await small.seen()
    named = next(row for row in rows if row.type_name == blocked)
    presented = {one["reference"] for row in rows for one in orjson.loads(row.body).get("result", ())}
    if blocked == "Observation":
        named = next(row for row in rows if f"Observation/{row.id}" in presented)
    await small.world.owner.execute(
        "insert into trust.block (id, citizen, what_document, valid_from, set_by, set_at) values (gen_random_uuid(), $1, $2, '-infinity', $1, now())",
        small.citizen, named.id,
    )  # fmt: skip

    (left,) = await small.seen()
    assert f"Observation/{left.id}" not in presented
    for row in rows:
        found = await small.live.kept.read(small.asks(), row.type_name, row.id)
        assert (found is not None) == (row.id == left.id)


async def test_one_row_is_read_by_its_id_and_a_stranger_finds_nothing(small: Small) -> None:
    await small.told()
    (row,) = await small.seen()
    elsewhere = await small.world.organisation("Et andet sted")
    stranger = small.world.professional(await small.world.employee(elsewhere), elsewhere)

    ask = small.asks()
    assert (await small.live.kept.read(ask, "Observation", row.id)) is not None
    assert (await small.live.kept.read(stranger, "Observation", row.id)) is None
    assert [one["permitted"] for who in (ask, stranger) for one in await small.logged(who)] == [True, False]
