"""What is kept of messages: the statements, each in the transaction of whoever calls."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from helhed.exchange.messages.envelope import Message
from helhed.exchange.messages.rules import NOTIFICATION
from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.fhir.store import Store
from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.database import Connection
from helhed.foundation.ids import parse_id
from helhed.foundation.lend import lend
from helhed.foundation.proving import Duty, prove

_BEGIN = "select * from exchange.begin_messages($1::exchange.incoming[])"
_KEEP = "select exchange.keep_messages($1::exchange.outcome[])"
_AGAIN = "select exchange.keep_again($1::fhir.ask, $2, $3, $4)"
_OWN_ROW = "select fhir.is_own_row($1::fhir.ask, $2, $3)"
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


class Outcome(NamedTuple):
    """A message with all that came of it."""

    ask: Ask
    message: Message
    raw: bytes
    kept: Kept
    steps: Sequence[str]
    rows: Sequence[tuple[UUID, int]] = ()
    keys: Mapping[str, UUID] = MappingProxyType({})
    tasks: Sequence[UUID] = ()
    way: Way | None = None
    basis: int | None = None


async def own_row(store: Store, ask: Ask, message: Message) -> UUID | None:
    """The Encounter that a HospitalNotification tells of, where its sender's organisation has it here already: the record is not written by a
    notice of what it says.
    """
    named = parse_id(str((message.focus or {}).get("id"))) if message.type.name == NOTIFICATION else None
    if named is None:
        return None
    async with lend(store.pool) as connection:
        own = await connection.fetchval(_OWN_ROW, ask_row(ask), named, TYPE_NUMBERS["Encounter"])
    return named if own else None


async def begin(connection: Connection, ask: Ask, message: Message, keys: Sequence[str]) -> Any | None:
    """As ``begin_many``, of one."""
    return (await begin_many(connection, [(ask, message, keys)]))[0]


async def begin_many(connection: Connection, asked: Sequence[tuple[Ask, Message, Sequence[str]]]) -> list[Any | None]:
    """What is known of each message before it is judged; None of one that is not its asker's to send."""
    incoming = [
        (ask_row(ask), one.sender, one.receiver, one.header, one.envelope, one.type.name,
         [system for system, _ in one.numbers], [number for _, number in one.numbers], sorted(one.sors), list(keys))
        for ask, one, keys in asked
    ]  # fmt: skip
    found: list[Any | None] = [None] * len(asked)
    for row in await connection.fetch(_BEGIN, incoming):
        found[row["place"] - 1] = row
    return found


async def keep(connection: Connection, outcomes: Sequence[Outcome], *, proven: bool = False) -> None:
    """The messages, in the transaction that wrote their rows. ``proven``: the transaction has said already that it stores."""
    if not proven:
        await prove(connection, Duty.STORE)
    await connection.execute(_KEEP, [_record(one) for one in outcomes])


def _record(one: Outcome) -> tuple[Any, ...]:
    ask, message, kept = one.ask, one.message, one.kept
    taken_back = message.taken_back if kept.code == "ok" else []
    return (
        ask_row(ask), kept.id, kept.sender, message.header, kept.receiver, kept.citizen, message.type.name, message.activity,
        message.thread, message.occurred, message.digest, one.raw, kept.code, kept.problem, kept.ack, kept.sender_mode,
        kept.receiver_mode, kept.late, kept.messaged, kept.shared, message.envelope, [row[0] for row in one.rows],
        [row[1] for row in one.rows], list(one.keys), list(one.keys.values()), list(one.tasks), taken_back,
        one.way and one.way.channel, one.way and one.way.address, list(one.steps), one.basis,
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
