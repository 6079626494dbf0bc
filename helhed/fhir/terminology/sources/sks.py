"""SKS, the classification of the Danish health service: ``SKScomplete.txt`` of Sundhedsdatastyrelsen.

One record a line, of fixed width, in Latin-1: the kind of code (3 letters, as dia for diagnoses), the code (20), three dates
as YYYYMMDD (valid from, changed, valid to; 8 each), then the text. What follows the text, behind blanks, is not read.

Source of the layout: https://sundhedsdatastyrelsen.dk/da/rammer-og-retningslinjer/om-klassifikationer/sks-klassifikationer/download-sks
names the file; the widths are those that public readers of it use (read on 2026-11-23). They were not tried on the file
itself: it was not at hand.
"""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from helhed.fhir.terminology.hierarchy import put_parents
from helhed.fhir.terminology.model import CodeSystem, Concept, Property
from helhed.fhir.terminology.sources import NotThisShape, Rejected, open_lines

SKS, SKS_DIAGNOSES = "urn:oid:1.2.208.176.2.4", "urn:oid:1.2.208.176.2.4.12"
_KIND, _CODE, _FROM, _CHANGED, _TO = slice(0, 3), slice(3, 23), slice(23, 31), slice(31, 39), slice(39, 47)
_TEXT = slice(47, 179)
_DIAGNOSES = "dia"
_FORM = re.compile(r"[A-ZÆØÅ0-9+\-]{1,20}")
_SHORTEST = 48
#: the shortest code that others stand under: D, K, B, U are chapters, not codes
_SHORTEST_PARENT = 2


def read_sks(path: Path, version: str, today: date, rejected: Rejected) -> Iterator[CodeSystem]:
    """All of SKS, and its diagnoses under the name they have alone. Raises NotThisShape."""
    newest: dict[str, tuple[str, Concept, str]] = {}
    for number, line in enumerate(open_lines(path, "latin-1"), 1):
        if line.strip():
            _take(line.rstrip("\r\n"), number, today, newest, rejected)
    if not newest:
        raise NotThisShape(f"{path.name} holds no line of SKScomplete.txt.")
    kinds = {code: kind for code, (_, _, kind) in newest.items()}
    concepts = [newest[code][1] for code in sorted(newest)]
    put_parents(concepts, _shorter)
    yield CodeSystem(SKS, version, concepts, "SKS", language="da")
    diagnoses = [concept for concept in concepts if kinds[concept.code] == _DIAGNOSES]
    if diagnoses:
        yield CodeSystem(SKS_DIAGNOSES, version, diagnoses, "SKS, diagnoser", language="da")


def _take(line: str, number: int, today: date, newest: dict[str, tuple[str, Concept, str]], rejected: Rejected) -> None:
    """One record. Of several for a code, the one that holds longest counts."""
    if len(line) < _SHORTEST:
        rejected.line(number, "too short for a record")
        return
    kind, code, text = line[_KIND], line[_CODE].strip(), re.split(r" {3,}", line[_TEXT].strip())[0]
    dates = [_day(line[part]) for part in (_FROM, _CHANGED, _TO)]
    if not kind.isalpha() or not _FORM.fullmatch(code):
        rejected.line(number, "no kind and code where they should stand")
    elif None in dates:
        rejected.line(number, f"{code}: no dates where they should stand")
    elif not text:
        rejected.line(number, f"{code}: no text")
    else:
        begin, changed, end = (day or "" for day in dates)
        if code in newest and newest[code][0] >= end:
            return
        properties = [Property("kind", "code", kind)]
        named = (("valid-from", begin), ("changed", changed), ("valid-to", end))
        properties += [Property(name, "dateTime", day) for name, day in named if day]
        active = not end or end >= today.isoformat()
        newest[code] = (end, Concept(code, text, properties=properties, active=active), kind)


def _day(text: str) -> str | None:
    """YYYY-MM-DD; "" for blanks, None for what is no date."""
    if not text.strip():
        return ""
    try:
        return date.fromisoformat(text).isoformat() if text.isdigit() else None
    except ValueError:
        return None


def _shorter(code: str) -> str:
    return code[:-1] if len(code) > _SHORTEST_PARENT else ""
