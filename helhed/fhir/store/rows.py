"""Python values as the database's composite types."""

from typing import Any

from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.foundation.ask import Ask

_NUMBERS: dict[frozenset[str], list[int]] = {}


def _numbers(types: frozenset[str] | None) -> list[int] | None:
    if types is None:
        return None
    known = _NUMBERS.get(types)
    if known is None:
        known = sorted(TYPE_NUMBERS[name] for name in types if name in TYPE_NUMBERS)
        if len(_NUMBERS) < 4096:
            _NUMBERS[types] = known
    return known


def ask_row(ask: Ask) -> tuple[Any, ...]:
    """``fhir.ask``. Of one that is for a patient alone the client carries what was allowed (``docs/decisions/0032``)."""
    return (
        int(ask.kind),
        ask.actor,
        ask.organisation,
        ask.role,
        int(ask.purpose),
        f"{ask.client}#{ask.allowance}" if ask.for_one else ask.client,
        _numbers(ask.read_types),
        _numbers(ask.write_types),
        ask.at,
        ask.trace,
    )
