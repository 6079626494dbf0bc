"""Tables of codes with a first line of column names: ATC, NPU, LOINC. Their shapes stand in ``shapes.json``."""

import csv
import json
import re
from collections.abc import Iterator
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from helhed.fhir.terminology.hierarchy import atc_parent, put_parents
from helhed.fhir.terminology.model import CodeSystem, Concept, Designation, Property
from helhed.fhir.terminology.sources import NotThisShape, Rejected, open_lines

_DELIMITERS = ";\t,"
_PARENTS = {"atc": atc_parent}
Columns = dict[str, list[int]]


@cache
def shapes() -> dict[str, dict[str, Any]]:
    """What is known of each table."""
    text = (resources.files(__package__) / "shapes.json").read_text("utf-8")
    found: dict[str, dict[str, Any]] = json.loads(text)["shapes"]
    return found


def read_table(path: Path, kind: str, version: str, language: str, rejected: Rejected) -> CodeSystem:
    """One code system from a table of that kind. Raises NotThisShape."""
    shape = shapes()[kind]
    rows = _rows(path, rejected)
    first = next(rows, (1, []))[1]
    names = [_plain(name) for name in first]
    if not _columns(names, shape["code"]):
        if "unnamed" not in shape or not first or not re.fullmatch(shape["pattern"], first[0].strip()):
            raise NotThisShape(f"{path.name} has no column {shape['code'][0]}: it is no table of {shape['title']}.")
        names = [_plain(name) for name in shape["unnamed"]]
        rows = _rows(path, rejected)
    concepts: dict[str, Concept] = {}
    for number, row in rows:
        _take(row, number, names, shape, language, concepts, rejected)
    if not concepts:
        raise NotThisShape(f"{path.name} holds no code of {shape['title']}.")
    listed = list(concepts.values())
    if kind in _PARENTS:
        listed.sort(key=lambda concept: concept.code)
        put_parents(listed, _PARENTS[kind])
    return CodeSystem(
        shape["url"], version, listed, shape["title"], shape["content"],
        case_sensitive=shape.get("case_sensitive", True), language=language,
    )  # fmt: skip


def _rows(path: Path, rejected: Rejected) -> Iterator[tuple[int, list[str]]]:
    head = next(open_lines(path), "")
    delimiter = max(_DELIMITERS, key=head.count)
    reader = csv.reader(open_lines(path), delimiter=delimiter, strict=False)
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            rejected.line(reader.line_num, str(error))
            continue
        if any(cell.strip() for cell in row):
            yield reader.line_num, row


def _take(
    row: list[str],
    number: int,
    names: list[str],
    shape: dict[str, Any],
    language: str,
    concepts: dict[str, Concept],
    rejected: Rejected,
) -> None:
    def cell(wanted: list[str]) -> str:
        found = (row[place].strip() for place in _columns(names, wanted) if place < len(row))
        return next((text for text in found if text), "")

    code, display = cell(shape["code"]), cell(shape["display"])
    if not re.fullmatch(shape["pattern"], code):
        rejected.line(number, f"{code[:40] or 'nothing'} is no code of {shape['title']}")
        return
    if "\0" in "".join(row):
        rejected.line(number, f"{code}: a byte that no text has")
        return
    properties = [
        Property(name, "string", text) for name, wanted in shape["properties"].items() if (text := cell(wanted))
    ]
    if code in concepts:
        if shape.get("repeats"):  # a medicine has a line for each of its routes
            concepts[code].properties += [one for one in properties if one not in concepts[code].properties]
        else:
            rejected.line(number, f"{code} stands there twice")
        return
    if not display:
        rejected.line(number, f"{code}: no text")
        return
    more = [Designation(language, "synonym", text) for name in shape.get("designations", ()) if (text := cell([name]))]
    status = cell(shape.get("status", [])).lower()
    active = status not in shape.get("inactive", ())
    definition = cell(shape.get("definition", []))
    concepts[code] = Concept(code, display, definition, [], more, properties, active)


def _columns(names: list[str], wanted: list[str]) -> list[int]:
    return [names.index(plain) for plain in map(_plain, wanted) if plain in names]


def _plain(name: str) -> str:
    return re.sub(r"[^a-zæøå0-9]", "", name.lower())
