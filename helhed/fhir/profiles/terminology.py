"""Which codes a value set holds, as far as can be told here (FHIR R4 valueset, section 4.9.7)."""

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from helhed.fhir.definitions import facts
from helhed.fhir.packages import Known

Json = Mapping[str, Any]
Pairs = frozenset[tuple[str, str]]
_MOST_NESTED = 12
#: anything: an included value set is not known, so every code may be in
_EVERYTHING = "*"


class Terminology(Protocol):
    """What validation asks of a terminology service."""

    def member(self, value_set: str, system: str | None, code: str) -> bool | None:
        """Whether a value set (url or url|version) holds a code; None when that cannot be told here.

        ``system`` is None where the element implies it (type code), "" where a coding should have named one.
        """

    def subsumes(self, system: str, above: str, below: str) -> bool | None:
        """Whether a code of a system is the other or stands above it; None when that cannot be told here."""


@dataclass(frozen=True, slots=True)
class Expansion:
    """The codes known to be in, and the systems of which nothing can be told."""

    pairs: Pairs
    open_systems: frozenset[str]
    codes: frozenset[str]

    def member(self, system: str | None, code: str) -> bool | None:
        """Whether a code is in."""
        if (code in self.codes) if system is None else ((system, code) in self.pairs):
            return True
        if not self.open_systems:
            return False
        return None if system is None or system in self.open_systems or _EVERYTHING in self.open_systems else False


_UNKNOWN = Expansion(frozenset(), frozenset({_EVERYTHING}), frozenset())


class Vocabulary:
    """Value sets and code systems of installed packages, and the required codes of FHIR itself.

    Bodies are read when they are first asked for.
    """

    def __init__(self, known: Iterable[Known] = ()) -> None:
        self._sets: dict[str, Known] = {}
        self._systems: dict[str, Known] = {}
        for one in known:  # those installed last stand last, and win where no version is named
            into = {"ValueSet": self._sets, "CodeSystem": self._systems}.get(one.type_name, {})
            into[one.url] = into[f"{one.url}|{one.version}"] = one
        self._read: dict[str, Json] = {}
        self._expanded: dict[str, Expansion] = {}
        self._learned: dict[str, Expansion] = {}
        self._missing: set[str] = set()
        self._lines: dict[str, dict[str, frozenset[str]]] = {}  #: by system and code, the codes above it

    def _content(self, known: Known | None) -> Json | None:
        if known is None:
            return None
        key = f"{known.type_name} {known.url}|{known.version}"
        if key not in self._read:
            self._read[key] = orjson.loads(known.body)
        return self._read[key]

    def member(self, value_set: str, system: str | None, code: str) -> bool | None:
        """As Terminology."""
        return self.expansion(value_set).member(system, code)

    def subsumes(self, system: str, above: str, below: str) -> bool | None:
        """As Terminology, for the code systems of packages that are complete."""
        content = self._content(self._systems.get(system))
        if content is None or content.get("content") != "complete":
            return None
        if system not in self._lines:
            self._lines[system] = {concept["code"]: frozenset(line) for concept, line in _walk(content)}
        lines = self._lines[system]
        if above not in lines or below not in lines:
            return None
        return above == below or above in lines[below]

    def expansion(self, value_set: str, depth: int = 0) -> Expansion:
        """What can be told of a value set."""
        known = self._expanded.get(value_set)
        if known is None:
            known = self._expanded[value_set] = self._expand(value_set, depth)
        return known

    def unsettled(self, value_sets: Iterable[str], overruled: Container[str] = ()) -> list[str]:
        """Those of these value sets, and those they import, of which packages alone do not tell every code.

        It is all of them when something that packages hold is ``overruled``: what they stand on may be.
        """
        wanted = set(value_sets)
        doubtful = any(one in overruled for held in (self._sets, self._systems) for one in held)
        return sorted({one for one in wanted if doubtful or self.expansion(one).open_systems} | self._missing)

    def learn(self, value_set: str, pairs: Iterable[tuple[str, str]]) -> None:
        """Take the codes of a value set from somebody who knows them all."""
        self._learned[value_set] = _closed(pairs)
        self._expanded.clear()

    def _expand(self, value_set: str, depth: int) -> Expansion:
        if value_set in self._learned:
            return self._learned[value_set]
        url = value_set.partition("|")[0]
        content = self._content(self._sets.get(value_set) or self._sets.get(url))
        if content is None:
            return self._of_others(value_set, url)
        compose = content.get("compose")
        if depth > _MOST_NESTED or not isinstance(compose, dict):
            return _UNKNOWN
        included: set[tuple[str, str]] = set()
        unknown: set[str] = set()
        for part in compose.get("include", ()):
            some = self._part(part, depth)
            included |= some.pairs
            unknown |= some.open_systems
        for part in compose.get("exclude", ()):
            some = self._part(part, depth)
            included -= some.pairs
            unsure = {s for s, _ in included} if _EVERYTHING in some.open_systems else some.open_systems
            included = {pair for pair in included if pair[0] not in unsure}
            unknown |= unsure
        return Expansion(frozenset(included), frozenset(unknown), frozenset(code for _, code in included))

    def _of_others(self, value_set: str, url: str) -> Expansion:
        """A value set of FHIR itself."""
        pairs = facts.required_codes(url)
        if pairs is None:
            self._missing.add(value_set)
            return _UNKNOWN
        return _closed(pairs)

    def _part(self, part: Json, depth: int) -> Expansion:
        """One include or exclude: the codes of its system that all its value sets hold."""
        some = [self.expansion(url, depth + 1) for url in part.get("valueSet", ())]
        system = part.get("system")
        if system is not None:
            some.append(self._of_system(str(system), part))
        if not some:
            return _UNKNOWN
        result = some[0]
        for other in some[1:]:
            result = _both(result, other)
        return result

    def _of_system(self, system: str, part: Json) -> Expansion:
        if "concept" in part:
            return _closed((system, one["code"]) for one in part["concept"])
        found = self._systems.get(f"{system}|{part.get('version', '')}") or self._systems.get(system)
        content = self._content(found)
        if content is None or content.get("content") != "complete":
            return Expansion(frozenset(), frozenset({system}), frozenset())
        chosen = {concept["code"] for concept, _ in _walk(content)}
        for rule in part.get("filter", ()):
            some = _filtered(content, rule)
            if some is None:
                return Expansion(frozenset(), frozenset({system}), frozenset())
            chosen &= some
        return _closed((system, code) for code in chosen)


def _closed(pairs: Iterable[tuple[str, str]]) -> Expansion:
    known = frozenset(pairs)
    return Expansion(known, frozenset(), frozenset(code for _, code in known))


def _both(one: Expansion, other: Expansion) -> Expansion:
    pairs = {pair for pair in one.pairs if other.member(*pair)} | {pair for pair in other.pairs if one.member(*pair)}
    unsure = {
        system
        for a, b in ((one, other), (other, one))
        for system in a.open_systems
        if system in b.open_systems or _EVERYTHING in b.open_systems or any(s == system for s, _ in b.pairs)
    }
    for a, b in ((one, other), (other, one)):
        if _EVERYTHING in a.open_systems:
            unsure |= {system for system, _ in b.pairs}
    return Expansion(frozenset(pairs), frozenset(unsure), frozenset(code for _, code in pairs))


def _walk(content: Json, above: tuple[str, ...] = ()) -> Iterator[tuple[Json, tuple[str, ...]]]:
    """Every concept with the codes above it."""
    for concept in content.get("concept", ()):
        yield concept, above
        yield from _walk(concept, (*above, concept["code"]))


def _filtered(content: Json, rule: Json) -> set[str] | None:
    """The codes a filter lets through; None for one that is not understood."""
    name, operator, value = rule.get("property"), rule.get("op"), rule.get("value")
    if operator in {"is-a", "descendent-of", "is-not-a"} and name in {"concept", "code"}:
        beneath = {c["code"] for c, above in _walk(content) if value in above or (c["code"] == value)}
        if operator == "is-not-a":
            return {c["code"] for c, _ in _walk(content)} - beneath
        return beneath - {value} if operator == "descendent-of" else beneath
    if operator in {"=", "in"} and name in {"code", "concept"}:
        wanted = {one.strip() for one in str(value).split(",")} if operator == "in" else {value}
        return {c["code"] for c, _ in _walk(content) if c["code"] in wanted}
    return None


__all__ = ["Expansion", "Terminology", "Vocabulary"]
