"""A patient without a CPR number gets a replacement number before being stored."""

from datetime import date, timedelta
from typing import Any

from helhed.fhir.changes import Change
from helhed.fhir.splice import add_identifier
from helhed.foundation.ask import Ask
from helhed.foundation.database import Connection
from helhed.foundation.errors import Overloaded
from helhed.registries.identifiers import CPR, REPLACEMENT_CPR, UNKNOWN_BIRTH_DATE, replacement_cpr
from helhed.registries.number_blocks import claim
from helhed.registries.projections import birth_date, numbers_in

_TAKE = "select registries.take_one_replacement_cpr($1)"
#: a day has 2,880 numbers in a century, and unknown dates, like those of many who were registered on a first of January,
#: share a day: when neither a few nor many candidates on it are free, the month after it lends some
_FEW, _MANY, _ON_LATER_DAYS, _LATER_DAYS = 4, 40, 4, 30


class ReplacementNumbers:
    """Gives each new Patient without a number one from the national pool; claims those of a block for who holds it."""

    types = frozenset({"Patient"})

    async def prepare(self, connection: Connection, ask: Ask, change: Change) -> Change:
        """The change as it will be stored."""
        assert change.resource is not None
        assert change.raw is not None
        numbers = numbers_in(change.resource)
        if brought := [value for system, value in numbers if system == REPLACEMENT_CPR]:
            await claim(connection, ask, brought)
        if change.method != "POST" or {system for system, _ in numbers} & {CPR, REPLACEMENT_CPR}:
            return change
        number = await take_number(connection, change.resource)
        extra = {"use": "official", "system": REPLACEMENT_CPR, "value": number}
        raw, resource = add_identifier(change.raw, change.resource, extra)
        return change._replace(raw=raw, resource=resource)


async def take_number(connection: Connection, patient: dict[str, Any]) -> str:
    """A number nobody has. Raises Overloaded when the day of birth and the month after it are all but used up."""
    born, sex = birth_date(patient) or _estimated(patient) or UNKNOWN_BIRTH_DATE, patient.get("gender", "")
    for days in ([born] * _FEW, [born] * _MANY + _after(born)):
        number = await connection.fetchval(_TAKE, [replacement_cpr(day, sex) for day in days])
        if number is not None:
            return str(number)
    raise Overloaded("No replacement number was free.")


def _estimated(patient: dict[str, Any]) -> date | None:
    """The first day of the year or month that is all that is known of a birth."""
    parts = str(patient.get("birthDate", "")).split("-")
    try:
        return date(int(parts[0]), int(parts[1]) if len(parts) > 1 else 1, 1)
    except ValueError:
        return None


def _after(born: date) -> list[date]:
    days = min(_LATER_DAYS, (date.max - born).days)
    return [born + timedelta(days=later) for later in range(1, days + 1) for _ in range(_ON_LATER_DAYS)]
