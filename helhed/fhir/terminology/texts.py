"""Texts of concepts in the language of whoever reads them."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from helhed.fhir.terminology.catalogue import System
from helhed.fhir.terminology.model import Designation, Json, Property
from helhed.foundation.database import Connection

_COLUMNS = "c.number, c.code, c.display, c.definition, c.active, c.abstract, c.designations::text, c.properties::text"
_ONE = f"select {_COLUMNS} from fhir.concept c where c.system = $1 and c.code = $2"
_FOLDED = (
    f"select {_COLUMNS} from fhir.concept c where c.system = $1 and lower(c.code) = lower($2) order by c.number limit 1"
)
_MORE = "select code, designations::text from fhir.concept where system = any($1::int[]) and code = any($2::text[]) order by system"


class Held(NamedTuple):
    """A concept as it is held, with the texts of supplements."""

    number: int
    code: str
    display: str
    definition: str
    active: bool
    abstract: bool
    designations: tuple[Designation, ...]
    properties: tuple[Property, ...]

    def text(self, system: System, language: str) -> str:
        """What it is called in ``language``; what it is called at all when that is not known."""
        return choose_text(self.display, self.designations, system.language, language) or self.code


async def find_concept(connection: Connection, system: System, code: str) -> Held | None:
    """A concept of a system, in small or capital letters when the system makes no difference; None for none."""
    row = await connection.fetchrow(_ONE, system.key, code)
    if row is None and not system.case_sensitive:
        row = await connection.fetchrow(_FOLDED, system.key, code)
    if row is None:
        return None
    more = await more_designations(connection, system.supplements, [row["code"]])
    properties = tuple(Property(**one) for one in orjson.loads(row["properties"]))
    designations = (*parse_designations(row["designations"]), *more.get(row["code"], ()))
    return Held(
        row["number"], row["code"], row["display"], row["definition"], row["active"], row["abstract"], designations,
        properties,
    )  # fmt: skip


async def more_designations(
    connection: Connection, supplements: Sequence[int], codes: Sequence[str]
) -> dict[str, list[Designation]]:
    """What supplements call these codes."""
    found: dict[str, list[Designation]] = {}
    if supplements:
        for row in await connection.fetch(_MORE, list(supplements), list(codes)):
            found.setdefault(row["code"], []).extend(parse_designations(row["designations"]))
    return found


def parse_designations(text: str | None) -> list[Designation]:
    """The designations of a row."""
    return [Designation(*one) for one in orjson.loads(text or "[]")]


def primary(language: str) -> str:
    """The language of a tag without its region: da for da-DK."""
    return language.strip().lower().partition("-")[0]


def choose_text(display: str, designations: Sequence[Designation], own: str, wanted: str) -> str:
    """The best text: the display when it is in the language wanted, else a designation in it, else the display.

    A designation that is marked as the display comes before one without use, and that before synonyms.
    """
    if display and (not wanted or primary(own) == primary(wanted)):
        return display
    order = {"display": 0, "": 1, "preferredForLanguage": 1}
    fitting = [one for one in designations if wanted and primary(one.language) == primary(wanted)]
    if fitting:
        return min(fitting, key=lambda one: order.get(one.use, 2)).value
    return display or (designations[0].value if designations else "")


def as_designation(one: Designation) -> Json:
    """A designation in FHIR."""
    told: Json = {"language": one.language} if one.language else {}
    if one.use:
        told["use"] = {"code": one.use}
    return {**told, "value": one.value}


def as_value(one: Property) -> tuple[str, Any]:
    """The name of ``value[x]`` and its value."""
    if one.type == "boolean":
        return "valueBoolean", one.value == "true"
    if one.type == "integer" and one.value.lstrip("-").isdigit():
        return "valueInteger", int(one.value)
    if one.type == "Coding":
        return "valueCoding", {"code": one.value}
    if one.type == "dateTime":
        return "valueDateTime", one.value
    return ("valueCode" if one.type == "code" else "valueString"), one.value
