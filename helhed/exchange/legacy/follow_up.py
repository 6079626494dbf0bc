"""What a letter asks the general practice to do, and by when, as data of which a Task can be made.

A section that says so by its code is the letter's own word. Else it is read from the text, by the headings and turns of phrase of a
dated table; it is then said to be read, the words are the letter's, and of several days the earliest is the deadline.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any

from helhed.exchange.legacy import texts
from helhed.exchange.legacy.fhir import resources
from helhed.exchange.legacy.places import Json
from helhed.exchange.legacy.tables import table

#: another heading begins: "Medicin: ..."
_LABEL = re.compile(r"\s*[A-ZÆØÅ][\wæøåÆØÅ /-]{1,40}:")
SECTION, HEADING, PHRASE = "section", "heading", "phrase"


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A thing that is asked for. ``due`` is a Danish day, None where the letter has no plain one."""

    text: str
    due: date | None
    how: str  #: "section": the letter says so; "heading" or "phrase": read from its text
    place: str  #: FHIRPath to the text


def follow_ups(bundle: Json) -> tuple[FollowUp, ...]:
    """What the letter asks for, in its order. Pure; never raises for a bundle that ``to_fhir`` made."""
    found: list[FollowUp] = []
    for resource in resources(bundle):
        written = _day(resource.get("date") or resource.get("sent") or bundle.get("timestamp"))
        for place, section, text in _texts(resource):
            if _is_asked(section):
                found.append(FollowUp(text.strip(), _due(text, written), SECTION, place))
            else:
                found += _read(text, place, written)
    return tuple(found)


def _texts(resource: Json) -> Iterator[tuple[str, Json, str]]:
    name = resource.get("resourceType")
    if name == "Composition":
        for at, section in enumerate(_list(resource.get("section"))):
            div = (section.get("text") or {}).get("div") if isinstance(section.get("text"), dict) else None
            if isinstance(div, str):
                yield f"Composition.section[{at}].text", section, texts.said(texts.from_xhtml(div))
    elif name == "Communication":
        for at, payload in enumerate(_list(resource.get("payload"))):
            if isinstance(payload.get("contentString"), str):
                yield f"Communication.payload[{at}].contentString", payload, payload["contentString"]


def _read(text: str, place: str, written: date | None) -> Iterator[FollowUp]:
    lines = text.split("\n")
    at = 0
    while at < len(lines):
        asked, taken = _heading(lines, at)
        how = HEADING
        if not asked and _phrase().search(lines[at]):
            asked, taken, how = lines[at].strip(), 1, PHRASE
        if asked:
            yield FollowUp(asked, _due(asked, written), how, place)
        at += max(taken, 1)


def _heading(lines: list[str], at: int) -> tuple[str, int]:
    """What stands under a heading: the rest of its line, and the lines up to the next empty one."""
    said = lines[at].strip()
    lowered = said.casefold()
    for heading in table("follow_up")["headings"]:
        if lowered.startswith(heading):
            rest = said[len(heading) :].lstrip(" :-–") if said[len(heading) :][:1] in {"", ":", "-", "–"} else said
            block = [rest] if rest else []
            end = at + 1
            while end < len(lines) and lines[end].strip() and not (block and _LABEL.match(lines[end])):
                block.append(lines[end].strip())
                end += 1
            return " ".join(block), end - at
    return "", 0


def _due(text: str, written: date | None) -> date | None:
    """The earliest day that the text names; None for none."""
    return min(_days(text.casefold(), written), default=None)


def _days(text: str, written: date | None) -> Iterator[date]:
    for spec, pattern in _dates():
        for found in pattern.finditer(text):
            said = found.groupdict()
            day = _named(said) if "day" in said else _from(spec, said, written)
            if day:
                yield day


def _named(said: dict[str, str]) -> date | None:
    year = int(said["year"])
    try:
        return date(year + 2000 if year < 100 else year, int(said["month"]), int(said["day"]))
    except ValueError:
        return None


def _from(spec: Json, said: dict[str, str], written: date | None) -> date | None:
    if written is None:
        return None
    number = int(said.get("number") or spec.get("number", 0))
    if "days" in spec:
        return written + timedelta(days=number * spec["days"])
    months = written.month - 1 + number
    year, month = written.year + months // 12, months % 12 + 1
    return next(
        (date(year, month, day) for day in range(written.day, 27, -1) if _real(year, month, day)),
        date(year, month, min(written.day, 28)),
    )


def _real(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def _day(said: Any) -> date | None:
    try:
        return date.fromisoformat(str(said)[:10])
    except ValueError:
        return None


def _is_asked(section: Json) -> bool:
    wanted = table("follow_up")["section"]
    code = section.get("code")
    codings = _list(code.get("coding")) if isinstance(code, dict) else []
    return any(one.get("system") == wanted["system"] and one.get("code") == wanted["code"] for one in codings)


def _list(value: Any) -> list[Json]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


@cache
def _phrase() -> re.Pattern[str]:
    return re.compile("|".join(table("follow_up")["phrases"]), re.IGNORECASE)


@cache
def _dates() -> list[tuple[Json, re.Pattern[str]]]:
    return [(spec, re.compile(spec["pattern"])) for spec in table("follow_up")["dates"]]
