"""Terminologies as rows of their tables, and the digests by which one that is held already is known."""

import hashlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from helhed.fhir.terminology.hierarchy import closure
from helhed.fhir.terminology.model import CodeSystem, Concept, Json

_UNTOLD = frozenset({"text", "contact"})
Row = tuple[Any, ...]


class Ready(NamedTuple):
    """One terminology on its way into the database."""

    kind: str  #: CodeSystem, ValueSet or ConceptMap
    url: str
    version: str
    digest: bytes
    content: Any  #: a CodeSystem and its concepts, or the resource
    concepts: int  #: how many codes or mappings it has
    problems: list[str]

    @property
    def what(self) -> str:
        """What it is called in a report."""
        return f"{self.kind} {self.url}|{self.version}"


def ready(one: CodeSystem | Json) -> Ready:
    """A terminology with its digest."""
    if isinstance(one, CodeSystem):
        return _ready_system(one)
    url, version, kind = one["url"], one.get("version", ""), one["resourceType"]
    if kind == "ValueSet":
        body = orjson.dumps({name: value for name, value in one.items() if name not in _UNTOLD})
        return Ready(kind, url, version, hashlib.sha256(body).digest(), body, 0, [])
    digest = hashlib.sha256(orjson.dumps(one)).digest()
    return Ready(kind, url, version, digest, one, sum(1 for _ in mappings(one)), [])


def _ready_system(system: CodeSystem) -> Ready:
    problems: list[str] = []
    concepts = list(_once(system, problems))
    digest = _digest_of(system, concepts)
    return Ready("CodeSystem", system.url, system.version, digest, (system, concepts), len(concepts), problems)


def _once(system: CodeSystem, problems: list[str]) -> Iterator[Concept]:
    seen: set[str] = set()
    for concept in system.concepts:
        if not concept.code or concept.code in seen:
            problems.append(f"{concept.code[:80] or 'a concept without code'}: stands there twice")
            continue
        seen.add(concept.code)
        yield concept


def _digest_of(system: CodeSystem, concepts: list[Concept]) -> bytes:
    head = [system.title, system.content, system.supplements, system.case_sensitive, system.language]
    digest = hashlib.sha256(orjson.dumps(head))
    for one in concepts:
        content = [one.code, one.display, one.definition, one.parents, one.designations, one.properties, one.active]
        digest.update(orjson.dumps([*content, one.abstract], default=list))
    return digest.digest()


class SystemRows(NamedTuple):
    """The rows of one code system beneath its head."""

    concepts: list[Row]
    above: list[Row]  #: every pair of a concept and one above it


def system_rows(key: int, one: Ready) -> SystemRows:
    """The concepts of a code system that has its key; parents that cannot be are told in its problems."""
    concepts: list[Concept] = one.content[1]
    parents, above, dropped = closure(concepts)
    one.problems.extend(f"{code}: the parent {parent} is not there, or below it" for code, parent in dropped)
    return SystemRows(
        [_concept(key, number, concept, parents[number]) for number, concept in enumerate(concepts)],
        [(key, ancestor, number) for number, found in enumerate(above) for ancestor in found],
    )


def _concept(key: int, number: int, concept: Concept, parents: list[int]) -> Row:
    texts = dict.fromkeys([concept.code, concept.display, *(one.value for one in concept.designations)])
    return (
        key, number, concept.code, concept.display, concept.definition, concept.active, concept.abstract, parents,
        orjson.dumps([list(one) for one in concept.designations]).decode() if concept.designations else "[]",
        orjson.dumps([one._asdict() for one in concept.properties]).decode() if concept.properties else "[]",
        "\n".join(texts).lower(),
    )  # fmt: skip


def map_body(concept_map: Json) -> str:
    """A concept map without its narrative and elements."""
    body = {name: value for name, value in concept_map.items() if name not in _UNTOLD}
    body["group"] = [
        {name: value for name, value in group.items() if name != "element"} for group in concept_map.get("group", ())
    ]
    return orjson.dumps(body).decode()


def mappings(concept_map: Json) -> Iterator[Row]:
    """What a concept map says of each code."""
    for group in concept_map.get("group", ()):
        source, target = (str(group.get(name, "")).partition("|")[0] for name in ("source", "target"))
        for element in group.get("element", ()):
            for found in element.get("target", ()):
                about = {name: found[name] for name in ("display", "comment", "dependsOn", "product") if name in found}
                if "display" in element:
                    about["sourceDisplay"] = element["display"]
                yield (
                    source, element.get("code", ""), target, found.get("code", ""),
                    found.get("equivalence", "equivalent"), orjson.dumps(about).decode(),
                )  # fmt: skip


__all__ = ["Ready", "SystemRows", "map_body", "mappings", "ready", "system_rows"]
