"""Functions of FHIRPath that take values (N1, section 5) and those FHIR adds (R4 fhirpath, section 2.9.1)."""

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal, DecimalException
from functools import lru_cache
from typing import Any

import jsonschema_rs

from helhed.fhir.fhirpath.conversions import CONVERSIONS, Function
from helhed.fhir.fhirpath.operators import Known, NotOne, boolean, decimal, distinct, number, single, text, truth
from helhed.fhir.fhirpath.syntax import NotFhirPath
from helhed.fhir.fhirpath.values import Collection, Environment, Value, child, children, descendants, focus_of

_ZONE = re.compile(r"(Z|[+-]\d\d:\d\d)$")
_LONGEST_PATTERN = 5000
_MOST_POWER, _MOST_PLACES = 1000, 28


def _text(items: Collection) -> str | None:
    one = single(items)
    return None if one is None or not isinstance(one.value, str) else one.value


def _whole(items: Collection) -> int:
    one = single(items)
    return one.value if one is not None and isinstance(one.value, int) else 0


# --- collections ------------------------------------------------------------------------------------------------------


def _is_distinct(items: Collection, arguments: Sequence[Collection], environment: Environment) -> Collection:
    return boolean(len(distinct(items, environment)) == len(items))


def _subset(items: Collection, arguments: Sequence[Collection], environment: Environment) -> Collection:
    known = Known(environment, arguments[0])
    return boolean(all(one in known for one in items))


def _superset(items: Collection, arguments: Sequence[Collection], environment: Environment) -> Collection:
    known = Known(environment, items)
    return boolean(all(one in known for one in arguments[0]))


def _intersect(items: Collection, arguments: Sequence[Collection], environment: Environment) -> Collection:
    known = Known(environment, arguments[0])
    return distinct([one for one in items if one in known], environment)


def _exclude(items: Collection, arguments: Sequence[Collection], environment: Environment) -> Collection:
    known = Known(environment, arguments[0])
    return [one for one in items if one not in known]


def _single(items: Collection, arguments: Sequence[Collection], environment: Environment) -> Collection:
    one = single(items)
    return [] if one is None else [one]


def _not(items: Collection, arguments: Sequence[Collection], environment: Environment) -> Collection:
    verdict = truth(items)
    return boolean(None if verdict is None else not verdict)


def _descendants(items: Collection, arguments: Sequence[Collection], environment: Environment) -> Collection:
    return [found for one in items for found in descendants(one, environment)]


# --- texts and numbers ------------------------------------------------------------------------------------------------


def _on_text(work: Callable[[str, str], Any]) -> Function:
    def function(items: Collection, arguments: Sequence[Collection], environment: Environment) -> Collection:
        one, other = _text(items), _text(arguments[0])
        if one is None or other is None:
            return []
        found = work(one, other)
        return boolean(found) if isinstance(found, bool) else number(found)

    return function


def _changed(work: Callable[[str], str]) -> Function:
    def function(items: Collection, arguments: Sequence[Collection], environment: Environment) -> Collection:
        one = _text(items)
        return [] if one is None else text(work(one))

    return function


@lru_cache(maxsize=512)
def _pattern(pattern: str) -> Any:
    """A matcher that takes time in proportion to the text: no pattern of a package can make it hang."""
    if len(pattern) > _LONGEST_PATTERN:
        raise NotFhirPath("The regular expression is too long.")
    schema = {"pattern": f"(?s){pattern}"}
    try:
        return jsonschema_rs.validator_for(schema, pattern_options=jsonschema_rs.RegexOptions())
    except (jsonschema_rs.ValidationError, ValueError):
        raise NotFhirPath(f"The regular expression {pattern[:40]!r} cannot be used here.") from None


def _matches(one: str, pattern: str) -> bool:
    return bool(_pattern(pattern).is_valid(one))


def _substring(items: Collection, arguments: Sequence[Collection], environment: Environment) -> Collection:
    one, start = _text(items), _whole(arguments[0])
    if one is None or not arguments[0] or not 0 <= start < len(one):
        return []
    return text(one[start : start + max(0, _whole(arguments[1]))] if len(arguments) > 1 else one[start:])


def _replace(items: Collection, arguments: Sequence[Collection], environment: Environment) -> Collection:
    one, old, new = _text(items), _text(arguments[0]), _text(arguments[1])
    if one is None or old is None or new is None:
        return []
    environment.step(len(one) * (len(new) + 1))
    return text(one.replace(old, new))


def _length(items: Collection, arguments: Sequence[Collection], environment: Environment) -> Collection:
    one = _text(items)
    return [] if one is None else number(len(one))


def _characters(items: Collection, arguments: Sequence[Collection], environment: Environment) -> Collection:
    one = _text(items)
    return [] if one is None else [Value(letter, "System.String") for letter in one]


def _join(items: Collection, arguments: Sequence[Collection], environment: Environment) -> Collection:
    between = (_text(arguments[0]) or "") if arguments else ""
    return text(between.join(one.value for one in items if isinstance(one.value, str)))


def _split(items: Collection, arguments: Sequence[Collection], environment: Environment) -> Collection:
    one, between = _text(items), _text(arguments[0])
    return [] if one is None or not between else [Value(part, "System.String") for part in one.split(between)]


def _on_number(work: Callable[[Decimal], Decimal | int]) -> Function:
    def function(items: Collection, arguments: Sequence[Collection], environment: Environment) -> Collection:
        one = single(items)
        if one is None or isinstance(one.value, bool) or not isinstance(one.value, (int, float, Decimal)):
            return []
        found = work(decimal(one.value))
        return number(int(found) if isinstance(one.value, int) else found)

    return function


def _calculated(work: Callable[[Decimal, Decimal], Decimal]) -> Function:
    """A function of a decimal and perhaps another; nothing where mathematics has no answer."""

    def function(items: Collection, arguments: Sequence[Collection], environment: Environment) -> Collection:
        one, other = _decimal(items), _decimal(arguments[0]) if arguments else Decimal(0)
        if one is None or other is None:
            return []
        try:
            return number(work(one, other))
        except (DecimalException, ValueError):
            return []

    return function


def _decimal(items: Collection) -> Decimal | None:
    one = single(items)
    told = one is not None and isinstance(one.value, (int, float, Decimal)) and not isinstance(one.value, bool)
    return decimal(one.value) if one is not None and told else None


def _power(one: Decimal, other: Decimal) -> Decimal:
    if abs(other) > _MOST_POWER:
        raise ValueError
    found = one**other
    return found.to_integral_value() if one == one.to_integral_value() and other >= 0 == other % 1 else found


def _rounded(one: Decimal, places: Decimal) -> Decimal:
    if not 0 <= places <= _MOST_PLACES:
        raise ValueError
    return one.quantize(Decimal(1).scaleb(-int(places)), ROUND_HALF_UP)


# --- what FHIR adds ---------------------------------------------------------------------------------------------------


def _extension(items: Collection, arguments: Sequence[Collection], environment: Environment) -> Collection:
    url = _text(arguments[0])
    found = [inner for one in items for inner in child(one, "extension")]
    return [one for one in found if isinstance(one.value, dict) and one.value.get("url") == url]


def _has_value(items: Collection, arguments: Sequence[Collection], environment: Environment) -> Collection:
    one = items[0] if len(items) == 1 else None
    return boolean(one is not None and one.value is not None and not isinstance(one.value, (dict, list)))


def _get_value(items: Collection, arguments: Sequence[Collection], environment: Environment) -> Collection:
    one = single(items)
    return [one] if one is not None and one.value is not None and not isinstance(one.value, (dict, list)) else []


def _resolve(items: Collection, arguments: Sequence[Collection], environment: Environment) -> Collection:
    found: Collection = []
    for one in items:
        environment.step()
        address = one.value.get("reference") if isinstance(one.value, dict) else one.value
        if not isinstance(address, str):
            continue
        target = environment.resolve(address) if environment.resolve is not None else None
        if target is not None:
            found.append(focus_of(target, ""))
        elif not address.startswith("#"):
            environment.undecided = True
    return found


def _member_of(items: Collection, arguments: Sequence[Collection], environment: Environment) -> Collection:
    one, value_set = single(items), _text(arguments[0])
    if one is None or value_set is None:
        return []
    verdicts = [
        environment.member_of(value_set, system, code) if environment.member_of is not None else None
        for system, code in _codes(one)
    ]
    if True not in verdicts and None in verdicts:
        environment.undecided = True
        return []
    return boolean(True in verdicts)


def _codes(one: Value) -> list[tuple[str | None, str]]:
    if isinstance(one.value, str):
        return [(None, one.value)]
    if not isinstance(one.value, dict):
        return []
    codings = one.value["coding"] if isinstance(one.value.get("coding"), list) else [one.value]
    return [(c.get("system", ""), c["code"]) for c in codings if isinstance(c, dict) and isinstance(c.get("code"), str)]


def _subsuming(*, turned: bool) -> Function:
    """Whether a code stands above another in the hierarchy of its system, or is it; the other way round when ``turned``."""

    def function(items: Collection, arguments: Sequence[Collection], environment: Environment) -> Collection:
        one, other = single(items), single(arguments[0])
        if one is None or other is None:
            return []
        above, below = (other, one) if turned else (one, other)
        verdicts = [
            _above(environment, a, b) for a in _codes(above) for b in _codes(below) if a[0] == b[0] and a[0] is not None
        ]
        if True not in verdicts and None in verdicts:
            environment.undecided = True
            return []
        return boolean(True in verdicts)

    return function


def _above(environment: Environment, one: tuple[str | None, str], other: tuple[str | None, str]) -> bool | None:
    environment.step()
    if one == other:
        return True
    return None if environment.subsumes is None else environment.subsumes(str(one[0]), one[1], other[1])


def _check_modifiers(items: Collection, arguments: Sequence[Collection], environment: Environment) -> Collection:
    """The items themselves, when no extension changes their meaning but those named. Raises NotOne for another."""
    known = {_text(one) for one in arguments}
    for one in items:
        for modifier in child(one, "modifierExtension"):
            if isinstance(modifier.value, dict) and modifier.value.get("url") not in known:
                raise NotOne
    return items


def _reflected(one: Value) -> Value:
    """What a value says of its own type (N1, section 10.1)."""
    system = one.kind.startswith("System.")
    name = one.kind.removeprefix("System.") if system else one.kind
    return Value({"namespace": "System" if system else "FHIR", "name": name}, "")


def _conforms_to(items: Collection, arguments: Sequence[Collection], environment: Environment) -> Collection:
    one, profile = single(items), _text(arguments[0])
    if one is None or profile is None or not isinstance(one.value, dict):
        return []
    verdict = environment.conforms_to(one.value, profile) if environment.conforms_to is not None else None
    if verdict is None:
        environment.undecided = True
    return boolean(verdict)


def _html_checks(items: Collection, arguments: Sequence[Collection], environment: Environment) -> Collection:
    return boolean(True)  # narratives are checked with the structure, before anything here


def _now(part: Callable[[str], str], kind: str) -> Function:
    def function(items: Collection, arguments: Sequence[Collection], environment: Environment) -> Collection:
        if not environment.now:
            environment.undecided = True
            return []
        return [Value(part(environment.now), kind)]

    return function


def _nothing_more(items: Collection, arguments: Sequence[Collection], environment: Environment) -> Collection:
    return items


FUNCTIONS: Mapping[str, tuple[int, int, Function]] = {
    **CONVERSIONS,
    "empty": (0, 0, lambda items, a, e: boolean(not items)),
    "count": (0, 0, lambda items, a, e: number(len(items))),
    "first": (0, 0, lambda items, a, e: items[:1]),
    "last": (0, 0, lambda items, a, e: items[-1:]),
    "tail": (0, 0, lambda items, a, e: items[1:]),
    "skip": (1, 1, lambda items, a, e: items[max(0, _whole(a[0])) :]),
    "take": (1, 1, lambda items, a, e: items[: max(0, _whole(a[0]))]),
    "single": (0, 0, _single),
    "distinct": (0, 0, lambda items, a, e: distinct(items, e)),
    "isDistinct": (0, 0, _is_distinct),
    "subsetOf": (1, 1, _subset),
    "supersetOf": (1, 1, _superset),
    "intersect": (1, 1, _intersect),
    "exclude": (1, 1, _exclude),
    "union": (1, 1, lambda items, a, e: distinct([*items, *a[0]], e)),
    "combine": (1, 1, lambda items, a, e: [*items, *a[0]]),
    "not": (0, 0, _not),
    "allTrue": (0, 0, lambda items, a, e: boolean(all(one.value is True for one in items))),
    "anyTrue": (0, 0, lambda items, a, e: boolean(any(one.value is True for one in items))),
    "allFalse": (0, 0, lambda items, a, e: boolean(all(one.value is False for one in items))),
    "anyFalse": (0, 0, lambda items, a, e: boolean(any(one.value is False for one in items))),
    "children": (0, 0, lambda items, a, e: [found for one in items for found in children(one)]),
    "descendants": (0, 0, _descendants),
    "startsWith": (1, 1, _on_text(str.startswith)),
    "endsWith": (1, 1, _on_text(str.endswith)),
    "contains": (1, 1, _on_text(lambda one, other: other in one)),
    "indexOf": (1, 1, _on_text(str.find)),
    "matches": (1, 2, _on_text(_matches)),
    "matchesFull": (1, 1, _on_text(lambda one, pattern: _matches(one, f"^(?:{pattern})$"))),
    "substring": (1, 2, _substring),
    "replace": (2, 2, _replace),
    "length": (0, 0, _length),
    "upper": (0, 0, _changed(str.upper)),
    "lower": (0, 0, _changed(str.lower)),
    "trim": (0, 0, _changed(str.strip)),
    "toChars": (0, 0, _characters),
    "join": (0, 1, _join),
    "split": (1, 1, _split),
    "abs": (0, 0, _on_number(abs)),
    "floor": (0, 0, _on_number(lambda n: int(n // 1))),
    "ceiling": (0, 0, _on_number(lambda n: -int(-n // 1))),
    "truncate": (0, 0, _on_number(int)),
    "exp": (0, 0, _calculated(lambda one, _: one.exp())),
    "ln": (0, 0, _calculated(lambda one, _: one.ln())),
    "log": (1, 1, _calculated(lambda one, base: one.ln() / base.ln())),
    "power": (1, 1, _calculated(_power)),
    "sqrt": (0, 0, _calculated(lambda one, _: one.sqrt())),
    "round": (0, 1, _calculated(_rounded)),
    "type": (0, 0, lambda items, a, e: [_reflected(one) for one in items]),
    "extension": (1, 1, _extension),
    "hasValue": (0, 0, _has_value),
    "getValue": (0, 0, _get_value),
    "resolve": (0, 0, _resolve),
    "memberOf": (1, 1, _member_of),
    "conformsTo": (1, 1, _conforms_to),
    "htmlChecks": (0, 0, _html_checks),
    "subsumes": (1, 1, _subsuming(turned=False)),
    "subsumedBy": (1, 1, _subsuming(turned=True)),
    "checkModifiers": (0, 20, _check_modifiers),
    "today": (0, 0, _now(lambda at: at[:10], "System.Date")),
    "now": (0, 0, _now(lambda at: at, "System.DateTime")),
    "timeOfDay": (0, 0, _now(lambda at: _ZONE.sub("", at[11:]), "System.Time")),
    "trace": (1, 2, _nothing_more),
}

__all__ = ["FUNCTIONS", "Function"]
