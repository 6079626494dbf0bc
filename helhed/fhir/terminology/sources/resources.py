"""CodeSystem, ValueSet and ConceptMap as FHIR JSON: alone, in Bundles, in packages, packed or not."""

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from helhed.fhir.terminology.hierarchy import atc_parent, icd10_parent, put_parents
from helhed.fhir.terminology.model import CodeSystem, Concept, Designation, Json, Property, split_canonical
from helhed.fhir.terminology.sources import NotThisShape, Rejected, open_bytes

KINDS = frozenset({"CodeSystem", "ValueSet", "ConceptMap"})
_ARCHIVES = (".tgz", ".tar.gz", ".tar.xz", ".tar")
#: systems whose codes show what stands above them, and whose files do not always say it
_PARENTS = {"http://hl7.org/fhir/sid/icd-10": icd10_parent, "http://www.whocc.no/atc": atc_parent}
_ABOVE = frozenset({"parent", "subsumedBy"})


def read_resources(path: Path, rejected: Rejected) -> Iterator[Json]:
    """The terminologies in a file. Raises NotThisShape when it holds none that can be read."""
    found = 0
    for name, raw in _documents(path):
        if b"\\u0000" in raw:
            rejected.line(1, f"{name}: a character that no text has")
            continue
        try:
            content = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            rejected.line(1, f"{name}: no JSON ({error})")
            continue
        for resource in _resources(content):
            if not isinstance(resource.get("url"), str) or not resource["url"]:
                rejected.line(1, f"{name}: a {resource['resourceType']} without url")
            elif not isinstance(resource.get("version", ""), str):
                rejected.line(1, f"{name}: the version is a text")
            else:
                found += 1
                yield resource
    if not found:
        why = f" {rejected.reasons[0]}" if rejected.reasons else ""
        raise NotThisShape(f"{path.name} holds no CodeSystem, ValueSet or ConceptMap.{why}")


def _documents(path: Path) -> Iterator[tuple[str, bytes]]:
    if not path.name.endswith(_ARCHIVES):
        with open_bytes(path) as stream:
            yield path.name, stream.read()
        return
    with tarfile.open(path) as archive:
        for member in archive:
            plain = member.isfile() and member.name.endswith(".json") and "/example" not in member.name
            if plain and (content := archive.extractfile(member)) is not None:
                yield member.name, content.read()


def _resources(content: Any) -> Iterator[Json]:
    if not isinstance(content, dict):
        return
    if content.get("resourceType") == "Bundle":
        for entry in content.get("entry", ()):
            yield from _resources(entry.get("resource") if isinstance(entry, dict) else None)
    elif content.get("resourceType") in KINDS:
        yield content


def code_system(resource: Json, rejected: Rejected) -> CodeSystem | None:
    """A CodeSystem as it is stored; None for one whose concepts are not there (content not-present)."""
    content = resource.get("content", "complete")
    concepts = list(_concepts(resource, rejected))
    supplements = str(resource.get("supplements", ""))
    if content == "not-present" or (not concepts and content != "complete"):
        return None
    parent_of = _PARENTS.get(split_canonical(supplements or resource["url"])[0])
    if parent_of is not None:
        put_parents(concepts, parent_of)
    return CodeSystem(
        resource["url"], resource.get("version", ""), concepts, str(resource.get("title") or resource.get("name", "")),
        content, supplements, resource.get("caseSensitive") is not False, str(resource.get("language", "")),
    )  # fmt: skip


def _concepts(resource: Json, rejected: Rejected) -> Iterator[Concept]:
    """Parents before children, in the order of the file."""
    waiting: list[tuple[Any, str]] = [(one, "") for one in reversed(_list(resource.get("concept")))]
    number = 0
    while waiting:
        one, parent = waiting.pop()
        number += 1
        code = one.get("code") if isinstance(one, dict) else None
        if not isinstance(code, str) or not code or code != code.strip():
            rejected.line(number, "a concept without a code")
            continue
        yield _concept(one, parent)
        waiting += [(child, code) for child in reversed(_list(one.get("concept")))]


def _concept(one: Json, parent: str) -> Concept:
    properties = [p for p in map(_property, _list(one.get("property"))) if p is not None]
    named = {p.code: p.value for p in properties}
    above = [p.value for p in properties if p.code in _ABOVE]
    return Concept(
        one["code"],
        str(one.get("display", "")),
        str(one.get("definition", "")),
        list(dict.fromkeys([*([parent] if parent else []), *above])),
        [d for d in map(_designation, _list(one.get("designation"))) if d is not None],
        [p for p in properties if p.code not in _ABOVE],
        named.get("inactive") != "true" and named.get("status") not in {"retired", "inactive"},
        "true" in {named.get("notSelectable"), named.get("abstract")},
    )


def _property(one: Any) -> Property | None:
    if not isinstance(one, dict) or not isinstance(one.get("code"), str):
        return None
    name, value = next(((name, value) for name, value in one.items() if name.startswith("value")), ("", None))
    if value is None:
        return None
    if isinstance(value, dict):
        value = value.get("code", "")
    text = str(value).lower() if isinstance(value, bool) else str(value)
    kind = name.removeprefix("value")
    return Property(one["code"], kind if kind == "Coding" else kind[:1].lower() + kind[1:], text)


def _designation(one: Any) -> Designation | None:
    if not isinstance(one, dict) or not isinstance(one.get("value"), str):
        return None
    use = one.get("use")
    return Designation(
        str(one.get("language", "")), str(use.get("code", "")) if isinstance(use, dict) else "", one["value"]
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
