"""FHIR search in memory: slow, short, written from the R4 search chapter and from nothing of this network's indexing.

It evaluates requests written as ``Type?name=value&name=value`` (not percent-encoded) on plain resources whose references
read ``Type/id``. It knows the parameters of ``PARAMETERS``, all date prefixes but ``ap``, ``:not``, ``:exact``,
``:contains``, ``:text``, ``:missing``, ``near``, ``:Type``, chains, ``_has``, ``_list``, ``_filter``, ``_id``, ``_include`` and ``_revinclude`` with ``:iterate`` and ``*``, several types, compartments, and whether an order is one that
``_sort`` allows. Section numbers are those of https://hl7.org/fhir/R4/search.html.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from math import asin, cos, radians, sin, sqrt
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

#: type → parameter → kind and the paths of its values; the last ones of Encounter and Observation are not R4's own
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
        "location": ("reference", ("location.location",)),
        "from": ("date", ("period.start",)),
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
        "any-code": ("token", ("code", "component.code")),
        "said": ("string", ("valueString",)),
        "part": ("quantity", ("component.valueQuantity",)),
        "around": ("reference", ("encounter", "derivedFrom")),
        "likeness": ("uri", ("meta.profile",)),
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
        "subject": _SUBJECT,
        "patient": _SUBJECT,
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
    "Location": {
        "name": ("string", ("name", "alias")),
        "near": ("near", ("position",)),
    },
    "Practitioner": {
        "family": ("string", ("name.family",)),
        "given": ("string", ("name.given",)),
        "name": ("string", _HUMAN_NAME),
    },
}

_SHAPING = ("_sort", "_count", "_total", "_type", "_summary", "_elements")
_INCLUDING = ("_include", "_revinclude")
#: compartment → type → the references by which a resource is in it, of what PARAMETERS knows (compartmentdefinition.html)
COMPARTMENTS = {
    "Patient": {"Observation": ("subject", "performer"), "Condition": ("patient",), "Encounter": ("patient",),
                "MedicationRequest": ("subject",), "DiagnosticReport": ("subject",), "Patient": ()},
    "Encounter": {"Observation": ("encounter",), "Condition": ("encounter",), "MedicationRequest": ("encounter",),
                  "DiagnosticReport": ("encounter",), "Encounter": ()},
    "Practitioner": {"Observation": ("performer",), "MedicationRequest": ("requester",), "Practitioner": ()},
}  # fmt: skip


@dataclass(frozen=True)
class Request:
    """A request taken apart."""

    place: str
    types: frozenset[str]  #: what is searched
    criteria: tuple[tuple[str, str], ...]
    sort: tuple[str, ...]
    includes: tuple[tuple[str, str], ...]  #: _include or _revinclude, and its value


def parse(url: str) -> Request:
    """``Type?name=value&…`` taken apart; the place may be empty, ``Patient/id/Type`` or ``Patient/id/*`` as well."""
    place, _, text = url.partition("?")
    pairs = [(pair.partition("=")[0], pair.partition("=")[2]) for pair in text.split("&") if pair]
    sort = [key for name, value in pairs if name == "_sort" for key in value.split(",")]
    includes = [pair for pair in pairs if pair[0].startswith(_INCLUDING)]
    criteria = [pair for pair in pairs if pair[0] not in _SHAPING and not pair[0].startswith(_INCLUDING)]
    named = [value.split(",") for name, value in pairs if name == "_type"]
    last = place.rpartition("/")[2]
    types = set(named[0] if named else PARAMETERS) if last in ("", "*") else {last}
    return Request(place, frozenset(types), tuple(criteria), tuple(sort), tuple(includes))


def search(url: str, among: Sequence[Resource]) -> list[Resource]:
    """The matches, in no order. Parameters are joined by AND (3.1.1.2)."""
    request = parse(url)
    of_type = [one for one in among if one["resourceType"] in request.types and _is_in(request.place, one)]
    return [one for one in of_type if all(meets(one, name, value, among) for name, value in request.criteria)]


def _is_in(place: str, resource: Resource) -> bool:
    """Whether a resource is in the compartment that a place names, if it names one."""
    if place.count("/") < 2:
        return True
    owner = place.rpartition("/")[0]
    members = COMPARTMENTS[owner.partition("/")[0]]
    if resource["resourceType"] not in members:
        return False
    return reference_to(resource) == owner or any(
        not _known_as(owner, resource, by).isdisjoint(texts(resource, by)) for by in members[resource["resourceType"]]
    )


def included(url: str, matches: Sequence[Resource], among: Sequence[Resource]) -> set[str]:
    """``Type/id`` of what the includes add to these matches (3.1.1.5.3); a match is not included again.

    What iterates goes on from what was included, three times more.
    """
    return _rounds(url, matches, among)[0]


def goes_on(url: str, matches: Sequence[Resource], among: Sequence[Resource]) -> bool:
    """Whether what iterates would bring more after that."""
    return _rounds(url, matches, among)[1]


def _rounds(url: str, matches: Sequence[Resource], among: Sequence[Resource]) -> tuple[set[str], bool]:
    by_name = {reference_to(one): one for one in among}
    names = {reference_to(one) for one in matches}
    found: set[str] = set()
    new, includes = names, parse(url).includes
    for turn in range(5):
        reached = set[str]()
        for direction, value in includes:
            reached |= _by_one(direction, value, new & set(by_name), by_name)
        new = (reached & set(by_name)) - names - found
        if turn == 4:
            break
        found |= new
        includes = tuple(one for one in includes if one[0].endswith(":iterate"))
    return found, bool(new)


def _by_one(direction: str, value: str, new: set[str], by_name: dict[str, Resource]) -> set[str]:
    source, parameter, *target = (value + ":*" if value == "*" else value).split(":")
    if direction.startswith("_revinclude"):
        fitting = {name for name in new if _is_of(name, target)}
        return {
            name
            for name, one in by_name.items()
            if one["resourceType"] == source and set(texts(one, parameter)) & fitting
        }
    starts = [by_name[name] for name in new if source in ("*", by_name[name]["resourceType"])]
    return {
        text
        for one in starts
        for code in _references(one, parameter)
        for text in texts(one, code)
        if _is_of(text, target)
    }


def _references(resource: Resource, parameter: str) -> list[str]:
    known = PARAMETERS[resource["resourceType"]]
    return [code for code, (kind, _) in known.items() if kind == "reference" and parameter in ("*", code)]


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
    if name.startswith("_has:"):
        _, source, by, rest = name.split(":", 3)
        met = [one for one in among if one["resourceType"] == source and meets(one, rest, value, among)]
        return any(reference_to(resource) in texts(one, by) for one in met)
    if name == "_list":
        lists = [one for one in among if one["resourceType"] == "List" and one["id"] in value.split(",")]
        return any(reference_to(resource) in texts(one, "item") for one in lists)
    if name == "_filter":
        return filtered(resource, value, among)
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
    if modifier == "text":
        wanted = [_folded_words(_unescaped(one)) for one in alternatives]
        return any(_folded_words(text).startswith(one) for text in _words_beside(resource, code) for one in wanted)
    test = {
        "token": _is_token, "near": _is_near, "date": _is_date, "string": _is_string, "reference": _is_reference, "uri": _is_uri,
        "quantity": _is_quantity, "composite": _is_composite,
    }[kind]  # fmt: skip
    argument = f"{code}:{modifier}" if modifier else code
    return any(test(resource, argument, one) for one in alternatives)


def _chained(resource: Resource, code: str, type_name: str, rest: str, value: str, among: Sequence[Resource]) -> bool:
    """A chain goes through what exists only (3.1.1.5)."""
    references = set(texts(resource, code))
    targets = [one for one in among if reference_to(one) in references]
    fitting = [one for one in targets if type_name in ("", one["resourceType"]) and knows(one["resourceType"], rest)]
    return any(meets(one, rest, value, among) for one in fitting)


def knows(type_name: str, name: str) -> bool:
    """Whether a type has the parameter that a criterion begins with."""
    return name.startswith("_") or re.split("[.:]", name)[0] in PARAMETERS[type_name]


# --- _filter (http://hl7.org/fhir/R4/search_filter.html) ----------------------------------------------------------------


def filtered(resource: Resource, text: str, among: Sequence[Resource]) -> bool:
    """Whether an expression holds. Those of the generator have one kind of joint in each pair of parentheses."""
    if text.startswith("not (") and _closing(text, 4) == len(text) - 1:
        return not filtered(resource, text[5:-1], among)
    if text.startswith("(") and _closing(text, 0) == len(text) - 1:
        return filtered(resource, text[1:-1], among)
    for joint, gathers in ((" and ", all), (" or ", any)):
        parts = _apart(text, joint)
        if len(parts) > 1:
            return gathers(filtered(resource, one, among) for one in parts)
    path, operator, value = text.split(" ", 2)
    return _filter_test(resource, path, operator, value.strip('"'), among)


def _closing(text: str, opening: int) -> int:
    depth = 0
    for place in range(opening, len(text)):
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        if depth == 0:
            return place
    return -1


def _apart(text: str, joint: str) -> list[str]:
    """The parts beside a joint that stands in no parentheses."""
    parts, begun, depth = [], 0, 0
    for place, letter in enumerate(text):
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if depth == 0 and text.startswith(joint, place):
            parts.append(text[begun:place])
            begun = place + len(joint)
    return [*parts, text[begun:]]


def _filter_test(resource: Resource, path: str, operator: str, value: str, among: Sequence[Resource]) -> bool:
    if operator == "ne":  # no item of the set is equal
        return not _filter_test(resource, path, "eq", value, among)
    head, dot, rest = path.partition(".")
    if dot:
        code, _, type_name = head.partition(":")
        references = set(texts(resource, code))
        targets = [one for one in among if reference_to(one) in references and type_name in ("", one["resourceType"])]
        return any(
            _filter_test(one, rest, operator, value, among) for one in targets if knows(one["resourceType"], rest)
        )
    if operator == "pr":
        return bool(list(values(resource, path))) == (value == "true")
    kind = PARAMETERS[resource["resourceType"]][path][0]
    if kind == "string":
        found = [_folded(str(one)) for one in values(resource, path)]
        test = {"eq": str.__eq__, "co": str.__contains__, "sw": str.startswith, "ew": str.endswith}[operator]
        return any(test(one, _folded(value)) for one in found)
    if kind == "date" and operator == "po":
        lo, hi = span(value)
        return any(found_lo < hi and found_hi > lo for found_lo, found_hi in spans(resource, path))
    if kind == "date":
        return _is_date(resource, path, f"{operator}{value}")
    return (_is_token if kind == "token" else _is_reference)(resource, path, value)


def _is_reference(resource: Resource, name: str, wanted: str) -> bool:
    code, _, type_name = name.partition(":")
    if "/" in wanted:
        return not _known_as(wanted, resource, code).isdisjoint(texts(resource, code))
    found = [text.split("/") for text in texts(resource, code)]
    if not _known_as(f"Patient/{wanted}", resource, code).isdisjoint(texts(resource, code)):
        return type_name in ("", "Patient")
    return any(identifier == wanted and type_name in ("", kind) for kind, identifier in found)


#: ``Patient/id`` → everything by which that citizen is known, for citizens with several keys
_OTHER_NAMES: ContextVar[Mapping[str, frozenset[str]]] = ContextVar("_OTHER_NAMES")


@contextmanager
def known_as(names: Mapping[str, frozenset[str]]) -> Iterator[None]:
    """Within, whoever is known by several names is one citizen."""
    token = _OTHER_NAMES.set(names)
    try:
        yield
    finally:
        _OTHER_NAMES.reset(token)


def _known_as(wanted: str, resource: Resource, code: str) -> frozenset[str]:
    """Whom a condition on the citizen of a row means. Any other reference is taken as it is written."""
    own = code in ("subject", "patient") and resource["resourceType"] in COMPARTMENTS["Patient"]
    return _OTHER_NAMES.get({}).get(wanted, frozenset((wanted,))) if own else frozenset((wanted,))


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


def _words_beside(resource: Resource, code: str) -> Iterator[str]:
    """CodeableConcept.text, Coding.display and Identifier.type.text (http://hl7.org/fhir/search-modifier-code, text)."""
    for value in values(resource, code):
        if isinstance(value, dict):
            said = [value.get("text"), value.get("display"), value.get("type", {}).get("text")]
            said += [coding.get("display") for coding in value.get("coding", ())]
            yield from (one for one in said if one)


def _folded_words(text: str) -> str:
    return " ".join(_folded(text).split())


def _is_near(resource: Resource, name: str, wanted: str) -> bool:
    """http://hl7.org/fhir/R4/location.html: latitude|longitude|distance|units, kilometres unless said; here 10 when no distance is.

    The distance is the angle between two directions from the middle of the earth.
    """
    latitude, longitude, distance, unit = (*wanted.split("|"), "", "")[:4]
    metres = float(distance or 10) * (1 if distance and unit == "m" else 1000)
    here = _direction(float(latitude), float(longitude))
    for position in values(resource, name):
        there = _direction(position["latitude"], position["longitude"])
        apart = 2 * asin(min(1.0, sqrt(sum((a - b) ** 2 for a, b in zip(here, there, strict=True))) / 2))
        if apart * 6371008.8 <= metres:
            return True
    return False


def _direction(latitude: float, longitude: float) -> tuple[float, float, float]:
    up, around = radians(latitude), radians(longitude)
    return cos(up) * cos(around), cos(up) * sin(around), sin(up)


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
    if not (knows(first["resourceType"], key) and knows(second["resourceType"], key)):
        return None
    kind = PARAMETERS[first["resourceType"]][key][0]
    left: list[Any] = spans(first, key) if kind == "date" else _plain_words(first, key, kind)
    right: list[Any] = spans(second, key) if kind == "date" else _plain_words(second, key, kind)
    if len(left) != 1 or len(right) != 1:
        return None
    if left == right:
        return 0
    (left_lo, left_hi), (right_lo, right_hi) = left[0], right[0]
    if left_lo >= right_hi:
        return 1
    return -1 if left_hi <= right_lo else None


def _plain_words(resource: Resource, key: str, kind: str) -> list[tuple[str, str]]:
    """One word that every alphabet sorts alike (Danish sorts aa as å)."""
    found = [code for _, code in _codings(resource, key)] if kind == "token" else values(resource, key)
    words = [_folded(str(value)) for value in found]
    return [(word, word) for word in words if re.fullmatch("(?!.*aa)[a-z]+", word)] if len(words) == 1 else []
