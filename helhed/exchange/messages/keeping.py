"""What is kept of messages: the statements, each in the transaction of whoever calls."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from helhed.exchange.messages.envelope import Message
from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.database import Connection
from helhed.foundation.proving import Duty, prove

_BEGIN = "select * from exchange.begin_message($1::fhir.ask, $2, $3, $4, $5, $6, $7::text[], $8::text[], $9::text[], $10::text[])"
_KEEP = """select exchange.keep_message($1::fhir.ask, $2::exchange.message, $3, $4::uuid[], $5::smallint[], $6::text[], $7::uuid[],
  $8::uuid[], $9::text[], $10, $11, $12::text[], $13::smallint)"""
_AGAIN = "select exchange.keep_again($1::fhir.ask, $2, $3, $4)"
_PARK = "select exchange.park($1::fhir.ask, $2, $3, $4, $5, $6, $7)"


class Kept(NamedTuple):
    """What was decided about a message."""

    id: UUID
    sender: int
    receiver: int | None
    citizen: int | None
    code: str
    problem: str | None
    ack: bytes
    sender_mode: str
    receiver_mode: str
    late: bool
    messaged: bytes | None
    shared: bytes | None


class Way(NamedTuple):
    """How the receiver's own system gets a copy."""

    channel: str
    address: str | None


async def begin(connection: Connection, ask: Ask, message: Message, keys: Sequence[str]) -> Any:
    """What is known of a message before it is judged."""
    systems, numbers = [one[0] for one in message.numbers], [one[1] for one in message.numbers]
    row = await connection.fetchrow(
        _BEGIN, ask_row(ask), message.sender, message.receiver, message.header, message.envelope, message.type.name,
        systems, numbers, sorted(message.sors), list(keys),
    )  # fmt: skip
    assert row is not None  # it always answers with a row
    return row


async def keep(
    connection: Connection,
    ask: Ask,
    message: Message,
    raw: bytes,
    kept: Kept,
    *,
    steps: Sequence[str],
    rows: Sequence[tuple[UUID, int]] = (),
    keys: Mapping[str, UUID] | None = None,
    tasks: Sequence[UUID] = (),
    way: Way | None = None,
    basis: int | None = None,
    proven: bool = False,
) -> None:
    """The message, in the transaction that wrote its rows. ``proven``: the transaction has said already that it stores."""
    if not proven:
        await prove(connection, Duty.STORE)
    record = (
        None, kept.id, kept.sender, message.header, ask.organisation, kept.receiver, kept.citizen, message.type.name,
        message.activity, message.thread, message.occurred, ask.at, message.digest, raw, kept.code, kept.problem, kept.ack,
        kept.sender_mode, kept.receiver_mode, kept.late, kept.messaged, kept.shared,
    )  # fmt: skip
    keys = keys or {}
    taken_back = message.taken_back if kept.code == "ok" else []
    await connection.execute(
        _KEEP, ask_row(ask), record, message.envelope, [one[0] for one in rows], [one[1] for one in rows], list(keys),
        list(keys.values()), list(tasks), taken_back, way and way.channel, way and way.address, list(steps), basis,
    )  # fmt: skip


async def keep_again(connection: Connection, ask: Ask, message: UUID, envelope: str, answer: bytes) -> None:
    """The same message in another envelope."""
    await prove(connection, Duty.STORE)
    await connection.execute(_AGAIN, ask_row(ask), message, envelope, answer)


async def park(
    connection: Connection, ask: Ask, channel: str, reason: str, problem: str, message: UUID | None, raw: bytes
) -> None:
    """What could not be taken, as it came."""
    await prove(connection, Duty.STORE)
    await connection.execute(_PARK, ask_row(ask), uuid4(), channel, reason, problem[:2000], message, raw)
