"""Search values: escaping, lists, prefixes (FHIR R4 search, sections 3.1.1.3 and 3.1.1.4)."""

import re
from datetime import UTC, datetime

from helhed.fhir.indexing.dates import interval
from helhed.fhir.query.model import Alternative
from helhed.foundation.errors import BadRequest

PREFIXES = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")
_LEAST_APART = 0.1  # "approximately": a tenth of the distance to now (FHIR R4 search, section 3.1.1.4.5)
#: how a date or moment in a parameter is written
DATE_SHAPE = re.compile(r"\d{4}(-\d\d(-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?)?)?", re.ASCII)


def split(text: str, mark: str) -> list[str]:
    """``text`` split at unescaped ``mark``; escapes stay."""
    parts, current, escaped = [], [], False
    for character in text:
        if escaped:
            current.append(character)
            escaped = False
        elif character == "\\":
            current.append(character)
            escaped = True
        elif character == mark:
            parts.append("".join(current))
            current = []
        else:
            current.append(character)
    return [*parts, "".join(current)]


def unescape(text: str) -> str:
    r"""``\,`` ``\|`` ``\$`` and ``\\`` as they are meant."""
    return re.sub(r"\\([,|$\\])", r"\1", text) if "\\" in text else text


def values(name: str, text: str, most: int) -> list[str]:
    """The alternatives of a parameter, escapes kept. BadRequest for none, empty ones or too many."""
    found = split(text, ",")
    if any(not one.strip() for one in found):
        raise BadRequest(f"The parameter {name} has an empty value.")
    if len(found) > most:
        raise BadRequest(f"The parameter {name} has more than {most} values.")
    return found


def date_alternative(name: str, text: str, now: datetime) -> Alternative:
    """A date with its prefix. BadRequest for what is not a real date."""
    prefix, rest = (text[:2], text[2:]) if text[:2] in PREFIXES else ("eq", text)
    if rest is text and text[:2].isalpha():
        raise BadRequest(f"The parameter {name} has the unknown prefix {text[:2]!r}; use one of {', '.join(PREFIXES)}.")
    rest = rest.replace(" ", "+")  # a plus sign that was not encoded
    try:
        if not DATE_SHAPE.fullmatch(rest):
            raise ValueError(rest)
        lo, hi = interval(rest)
    except ValueError:
        raise BadRequest(f"The parameter {name} needs a real date such as ge2026-11-23, not {rest[:40]!r}.") from None
    if prefix == "ap":
        apart = abs(now.astimezone(UTC) - lo) * _LEAST_APART
        try:
            lo, hi = lo - apart, hi + apart
        except OverflowError:
            raise BadRequest(f"The parameter {name} is too far from today for 'ap'.") from None
    return prefix, lo, hi
