"""What a value set holds, as one SQL query over the concepts.

http://hl7.org/fhir/R4/valueset.html#compositions
"""

from dataclasses import dataclass, field
from typing import Any

import orjson

from helhed.fhir.terminology.catalogue import Catalogue, System
from helhed.fhir.terminology.filters import condition
from helhed.fhir.terminology.model import BadValueSet, Json, UnknownTerminology, split_canonical
from helhed.foundation.database import Connection
from helhed.foundation.errors import TooCostly

_MOST_DEPTH, _MOST_PARTS, _MOST_CODES = 12, 400, 60_000
_PLACE = 32  #: bits for the place within one part


@dataclass(frozen=True, slots=True)
class Versions:
    """Versions of code systems for parts that name none, and for all parts."""

    usual: dict[str, str] = field(default_factory=dict)
    forced: dict[str, str] = field(default_factory=dict)

    def of(self, url: str, named: str) -> str:
        """The version to take."""
        return self.forced.get(url) or named or self.usual.get(url, "")


@dataclass(slots=True)
class Members:
    """A query for rows (system, code, place, label), and what it stands on."""

    sql: str
    parameters: list[Any]
    systems: dict[str, System]
    missing: tuple[str, ...]  #: systems of which only a part is held and that it takes codes from by rule
    used: dict[str, str]  #: canonical of each code system and value set it stands on, and which of the two it is


async def load_value_set(connection: Connection, catalogue: Catalogue, canonical: str, version: str = "") -> Json:
    """A held value set. Raises UnknownTerminology."""
    url, named = split_canonical(canonical)
    versions = catalogue.value_sets.get(url, [])
    wanted = version or named or (versions[0] if versions else "")
    statement = "select body::text from fhir.value_set where url = $1 and version = $2"
    body = await connection.fetchval(statement, url, wanted)
    if body is None:
        raise UnknownTerminology("ValueSet", canonical)
    found: Json = orjson.loads(body)
    return found


async def members_of(
    connection: Connection,
    catalogue: Catalogue,
    value_set: Json,
    *,
    versions: Versions | None = None,
    language: str = "",
    without: tuple[str, ...] = (),
) -> Members:
    """The query for what a value set holds, codes of the systems ``without`` left out.

    Raises UnknownTerminology for what it stands on and is not held, BadValueSet and TooCostly.
    """
    compiler = _Compiler(catalogue, {}, versions or Versions(), language)
    await compiler.gather(connection, value_set, 0)
    sql = compiler.value_set(value_set, 0)
    if without:
        sql = f"select * from ({sql}) m where not m.system = any({compiler.parameter(list(without), 'text[]')})"
    return Members(sql, compiler.parameters, compiler.systems, tuple(compiler.missing), compiler.used)


class _Compiler:
    def __init__(self, catalogue: Catalogue, sets: dict[str, Json], versions: Versions, language: str) -> None:
        self.parameters: list[Any] = []
        self.systems: dict[str, System] = {}
        self.missing: dict[str, None] = {}
        self.used: dict[str, str] = {}
        self._catalogue = catalogue
        self._sets = sets
        self._versions = versions
        self._language = language.lower().partition("-")[0]
        self._parts = self._codes = 0

    def parameter(self, value: Any, kind: str) -> str:
        """A placeholder."""
        self.parameters.append(value)
        return f"${len(self.parameters)}::{kind}"

    async def gather(self, connection: Connection, value_set: Json, depth: int) -> None:
        """Load the value sets that this one imports, and theirs."""
        if depth > _MOST_DEPTH:
            raise BadValueSet("The value set imports itself, or too deep.")
        for part in _parts(value_set, "include") + _parts(value_set, "exclude"):
            for canonical in part.get("valueSet", ()):
                if canonical not in self._sets:
                    self._sets[canonical] = await load_value_set(connection, self._catalogue, canonical)
                    await self.gather(connection, self._sets[canonical], depth + 1)

    def value_set(self, value_set: Json, depth: int) -> str:
        """Rows (system, code, place, label), each code once."""
        if depth > _MOST_DEPTH:
            raise BadValueSet("The value set imports itself, or too deep.")
        included = [self._part(part, place, depth) for place, part in enumerate(_parts(value_set, "include"))]
        if not included:
            raise BadValueSet(f"The value set {value_set.get('url', '')} has no compose.include.")
        rows = " union all ".join(included)
        sql = f"select system, code, min(place) as place, min(label) as label from ({rows}) u group by system, code"
        left_out = [self._exclusion(part, depth) for part in _parts(value_set, "exclude")]
        if left_out:
            sql = f"select * from ({sql}) m where {' and '.join(left_out)}"
        return sql

    def _exclusion(self, part: Json, depth: int) -> str:
        if "system" in part and not {"concept", "filter", "valueSet"} & part.keys():
            return f"m.system <> {self.parameter(part['system'], 'text')}"
        rows = self._part(part, 0, depth)
        return f"not exists (select from ({rows}) x where x.system = m.system and x.code = m.code)"

    def _part(self, part: Json, place: int, depth: int) -> str:
        self._parts += 1
        if self._parts > _MOST_PARTS:
            raise TooCostly("The value set has too many parts.")
        imported = [self._imported(canonical, depth) for canonical in part.get("valueSet", ())]
        if "system" in part:
            rows = self._of_system(part, place)
        elif imported:
            rows = f"select system, code, place + {place << _PLACE} as place, label from ({imported.pop(0)}) v"
        else:
            raise BadValueSet("Each part of a value set names a system or other value sets.")
        if imported:
            both = " and ".join(
                f"exists (select from ({one}) w where w.system = r.system and w.code = r.code)" for one in imported
            )
            rows = f"select * from ({rows}) r where {both}"
        return rows

    def _imported(self, canonical: str, depth: int) -> str:
        self.used[canonical] = "used-valueset"
        return self.value_set(self._sets[canonical], depth + 1)

    def _of_system(self, part: Json, place: int) -> str:
        if "concept" in part and part.get("filter"):
            raise BadValueSet("A part of a value set has concepts or filters, not both (rule vsd-3).")
        url = part["system"]
        version = self._versions.of(url, part.get("version", ""))
        if "concept" in part:
            return self._listed(part["concept"], url, version, place)
        system = self._catalogue.system(url, version)
        self._note(url, system)
        if not system.complete:
            self.missing[url] = None
        key = self.parameter(system.key, "int")
        rules = [condition(rule, key, self.parameter) for rule in part.get("filter", ())]
        where = " and ".join([f"c.system = {key}", *rules])
        name = self.parameter(url, "text")
        return f"select {name} as system, c.code, {place << _PLACE} + c.number as place, null::text as label from fhir.concept c where {where}"

    def _listed(self, concepts: list[Json], url: str, version: str, place: int) -> str:
        """The codes a value set names itself: no system is needed; one that is held whole must know them."""
        self._codes += len(concepts)
        if self._codes > _MOST_CODES:
            raise TooCostly("The value set names too many codes.")
        system = self._catalogue.find(url, version)
        codes = self.parameter([one.get("code", "") for one in concepts], "text[]")
        labels = self.parameter([self._label(one, system is not None) for one in concepts], "text[]")
        rows = (
            f"select {self.parameter(url, 'text')} as system, l.code, {place << _PLACE} + l.place as place, l.label"
            f" from unnest({codes}, {labels}) with ordinality l (code, label, place)"
        )
        if system is None:
            return rows
        self._note(url, system)
        if not system.complete:
            return rows
        key = self.parameter(system.key, "int")
        return f"{rows} where exists (select from fhir.concept c where c.system = {key} and c.code = l.code)"

    def _label(self, concept: Json, held: bool) -> str | None:
        """The value set's own text; in another language only for want of one from the system."""
        for one in concept.get("designation", ()):
            if self._language and str(one.get("language", "")).lower().partition("-")[0] == self._language:
                return str(one.get("value", ""))
        return None if held and self._language not in {"", "en"} else concept.get("display")

    def _note(self, url: str, system: System) -> None:
        self.systems.setdefault(url, system)
        self.used[f"{system.url}|{system.version}" if system.version else system.url] = "used-codesystem"


def _parts(value_set: Json, name: str) -> list[Json]:
    parts = (value_set.get("compose") or {}).get(name, [])
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        raise BadValueSet(f"compose.{name} is a list of parts.")
    return parts
