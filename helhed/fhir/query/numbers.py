"""Numbers and quantities in a search: prefix, precision, unit (FHIR R4 search, sections 3.1.1.4.6 and 3.1.1.4.9)."""

import re
from decimal import Decimal

from helhed.fhir.indexing.numbers import unit_key
from helhed.fhir.query.model import NumberAlternative
from helhed.fhir.query.text import PREFIXES, split, unescape
from helhed.fhir.units import measure_of
from helhed.foundation.errors import BadRequest

_NUMBER = re.compile(r"([+-]?\d{1,40}(?:\.\d{1,40})?)(?:[eE]([+-]?\d{1,3}))?", re.ASCII)
_LARGEST = Decimal("1e100")
_HALF, _TENTH = Decimal("0.5"), Decimal("0.1")
_NUMBER_ONLY, _WITH_UNIT = 1, 3


def number_alternative(name: str, text: str) -> NumberAlternative:
    """``ge5.4``."""
    prefix, rest = _prefix(name, text)
    exact, lo, hi = _range(name, prefix, rest)
    return NumberAlternative(prefix, float(lo), float(hi), float(exact))


def quantity_alternative(name: str, text: str) -> NumberAlternative:
    """``5.4``, ``5.4|system|code`` or ``5.4||unit``, with a prefix."""
    parts = split(text, "|")
    if len(parts) not in {_NUMBER_ONLY, _WITH_UNIT}:
        raise BadRequest(f"The parameter {name} is a number, number|system|code or number||unit.")
    prefix, rest = _prefix(name, parts[0])
    exact, lo, hi = (float(one) for one in _range(name, prefix, rest))
    system, code = (unescape(part) for part in parts[1:]) if len(parts) == _WITH_UNIT else ("", "")
    if not code:
        if system:
            raise BadRequest(f"The parameter {name} names a system without a unit.")
        return NumberAlternative(prefix, lo, hi, exact)
    if not system:
        return NumberAlternative(prefix, lo, hi, exact, "code", unit_key("", code))
    measure = measure_of(system, code)
    if measure is None:
        return NumberAlternative(prefix, lo, hi, exact, "canonical", unit_key(f"system {system}", code))
    unit = unit_key("canonical", measure.canonical)
    return NumberAlternative(prefix, measure.of(lo), measure.of(hi), measure.of(exact), "canonical", unit)


def _prefix(name: str, text: str) -> tuple[str, str]:
    if text[:2] in PREFIXES:
        return text[:2], text[2:]
    if text[:1].isalpha():
        raise BadRequest(f"The parameter {name} has the unknown prefix {text[:2]!r}; use one of {', '.join(PREFIXES)}.")
    return "eq", text


def _range(name: str, prefix: str, text: str) -> tuple[Decimal, Decimal, Decimal]:
    """The number, and the range it stands for: half a unit of its last digit around it, or a tenth for ``ap``.

    With an exponent the last digit counts ten times as fine: 1e2 is [95, 105), as the specification has it.
    """
    match = _NUMBER.fullmatch(text.replace(" ", "+"))
    if match is None:
        raise BadRequest(f"The parameter {name} needs a number such as ge5.4, not {text[:40]!r}.")
    number = Decimal(f"{match[1]}e{match[2] or 0}")
    if abs(number) > _LARGEST:
        raise BadRequest(f"The parameter {name} is larger than any number here.")
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)
    half = _HALF.scaleb(exponent - (1 if match[2] else 0))
    apart = abs(number) * _TENTH if prefix == "ap" else half
    return number, number - apart, number + apart
