"""The rules FHIR itself gives its types in FHIRPath, compiled to checks; a type without rules costs nothing."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from helhed.fhir.definitions import facts
from helhed.fhir.profiles.discriminators import items_of
from helhed.fhir.profiles.findings import Place
from helhed.fhir.profiles.invariants import invariant_check
from helhed.fhir.profiles.library import Library
from helhed.fhir.profiles.run import Check, Json, Run
from helhed.fhir.profiles.structure import CORE, Invariant

#: checked by ``helhed.fhir.validation`` and ``containment``, or not of the resource's meaning
_ELSEWHERE = frozenset(
    {"ele-1", "ext-1", "txt-1", "txt-2", "ref-1", "dom-1", "dom-2", "dom-3", "dom-4", "dom-5", "dom-6"}
)
#: values of these types are visited on their own
_APART = frozenset({"Extension", "Resource", "DomainResource"})


@cache
def base_keys() -> frozenset[str]:
    """Keys of all rules that FHIR itself gives: profiles repeat them."""
    return _ELSEWHERE | {rule.key for rules in facts.invariants().values() for rule in rules}


@cache
def types_with_rules() -> frozenset[str]:
    """Types that have rules, or hold something that has."""
    found = set(facts.invariants())
    while True:
        more = {name for name in facts.type_names() if name not in found and _holds(name, found)}
        if not more:
            return frozenset(found)
        found |= more


def _holds(name: str, found: set[str]) -> bool:
    return any(kind in found and kind not in _APART for _, kind in facts.properties(name).values())


class BaseRules:
    """The checks of types, made when they are first needed."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._made: dict[str, Check] = {}

    def of(self, type_name: str) -> Check | None:
        """The check of a type; None when it has no rules."""
        if type_name not in types_with_rules():
            return None
        if type_name not in self._made:
            self._made[type_name] = self._later(type_name)
            self._made[type_name] = self._compile(type_name)
        return self._made[type_name]

    def _later(self, type_name: str) -> Check:
        """Stands for the check of a type while it is being made: types hold themselves."""

        def check(value: Any, extra: Json | None, place: Place, run: Run) -> None:
            self._made[type_name](value, extra, place, run)

        return check

    def _compile(self, type_name: str) -> Check:
        url = CORE + type_name.partition(".")[0]
        leaves: dict[str, list[Check]] = {}
        for rule in facts.invariants().get(type_name, ()):
            made = Invariant(rule.key, rule.severity, rule.expression, "")
            kind = facts.properties(type_name)[rule.element][1] if rule.element else type_name
            leaves.setdefault(rule.element, []).append(invariant_check(made, kind, url, self._library))
        own = leaves.pop("", [])
        parts = [(name, tuple(checks)) for name, checks in self._parts(type_name, leaves)]

        def check(value: Any, extra: Json | None, place: Place, run: Run) -> None:
            for one in own:
                one(value, extra, place, run)
            for name, checks in parts:
                if name in value:
                    for inner, beside, _, at in items_of(value, name, "", place):
                        for one in checks:
                            one(inner, beside, at, run)

        return check

    def _parts(self, type_name: str, leaves: dict[str, list[Check]]) -> Iterator[tuple[str, list[Check]]]:
        for name, (element, kind) in facts.properties(type_name).items():
            checks = list(leaves.get(element.name, ()))
            inner = self.of(kind) if kind not in _APART else None
            if inner is not None:
                checks.append(_objects(inner))
            if checks:
                yield name, checks


def _objects(check: Check) -> Check:
    """Only values of the right shape: what is misshapen is reported by the structure's check."""

    def guarded(value: Any, extra: Json | None, place: Place, run: Run) -> None:
        if isinstance(value, dict):
            check(value, extra, place, run)

    return guarded


__all__ = ["BaseRules", "base_keys", "types_with_rules"]
