"""A patient without a CPR number gets a replacement number before being stored."""

from dataclasses import replace
from typing import Any

from helhed.fhir.changes import Change
from helhed.fhir.splice import add_identifier
from helhed.foundation.database import Connection
from helhed.foundation.errors import Overloaded
from helhed.registries.identifiers import CPR, REPLACEMENT_CPR, replacement_cpr
from helhed.registries.projections import birth_date

_TAKE = "select registries.take_replacement_cpr($1)"
_MOST_TRIES = 50


class ReplacementNumbers:
    """Gives each new Patient without a number one from the national pool."""

    types = frozenset({"Patient"})

    async def prepare(self, connection: Connection, change: Change) -> Change:
        """The change as it will be stored."""
        assert change.resource is not None
        assert change.raw is not None
        systems = {identifier.get("system") for identifier in change.resource.get("identifier", ())}
        if change.method != "POST" or systems & {CPR, REPLACEMENT_CPR}:
            return change
        number = await take_number(connection, change.resource)
        extra = {"use": "official", "system": REPLACEMENT_CPR, "value": number}
        raw, resource = add_identifier(change.raw, change.resource, extra)
        return replace(change, raw=raw, resource=resource)


async def take_number(connection: Connection, patient: dict[str, Any]) -> str:
    """A number nobody has. Raises Overloaded when chance fails fifty times."""
    for _ in range(_MOST_TRIES):
        candidate = replacement_cpr(birth_date(patient), patient.get("gender", ""))
        if await connection.fetchval(_TAKE, candidate):
            return candidate
    raise Overloaded("No replacement number was free.")
