"""The message families: the tables as they are used. Each table is a dated, sourced file in ``tables/``."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

from helhed.exchange.legacy import values
from helhed.exchange.legacy.places import Json, Path, path
from helhed.exchange.legacy.rows import Row, row
from helhed.exchange.legacy.tables import table


class Option(NamedTuple):
    """One way to say a field in FHIR: to, back, and where."""

    to: Any
    back: Any
    place: Path
    rich: bool


class Also(NamedTuple):
    """What a field says besides, which is not read back: a constant, a list of the tables, or the same value."""

    how: str
    place: Path


class Field(NamedTuple):
    """A field of MedCom's: its options, the first that fits, and what it says besides."""

    name: str
    options: tuple[Option, ...]
    also: tuple[Also, ...]

    @property
    def rich(self) -> bool:
        """Whether it is text with formats."""
        return self.options[0].rich


@dataclass(frozen=True, slots=True)
class Group:
    """A group of fields: it belongs to one resource (``of``), is a resource (``made``), or an entry of a list (``into``)."""

    name: str
    fields: Mapping[str, Field]
    of: str = ""
    made: str = ""
    into: tuple[str, str] = ("", "")
    part: str = ""
    template: Json = field(default_factory=dict)
    instead: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    element: str = ""
    implied: Mapping[str, Any] = field(default_factory=dict)
    not_in_xml: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of message, and everything its table says."""

    code: str
    danish: str
    english: str
    table: str
    type: str  #: UNH's message type; "" where there is no EDIFACT
    versions: Mapping[str, str]  #: syntax -> the version that is written
    root: str  #: the letter's element; "" where no public schema names it
    schema: str
    groups: Mapping[str, Group]
    resources: Mapping[str, Mapping[str, Any]]
    aliases: Mapping[str, str]
    rows: Mapping[tuple[str, str], tuple[Row, ...]]
    starts: Mapping[str, Mapping[str, str]]
    required: Mapping[str, Json]
    exclusive: tuple[frozenset[str], ...]
    response: str
    notes: Mapping[str, str]
    unknown: tuple[str, ...]
    source: str
    dated: str

    def group_of(self, absolute: str) -> tuple[Group, str]:
        """The group and the field that an absolute path of the tables names."""
        parts = absolute.split("/")
        for length in range(len(parts) - 1, 0, -1):
            group = self.groups.get("/".join(parts[:length]))
            if group and "/".join(parts[length:]) in group.fields:
                return group, "/".join(parts[length:])
        return self.groups[""], absolute


def family(code: str) -> Family:
    """The family of a code; OTHER for what is none. Cached."""
    return _family(code if code in table("families")["families"] else "OTHER")


def codes() -> tuple[str, ...]:
    """Every family."""
    return tuple(table("families")["families"])


def of_version(version: str, root: str = "") -> Family:
    """The family of a version code (``D0133L``, ``XD0133L``, ``LMS016``), or of a letter's element."""
    facts = table("families")
    bare = version.removeprefix("X")
    for begin, code in facts["named"].items():
        if bare.startswith(begin):
            return family(code)
    code = facts["letters"].get(bare[:1], "") + bare[1:3]
    if code not in facts["families"] and root:
        code = _roots().get(root, "OTHER")
    return family(code)


@cache
def _roots() -> dict[str, str]:
    return {facts["root"]: code for code, facts in table("families")["families"].items() if "root" in facts}


@cache
def _family(code: str) -> Family:
    facts = table("families")["families"][code]
    common, own = table("common"), table(facts["table"])
    selectors = {**common["selectors"], **own.get("selectors", {})}
    groups = {**common["groups"], **own.get("groups", {})}
    changed = own.get("fields", {})
    resources = {**common["resources"], **own.get("resources", {}), "main": own.get("main", {})}
    return Family(
        code=code,
        danish=facts["da"],
        english=facts["en"],
        table=facts["table"],
        type=facts.get("type", ""),
        versions={name: facts[name] for name in ("edifact", "xml") if name in facts},
        root=facts.get("root", ""),
        schema=facts.get("schema", ""),
        groups={name: _group(name, spec, common["fieldsets"], changed, selectors) for name, spec in groups.items()},
        resources=resources,
        aliases=own.get("aliases", {}),
        rows=_rows(code, [*own["segments"], *common["segments"]]),
        starts=own.get("starts", {}),
        required=common["required"],
        exclusive=tuple(frozenset(names) for names in own.get("exclusive", [])),
        response=own.get("response", {}).get(code, ""),
        notes=own.get("notes", {}),
        unknown=tuple(own["unknown"]),
        source=own["source"],
        dated=own["dated"],
    )


def _group(name: str, spec: Json, fieldsets: Json, changed: Json, selectors: Json) -> Group:
    fields = dict(_fields(spec["fields"], fieldsets))
    fields |= {key.rpartition("/")[2]: text for key, text in changed.items() if key.rpartition("/")[0] == name}
    return Group(
        name=name,
        fields={one: _field(one, text, selectors) for one, text in fields.items()},
        of=spec.get("of", ""),
        made=spec.get("is", ""),
        into=tuple(spec.get("into", ("", ""))),
        part=spec.get("part", name),
        template=spec.get("template", {}),
        instead=spec.get("instead", {}),
        element=spec.get("element", name),
        implied=spec.get("implied", {}),
        not_in_xml=frozenset(spec.get("notInXml", ())),
    )


def _fields(spec: Json, fieldsets: Json) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, text in spec.items():
        found += _fields(fieldsets[text], fieldsets) if name == "+" else [(name, text)]
    return found


def _field(name: str, text: Any, selectors: Json) -> Field:
    first, *also = text if isinstance(text, list) else [text]
    options = tuple(_option(one.strip(), selectors) for one in first.split(" | "))
    besides = tuple(Also(how, path(place, selectors)) for how, place in (one.split(" ") for one in also))
    return Field(name, options, besides)


def _option(text: str, selectors: Json) -> Option:
    kind, place = text.split(" ")
    to, back = values.kind(kind)
    return Option(to, back, path(place, selectors), kind in values.RICH)


def _rows(code: str, specs: list[Any]) -> dict[tuple[str, str], tuple[Row, ...]]:
    found: dict[tuple[str, str], list[Row]] = {}
    for spec in specs:
        made = row(*spec)
        if not made.families or code in made.families:
            found.setdefault((made.within, made.tag), []).append(made)
    return {key: tuple(rows) for key, rows in found.items()}
