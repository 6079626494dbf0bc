"""What each kind of search parameter takes from a value."""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.fhir.indexing.dates import EARLIEST, LATEST, Interval, interval, period_of, timing_of
from helhed.fhir.tokens import (
    LONGEST_REMEMBERED,
    code_token,
    identifier_reference_token,
    literal_reference_token,
    present_token,
    reference_token,
    system_code_token,
    system_token,
    typed_token,
)
from helhed.foundation.ids import parse_id

_MOST_REMEMBERED = 1 << 14  #: coded values of one path

Tokens = tuple[int, ...]

Numbers = tuple[int, ...]  #: the parameters that read the same value


def coded(numbers: Numbers, system: str | None, code: str) -> Tokens:
    """Tokens of one coded value: the code, system and code, the system; and that there is one."""
    short = len(code) + len(system or "") <= LONGEST_REMEMBERED
    return _remembered(numbers, system, code) if short else _coded(numbers, system, code)


def _coded(numbers: Numbers, system: str | None, code: str) -> Tokens:
    found: list[int] = []
    for number in numbers:
        found += (code_token(number, code), system_code_token(number, system or "", code), present_token(number))
        if system:
            found.append(system_token(number, system))
    return tuple(found)


_remembered = lru_cache(maxsize=1 << 18)(_coded)


def _system_only(numbers: Numbers, system: str | None) -> Tokens:
    if not system:
        return ()
    return tuple(token for number in numbers for token in (system_token(number, system), present_token(number)))


class coded_once(dict[tuple[str | None, str], Tokens]):
    """Tokens of coded values, as ``coded`` tells them, remembered for one set of parameters."""

    __slots__ = ("_numbers",)

    def __init__(self, numbers: Numbers) -> None:
        self._numbers = numbers

    def __missing__(self, key: tuple[str | None, str]) -> Tokens:
        tokens = coded(self._numbers, *key)
        if len(key[1]) + len(key[0] or "") <= LONGEST_REMEMBERED:
            if len(self) >= _MOST_REMEMBERED:
                self.clear()
            self[key] = tokens
        return tokens


#: reads the tokens of one value
TokenReader = Callable[[Any], Sequence[int]]


def _coding_reader(numbers: Numbers) -> TokenReader:
    """A Coding."""
    once = coded_once(numbers)

    def read(coding: dict[str, Any]) -> Tokens:
        code = coding.get("code")
        if code is not None:
            return once[coding.get("system"), code]
        return _system_only(numbers, coding.get("system"))

    return read


def _concept_reader(numbers: Numbers) -> TokenReader:
    """A CodeableConcept: all its codings."""
    one = _coding_reader(numbers)

    def read(concept: dict[str, Any]) -> Sequence[int]:
        codings = concept.get("coding")
        if not codings:
            return ()
        if len(codings) == 1:
            return one(codings[0])
        return [token for coding in codings for token in one(coding)]

    return read


def _identifier_reader(numbers: Numbers) -> TokenReader:
    """An Identifier: its value in its system."""

    def read(identifier: dict[str, Any]) -> Tokens:
        value, system = identifier.get("value"), identifier.get("system")
        if value is None:
            return _system_only(numbers, system)
        tokens = _coded(numbers, system, value)  # each value comes once: no use in remembering it
        kinds = identifier.get("type", {}).get("coding")
        return (*tokens, *_typed(numbers, kinds, value)) if kinds else tokens

    return read


def _typed(numbers: Numbers, codings: list[dict[str, Any]], value: str) -> Iterator[int]:
    for number in numbers:
        for coding in codings:
            if coding.get("system") and coding.get("code"):
                yield typed_token(number, coding["system"], coding["code"], value)


def _contact_reader(numbers: Numbers) -> TokenReader:
    """A ContactPoint: its value, with its use as system (FHIR R4 search, section 3.1.1.4.10)."""

    def read(contact: dict[str, Any]) -> Tokens:
        value = contact.get("value")
        return () if value is None else coded(numbers, contact.get("use"), value)

    return read


def _plain_reader(numbers: Numbers) -> TokenReader:
    """A code, string or uri."""
    once = coded_once(numbers)
    return lambda value: once[None, value]


def _boolean_reader(numbers: Numbers) -> TokenReader:
    """true or false."""
    once = coded_once(numbers)
    return lambda value: once[None, "true" if value is True else "false"]


def _moment_reader(numbers: Numbers) -> TokenReader:
    """A moment where a parameter asks whether it happened (Patient.deceased): it did."""
    told = _boolean_reader(numbers)
    return lambda value: told(True)


#: kind of value -> what makes its reader
TOKEN_READERS: dict[str, Callable[[Numbers], TokenReader]] = {
    "CodeableConcept": _concept_reader,
    "Coding": _coding_reader,
    "Identifier": _identifier_reader,
    "ContactPoint": _contact_reader,
    "boolean": _boolean_reader,
    "dateTime": _moment_reader,
    **dict.fromkeys(("code", "string", "uri", "id", "canonical", "url", "oid", "uuid", "markdown"), _plain_reader),
}


def reference_tokens(parameter: int, text: str, only_target: str) -> Tokens:
    """A literal reference: to a row here, or as written. A version at its end does not count."""
    type_name, _, rest = text.partition("/")
    identifier, _, history = rest.partition("/")
    if (not history or history.startswith("_history/")) and type_name in TYPE_NUMBERS:
        target = parse_id(identifier)
        if only_target and type_name != only_target:
            return ()
        if target is not None:
            return (reference_token(parameter, TYPE_NUMBERS[type_name], target),)
    if only_target and f"{only_target}/" not in text:
        return ()
    return (literal_reference_token(parameter, text),)


def all_reference_tokens(parameter: int, reference: dict[str, Any], only_target: str) -> Tokens:
    """A Reference: literal and logical."""
    text, identifier = reference.get("reference"), reference.get("identifier")
    found: Tokens = reference_tokens(parameter, text, only_target) if text and not text.startswith("#") else ()
    if (
        identifier
        and identifier.get("value")
        and not (only_target and reference.get("type", only_target) != only_target)
    ):
        found = (*found, identifier_reference_token(parameter, identifier.get("system", ""), identifier["value"]))
    return found


_NAME_PARTS = ("text", "family", "given", "prefix", "suffix")
_ADDRESS_PARTS = ("text", "line", "city", "district", "state", "postalCode", "country")


def texts(kind: str, value: Any) -> Iterator[str]:
    """The strings of a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        parts = _NAME_PARTS if kind == "HumanName" else _ADDRESS_PARTS if kind == "Address" else ("text",)
        for part in parts:
            found = value.get(part)
            for one in found if isinstance(found, list) else (found,):
                if isinstance(one, str):
                    yield one


DATES = frozenset({"date", "dateTime", "instant"})


def when(kind: str, value: Any) -> Interval | None:
    """The interval of a date-like value; None when it says nothing that can be searched."""
    if isinstance(value, str):
        return None if kind == "string" else interval(value)
    if kind == "Period":
        start, end = period_of(value)
        return None if start is None and end is None else (start or EARLIEST, end or LATEST)
    return timing_of(value) if kind == "Timing" else None
