"""Messages that come at the same time are taken together, and each fares as if it had come alone."""

import asyncio
from itertools import cycle
from uuid import uuid4

import pytest

from helhed.exchange.messages.sharing import share
from tests.support.door import Door
from tests.unit.exchange.letters import CLINIC, HOSPITAL, WRITER, Post, communication, envelope, letter
from tests.unit.exchange.test_messages import code, counted, parked, rows

pytestmark = pytest.mark.asyncio
_MANY = 12
#: the register learns it now, as the clock of the database goes
_CLOSE = """with ended as (
  update registries.unit_fact f set known_to = clock_timestamp() from registries.organisation o
  where o.key = f.unit and o.sor = $1 and f.known_to = 'infinity' returning f.*)
insert into registries.unit_fact (unit, valid_from, valid_to, known_from, said, parent, name, asserted_by)
select e.unit, e.valid_from, e.valid_to, e.known_to, e.said || '{"active": false}', e.parent, e.name, e.asserted_by from ended e"""


@pytest.fixture
async def post(world):
    """Everybody in place."""
    return await Post.opened(world)


async def sent(post, messages, workers=1):
    """The answers to messages that come at the same time, each to the next of some workers: status and body. Who is told to come later does."""
    doors = [Door(post.world, post.world.system(post.hospital)) for _ in range(workers)]
    work = (answered(door, one) for door, one in zip(cycle(doors), messages, strict=False))
    return await asyncio.gather(*work)


async def answered(door, message):
    """The first answer that is one."""
    while (answer := await door.post("/fhir/$process-message", message))[0] == 503:
        await asyncio.sleep(0)
    return answer


async def test_many_new_messages_share_their_transactions_and_lose_nothing_of_it(post):
    messages = [letter(*WRITER, focus=communication(f"Besked {place}")) for place in range(_MANY)]
    before = await counted(post)
    answers = await sent(post, messages)
    assert [(status, code(answer)) for status, answer in answers] == [(200, "ok")] * _MANY
    named = [answer["entry"][0]["resource"]["response"]["identifier"] for _, answer in answers]
    assert named == [one["entry"][0]["resource"]["id"] for one in messages]
    after = await counted(post)
    assert (after["message"], after["envelope"], after["message_task"]) == (_MANY, _MANY, _MANY)
    assert after["message_row"] == 2 * _MANY
    assert after["rows"] == before["rows"] + 2 * _MANY
    owner = post.world.owner
    assert await owner.fetchval("select count(distinct xmin::text) from exchange.message") < _MANY
    assert await owner.fetchval("select count(*) from exchange.message where messaged is distinct from shared") == 0
    looks = "select count(*) from foundation.access_log where action = $1 and permitted"
    assert await owner.fetchval(looks, 190) == _MANY
    pieces = "select count(*) from work.piece p join exchange.message_task t on t.task = p.task"
    assert await owner.fetchval(pieces) == _MANY


async def test_each_message_that_is_taken_with_others_is_logged_by_its_own_ask(post):
    messages = [letter(*WRITER, focus=communication(f"Besked {place}")) for place in range(4)]
    await sent(post, messages)
    found = await post.world.owner.fetch(
        """select m.id, r.id as row from exchange.message m join exchange.message_row r on r.message = m.id
           where not exists (select from foundation.access_log l where r.id = any(l.resources) and l.action <> 190
                             and cardinality(l.resources) = 2 and cardinality(l.versions) = 2)"""
    )
    assert found == []


async def test_messages_that_cannot_be_taken_cost_their_neighbours_nothing(post):
    good = [letter(*WRITER, focus=communication(f"Besked {place}")) for place in range(6)]
    unknown = letter(receiver="1000016999999")
    stranger = letter(focus=communication("om en anden", subject={"reference": f"Patient/{uuid4()}"}))
    foreign = letter(sender=CLINIC, receiver=HOSPITAL)
    answers = await sent(post, [*good[:3], unknown, stranger, foreign, *good[3:]])
    told = [code(answer) if status == 200 else status for status, answer in answers]
    assert told == ["ok"] * 3 + ["fatal-error", "fatal-error", 403] + ["ok"] * 3
    assert sorted(await parked(post)) == ["forged", "refused", "refused"]
    assert len(await rows(post, "Communication")) == 6
    kept = await post.world.owner.fetch("select code, count(*) from exchange.message group by code order by code")
    assert [tuple(one) for one in kept] == [("fatal-error", 2), ("ok", 6)]


async def test_a_message_that_nobody_thought_of_costs_its_neighbours_nothing(post, monkeypatch):
    messages = [letter(*WRITER, focus=communication(f"Besked {place}")) for place in range(4)]
    wrong = messages[1]["entry"][0]["resource"]["id"]

    def fails(message, *given, **more):
        if message.header == wrong:
            raise KeyError("x")
        return share(message, *given, **more)

    monkeypatch.setattr("helhed.exchange.messages.judging.share", fails)
    assert [status for status, _ in await sent(post, messages)] == [200, 500, 200, 200]
    assert (await counted(post))["message"] == 3


async def test_the_same_message_twice_at_the_same_moment_is_one_and_is_answered_the_same(post):
    messages = [letter(*WRITER, focus=communication(f"Besked {place}")) for place in range(4)]
    answers = await sent(post, [*messages, *(envelope(one) for one in messages), *messages])
    assert [status for status, _ in answers] == [200] * 12
    for first, second, third in zip(answers[:4], answers[4:8], answers[8:], strict=True):
        assert first[1]["entry"] == second[1]["entry"] == third[1]["entry"]
        assert first[1]["id"] == third[1]["id"] != second[1]["id"]
    assert (await counted(post))["message"] == 4


async def test_a_conversation_that_all_write_in_at_once_is_answered_and_kept_in_one_order(post):
    own = str(uuid4())
    focus = [communication(f"Besked {place}", thread="urn:uuid:hot") | {"id": own} for place in range(_MANY)]
    answers = await sent(post, [letter(*WRITER, focus=one) for one in focus], workers=3)
    assert [(status, code(answer)) for status, answer in answers] == [(200, "ok")] * _MANY
    (row,) = await rows(post, "Communication")
    assert row["meta"]["versionId"] == str(_MANY)
    assert (await counted(post))["known_row"] == 1


async def test_a_unit_that_closes_while_the_network_serves_gets_no_more_messages(post):
    assert code((await sent(post, [letter()]))[0][1]) == "ok"
    await post.world.owner.execute(_CLOSE, CLINIC)
    assert code((await sent(post, [letter()]))[0][1]) == "fatal-error"
