"""A search of a type that has no rows: read from the parsed query, and held against what each thing is."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from helhed.fhir.changes import Version
from helhed.fhir.query import Query
from helhed.fhir.query.text import date_alternative, split, unescape, values
from helhed.foundation.clock import system_clock
from helhed.foundation.errors import BadRequest

#: parameters of every search here, which do not say what is looked for
_SHAPING = frozenset({"_count", "_total", "_summary", "_elements", "_contained", "_containedType", "_score", "_format", "_pretty"})  # fmt: skip
_COMMON = {"_id": "token", "_lastUpdated": "date"}
_MODIFIERS = {"token": {"", "not"}, "date": {""}, "reference": {""}, "string": {"", "exact", "contains"}, "uri": {""}}
_MOST_VALUES = 50


class Test(NamedTuple):
    """One parameter: at least one of its values is met, or, turned about, none is."""

    code: str
    kind: str
    modifier: str
    values: tuple[Any, ...]


class Wish(NamedTuple):
    """What is looked for, and how much of it."""

    tests: tuple[Test, ...]
    most: int
    total: bool
    after: tuple[str, ...] = ()  #: where the page before ended; nothing for the first

    def of(self, *codes: str) -> Iterable[Test]:
        """The tests of these parameters."""
        return (one for one in self.tests if one.code in codes)


class Shown(NamedTuple):
    """Something that may be seen: what it answers to each parameter, and where it stands in the order, newest first.

    A token is (system, code), a date (first, last microsecond), a reference ``Type/id``, any other a text.
    """

    version: Version
    values: Mapping[str, Sequence[Any]]
    place: tuple[str, ...]


class Found(NamedTuple):
    """A page: what was found, how much there is in all when that was asked, and where the next one begins."""

    matches: Sequence[Version]
    total: int | None
    after: tuple[str, ...] = ()


def wish_of(query: Query, parameters: Mapping[str, str], *, base: str, after: Sequence[str] = ()) -> Wish:
    """The wish behind a query of such a type. BadRequest, for everybody alike, for what it does not understand."""
    known = {**_COMMON, **parameters}
    tests = []
    for name, value in query.applied:
        code, _, modifier = name.partition(":")
        if name in _SHAPING:
            continue
        if code not in known:
            raise BadRequest(f"The parameter {name[:60]} is not one that {query.type_name} is searched by here.")
        kind = known[code]
        targets = () if kind == "reference" else ("",)
        if modifier not in _MODIFIERS[kind] and not (not targets and modifier[:1].isupper()):
            raise BadRequest(f"The parameter {code} of {query.type_name} takes no :{modifier[:40]} here.")
        tests.append(Test(code, kind, modifier, tuple(_read(kind, name, one, modifier, base) for one in values(name, value, _MOST_VALUES))))  # fmt: skip
    return Wish(tuple(tests), query.count, query.total, tuple(after))


def _read(kind: str, name: str, text: str, modifier: str, base: str) -> Any:
    if kind == "date":
        return date_alternative(name, text, system_clock())
    if kind == "token":
        system, mark, code = text.partition("|") if len(split(text, "|")) > 1 else ("", "", text)
        return (unescape(system) if mark else None, unescape(code))
    text = unescape(text)
    if kind == "reference":
        text = text.removeprefix(f"{base}/")
        return text if "/" in text or not modifier else f"{modifier}/{text}"
    return text


def meets(test: Test, found: Sequence[Any]) -> bool:
    """Whether what something is meets a test."""
    met = any(_equal(test, value, own) for value in test.values for own in found)
    return met is not (test.modifier == "not")


def _equal(test: Test, wanted: Any, own: Any) -> bool:
    if test.kind == "date":
        return meets_date(*wanted, *own)
    if test.kind == "token":
        system, code = wanted
        return (system is None or system == own[0]) and (code in {"", own[1]})
    if test.kind == "reference":
        return bool(own == wanted or ("/" not in wanted and own.rpartition("/")[2] == wanted))
    if test.modifier == "exact" or test.kind == "uri":
        return bool(own == wanted)
    plain, text = own.casefold(), wanted.casefold()
    return (
        text in plain if test.modifier == "contains" else any(part.startswith(text) for part in (plain, *plain.split()))
    )


def meets_date(prefix: str, lo: datetime, hi: datetime, first: datetime, last: datetime) -> bool:
    """http://hl7.org/fhir/R4/search.html#prefix: the value [first, last] against the asked [lo, hi]."""
    within = lo <= first and last <= hi
    after, before = last > hi, first < lo
    return {
        "eq": within, "ne": not within, "gt": after, "ge": after or within, "lt": before, "le": before or within,
        "sa": first > hi, "eb": last < lo, "ap": first <= hi and last >= lo,
    }[prefix]  # fmt: skip


def pick(wish: Wish, shown: Iterable[Shown]) -> Found:
    """The page of a wish among few: everything is held against it. Newest first; what comes after the place of the last one."""
    met = [one for one in shown if all(meets(test, one.values.get(test.code, ())) for test in wish.tests)]
    met.sort(key=lambda one: one.place, reverse=True)
    rest = [one for one in met if not wish.after or one.place < wish.after]
    page = rest[: wish.most]
    more = page[-1].place if page and len(rest) > len(page) else ()
    return Found([one.version for one in page], len(met) if wish.total else None, more)
