"""FHIR search in memory: slow, short, written from the R4 search chapter and from nothing of this network's indexing.

It evaluates requests written as ``Type?name=value&name=value`` (not percent-encoded) on plain resources whose references
read ``Type/id``. It knows the parameters of ``PARAMETERS``, all date prefixes but ``ap``, ``:not``, ``:exact``,
``:contains``, ``:missing``, ``:Type``, chains, ``_id``, ``_include``, ``_revinclude``, and whether an order is one that
``_sort`` allows. Section numbers are those of https://hl7.org/fhir/R4/search.html.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

Resource = dict[str, Any]
Span = tuple[datetime, datetime]  #: from and including, until and excluding

_CODE = ("token", ("code",))
_STATUS = ("token", ("status",))
_SUBJECT = ("reference", ("subject",))
_ENCOUNTER = ("reference", ("encounter",))
_HUMAN_NAME = ("name.family", "name.given", "name.prefix", "name.suffix", "name.text")
_EFFECTIVE = ("date", ("effectiveDateTime", "effectivePeriod", "effectiveInstant"))

#: type → parameter → kind and the paths of its values
PARAMETERS: dict[str, dict[str, tuple[str, tuple[str, ...]]]] = {
    "Patient": {
        "identifier": ("token", ("identifier",)),
        "family": ("string", ("name.family",)),
        "given": ("string", ("name.given",)),
        "name": ("string", _HUMAN_NAME),
        "gender": ("token", ("gender",)),
        "active": ("token", ("active",)),
        "birthdate": ("date", ("birthDate",)),
    },
    "Encounter": {
        "status": _STATUS,
        "class": ("token", ("class",)),
        "type": ("token", ("type",)),
        "date": ("date", ("period",)),
        "subject": _SUBJECT,
        "patient": _SUBJECT,
        "part-of": ("reference", ("partOf",)),
    },
    "Condition": {
        "code": _CODE,
        "clinical-status": ("token", ("clinicalStatus",)),
        "onset-date": ("date", ("onsetDateTime", "onsetPeriod")),
        "recorded-date": ("date", ("recordedDate",)),
        "subject": _SUBJECT,
        "patient": _SUBJECT,
        "encounter": _ENCOUNTER,
    },
    "Observation": {
        "code": _CODE,
        "status": _STATUS,
        "date": _EFFECTIVE,
        "value-concept": ("token", ("valueCodeableConcept",)),
        "value-string": ("string", ("valueString", "valueCodeableConcept.text")),
        "subject": _SUBJECT,
        "patient": _SUBJECT,
        "encounter": _ENCOUNTER,
        "performer": ("reference", ("performer",)),
        "derived-from": ("reference", ("derivedFrom",)),
        "value-quantity": ("quantity", ("valueQuantity",)),
        "component-code": ("token", ("component.code",)),
        "component-value-quantity": ("quantity", ("component.valueQuantity",)),
        "component-value-concept": ("token", ("component.valueCodeableConcept",)),
        "combo-code": ("token", ("code", "component.code")),
        "combo-value-quantity": ("quantity", ("valueQuantity", "component.valueQuantity")),
        "code-value-quantity": ("composite", ("", "code", "valueQuantity")),
        "code-value-concept": ("composite", ("", "code", "valueCodeableConcept")),
        "component-code-value-quantity": ("composite", ("component", "code", "valueQuantity")),
        "component-code-value-concept": ("composite", ("component", "code", "valueCodeableConcept")),
        "combo-code-value-quantity": ("composite", (".component", "code", "valueQuantity")),
        "combo-code-value-concept": ("composite", (".component", "code", "valueCodeableConcept")),
        "_profile": ("uri", ("meta.profile",)),
        "_tag": ("token", ("meta.tag",)),
    },
    "MedicationRequest": {
        "code": ("token", ("medicationCodeableConcept",)),
        "status": _STATUS,
        "intent": ("token", ("intent",)),
        "authoredon": ("date", ("authoredOn",)),
        "subject": _SUBJECT,
        "patient": _SUBJECT,
        "encounter": _ENCOUNTER,
        "requester": ("reference", ("requester",)),
    },
    "DiagnosticReport": {
        "code": _CODE,
        "status": _STATUS,
        "date": _EFFECTIVE,
        "issued": ("date", ("issued",)),
        "subject": _SUBJECT,
        "patient": _SUBJECT,
        "encounter": _ENCOUNTER,
        "result": ("reference", ("result",)),
    },
    "List": {
        "code": _CODE,
        "status": _STATUS,
        "title": ("string", ("title",)),
        "date": ("date", ("date",)),
        "item": ("reference", ("entry.item",)),
    },
    "Organization": {
        "name": ("string", ("name", "alias")),
        "active": ("token", ("active",)),
        "partof": ("reference", ("partOf",)),
    },
    "Practitioner": {
        "family": ("string", ("name.family",)),
        "given": ("string", ("name.given",)),
        "name": ("string", _HUMAN_NAME),
    },
}

_SHAPING = ("_sort", "_count", "_total", "_include", "_revinclude")


@dataclass(frozen=True)
class Request:
    """A request taken apart."""

    type_name: str
    criteria: tuple[tuple[str, str], ...]
    sort: tuple[str, ...]
    includes: tuple[tuple[str, str], ...]  #: _include or _revinclude, and its value


def parse(url: str) -> Request:
    """``Type?name=value&…`` taken apart."""
    type_name, _, text = url.partition("?")
    pairs = [(pair.partition("=")[0], pair.partition("=")[2]) for pair in text.split("&") if pair]
    sort = [key for name, value in pairs if name == "_sort" for key in value.split(",")]
    includes = [pair for pair in pairs if pair[0] in {"_include", "_revinclude"}]
    criteria = [pair for pair in pairs if pair[0] not in _SHAPING]
    return Request(type_name, tuple(criteria), tuple(sort), tuple(includes))


def search(url: str, among: Sequence[Resource]) -> list[Resource]:
    """The matches, in no order. Parameters are joined by AND (3.1.1.2)."""
    request = parse(url)
    of_type = [one for one in among if one["resourceType"] == request.type_name]
    return [one for one in of_type if all(meets(one, name, value, among) for name, value in request.criteria)]


def included(url: str, matches: Sequence[Resource], among: Sequence[Resource]) -> set[str]:
    """``Type/id`` of what the includes add to these matches (3.1.1.5.3); a match is not included again."""
    names = {reference_to(one) for one in matches}
    found: set[str] = set()
    for direction, value in parse(url).includes:
        source, parameter, *target = value.split(":")
        if direction == "_include":
            found |= {text for one in matches for text in texts(one, parameter) if _is_of(text, target)}
        else:
            found |= {reference_to(one) for one in among if one["resourceType"] == source and set(texts(one, parameter)) & names}  # fmt: skip
    return (found & {reference_to(one) for one in among}) - names


def _is_of(text: str, target: list[str]) -> bool:
    return not target or text.startswith(f"{target[0]}/")


def reference_to(resource: Resource) -> str:
    """``Type/id``."""
    return f"{resource['resourceType']}/{resource['id']}"


# --- one criterion ----------------------------------------------------------------------------------------------------


def meets(resource: Resource, name: str, value: str, among: Sequence[Resource]) -> bool:
    """Whether a resource meets ``name=value``; the alternatives of a value are joined by OR."""
    head, dot, rest = name.partition(".")
    code, _, modifier = head.partition(":")
    if dot:
        return _chained(resource, code, modifier, rest, value, among)
    if code == "_id":
        return resource["id"] in value.split(",")
    if modifier == "missing":
        return (not list(values(resource, code))) == (value == "true")
    kind = PARAMETERS[resource["resourceType"]][code][0]
    alternatives = [_unescaped(one) if kind == "string" else one for one in re.split(r"(?<!\\),", value)]
    if modifier == "not":  # what has no value is not that value (3.1.1.4.5)
        return not any(_is_token(resource, code, one) for one in alternatives)
    test = {
        "token": _is_token, "date": _is_date, "string": _is_string, "reference": _is_reference, "uri": _is_uri,
        "quantity": _is_quantity, "composite": _is_composite,
    }[kind]  # fmt: skip
    argument = f"{code}:{modifier}" if modifier else code
    return any(test(resource, argument, one) for one in alternatives)


def _chained(resource: Resource, code: str, type_name: str, rest: str, value: str, among: Sequence[Resource]) -> bool:
    """A chain goes through what exists only (3.1.1.5)."""
    references = set(texts(resource, code))
    targets = [one for one in among if reference_to(one) in references]
    return any(meets(one, rest, value, among) for one in targets if type_name in ("", one["resourceType"]))


def _is_reference(resource: Resource, name: str, wanted: str) -> bool:
    code, _, type_name = name.partition(":")
    if "/" in wanted:
        return wanted in texts(resource, code)
    found = [text.split("/") for text in texts(resource, code)]
    return any(identifier == wanted and type_name in ("", kind) for kind, identifier in found)


def _is_token(resource: Resource, name: str, wanted: str) -> bool:
    system, bar, code = wanted.rpartition("|")
    for found_system, found_code in _codings(resource, name):
        if bar and found_system != system:
            continue
        if code in ("", found_code):
            return True
    return False


def _codings(resource: Resource, name: str) -> Iterator[tuple[str, str]]:
    for value in values(resource, name):
        if isinstance(value, bool):
            yield "", str(value).lower()
        elif isinstance(value, str):
            yield "", value
        else:
            for coding in value.get("coding", [value]):
                yield coding.get("system", ""), coding.get("code", coding.get("value", ""))


def _is_uri(resource: Resource, name: str, wanted: str) -> bool:
    """``:below`` is the start of a path, ``:above`` the other way round (3.1.1.4.11)."""
    code, _, modifier = name.partition(":")
    found = [str(value) for value in values(resource, code)]
    if modifier == "below":
        return any(f"{one}/".startswith(f"{wanted.rstrip('/')}/") for one in found)
    if modifier == "above":
        return any(f"{wanted}/".startswith(f"{one}/") for one in found)
    return wanted in found


#: what is searched for together, and what one of it is in the first
_UNITS = {
    "mg": ("mass", Fraction(1, 1000)), "g": ("mass", Fraction(1)), "ug": ("mass", Fraction(1, 10**6)),
    "mmol/L": ("concentration", Fraction(1)), "K": ("temperature", Fraction(1)), "Cel": ("temperature", Fraction(1)),
}  # fmt: skip
_ABOVE_KELVIN = {"Cel": Fraction("273.15")}


def _is_quantity(resource: Resource, name: str, wanted: str) -> bool:
    return any(_amount_meets(value, wanted) for value in values(resource, name))


def _amount_meets(value: Resource, wanted: str) -> bool:
    """3.1.1.4.9. A number without a unit is compared as it is written, one in UCUM by what it measures."""
    number, _, unit = wanted.partition("|")
    system, _, code = unit.partition("|")
    prefix, text = (number[:2], number[2:]) if number[:1].isalpha() else ("eq", number)
    exact = Fraction(text)
    digits = len(text.partition(".")[2])
    half = Fraction(1, 2 * 10**digits)
    lo, hi = (exact - abs(exact) / 10, exact + abs(exact) / 10) if prefix == "ap" else (exact - half, exact + half)
    amount = Fraction(str(value["value"]))
    if code and not system:
        if code not in (value.get("code"), value.get("unit")):
            return False
    elif code and system == value.get("system") == "http://unitsofmeasure.org":
        if _UNITS[code][0] != _UNITS[value["code"]][0]:
            return False
        amount = amount * _UNITS[value["code"]][1] + _ABOVE_KELVIN.get(value["code"], 0)
        lo, hi, exact = (one * _UNITS[code][1] + _ABOVE_KELVIN.get(code, 0) for one in (lo, hi, exact))
    elif code and (system, code) != (value.get("system"), value.get("code")):
        return False
    comparator = value.get("comparator", "")
    return _number_meets(prefix, lo, hi, exact, amount, comparator)


def _number_meets(prefix: str, lo: Fraction, hi: Fraction, exact: Fraction, amount: Fraction, comparator: str) -> bool:
    """``<5`` is anything up to 5, ``>5`` anything from 5 on."""
    endless_down, endless_up = comparator in ("<", "<="), comparator in (">", ">=")
    within = lo <= amount < hi and not endless_down and not endless_up
    return {
        "eq": within,
        "ne": not within,
        "gt": amount > exact or endless_up,
        "ge": amount >= exact or endless_up,
        "lt": amount < exact or endless_down,
        "le": amount <= exact or endless_down,
        "sa": amount > exact and not endless_down,
        "eb": amount < exact and not endless_up,
        "ap": (amount >= lo or endless_up) and (amount <= hi or endless_down),
    }[prefix]


def _is_composite(resource: Resource, name: str, wanted: str) -> bool:
    """Both parts hold of one element: the resource itself (no name), or one at the path (3.1.1.4.12)."""
    bases, first, second = PARAMETERS[resource["resourceType"]][name][1]
    elements = [one for base in bases.split(".") for one in _walk(resource, [base] if base else [])]
    code, _, value = wanted.partition("$")
    return any(_both(element, first, code, second, value) for element in elements)


def _both(element: Resource, first: str, code: str, second: str, value: str) -> bool:
    if not any(_coding_is(one, code) for one in _walk(element, [first, "coding"])):
        return False
    if second == "valueQuantity":
        return any(_amount_meets(one, value) for one in _walk(element, [second]))
    return any(_coding_is(one, value) for one in _walk(element, [second, "coding"]))


def _coding_is(coding: Resource, wanted: str) -> bool:
    system, bar, code = wanted.rpartition("|")
    return coding.get("code") == code and (not bar or coding.get("system", "") == system)


def _is_string(resource: Resource, name: str, wanted: str) -> bool:
    code, _, modifier = name.partition(":")
    found = [str(value) for value in values(resource, code)]
    if modifier == "exact":
        return wanted in found
    if modifier == "contains":
        return any(_folded(wanted) in _folded(value) for value in found)
    return any(_folded(value).startswith(_folded(wanted)) for value in found)


def _folded(text: str) -> str:
    """Without case and accents (3.1.1.4.8). In Danish æ, ø and å are letters, not accented ones."""
    composed = unicodedata.normalize("NFC", text).casefold()
    return "".join(one if one == "å" else unicodedata.normalize("NFD", one)[0] for one in composed)


def _is_date(resource: Resource, name: str, wanted: str) -> bool:
    prefix, text = (wanted[:2], wanted[2:]) if wanted[:1].isalpha() else ("eq", wanted)
    lo, hi = span(text)
    return any(_compares(prefix, lo, hi, *found) for found in spans(resource, name))


def _compares(prefix: str, lo: datetime, hi: datetime, found_lo: datetime, found_hi: datetime) -> bool:
    """The table of prefixes (3.1.1.4.4), in the words of ranges."""
    within = lo <= found_lo and found_hi <= hi
    return {
        "eq": within,
        "ne": not within,
        "gt": found_hi > hi,
        "lt": found_lo < lo,
        "ge": found_hi > hi or within,
        "le": found_lo < lo or within,
        "sa": found_lo >= hi,
        "eb": found_hi <= lo,
    }[prefix]


# --- values -----------------------------------------------------------------------------------------------------------


def values(resource: Resource, parameter: str) -> Iterator[Any]:
    """The values that a parameter sees; those of a composite are the elements that it looks at."""
    kind, paths = PARAMETERS[resource["resourceType"]][parameter]
    if kind == "composite":
        yield from (one for base in paths[0].split(".") for one in _walk(resource, [base] if base else []))
        return
    for path in PARAMETERS[resource["resourceType"]][parameter][1]:
        yield from _walk(resource, path.split("."))


def _walk(value: Any, steps: list[str]) -> Iterator[Any]:
    if isinstance(value, list):
        for one in value:
            yield from _walk(one, steps)
    elif not steps:
        yield value
    elif steps[0] in value:
        yield from _walk(value[steps[0]], steps[1:])


def texts(resource: Resource, parameter: str) -> list[str]:
    """The references that a parameter sees, as written; none when the type has no such parameter."""
    if parameter not in PARAMETERS[resource["resourceType"]]:
        return []
    return [value["reference"] for value in values(resource, parameter)]


def spans(resource: Resource, parameter: str) -> list[Span]:
    """The times that a parameter sees."""
    return [_span_of(value) for value in values(resource, parameter)]


_FIRST, _LAST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)


def _span_of(value: Any) -> Span:
    if isinstance(value, str):
        return span(value)
    return (
        span(value["start"])[0] if "start" in value else _FIRST,
        span(value["end"])[1] if "end" in value else _LAST,
    )


def span(text: str) -> Span:
    """The time that a date of any precision covers. Without a zone it is Danish."""
    if "T" in text:
        return _moment(text)
    year, month, day = (int(part) for part in (text + "-1-1").split("-")[:3])
    ends = {4: (year + 1, 1, 1), 7: (year + month // 12, month % 12 + 1, 1)}.get(len(text))
    begins = datetime(year, month, day)
    return _danish(begins), _danish(begins + timedelta(days=1) if ends is None else datetime(*ends))


def _moment(text: str) -> Span:
    clock = re.sub(r"(Z|[+-]\d\d:\d\d)$", "", text)
    begins = datetime.fromisoformat(text)
    aware = _danish(begins) if begins.tzinfo is None else begins.astimezone(UTC)
    length = len(clock.partition("T")[2])
    lasts = {5: timedelta(minutes=1), 8: timedelta(seconds=1)}.get(length, timedelta(seconds=10.0 ** (9 - length)))
    return aware, aware + lasts


def _danish(moment: datetime) -> datetime:
    return moment.replace(tzinfo=ZoneInfo("Europe/Copenhagen")).astimezone(UTC)


def _unescaped(text: str) -> str:
    return re.sub(r"\\([\\,|$])", r"\1", text)


# --- order ------------------------------------------------------------------------------------------------------------


def is_sorted(url: str, answer: Sequence[Resource]) -> bool:
    """Whether an order is one that ``_sort`` allows (3.1.1.5.1): nothing stands before what is surely earlier.

    R4 does not say where missing values go, how overlapping times compare, nor how a language sorts its letters.
    """
    keys = parse(url).sort
    pairs = ((first, second) for i, first in enumerate(answer) for second in answer[i + 1 :])
    return not any(_surely_after(first, second, keys) for first, second in pairs)


def _surely_after(first: Resource, second: Resource, keys: Sequence[str]) -> bool:
    for key in keys:
        order = _order(first, second, key.lstrip("-"))
        if order != 0:
            return order == (-1 if key.startswith("-") else 1)
    return False


def _order(first: Resource, second: Resource, key: str) -> int | None:
    """-1, 0, 1, or None when R4 does not say."""
    if key == "_id":
        left_id, right_id = str(first["id"]), str(second["id"])
        return (left_id > right_id) - (left_id < right_id)
    kind = PARAMETERS[first["resourceType"]][key][0]
    left: list[Any] = spans(first, key) if kind == "date" else _plain_words(first, key)
    right: list[Any] = spans(second, key) if kind == "date" else _plain_words(second, key)
    if len(left) != 1 or len(right) != 1:
        return None
    if left == right:
        return 0
    (left_lo, left_hi), (right_lo, right_hi) = left[0], right[0]
    if left_lo >= right_hi:
        return 1
    return -1 if left_hi <= right_lo else None


def _plain_words(resource: Resource, key: str) -> list[tuple[str, str]]:
    """One word that every alphabet sorts alike (Danish sorts aa as å)."""
    words = [_folded(str(value)) for value in values(resource, key)]
    return [(word, word) for word in words if re.fullmatch("(?!.*aa)[a-z]+", word)] if len(words) == 1 else []
