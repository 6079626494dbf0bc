"""What search parameters beside R4's own take out of a resource: the values of an expression, read as the parameter's kind."""

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Protocol

from helhed.fhir.definitions import TYPE_NUMBERS, Custom, ParameterSet
from helhed.fhir.fhirpath import Environment, Expression, NotOne, TooMuch, compile_expression
from helhed.fhir.indexing.dates import interval
from helhed.fhir.indexing.numbers import values_of
from helhed.fhir.indexing.uris import uri_tokens
from helhed.fhir.indexing.values import DATES, TOKEN_READERS, all_reference_tokens, reference_tokens, texts, when
from helhed.fhir.tokens import present_token
from helhed.foundation.logging import logger

#: steps that one expression may take in one resource
MOST_STEPS = 20_000
_TEXTS = frozenset({"string", "markdown", "code", "id", "uri", "url", "canonical", "oid", "uuid"})
_AMOUNTS = frozenset(
    {"Quantity", "Age", "Duration", "Money", "Count", "Distance", "SimpleQuantity", "MoneyQuantity", "Range"}
)
#: kind of parameter -> types of the values that it reads
READS: Mapping[str, frozenset[str]] = {
    "token": frozenset(TOKEN_READERS),
    "string": _TEXTS | {"HumanName", "Address", "Annotation", "CodeableConcept"},
    "reference": frozenset({"Reference", "canonical", "uri", "url"}),
    "date": DATES | {"Period", "Timing"},
    "number": frozenset({"decimal", "integer", "positiveInt", "unsignedInt"}),
    "quantity": _AMOUNTS,
    "uri": frozenset({"uri", "url", "canonical", "oid", "uuid"}),
}
_OF_FHIR = {
    "System.Boolean": "boolean", "System.String": "string", "System.Integer": "integer", "System.Decimal": "decimal",
    "System.Date": "date", "System.DateTime": "dateTime",
}  # fmt: skip


def fhir_kind(kind: str) -> str:
    """The FHIR type of a value of FHIRPath's own."""
    return _OF_FHIR.get(kind, kind)


class Extracted(Protocol):
    """Where it goes: what all parameters took out of one resource."""

    tokens: list[int]
    strings: list[tuple[int, str]]
    dates: list[tuple[int, Any, Any]]
    numbers: list[float]


Reader = Callable[[dict[str, Any], Extracted], None]


@lru_cache(maxsize=1024)
def readers(type_name: str, beside: ParameterSet) -> tuple[Reader, ...]:
    """A reader for each custom parameter of a type."""
    return tuple(_reader(one, type_name) for one in beside.of_type(type_name))


def _reader(parameter: Custom, type_name: str) -> Reader:
    expression = compile_expression(parameter.expression, type_name)
    take, fitting, present = _TAKERS[parameter.kind], READS[parameter.kind], present_token(parameter.number)

    def read(resource: dict[str, Any], found: Extracted) -> None:
        before = _count(parameter, found)
        for kind, value in _values(expression, resource, parameter):
            if kind in fitting:
                take(parameter, kind, value, found)
        if _count(parameter, found) > before:
            found.tokens.append(present)

    return read


def _count(parameter: Custom, found: Extracted) -> int:
    """How many values there are. Texts beside a code are none, as with R4's own tokens."""
    return len(found.tokens) + len(found.numbers) + len(found.dates) + len(found.strings) * (parameter.kind == "string")


def _values(expression: Expression, resource: dict[str, Any], parameter: Custom) -> Iterator[tuple[str, Any]]:
    """What the expression gives. A resource in which it cannot be worked out has no value of the parameter."""
    environment = Environment(resource, resolve=_what_it_names, most=MOST_STEPS)
    try:
        for kind, value in expression.typed(resource, environment):
            yield fhir_kind(kind), value
    except (NotOne, TooMuch) as problem:
        logger("indexing").warning(
            "a search parameter says nothing", parameter=parameter.url, why=type(problem).__name__
        )


def _what_it_names(reference: str) -> dict[str, Any] | None:
    """As much of a resource as a test of its type needs: no other resource is read."""
    name = reference.partition("/_history/")[0].split("/")[-2:-1]
    return {"resourceType": name[0]} if name and name[0] in TYPE_NUMBERS else None


# --- one value --------------------------------------------------------------------------------------------------------
# Beside tokens, codes, references and uris leave their text: orders and includes go by it.


def _token(parameter: Custom, kind: str, value: Any, found: Extracted) -> None:
    found.tokens.extend(TOKEN_READERS[kind]((parameter.number,))(value))
    found.strings.extend((parameter.number, text) for text in _said(kind, value))
    found.strings.extend((parameter.text_number, text) for text in _beside(kind, value))


def _beside(kind: str, value: Any) -> Iterator[str]:
    """The texts that stand beside a code, for ``:text``."""
    if kind == "CodeableConcept":
        held = [value, *value.get("coding", ())]
    elif kind in {"Coding", "Identifier"}:
        held = [value.get("type", {}) if kind == "Identifier" else value]
    else:
        return
    for one in held:
        text = (
            one.get("display")
            if kind == "Coding" or (kind == "CodeableConcept" and one is not value)
            else one.get("text")
        )
        if text:
            yield text


def _said(kind: str, value: Any) -> Iterator[str]:
    """A coded value in a word, to sort by."""
    if kind == "CodeableConcept":
        yield from (one["code"] for one in value.get("coding", ()) if one.get("code"))
    elif isinstance(value, bool):
        yield "true" if value else "false"
    else:
        text = value.get("code", value.get("value")) if isinstance(value, dict) else value
        if isinstance(text, str):
            yield text


def _string(parameter: Custom, kind: str, value: Any, found: Extracted) -> None:
    found.strings.extend((parameter.number, text) for text in texts(kind, value))


def _reference(parameter: Custom, kind: str, value: Any, found: Extracted) -> None:
    read = reference_tokens if isinstance(value, str) else all_reference_tokens
    found.tokens.extend(read(parameter.number, value, ""))
    text = value if isinstance(value, str) else value.get("reference")
    if text and not text.startswith("#"):
        found.strings.append((parameter.number, text))


def _date(parameter: Custom, kind: str, value: Any, found: Extracted) -> None:
    span = interval(value) if kind in DATES else when(kind, value)
    if span is not None:
        found.dates.append((parameter.number, *span))


def _amount(parameter: Custom, kind: str, value: Any, found: Extracted) -> None:
    for one in values_of("Quantity" if kind == "MoneyQuantity" else kind, value):
        found.numbers.extend((float(parameter.number), *one))


def _uri(parameter: Custom, kind: str, value: Any, found: Extracted) -> None:
    found.tokens.extend(uri_tokens(parameter.number, value))
    found.strings.append((parameter.number, value))


_TAKERS: dict[str, Callable[[Custom, str, Any, Extracted], None]] = {
    "token": _token, "string": _string, "reference": _reference, "date": _date, "number": _amount, "quantity": _amount,
    "uri": _uri,
}  # fmt: skip

__all__ = ["MOST_STEPS", "READS", "Extracted", "fhir_kind", "readers"]
