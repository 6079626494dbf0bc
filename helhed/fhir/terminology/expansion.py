"""ValueSet ``$expand`` (http://hl7.org/fhir/R4/valueset-operation-expand.html)."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import uuid4

from helhed.fhir.terminology.catalogue import Catalogue
from helhed.fhir.terminology.compose import Members, Versions, load_value_set, members_of
from helhed.fhir.terminology.model import Designation, Json, split_canonical
from helhed.fhir.terminology.parameters import Inputs
from helhed.fhir.terminology.texts import as_designation, choose_text, more_designations, parse_designations
from helhed.fhir.validation import validate
from helhed.foundation.database import Connection
from helhed.foundation.errors import BadRequest, InvalidResource, TooCostly

_KNOWN = (
    "url", "valueSet", "valueSetVersion", "filter", "date", "offset", "count", "includeDesignations", "designation",
    "includeDefinition", "activeOnly", "excludeNested", "excludeNotForUI", "excludePostCoordinated", "displayLanguage",
    "exclude-system", "system-version", "check-system-version", "force-system-version",
)  # fmt: skip
#: codes in one answer; more come in pages
MOST_CODES = 5000
_MOST_WORDS = 10
_ORDER = "order by m.place, m.system, m.code"


class _Row(NamedTuple):
    system: str
    code: str
    text: str
    definition: str
    active: bool
    abstract: bool
    designations: list[Designation]
    parents: list[int]
    number: int


async def expand(
    connection: Connection, catalogue: Catalogue, parameters: Json, at: datetime, language: str = ""
) -> Json:
    """The codes a value set holds. Raises UnknownTerminology, BadValueSet, BadRequest, InvalidResource, TooCostly."""
    inputs = Inputs(parameters, _KNOWN)
    offset, count = inputs.count("offset") or 0, inputs.count("count")
    language = inputs.text("displayLanguage") or language
    value_set = await asked_value_set(connection, catalogue, inputs)
    versions = Versions(_versions(inputs, "system-version"), _versions(inputs, "force-system-version"))
    members = await members_of(
        connection, catalogue, value_set, versions=versions, language=language, without=tuple(inputs.texts("exclude-system")),
    )  # fmt: skip
    _check_versions(inputs, members)
    source, arguments = _chosen(members, inputs)
    total = await connection.fetchval(f"select count(*) {source}", *arguments)
    if count is None and total - offset > MOST_CODES:
        raise TooCostly(
            f"The value set holds {total} codes: ask for at most {MOST_CODES} at a time with offset and count."
        )
    limit = min(MOST_CODES if count is None else count, MOST_CODES)
    rows = await _rows(connection, members, source, arguments, offset, limit, language) if limit else []
    nested = inputs.has("excludeNested") and not inputs.flag("excludeNested") and len(rows) == total
    expansion: Json = {
        "identifier": uuid4().urn,
        "timestamp": at.isoformat(),
        "total": total,
        "offset": offset,
        "parameter": _told(inputs, members, language),
    }
    contains = _nested(rows, inputs) if nested else [_contained(row, inputs) for row in rows]
    if contains:
        expansion["contains"] = contains
    kept = {name: value for name, value in value_set.items() if name not in {"compose", "text", "expansion"}}
    return {**kept, "resourceType": "ValueSet", "status": value_set.get("status", "active"), "expansion": expansion}


async def asked_value_set(connection: Connection, catalogue: Catalogue, inputs: Inputs) -> Json:
    """The value set an operation names, or was given."""
    own = inputs.resource("valueSet")
    if own is None:
        return await load_value_set(connection, catalogue, inputs.needed("url"), inputs.text("valueSetVersion"))
    if inputs.has("url"):
        raise BadRequest("Send url or valueSet, not both.")
    if own.get("resourceType") != "ValueSet":
        raise BadRequest("valueSet is a ValueSet.")
    if issues := validate(own, "Parameters.parameter.where(name = 'valueSet').resource"):
        raise InvalidResource(issues=issues)
    return own


def _chosen(members: Members, inputs: Inputs) -> tuple[str, list[Any]]:
    """The rows that are wanted, each with its concept when that is held."""
    arguments = list(members.parameters)

    def parameter(value: Any, kind: str) -> str:
        arguments.append(value)
        return f"${len(arguments)}::{kind}"

    urls = parameter(list(members.systems), "text[]")
    keys = parameter([system.key for system in members.systems.values()], "int[]")
    supplied = [(url, key) for url, system in members.systems.items() for key in system.supplements]
    where = ["true"]
    if inputs.flag("activeOnly"):
        where.append("coalesce(c.active, true)")
    if inputs.flag("excludeNotForUI"):
        where.append("not coalesce(c.abstract, false)")
    words = inputs.text("filter").lower().split()
    if len(words) > _MOST_WORDS:
        raise BadRequest(f"A filter has at most {_MOST_WORDS} words.")
    supplement = ""
    if words and supplied:
        more_urls = parameter([url for url, _ in supplied], "text[]")
        more_keys = parameter([key for _, key in supplied], "int[]")
        supplement = (
            f" or exists (select from unnest({more_urls}, {more_keys}) t (url, key) join fhir.concept d on d.system = t.key"
            " where t.url = m.system and d.code = m.code and d.words like "
        )
    for word in words:
        like = parameter(f"%{_escaped(word)}%", "text")
        more = f"{supplement}{like})" if supplement else ""
        where.append(f"(c.words like {like} or lower(m.code) like {like} or lower(m.label) like {like}{more})")
    return (
        f"from ({members.sql}) m left join unnest({urls}, {keys}) s (url, key) on s.url = m.system"
        f" left join fhir.concept c on c.system = s.key and c.code = m.code where {' and '.join(where)}"
    ), arguments


async def _rows(
    connection: Connection, members: Members, source: str, arguments: list[Any], offset: int, limit: int, language: str
) -> list[_Row]:
    columns = "m.system, m.code, m.label, c.display, c.definition, c.active, c.abstract, c.designations::text, c.parents, c.number"
    page = f"{_ORDER} limit {int(limit)} offset {int(offset)}"
    found = await connection.fetch(f"select {columns} {source} {page}", *arguments)
    more = {
        url: await more_designations(
            connection, system.supplements, [row["code"] for row in found if row["system"] == url]
        )
        for url, system in members.systems.items()
    }
    rows = []
    for row in found:
        system = members.systems.get(row["system"])
        designations = parse_designations(row["designations"]) + more.get(row["system"], {}).get(row["code"], [])
        text = row["label"] or choose_text(
            row["display"] or "", designations, system.language if system else "", language
        )
        number = -1 if row["number"] is None else row["number"]
        flags = (row["active"] is not False, bool(row["abstract"]))
        about = (row["system"], row["code"], text, row["definition"] or "", *flags)
        rows.append(_Row(*about, designations, row["parents"] or [], number))
    return rows


def _contained(row: _Row, inputs: Inputs) -> Json:
    told: Json = {"system": row.system}
    if row.abstract:
        told["abstract"] = True
    if not row.active:
        told["inactive"] = True
    told["code"] = row.code
    if row.text:
        told["display"] = row.text
    if row.designations and (inputs.flag("includeDesignations") or inputs.has("designation")):
        wanted = set(inputs.texts("designation"))
        listed = [one for one in row.designations if not wanted or one.language in wanted or one.use in wanted]
        if listed:
            told["designation"] = [as_designation(one) for one in listed]
    if row.definition and inputs.flag("includeDefinition"):
        url = "http://hl7.org/fhir/StructureDefinition/valueset-concept-definition"
        told["extension"] = [{"url": url, "valueString": row.definition}]
    return told


def _nested(rows: list[_Row], inputs: Inputs) -> list[Json]:
    """The rows as a tree: each under its first parent that is there too."""
    told = {(row.system, row.number): _contained(row, inputs) for row in rows if row.number >= 0}
    roots = []
    for row in rows:
        one = told.get((row.system, row.number)) or _contained(row, inputs)
        above = next((told[row.system, parent] for parent in row.parents if (row.system, parent) in told), None)
        if above is None:
            roots.append(one)
        else:
            above.setdefault("contains", []).append(one)
    return roots


def _told(inputs: Inputs, members: Members, language: str) -> list[Json]:
    told: list[Json] = []
    for name in ("filter", "valueSetVersion"):
        if inputs.has(name):
            told.append({"name": name, "valueString": inputs.text(name)})
    for name in ("activeOnly", "includeDesignations", "excludeNested", "excludeNotForUI", "includeDefinition"):
        if inputs.has(name):
            told.append({"name": name, "valueBoolean": inputs.flag(name)})
    for name in ("count", "offset"):
        if inputs.has(name):
            told.append({"name": name, "valueInteger": inputs.count(name)})
    if language:
        told.append({"name": "displayLanguage", "valueCode": language})
    told += [{"name": kind, "valueUri": canonical} for canonical, kind in members.used.items()]
    if members.missing:
        told.append({"name": "limitedExpansion", "valueBoolean": True})
    return told


def _versions(inputs: Inputs, name: str) -> dict[str, str]:
    return dict(split_canonical(text) for text in inputs.texts(name))


def _check_versions(inputs: Inputs, members: Members) -> None:
    for url, version in _versions(inputs, "check-system-version").items():
        found = members.systems.get(url)
        if found is not None and found.version != version:
            raise BadRequest(f"The value set would take version {found.version} of {url}, not {version}.")


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
