"""Compiles the code systems, value sets and concept maps of the published FHIR R4 definitions to one file of facts.

Run by ``tools/compile_definitions.py``. Kept are codes, displays, hierarchies and rules; no prose.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Json = dict[str, Any]
OUT = Path(__file__).resolve().parent.parent / "helhed" / "fhir" / "terminology" / "core.jsonl"
_KEPT = ("resourceType", "url", "version", "name", "title", "status", "compose", "group", "sourceUri", "targetUri")
_KEPT_CANONICALS = ("sourceCanonical", "targetCanonical", "immutable")
_ABSTRACT, _INACTIVE = 1, 2


def compile_terminology(folder: Path, read: Callable[[Path, str], list[Json]], source: str) -> None:
    """Write the file."""
    names = ("valuesets.json", "v3-codesystems.json", "v2-tables.json", "conceptmaps.json")
    records: dict[tuple[str, str], Any] = {}
    for one in (resource for name in names for resource in read(folder, name)):
        if one["resourceType"] == "CodeSystem":
            if one["content"] in {"complete", "fragment"} and one.get("concept"):
                records.setdefault((one["resourceType"], one["url"]), _system(one))
        elif one["resourceType"] == "ConceptMap" or "compose" in one:
            kept = {name: one[name] for name in (*_KEPT, *_KEPT_CANONICALS) if name in one}
            records.setdefault((one["resourceType"], one["url"]), _without_extensions(kept))
    lines = [json.dumps({"fhir": "4.0.1", "source": source})]
    lines += [json.dumps(records[key], ensure_ascii=False, separators=(",", ":")) for key in sorted(records)]
    OUT.write_text("\n".join(lines) + "\n", "utf-8")


def _system(one: Json) -> Json:
    rows: list[list[Any]] = []
    places: dict[str, int] = {}
    for concept, parent in _walk(one["concept"], None):
        named = [p["valueCode"] for p in concept.get("property", ()) if p["code"] == "subsumedBy"]
        above = [name for name in (parent, *named) if name is not None]
        places[concept["code"]] = len(rows)
        rows.append([concept["code"], concept.get("display", ""), above, _flags(concept)])
    for row in rows:
        row[2] = [places[name] for name in dict.fromkeys(row[2]) if name in places]
        while row and not row[-1]:
            row.pop()
    title = one.get("title") or one.get("name", "")
    return {
        "url": one["url"], "version": one.get("version", ""), "title": title, "content": one["content"],
        "case": one.get("caseSensitive", True), "concepts": rows,
    }  # fmt: skip


def _walk(concepts: list[Json], parent: str | None) -> Iterator[tuple[Json, str | None]]:
    for concept in concepts:
        yield concept, parent
        yield from _walk(concept.get("concept", []), concept["code"])


def _flags(concept: Json) -> int:
    values = {p["code"]: p.get("valueBoolean", p.get("valueCode")) for p in concept.get("property", ())}
    abstract = values.get("notSelectable") in {True, "true"} or values.get("abstract") is True
    inactive = values.get("inactive") is True or values.get("status") in {"retired", "inactive"}
    return (_ABSTRACT if abstract else 0) | (_INACTIVE if inactive else 0)


def _without_extensions(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: _without_extensions(inner)
            for name, inner in value.items()
            if name not in {"extension", "id"} and not name.startswith("_")
        }
    return [_without_extensions(one) for one in value] if isinstance(value, list) else value
