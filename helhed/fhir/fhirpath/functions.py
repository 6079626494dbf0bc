"""Functions of FHIRPath that take values (N1, section 5) and those FHIR adds (R4 fhirpath, section 2.9.1)."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

import jsonschema_rs

from helhed.fhir.fhirpath.operators import Known, boolean, decimal, distinct, number, single, text, truth
from helhed.fhir.fhirpath.syntax import NotFhirPath
from helhed.fhir.fhirpath.values import Collection, Environment, Value, child, children, descendants, focus_of

#: the collection, the arguments' collections, and the environment
Function = Callable[[Collection, Sequence[Collection], Environment], Collection]
_LONGEST_PATTERN = 5000


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


def _as_integer(items: Collection, arguments: Sequence[Collection], environment: Environment) -> Collection:
    one = single(items)
    value = None if one is None else one.value
    if isinstance(value, bool):
        return number(int(value))
    if isinstance(value, int):
        return number(value)
    if isinstance(value, str) and value.lstrip("+-").isascii() and value.lstrip("+-").isdecimal() and len(value) < 20:
        return number(int(value))
    return []


def _as_decimal(items: Collection, arguments: Sequence[Collection], environment: Environment) -> Collection:
    one = single(items)
    if one is None or not isinstance(one.value, (int, float, str, Decimal)):
        return []
    try:
        return number(Decimal(int(one.value) if isinstance(one.value, bool) else str(one.value)))
    except InvalidOperation:
        return []


def _as_text(items: Collection, arguments: Sequence[Collection], environment: Environment) -> Collection:
    one = single(items)
    if one is None or isinstance(one.value, (dict, list)) or one.value is None:
        return []
    if isinstance(one.value, bool):
        return text("true" if one.value else "false")
    return text(str(one.value))


def _as_boolean(items: Collection, arguments: Sequence[Collection], environment: Environment) -> Collection:
    one = single(items)
    value = "" if one is None else str(one.value).lower()
    if value in {"true", "t", "yes", "y", "1", "1.0"}:
        return boolean(True)
    return boolean(False) if value in {"false", "f", "no", "n", "0", "0.0"} else []


def _on_number(work: Callable[[Decimal], Decimal | int]) -> Function:
    def function(items: Collection, arguments: Sequence[Collection], environment: Environment) -> Collection:
        one = single(items)
        if one is None or isinstance(one.value, bool) or not isinstance(one.value, (int, float, Decimal)):
            return []
        found = work(decimal(one.value))
        return number(int(found) if isinstance(one.value, int) else found)

    return function


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


def _now(length: int, kind: str) -> Function:
    def function(items: Collection, arguments: Sequence[Collection], environment: Environment) -> Collection:
        if not environment.now:
            environment.undecided = True
            return []
        return [Value(environment.now[:length] if length else environment.now, kind)]

    return function


def _nothing_more(items: Collection, arguments: Sequence[Collection], environment: Environment) -> Collection:
    return items


FUNCTIONS: Mapping[str, tuple[int, int, Function]] = {
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
    "toInteger": (0, 0, _as_integer),
    "convertsToInteger": (0, 0, lambda i, a, e: boolean(bool(_as_integer(i, a, e)) if i else None)),
    "toDecimal": (0, 0, _as_decimal),
    "convertsToDecimal": (0, 0, lambda i, a, e: boolean(bool(_as_decimal(i, a, e)) if i else None)),
    "toString": (0, 0, _as_text),
    "toBoolean": (0, 0, _as_boolean),
    "abs": (0, 0, _on_number(abs)),
    "floor": (0, 0, _on_number(lambda n: int(n // 1))),
    "ceiling": (0, 0, _on_number(lambda n: -int(-n // 1))),
    "truncate": (0, 0, _on_number(int)),
    "extension": (1, 1, _extension),
    "hasValue": (0, 0, _has_value),
    "getValue": (0, 0, _get_value),
    "resolve": (0, 0, _resolve),
    "memberOf": (1, 1, _member_of),
    "conformsTo": (1, 1, _conforms_to),
    "htmlChecks": (0, 0, _html_checks),
    "today": (0, 0, _now(10, "System.Date")),
    "now": (0, 0, _now(0, "System.DateTime")),
    "trace": (1, 2, _nothing_more),
}

__all__ = ["FUNCTIONS", "Function"]
