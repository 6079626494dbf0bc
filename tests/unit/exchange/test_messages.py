"""Messages are taken whole or not at all, acknowledged once, and shared as what they said."""

import asyncio
from datetime import timedelta
from typing import Any

import orjson
import pytest

from helhed.foundation.ids import key_of
from tests.support.door import Door
from tests.support.world import NOW
from tests.unit.exchange.letters import (
    CLOSED,
    HOSPITAL,
    TOWN,
    WRITER,
    Post,
    communication,
    envelope,
    letter,
    raw,
    report,
    stay,
    step,
    undated,
)

pytestmark = pytest.mark.asyncio
_TABLES = ("message", "envelope", "message_row", "known_row", "retraction", "message_task", "delivery")


@pytest.fixture
async def post(world):
    """Everybody in place."""
    return await Post.opened(world)


async def send(post: Post, message: Any, by: Any = None) -> tuple[int, Any]:
    """Status and answer of a message."""
    return await Door(post.world, post.world.system(by or post.hospital)).post("/fhir/$process-message", message)


def code(answer: Any) -> str:
    """Of an acknowledgement."""
    return str(answer["entry"][0]["resource"]["response"]["code"])


def error(answer: Any) -> str:
    """MedCom's code of what is wrong."""
    return str(answer["entry"][-1]["resource"]["issue"][0]["details"]["coding"][0]["code"])


async def rows(post: Post, type_name: str) -> list[Any]:
    """What stands in the record, as the citizen sees it."""
    page = await post.world.search(post.world.citizen(post.patient), f"{type_name}?patient=Patient/{post.patient}")
    return [orjson.loads(one.body) for one in page.matches]


async def counted(post: Post) -> dict[str, int]:
    """How much is kept."""
    found = {name: await post.world.owner.fetchval(f"select count(*) from exchange.{name}") for name in _TABLES}
    return {**found, "rows": await post.world.owner.fetchval("select count(*) from fhir.resource where type <> 0")}


async def parked(post: Post) -> list[str]:
    """Why something was put aside."""
    return [row["reason"] for row in await post.world.owner.fetch("select reason from exchange.parked order by at, id")]


async def test_a_message_is_acknowledged_kept_shared_and_asked_of_the_receiver(post):
    status, answer = await send(post, letter(*WRITER))
    assert (status, code(answer)) == (200, "ok")
    await post.world.contact(post.patient, post.clinic)
    doctor = post.world.professional(await post.world.employee(post.clinic), post.clinic)
    (found,) = (await post.world.search(doctor, f"Communication?patient=Patient/{post.patient}")).matches
    (task,) = (await post.world.search(doctor, f"Task?patient=Patient/{post.patient}")).matches
    asked = orjson.loads(task.body)
    assert asked["focus"]["reference"] == f"Communication/{found.id}"
    assert (asked["requester"]["reference"], asked["owner"]["reference"]) == (
        f"Organization/{post.hospital}", f"Organization/{post.clinic}",
    )  # fmt: skip
    kept = await post.world.owner.fetchrow("select * from exchange.message")
    assert kept["messaged"] == kept["shared"] is not None
    log = await post.world.log(post.patient)
    assert [row["permitted"] for row in log if row["action"] == 190] == [True]


async def test_a_message_makes_nobody_an_employee(post):
    await send(post, letter(*WRITER))
    assert await post.world.owner.fetchval("select count(*) from trust.employment") == 0
    (found,) = await rows(post, "Communication")
    assert sorted(one["resourceType"] for one in found["contained"]) == ["Practitioner", "PractitionerRole"]


async def test_the_same_envelope_gets_the_same_bytes_and_another_envelope_the_same_content(post):
    message = letter(*WRITER)
    first = (await send(post, message))[1]
    before = await counted(post)
    assert (await send(post, message))[1] == first
    second = (await send(post, envelope(message)))[1]
    assert second["id"] != first["id"]
    assert {**second, "id": 0, "timestamp": 0} == {**first, "id": 0, "timestamp": 0}
    after = await counted(post)
    assert {**after, "envelope": 0} == {**before, "envelope": 0}


async def test_many_of_the_same_message_at_once_are_one(post):
    message = letter(*WRITER)
    several = [envelope(message) for _ in range(6)]
    answers = await asyncio.gather(*(send(post, one) for one in several))
    assert {status for status, _ in answers} <= {200, 503}
    assert {code(answer) for status, answer in answers if status == 200} == {"ok"}
    assert (await counted(post))["message"] == 1
    assert len(await rows(post, "Communication")) == 1


async def test_what_was_altered_on_the_way_is_refused_and_changes_nothing(post):
    message = letter(*WRITER)
    await send(post, message)
    before = await counted(post)
    altered = orjson.loads(raw(envelope(message)).replace(b"Kan I se", b"Nej, se "))
    status, _ = await send(post, altered)
    assert status == 409
    again = {**letter(), "id": message["id"]}
    assert (await send(post, again))[0] == 409
    assert await counted(post) == before
    assert await parked(post) == ["altered", "altered"]


async def test_a_forged_sender_is_refused_without_an_acknowledgement(post):
    status, answer = await send(post, letter(), by=post.clinic)
    assert (status, answer["resourceType"]) == (403, "OperationOutcome")
    assert (await counted(post))["message"] == 0
    assert await parked(post) == ["forged"]


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (letter(receiver="1000016999999"), "MSG_Receiver_Identifier_UNKNOWN"),
        (letter(receiver=CLOSED), "MSG_Receiver_Identifier_UNKNOWN"),
        (letter(receiver=""), "MSG_Receiver_Identifier_MISSING"),
    ],
    ids=["unknown", "closed", "missing"],
)
async def test_who_cannot_be_reached_gets_nothing_and_the_sender_is_told_which(post, message, told):
    if not message["entry"][4]["resource"]["identifier"][1]["value"]:
        del message["entry"][4]["resource"]["identifier"][1]
    before = (await counted(post))["rows"]
    status, answer = await send(post, message)
    assert (status, code(answer), error(answer)) == (200, "fatal-error", told)
    assert (await counted(post))["rows"] == before
    assert await parked(post) == ["refused"]
    assert (await send(post, envelope(message)))[1]["entry"] == answer["entry"]


async def test_a_receiver_whom_the_citizen_blocks_gets_nothing_and_the_sender_does_not_learn_why(post):
    await post.world.block(post.patient, who=post.clinic)
    status, answer = await send(post, letter())
    assert (status, code(answer), error(answer)) == (200, "fatal-error", "MSG_RECEIVER_UNABLE_TO_RECEIVE_MSG_TYPE")
    assert await rows(post, "Communication") == []


async def test_a_message_about_nobody_known_is_taken_when_they_are(post):
    message = letter(number="0202029996")
    assert code((await send(post, message))[1]) == "transient-error"
    assert await parked(post) == ["later"]
    await post.world.patient(post.hospital, identifier=[{"system": "urn:oid:1.2.208.176.1.2", "value": "0202029996"}])
    assert code((await send(post, envelope(message)))[1]) == "ok"
    assert (await counted(post))["message"] == 1


async def test_a_message_about_two_people_is_refused(post):
    other = await post.world.patient(
        post.hospital, identifier=[{"system": "urn:oid:1.2.208.176.1.2", "value": "0202029996"}]
    )
    message = letter(
        {
            "resourceType": "Patient",
            "id": "q",
            "identifier": [{"system": "urn:oid:1.2.208.176.1.2", "value": "0202029996"}],
        }
    )
    assert code((await send(post, message))[1]) == "fatal-error"
    assert await rows(post, "Communication") == []
    assert other


async def test_a_stay_opens_the_record_to_the_hospital_and_closes_with_its_end(post):
    doctor = post.world.professional(await post.world.employee(post.hospital), post.hospital)
    await post.world.observation(post.patient, post.clinic)
    search = f"Observation?patient=Patient/{post.patient}"
    assert await post.world.found(doctor, search) == []
    assert code((await send(post, stay("admit-inpatient", "in-progress")))[1]) == "ok"
    assert len(await post.world.found(doctor, search)) == 1
    cancelled = stay("cancel-admit-inpatient", "entered-in-error", at=NOW + timedelta(minutes=1))
    assert code((await send(post, cancelled))[1]) == "ok"
    assert await post.world.found(doctor, search) == []
    (found,) = await rows(post, "Encounter")
    assert found["status"] == "entered-in-error"


async def test_an_admission_that_comes_after_the_discharge_changes_nothing(post):
    end: dict[str, Any] = {"period": {"end": NOW.isoformat()}}
    await send(post, stay("discharge-inpatient-home", "finished", at=NOW, **end))
    _, answer = await send(post, stay("admit-inpatient", "in-progress", at=NOW - timedelta(days=1)))
    assert code(answer) == "ok"
    (found,) = await rows(post, "Encounter")
    assert found["status"] == "finished"
    assert await post.world.owner.fetchval("select late from exchange.message order by number desc limit 1")


async def test_measurements_are_shared_to_the_digit(post):
    message = raw(report()).replace(b"38.7", b"38.70")
    assert code((await send(post, message, by=post.town))[1]) == "ok"
    (found,) = (
        await post.world.search(post.world.citizen(post.patient), f"Observation?patient=Patient/{post.patient}")
    ).matches
    assert b"38.70" in found.body
    kept = await post.world.owner.fetchrow("select messaged, shared from exchange.message")
    assert kept["messaged"] == kept["shared"] is not None
    other = (await post.world.owner.fetchrow("select messaged from exchange.message"))["messaged"]
    await send(post, report("38.7", observation="o2", diagnostic="d2"), by=post.town)
    assert other != await post.world.owner.fetchval(
        "select messaged from exchange.message order by number desc limit 1"
    )


async def test_what_is_taken_back_is_marked_so_also_when_it_comes_before_what_it_takes_back(post):
    first = report(header="m1")
    back = report(activity="retract-message", before="m1", role="removal", at=NOW + timedelta(hours=1))
    await send(post, first, by=post.town)
    await send(post, back, by=post.town)
    assert {one["status"] for one in await rows(post, "Observation")} == {"entered-in-error"}
    early = report(activity="retract-message", before="m2", role="removal", observation="x", diagnostic="y")
    await send(post, early, by=post.town)
    late = report(header="m2", observation="x", diagnostic="y", at=NOW + timedelta(hours=2))
    assert code((await send(post, late, by=post.town))[1]) == "ok"
    assert {one["status"] for one in await rows(post, "DiagnosticReport")} == {"entered-in-error"}


async def test_a_reply_stands_before_what_it_answers(post):
    chain = (step("m1", "new-message", (NOW - timedelta(hours=1)).isoformat()),)
    reply = letter(
        sender=TOWN, activity="reply-message", before="m1", chain=chain, focus=communication("Ja", thread="t")
    )
    assert code((await send(post, reply, by=post.town))[1]) == "ok"
    first = letter(header="m1", receiver=TOWN, at=NOW - timedelta(hours=1), focus=communication("Kan I?", thread="t"))
    assert code((await send(post, first))[1]) == "ok"
    assert {one["identifier"][0]["value"] for one in await rows(post, "Communication")} == {"t"}


async def test_what_is_to_be_followed_up_becomes_work_of_the_unit_that_is_named(post):
    asked = {
        "resourceType": "Task", "id": "t", "status": "requested", "intent": "order", "description": "Se pt. om 1 uge",
        "restriction": {"period": {"end": "2026-11-30"}}, "owner": {"reference": "Organization/x"},
    }  # fmt: skip
    named = {
        "resourceType": "Organization",
        "id": "x",
        "name": "Kommune",
        "identifier": [{"system": "urn:oid:1.2.208.176.1.1", "value": TOWN}],
    }
    assert code((await send(post, letter(asked, named)))[1]) == "ok"
    (found,) = await rows(post, "Task")
    assert (found["description"], found["owner"]["reference"]) == ("Se pt. om 1 uge", f"Organization/{post.town}")
    assert found["restriction"]["period"]["end"] >= "2026-11-30"


async def test_a_message_that_is_only_messaged_writes_no_row_of_the_record(post):
    await post.world.owner.execute(
        "insert into exchange.mode values ($1, '', 'message', 'queue', null, $2, $1)",
        (await post.world.owner.fetchval("select key from registries.organisation where sor = $1", HOSPITAL)), NOW,
    )  # fmt: skip
    assert code((await send(post, letter()))[1]) == "ok"
    assert await rows(post, "Communication") == []
    assert len(await rows(post, "Task")) == 1


@pytest.mark.parametrize(
    "sent",
    [
        b"", b"{", b"[]", b"\xff\xfe", b'{"resourceType":"Bundle"}', raw(letter())[:-40],
        raw({**letter(), "type": "transaction"}), raw({**letter(), "id": None}), b"UNA:+.? 'UNB+UNOC:3'", raw(letter()).replace(b"Elmer", b"\xe6lmer"),
        raw({**letter(), "entry": letter()["entry"][1:]}), raw(letter(event="no-such-message")), raw(letter(activity="admit-inpatient")),
        raw({**letter(), "entry": [*letter()["entry"], *letter()["entry"]]}), raw(undated()),
    ],
    ids=["empty", "cut", "list", "utf-16", "bare", "truncated", "transaction", "no-id", "edifact", "latin-1", "no-header", "event", "activity", "twice", "undated"],
)  # fmt: skip
async def test_what_is_no_message_is_an_error_kept_and_changes_nothing(post, sent):
    before = await counted(post)
    status, answer = await send(post, sent)
    assert 400 <= status < 500
    assert answer["resourceType"] == "OperationOutcome"
    assert await counted(post) == before
    assert len(await parked(post)) == 1


async def test_whatever_is_larger_than_is_taken_is_refused_before_it_is_read(post):
    status, _ = await Door(post.world, post.world.system(post.hospital), max_body_bytes=1000).post(
        "/fhir/$process-message", letter()
    )
    assert status == 413


async def test_citizens_and_strangers_send_nothing(post):
    asks = [
        post.world.citizen(post.patient),
        post.world.professional(await post.world.employee(post.town), post.hospital),
    ]
    for ask in asks:
        status, _ = await Door(post.world, ask).post("/fhir/$process-message", letter())
        assert status == 403
    assert (await counted(post))["message"] == 0


async def test_a_message_follows_its_citizen_to_the_registration_that_counts(post):
    other = await post.world.patient(
        post.hospital, identifier=[{"system": "urn:oid:1.2.208.176.1.2", "value": "0202029996"}]
    )
    keys = [key_of(post.patient), key_of(other)]
    for key in keys:
        await post.world.owner.execute("insert into fhir.key_set values ($1, $2, $3)", key, keys, keys[0])
    assert code((await send(post, letter(number="0202029996")))[1]) == "ok"
    assert len(await rows(post, "Communication")) == 1
