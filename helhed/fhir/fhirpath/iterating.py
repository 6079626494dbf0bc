"""Functions of FHIRPath that work an expression out for each item (N1, sections 5.1, 5.2 and 7)."""

from collections.abc import Callable, Sequence

from helhed.fhir.fhirpath.frames import ITEMS, Frame, Part
from helhed.fhir.fhirpath.operators import Known, boolean, truth
from helhed.fhir.fhirpath.syntax import NotFhirPath
from helhed.fhir.fhirpath.values import Collection


def _one(arguments: Sequence[Part], name: str) -> Part:
    if len(arguments) != 1:
        raise NotFhirPath(f"{name}() takes one expression.")
    return arguments[0]


def _kept(frame: Frame, items: Collection, criterion: Part) -> Collection:
    frame.environment.step(len(items))
    return [one for index, one in enumerate(items) if truth(criterion(frame.at(one, index), [one])) is True]


def _where(arguments: Sequence[Part]) -> Part:
    criterion = _one(arguments, "where")
    return lambda frame, items: _kept(frame, items, criterion)


def _exists(arguments: Sequence[Part]) -> Part:
    if not arguments:
        return lambda frame, items: boolean(bool(items))
    criterion = _one(arguments, "exists")
    return lambda frame, items: boolean(bool(_kept(frame, items, criterion)))


def _every(arguments: Sequence[Part]) -> Part:
    criterion = _one(arguments, "all")
    return lambda frame, items: boolean(len(_kept(frame, items, criterion)) == len(items))


def _select(arguments: Sequence[Part]) -> Part:
    projection = _one(arguments, "select")

    def part(frame: Frame, items: Collection) -> Collection:
        frame.environment.step(len(items))
        found = []
        for index, one in enumerate(items):
            more = projection(frame.at(one, index), [one])
            frame.environment.step(len(more) // ITEMS)
            found += more
        return found

    return part


def _repeat(arguments: Sequence[Part]) -> Part:
    projection = _one(arguments, "repeat")

    def part(frame: Frame, items: Collection) -> Collection:
        found: Collection = []
        known = Known(frame.environment)
        waiting = items
        while waiting:
            fresh = [new for one in waiting for new in projection(frame.at(one, 0), [one])]
            frame.environment.step(len(fresh) + 1)
            waiting = [new for new in fresh if known.add(new)]
            found += waiting
        return found

    return part


def _aggregate(arguments: Sequence[Part]) -> Part:
    if not 1 <= len(arguments) <= 2:
        raise NotFhirPath("aggregate() takes an expression and a start.")
    step = arguments[0]
    start = arguments[1] if len(arguments) > 1 else None

    def part(frame: Frame, items: Collection) -> Collection:
        total: Collection = start(frame, frame.this) if start is not None else []
        for index, one in enumerate(items):
            inner = frame.at(one, index)
            inner.total = total
            total = step(inner, [one])
        return total

    return part


def _iif(arguments: Sequence[Part]) -> Part:
    if not 2 <= len(arguments) <= 3:
        raise NotFhirPath("iif() takes a criterion and one or two results.")
    parts = arguments

    def part(frame: Frame, items: Collection) -> Collection:
        inner = frame.at(items[0], 0) if len(items) == 1 else frame
        if truth(parts[0](inner, items)) is True:
            return parts[1](inner, items)
        return parts[2](inner, items) if len(parts) > 2 else []

    return part


WITH_EXPRESSIONS: dict[str, Callable[[Sequence[Part]], Part]] = {
    "where": _where,
    "exists": _exists,
    "all": _every,
    "select": _select,
    "repeat": _repeat,
    "aggregate": _aggregate,
    "iif": _iif,
}

__all__ = ["WITH_EXPRESSIONS"]
