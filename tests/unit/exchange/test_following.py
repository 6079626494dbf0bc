"""Messages on the rest of their way: to the receiver's system, back to the sender when nobody takes them, and to who acted on them."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import Mock
from uuid import UUID, uuid4

import orjson
import pytest

from helhed.exchange.messages.acknowledging import acknowledgement
from helhed.exchange.messages.delivering import Carrier, Deliveries
from helhed.exchange.messages.following import Messages
from helhed.exchange.messages.intake import Intake
from helhed.exchange.messages.modes import Mode, Modes
from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import ActorKind, Ask, Purpose
from helhed.foundation.errors import Forbidden, Unknown
from helhed.foundation.guarded import Reach
from helhed.foundation.ids import key_of
from helhed.foundation.lend import lend
from tests.support.door import Door
from tests.support.world import NOW, at
from tests.unit.exchange.letters import CLINIC, HOSPITAL, Post, letter, raw
from tests.unit.exchange.listener import Listener

pytestmark = pytest.mark.asyncio
LATER = timedelta(minutes=31)


@pytest.fixture
async def post(world):
    """Everybody in place; the clinic takes messages by its queue."""
    post = await Post.opened(world)
    await Modes(world.store).set(world.system(post.clinic), key_of(post.clinic), Mode.of("", "both", "queue", None))
    return post


def system_of(organisation: int, moment: datetime) -> Ask:
    """The system of an organisation at a moment."""
    return Ask(
        ActorKind.SYSTEM,
        organisation,
        organisation,
        "system",
        Purpose.OPERATIONS,
        "test",
        None,
        None,
        moment,
        UUID(int=7),
    )


async def sent(post: Post, **more: Any) -> dict[str, Any]:
    """A message that was taken."""
    message = letter(**more)
    taken = await Intake(post.world.store).take(post.world.system(post.hospital), raw(message))
    assert taken.code == "ok"
    return message


async def steps(post: Post) -> list[str]:
    """Of the newest message, as its sender's system sees them."""
    found = await Messages(post.world.store).seen(post.world.system(post.hospital), most=1)
    return [one.step for one in found[0].steps]


async def tasks(post: Post) -> list[dict[str, Any]]:
    """Pieces of work about the citizen."""
    page = await post.world.search(post.world.citizen(post.patient), f"Task?patient=Patient/{post.patient}")
    return [orjson.loads(one.body) for one in page.matches]


async def test_a_copy_waits_in_the_queue_until_the_receiver_acknowledges_it(post):
    message = await sent(post)
    door = Door(post.world, post.world.system(post.clinic))
    _, polled = await door.post("/fhir/$message-poll", b"")
    (copy,) = [one["resource"] for one in polled["entry"]]
    assert copy["entry"] == message["entry"]
    assert copy["id"] != message["id"]
    assert "entry" not in (await door.post("/fhir/$message-poll", b""))[1]
    read = Intake(post.world.store).read(orjson.dumps(copy))
    ack = acknowledgement(read, UUID(int=5), UUID(int=6), NOW, "ok")
    ack["entry"][0]["resource"]["source"]["endpoint"] = "x"
    assert (await door.post("/fhir/$process-message", ack))[0] == 204
    assert (await door.post("/fhir/$process-message", ack))[0] == 204
    assert (await steps(post))[-2:] == ["delivered", "receiver-acknowledged"]
    log = await post.world.log(post.patient)
    assert [row["basis"] for row in log if row["action"] == 191] == [18]


async def test_nobody_else_fetches_it_and_nobody_answers_for_another(post):
    message = await sent(post)
    for other in (post.town, post.hospital):
        assert await Deliveries(post.world.store).hand_over(post.world.system(other)) == []
        with pytest.raises(Unknown):
            await Deliveries(post.world.store).answered(
                post.world.system(other), message["entry"][0]["resource"]["id"], "", "ok", ""
            )
    doctor = post.world.professional(await post.world.employee(post.clinic), post.clinic)
    assert await Deliveries(post.world.store).hand_over(doctor) == []


async def test_what_nobody_acknowledges_comes_again_and_then_is_the_senders_move(post):
    await sent(post)
    moment = NOW
    envelopes: set[UUID] = set()
    for _ in range(6):
        copies = await Deliveries(post.world.store).hand_over(at(post.world.system(post.clinic), moment))
        envelopes.update(one.envelope for one in copies)
        moment += LATER
    assert len(envelopes) == 4
    carrier = Carrier(post.world.store, lambda: moment, system_of)
    assert await carrier.escalate() == 1
    assert await carrier.escalate() == 0
    assert "escalated" in await steps(post)
    owners = {one["code"]["coding"][0]["code"]: one["owner"]["reference"] for one in await tasks(post)}
    assert owners["undeliverable-message"] == f"Organization/{post.hospital}"


async def test_a_refusal_of_the_receivers_system_is_the_senders_move_and_no_second_acknowledgement(post):
    message = await sent(post)
    await Deliveries(post.world.store).hand_over(post.world.system(post.clinic))
    header = message["entry"][0]["resource"]["id"]
    deliveries = Deliveries(post.world.store)
    told = await deliveries.answered(post.world.system(post.clinic), header, HOSPITAL, "fatal-error", "kan ikke")
    assert told == "refused"
    assert await deliveries.answered(post.world.system(post.clinic), header, HOSPITAL, "ok", "") == "again"
    assert await Carrier(post.world.store, lambda: NOW, system_of).escalate() == 1
    again = await Intake(post.world.store).take(post.world.system(post.hospital), raw(message))
    assert again.code == "ok"


async def test_a_block_that_comes_after_holds_at_the_delivery(post):
    await sent(post)
    await post.world.block(post.patient, who=post.clinic)
    assert await Deliveries(post.world.store).hand_over(post.world.system(post.clinic)) == []
    assert "withheld" in await steps(post)


@pytest.mark.parametrize("part", ["period", "document", "author", "elsewhen"])
async def test_a_block_of_a_part_of_the_record_holds_at_the_delivery(post, part):
    writer = await post.world.employee(post.hospital)
    await sent(post)
    owner = post.world.owner
    row = await owner.fetchrow(
        "select r.id, r.bucket from exchange.message_row w join fhir.resource r on r.id = w.id where r.type = $1",
        TYPE_NUMBERS["Communication"],
    )
    await owner.execute(
        "update fhir.resource set authors = array[$3::bigint] where bucket = $1 and id = $2", row["bucket"], row["id"], key_of(writer)
    )  # fmt: skip
    column, value = {
        "period": ("what_from", NOW - timedelta(days=2)),
        "document": ("what_document", row["id"]),
        "author": ("what_author", key_of(writer)),
        "elsewhen": ("what_to", NOW - timedelta(days=2)),
    }[part]
    block = await post.world.block(post.patient, who=post.clinic)
    await owner.execute(f"update trust.block set {column} = $2 where id = $1", block, value)
    copies = await Deliveries(post.world.store).hand_over(post.world.system(post.clinic))
    assert len(copies) == (part == "elsewhen")
    assert ("withheld" in await steps(post)) == (part != "elsewhen")
    assert len(await Messages(post.world.store).seen(post.world.system(post.clinic))) == (part == "elsewhen")


async def test_a_message_is_followed_to_who_acted_on_it_by_both_sides_and_the_citizen(post):
    await sent(post)
    (asked,) = await tasks(post)
    for status in ("accepted", "completed"):
        await post.world.change(post.world.system(post.clinic), UUID(asked["id"]), {**asked, "status": status})
    assert (await steps(post))[-2:] == ["task-accepted", "acted-on"]
    follow = Messages(post.world.store)
    for ask in (post.world.system(post.clinic), post.world.citizen(post.patient)):
        (found,) = await follow.seen(ask)
        assert (found.sender, found.receiver, found.equal) == ("Sygehus", "Klinik", True)
        assert found.steps[-1].by == "Klinik"
    assert await follow.seen(post.world.system(post.town)) == []
    stranger = post.world.professional(await post.world.employee(post.clinic), post.clinic)
    assert await follow.seen(stranger) == []
    await post.world.contact(post.patient, post.clinic)
    assert len(await follow.seen(stranger)) == 1
    await post.world.block(post.patient, who=post.clinic)
    assert await follow.seen(stranger) == []


async def test_only_its_own_system_says_how_an_organisation_takes_messages(post):
    for who in (post.world.system(post.town), post.world.citizen(post.patient)):
        with pytest.raises(Forbidden):
            await Modes(post.world.store).set(who, key_of(post.clinic), Mode.of("", "message", "queue", None))


async def test_what_was_put_aside_is_shown_without_its_content_and_taken_when_it_is_mended(post):
    operator = post.world.professional(await post.world.employee(post.hospital, "operator"), post.hospital, "operator")
    number = "0202029996"
    await Intake(post.world.store).take(post.world.system(post.hospital), raw(letter(number=number)))
    follow = Messages(post.world.store)
    (one,) = await follow.parked(operator)
    assert number not in str(one)
    assert await follow.parked(post.world.professional(await post.world.employee(post.clinic), post.clinic)) == []
    assert (await Modes(post.world.store).state()).parked == 1
    patient = await post.world.patient(
        post.hospital, identifier=[{"system": "urn:oid:1.2.208.176.1.2", "value": number}]
    )
    taken = await follow.again(operator, one.id, system_of)
    assert taken.code == "ok"
    assert await follow.parked(operator) == []
    found = await post.world.search(post.world.citizen(patient), f"Communication?patient=Patient/{patient}")
    assert len(found.matches) == 1
    with pytest.raises(Unknown):
        await follow.again(operator, one.id, system_of)


async def test_how_far_each_has_come_is_told_to_who_keeps_the_network_running_alone(post):
    await sent(post)
    await Intake(post.world.store).take(post.world.system(post.hospital), raw(letter(receiver="1000016999999")))
    operator = post.world.professional(await post.world.employee(post.hospital, "operator"), post.hospital, "operator")
    told = {(one.organisation, one.type): one for one in await Modes(post.world.store).progress(operator)}
    sender = told["Sygehus", "care-communication-message"]
    assert (sender.sent, sender.equal, sender.differing, sender.refused) == (2, 1, 0, 1)
    assert (
        told["Klinik", "care-communication-message"].mode,
        told["Klinik", "care-communication-message"].waiting,
    ) == ("both", 1)
    assert await Modes(post.world.store).progress(replace(operator, role="doctor")) == []


async def test_a_copy_is_carried_to_the_receivers_address_and_its_answer_settles_it(post):
    async with Listener() as listener:
        mode = Mode.of("", "both", "rest", listener.address)
        await Modes(post.world.store).set(post.world.system(post.clinic), key_of(post.clinic), mode)
        message = await sent(post)
        carrier = Carrier(post.world.store, lambda: NOW, system_of, Reach(loopback=True))
        assert await carrier.round() == 1
        assert await carrier.round() == 0
        assert orjson.loads(listener.received[0])["entry"] == message["entry"]
    assert (await steps(post))[-1] == "receiver-acknowledged"


async def test_whatever_a_receiver_answers_no_other_copy_waits_for_it(post, monkeypatch):
    async with Listener() as listener:
        mode = Mode.of("", "both", "rest", listener.address)
        await Modes(post.world.store).set(post.world.system(post.clinic), key_of(post.clinic), mode)
        both = [await sent(post), await sent(post)]
        with monkeypatch.context() as patch:
            patch.setattr(Intake, "read", Mock(side_effect=KeyError("what nobody thought of")))
            assert await Carrier(post.world.store, lambda: NOW, system_of, Reach(loopback=True)).round() == 2
    assert {one["id"] for one in map(orjson.loads, listener.received)}.isdisjoint(one["id"] for one in both)
    assert len(listener.received) == 2


async def test_nothing_is_carried_to_where_only_we_can_reach(post):
    async with Listener() as listener:
        mode = Mode.of("", "both", "rest", listener.address)
        await Modes(post.world.store).set(post.world.system(post.clinic), key_of(post.clinic), mode)
        await sent(post)
        await Carrier(post.world.store, lambda: NOW, system_of).round()
        assert listener.received == []
    state = await post.world.owner.fetchrow(
        "select state, said from exchange.delivery order by changed_at desc limit 1"
    )
    assert (state["state"], state["said"]) == ("waiting", "The address was not reached.")
    assert CLINIC


async def test_what_was_purged_is_in_no_message_any_more_and_is_not_handed_over(post):
    await sent(post)
    owner, purge = post.world.owner, UUID(int=9)
    row = await owner.fetchrow("select r.id, r.type from exchange.message_row r limit 1")
    key = key_of(post.patient)
    await owner.execute(
        "insert into fhir.purge (id, citizen, rightful, owner, ground, case_number, apart, salt, seal, proposed_by, proposed_at, expires_at) "
        "values ($1, $2, null, $3, 'wrong-patient', 'x', false, '', '', 1, $4, $4)",
        purge, key, key_of(post.hospital), NOW,
    )  # fmt: skip
    await owner.execute("insert into fhir.purged_row values ($1, $2, $3, $4, 1)", purge, row["id"], row["type"], key_of(post.hospital))  # fmt: skip
    await owner.execute("update fhir.purge set done_at = $2, approved_by = 2 where id = $1", purge, NOW)
    assert await owner.fetchval("select count(*) from exchange.message where body is not null") == 0
    assert await Deliveries(post.world.store).hand_over(post.world.system(post.clinic)) == []
    assert "withheld" in await steps(post)


async def reader_of(post: Post) -> Ask:
    """A doctor of the clinic with the patient before them."""
    await post.world.contact(post.patient, post.clinic)
    return post.world.professional(await post.world.employee(post.clinic), post.clinic)


async def hide(post: Post, *, from_citizen: bool) -> None:
    """A clinician hides what was written."""
    row = await post.world.owner.fetchval(
        "select r.id from exchange.message_row w join fhir.resource r on r.id = w.id where r.type = $1", TYPE_NUMBERS["Communication"]
    )  # fmt: skip
    await post.world.owner.execute(
        "insert into trust.mask (id, citizen, resource, from_citizen, valid_from, valid_to, reason, set_by, set_in) "
        "values ($1, $2, $3, $4, '-infinity', 'infinity', 'x', 1, $5)",
        uuid4(), key_of(post.patient), row, from_citizen, key_of(post.hospital),
    )  # fmt: skip


async def test_what_a_citizen_blocks_of_the_record_is_in_no_trace_of_the_receivers_staff(post):
    await sent(post)
    doctor, follow = await reader_of(post), Messages(post.world.store)
    assert len(await follow.seen(doctor)) == 1
    before = len(await post.world.log(post.patient))
    await post.world.block(post.patient, who=post.clinic, what=post.hospital)
    assert await follow.seen(doctor) == []
    assert len(await post.world.log(post.patient)) == before


async def test_a_block_of_a_period_hides_the_traces_of_what_was_written_in_it(post):
    await sent(post)
    doctor = await reader_of(post)
    block = await post.world.block(post.patient, who=post.clinic)
    await post.world.owner.execute(
        "update trust.block set what_from = $2 where id = $1", block, NOW - timedelta(days=2)
    )
    assert await Messages(post.world.store).seen(doctor) == []


async def test_a_block_hides_the_traces_of_what_left_no_row_here_too(post):
    await sent(post)
    doctor, follow = await reader_of(post), Messages(post.world.store)
    await post.world.owner.execute("delete from exchange.message_row")
    assert len(await follow.seen(doctor)) == 1
    await post.world.block(post.patient, who=post.clinic, what=post.hospital)
    assert await follow.seen(doctor) == []


async def test_a_blocked_receivers_system_learns_of_no_message_and_the_senders_follows_its_own(post):
    await sent(post)
    follow = Messages(post.world.store)
    assert len(await follow.seen(post.world.system(post.clinic))) == 1
    await post.world.block(post.patient, who=post.clinic)
    assert await follow.seen(post.world.system(post.clinic)) == []
    assert len(await follow.seen(post.world.system(post.hospital))) == 1


async def test_what_a_clinician_hides_from_the_citizen_is_in_no_trace_of_theirs_and_what_is_hidden_from_others_is(post):
    await sent(post)
    follow, citizen = Messages(post.world.store), post.world.citizen(post.patient)
    await hide(post, from_citizen=False)
    assert len(await follow.seen(citizen)) == 1
    await hide(post, from_citizen=True)
    assert await follow.seen(citizen) == []
    assert len(await follow.seen(await reader_of(post))) == 1


async def test_a_receipt_that_somebody_saw_it_is_written_with_a_proof_alone(post):
    await sent(post)
    doctor = await reader_of(post)
    rows = await post.world.owner.fetchval("select array_agg(id) from exchange.message_row")
    async with lend(post.world.store.pool) as connection:
        with pytest.raises(Exception, match="no proof"):
            await connection.execute("select exchange.note_seen($1::fhir.ask, $2::uuid[])", ask_row(doctor), rows)
    await Messages(post.world.store).note_seen(doctor, rows)
    assert (await steps(post))[-1] == "seen"
