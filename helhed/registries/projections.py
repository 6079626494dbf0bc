"""What the registries take from resources, inside the transaction that writes them."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from helhed.fhir.indexing import normalise
from helhed.fhir.store import Stored
from helhed.foundation.database import Connection
from helhed.foundation.errors import Unprocessable
from helhed.foundation.ids import key_of, parse_id
from helhed.registries.identifiers import CPR, REPLACEMENT_CPR, SOR, normal_cpr
from helhed.registries.names import human_name
from helhed.registries.regional_systems import is_regional

_PUT_CITIZENS = "select registries.put_citizens($1,$2,$3,$4,$5,$6,$7,$8,$9)"
_PUT_IDENTIFIERS = "select registries.put_citizen_identifiers($1,$2,$3)"
_PUT_ORGANISATION = "select registries.put_organisation($1,$2,$3,$4,$5,$6,$7)"
_PUT_PROFESSIONAL_IDENTIFIERS = "select registries.put_professional_identifiers($1,$2,$3,$4)"
_PUT_PROFESSIONALS = "select registries.put_professionals($1,$2,$3)"


class Citizens:
    """The identity minimum of every Patient."""

    types = frozenset({"Patient"})

    async def project(self, connection: Connection, stored: Sequence[Stored]) -> None:
        """Keep name, birth date, sex, life status and numbers."""
        rows = [_citizen(one) for one in stored]
        await connection.execute(_PUT_CITIZENS, *map(list, zip(*rows, strict=True)))
        found = [(*number, key_of(one.id)) for one in stored for number in numbers_in(one.resource)]
        if found:
            await connection.execute(_PUT_IDENTIFIERS, *map(list, zip(*found, strict=True)))

    async def forget(self, connection: Connection, removed: Sequence[UUID]) -> None:
        """A citizen stays findable: others' records still name them."""


class Organisations:
    """The hierarchy of Organizations."""

    types = frozenset({"Organization"})

    async def project(self, connection: Connection, stored: Sequence[Stored]) -> None:
        """Parents first. Raises Unprocessable for a circle, and for a place that is not the writer's to give."""
        by_id = {one.id: one for one in stored}
        done: set[UUID] = set()
        for one in stored:
            await self._place(connection, one, by_id, done, depth=0)

    async def _place(
        self, connection: Connection, one: Stored, by_id: dict[UUID, Stored], done: set[UUID], depth: int
    ) -> None:
        if one.id in done:
            return
        parent = local_target(one.resource.get("partOf"), "Organization")
        if depth > _DEEPEST or parent == one.id:
            raise Unprocessable(_PROBLEMS["circle"])
        if parent in by_id:
            await self._place(connection, by_id[parent], by_id, done, depth + 1)
        done.add(one.id)
        resource = one.resource
        sor = next((i["value"] for i in _identifiers(resource) if i["system"] == SOR), None)
        kind = next((c.get("code", "") for t in resource.get("type", ()) for c in t.get("coding", ())), "")
        above = None if parent is None else key_of(parent)
        row = (key_of(one.id), one.id, resource.get("name", ""), sor, kind, above, one.origin)
        problem = await connection.fetchval(_PUT_ORGANISATION, *row)
        if problem is not None:
            raise Unprocessable(_PROBLEMS[problem])

    async def forget(self, connection: Connection, removed: Sequence[UUID]) -> None:
        """An organisation stays: rows and log entries name it."""


class Professionals:
    """The names of Practitioners, for the citizen's log, and by what those who vouch for them know them."""

    types = frozenset({"Practitioner"})

    async def project(self, connection: Connection, stored: Sequence[Stored]) -> None:
        """Keep id, name and identifiers."""
        rows = [(key_of(one.id), one.id, human_name(one.resource.get("name", []))) for one in stored]
        await connection.execute(_PUT_PROFESSIONALS, *map(list, zip(*rows, strict=True)))
        known = [(*number, key_of(one.id)) for one in stored for number in numbers_in(one.resource)]
        columns = [list(column) for column in zip(*known, strict=True)] if known else [[], [], []]
        await connection.execute(_PUT_PROFESSIONAL_IDENTIFIERS, [row[0] for row in rows], *columns)

    async def forget(self, connection: Connection, removed: Sequence[UUID]) -> None:
        """A name stays: log entries name it."""


_DEEPEST = 32
_PROBLEMS = {
    "circle": "An organisation cannot stand beneath itself.",
    "elsewhere": "An organisation is placed beneath its custodian's own, or by the keeper of the directory.",
}


def local_target(reference: Any, type_name: str) -> UUID | None:
    """The id behind a Reference to ``type_name`` of this store, else None."""
    text = reference.get("reference", "") if isinstance(reference, dict) else ""
    prefix = type_name + "/"
    return parse_id(text[len(prefix) :].split("/", 1)[0]) if text.startswith(prefix) else None


def _identifiers(resource: dict[str, Any]) -> list[dict[str, Any]]:
    return [i for i in resource.get("identifier", ()) if i.get("system") and i.get("value")]


def numbers_in(resource: dict[str, Any]) -> list[tuple[str, str]]:
    """System and value of each identifier, as they are kept."""
    return [(i["system"], _value(i)) for i in _identifiers(resource)]


def current_number(resource: dict[str, Any], system: str) -> str | None:
    """The number somebody has now: one that is not said to be old, or over; an old one still finds them."""
    found = [i for i in _identifiers(resource) if i["system"] == system]
    now = [i for i in found if i.get("use") != "old" and not i.get("period", {}).get("end")]
    return _value((now or found)[-1]) if found else None


def _value(identifier: dict[str, Any]) -> str:
    value = str(identifier["value"])
    system = identifier["system"]
    return normal_cpr(value) if system in {CPR, REPLACEMENT_CPR} or is_regional(system) else value


def _citizen(one: Stored) -> tuple[Any, ...]:
    resource = one.resource
    name = human_name(resource.get("name", []))
    cpr, replacement = current_number(resource, CPR), current_number(resource, REPLACEMENT_CPR)
    dead = bool(resource.get("deceasedBoolean") or resource.get("deceasedDateTime"))
    return (
        key_of(one.id),
        one.id,
        name,
        normalise(name),
        birth_date(resource),
        resource.get("gender", "unknown"),
        dead,
        cpr or replacement,
        cpr is None and replacement is not None,
    )


def birth_date(resource: dict[str, Any]) -> date | None:
    """A full birth date; None for a partial one."""
    try:
        return date.fromisoformat(resource.get("birthDate", ""))
    except ValueError:
        return None
