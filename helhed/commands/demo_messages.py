"""The messages of the demo: taken by the same intake as any other, each from the system of the place that wrote it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import orjson

from helhed.exchange.messages.intake import Intake
from helhed.exchange.messages.writing import Person, Unit, Written, care_communication
from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.fhir.profiles.knowledge import Knowledge
from helhed.fhir.store.sessions import Sessions
from helhed.foundation.clock import system_clock
from helhed.foundation.database import Connection, Pool
from helhed.foundation.errors import Unprocessable
from helhed.foundation.ids import key_of
from helhed.trust.background import ordering_system

_WHO = "select name, cpr, replacement from registries.citizen where patient = $1"
_BEFORE = "select header from exchange.message where thread = $1 order by number desc limit 1"
_ROWS = """select r.body from fhir.resource r join exchange.message_row w on w.id = r.id join exchange.message m on m.id = w.message
  where m.thread = $1 and r.type = $2 order by m.number"""
_SINCE = "update trust.system_client set registered_at = least(registered_at, $2) where organisation = $1"


class _Loading(NamedTuple):
    """The store as far as the intake needs it, on a connection of the owner."""

    sessions: Sessions
    knowledge: Knowledge

    def session(self, ask: Any) -> Any:
        """A transaction."""
        return self.sessions.begin(ask)

    def together(self) -> Any:
        """A transaction of several."""
        return self.sessions.together()

    async def log_refusal(self, *_: Any) -> None:
        """Nothing of the demo is refused."""


async def put_messages(pool: Pool, sessions: Sessions, addresses: Mapping[str, str]) -> int:
    """How many were taken."""
    from demo.messages import LETTERS

    intake = Intake(_Loading(sessions, Knowledge(pool)))  # type: ignore[arg-type]
    threads = {one.thread: f"urn:uuid:{uuid4()}" for one in LETTERS}
    for one in LETTERS:
        at = system_clock() - timedelta(hours=one.hours_ago)
        sender, receiver = (
            Unit(0, _id(addresses[place.url]), place.name, place.sor, place.inherited_gln or None)
            for place in one.places
        )
        ask = ordering_system(key_of(sender.id), at)
        async with pool.acquire() as connection:
            await connection.execute("select trust.register_system($1)", ask.organisation)
            await connection.execute(_SINCE, ask.organisation, at)
            person, before, earlier = await _known(connection, _id(addresses[one.citizen_url]), threads[one.thread])  # type: ignore[arg-type]
        written = Written(
            one.topic, one.text, one.category, one.writer, one.role, "", threads[one.thread], before if one.answers else None, earlier
        )  # fmt: skip
        taken = await intake.take(ask, orjson.dumps(care_communication(sender, receiver, person, written, at)), "file")
        if taken.code != "ok":
            raise Unprocessable("The demo holds a message that cannot be taken.")
    return len(LETTERS)


async def _known(connection: Connection, patient: UUID, thread: str) -> tuple[Person, str | None, list[dict[str, Any]]]:
    row = await connection.fetchrow(_WHO, patient)
    assert row is not None  # the demo has loaded its people
    rows = await connection.fetch(_ROWS, thread, TYPE_NUMBERS["Communication"])
    earlier = [orjson.loads(one["body"]) for one in rows]
    person = Person(row["cpr"], row["replacement"], row["name"])
    return person, await connection.fetchval(_BEFORE, thread), earlier


def _id(address: str) -> UUID:
    return UUID(address.partition("/")[2])
