"""How organisations send and take messages: messaged, shared or both, by type; and how far each has come on the way from one to the other."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from helhed.exchange.messages.rules import ACKNOWLEDGEMENT, rules
from helhed.fhir.store import Store
from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.database import Pool
from helhed.foundation.errors import BadRequest, Forbidden
from helhed.foundation.lend import lend
from helhed.foundation.proving import Duty, lend_proven

_SET = "select exchange.set_mode($1::fhir.ask, $2, $3, $4, $5, $6)"
_MIGRATION = "select * from exchange.migration($1::fhir.ask)"
_STUCK = "select * from exchange.stuck_seen($1::fhir.ask, $2)"
_STATE = "select * from exchange.state()"
_SHOWN_FOR = timedelta(days=1)  #: what came to nothing stays in sight
MODES = ("message", "shared", "both")
CHANNELS = ("queue", "rest", "file")


@dataclass(frozen=True, slots=True)
class Mode:
    """How one organisation sends and takes messages of one type; "" is every type."""

    type: str
    mode: str
    channel: str
    address: str | None

    @classmethod
    def of(cls, type_name: str, mode: str, channel: str, address: str | None) -> "Mode":
        """Raises BadRequest for what is none."""
        if type_name and type_name not in rules().types.keys() - {ACKNOWLEDGEMENT}:
            raise BadRequest("The type is an event code of MedCom's, such as care-communication-message.")
        if mode not in MODES or channel not in CHANNELS:
            raise BadRequest("The mode is message, shared or both; the channel queue, rest or file.")
        if channel == "rest" and address and urlsplit(address).scheme not in {"http", "https"}:
            raise BadRequest(
                "Say where with an address that begins with https, or with none: the address book then says."
            )
        return cls(type_name, mode, channel, (address or None) if channel == "rest" else None)


@dataclass(frozen=True, slots=True)
class Progress:
    """One organisation and one type: counts, and no citizen."""

    organisation: str
    type: str
    mode: str
    since: datetime | None
    sent: int
    received: int
    equal: int
    differing: int
    refused: int
    waiting: int
    last_failure: datetime | None
    failure: str | None


@dataclass(frozen=True, slots=True)
class Stuck:
    """What waits for one receiver, or did not reach it, of one type and for one reason: counts, and no citizen."""

    organisation: str
    type: str
    channel: str
    reason: str
    ended: bool  #: given up or refused: its sender was told
    messages: int
    oldest: datetime
    attempts: int


@dataclass(frozen=True, slots=True)
class State:
    """What waits for somebody."""

    parked: int
    oldest_parked: datetime | None
    waiting: int
    stuck: int
    differing: int


class Modes:
    """Sets and tells them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def set(self, ask: Ask, unit: int, mode: Mode) -> None:
        """Raises Forbidden for whoever may not say it of the unit with this key."""
        async with lend_proven(self._store.pool, Duty.STORE) as connection:
            done = await connection.fetchval(_SET, ask_row(ask), unit, mode.type, mode.mode, mode.channel, mode.address)
        if not done:
            raise Forbidden("How an organisation takes messages is said by its own system, or by one above it.")

    async def progress(self, ask: Ask) -> list[Progress]:
        """Every organisation that sends or takes; nothing for whoever does not keep the network running."""
        async with lend(self._store.pool) as connection:
            rows = await connection.fetch(_MIGRATION, ask_row(ask))
        return [Progress(*(row[name] for name in Progress.__slots__)) for row in rows]

    async def stuck(self, ask: Ask) -> list[Stuck]:
        """What waits for receivers' systems, and what came to nothing within a day; nothing for whoever does not keep the network running."""
        async with lend(self._store.pool) as connection:
            rows = await connection.fetch(_STUCK, ask_row(ask), ask.at - _SHOWN_FOR)
        return [Stuck(*(row[name] for name in Stuck.__slots__)) for row in rows]

    async def state(self) -> State:
        """In numbers."""
        return await message_state(self._store.pool)


async def message_state(pool: Pool) -> State:
    """What waits for somebody, in numbers."""
    async with lend(pool) as connection:
        row = await connection.fetchrow(_STATE)
    assert row is not None  # it always answers with a row
    return State(*(row[name] for name in State.__slots__))


async def message_alarms(store: Store) -> list[str]:
    """What somebody must look at, in numbers."""
    state = await Modes(store).state()
    told = {
        "could not be taken and are put aside": state.parked,
        "reached nobody and were not told to their senders": state.stuck,
        "are shared as something else than was sent": state.differing,
    }
    return [f"messages that {what}: {count}" for what, count in told.items() if count]
