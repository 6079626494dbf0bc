"""Slices: each item belongs to one, and each slice has its own counts and rules (FHIR R4 profiling, section 5.1.0.13)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from helhed.fhir.profiles.discriminators import Item, Test, test_of
from helhed.fhir.profiles.findings import Place
from helhed.fhir.profiles.library import Library
from helhed.fhir.profiles.run import Check, Run
from helhed.fhir.profiles.structure import Node, Slicing

_DEFAULT = "@default"
#: the check of one item of a slice
EachOf = Callable[[Node], Check | None]


@dataclass(slots=True)
class _Slice:
    """One slice: which items are in it, and what holds for them."""

    name: str
    tests: tuple[Test, ...] | None  #: None: the profile does not say how to tell it from others
    minimum: int
    maximum: int | None
    each: Check | None
    resliced: "Slices | None"

    def holds(self, item: Item, run: Run) -> bool | None:
        """Whether an item is in the slice; None when that cannot be told."""
        if self.tests is None:
            return None
        unsure = False
        for test in self.tests:
            verdict = test(item, run)
            if verdict is False:
                return False
            unsure = unsure or verdict is None
        return None if unsure else True


class Slices:
    """The slices of one element, or of one slice."""

    def __init__(self, node: Node, slicing: Slicing, slices: Sequence[_Slice], url: str) -> None:
        self._slices = slices
        self._closed = slicing.rules == "closed"
        self._at_end = slicing.rules == "openAtEnd"
        self._ordered = slicing.ordered
        self._name = node.name
        self._label = node.label
        self._url = url
        self._fallback = next((place for place, one in enumerate(slices) if one.name == _DEFAULT), None)

    def check(self, items: Sequence[Item], place: Place, run: Run) -> None:
        """Sort the items into slices and check each; ``place`` is what holds them."""
        sorted_in: list[list[Item]] = [[] for _ in self._slices]
        unsure = [False] * len(self._slices)
        positions: list[int | None] = []
        for item in items:
            number = self._slice_of(item, run, unsure)
            positions.append(number)
            if number is not None:
                sorted_in[number].append(item)
            elif self._closed and not any(unsure):
                sentence = f"This {self._name} is none of those that may stand here."
                run.add("error", "structure", sentence, item.place, self._url, self._label)
        self._order(items, positions, run)
        for one, mine, open_ in zip(self._slices, sorted_in, unsure, strict=True):
            self._one(one, mine, open_, place, run)

    def _slice_of(self, item: Item, run: Run, unsure: list[bool]) -> int | None:
        for number, one in enumerate(self._slices):
            if number == self._fallback:
                continue
            verdict = one.holds(item, run)
            if verdict:
                return number
            if verdict is None:
                unsure[number] = True
        return self._fallback

    def _one(self, one: _Slice, mine: Sequence[Item], unsure: bool, place: Place, run: Run) -> None:
        rule = f"{self._label}:{one.name}"
        if len(mine) < one.minimum:
            if unsure:
                sentence = f"Not checked: whether one of these is the {self._name} called {one.name}."
                run.add("information", "not-supported", sentence, place, self._url, rule)
            else:
                sentence = f"{self._name} must stand here as {one.name} (at least {one.minimum})."
                run.add("error", "required", sentence, place, self._url, rule)
        if one.maximum is not None and len(mine) > one.maximum:
            sentence = f"{self._name} stands more than {one.maximum} times as {one.name}."
            run.add("error", "structure", sentence, mine[one.maximum].place, self._url, rule)
        if one.each is not None:
            for value, extra, _, at in mine:
                one.each(value, extra, at, run)
        if one.resliced is not None:
            one.resliced.check(mine, place, run)

    def _order(self, items: Sequence[Item], positions: Sequence[int | None], run: Run) -> None:
        highest, ended = -1, False
        for item, number in zip(items, positions, strict=True):
            if number is None:
                ended = True
                continue
            if self._at_end and ended:
                sentence = f"The {self._name} that the profile names come first; others stand at the end."
                run.add("error", "structure", sentence, item.place, self._url, self._label)
            if self._ordered and number < highest:
                sentence = f"This {self._name} must stand before the one above it."
                run.add("error", "structure", sentence, item.place, self._url, self._label)
            highest = max(highest, number)


def slices_of(node: Node, library: Library, url: str, each: EachOf, above: Slicing | None = None) -> Slices | None:
    """The slices of an element, or of a slice that is sliced as ``above`` says unless it says otherwise; None of none."""
    if not node.slices:
        return None
    slicing = node.slicing or above or _usual(node)
    slices = [_slice(one, slicing, library, url, each) for one in node.slices]
    return Slices(node, slicing, slices, url)


def _usual(node: Node) -> Slicing:
    """Extensions are told apart by url; valueQuantity, written short, by its type."""
    if node.name in {"extension", "modifierExtension"}:
        return Slicing((("value", "url"),), "open", ordered=False)
    return Slicing((("type", "$this"),) if node.name.endswith("[x]") else (), "open", ordered=False)


def _slice(node: Node, slicing: Slicing, library: Library, url: str, each: EachOf) -> _Slice:
    made = [test_of(kind, path, node, library) for kind, path in slicing.discriminators]
    known = [test for test in made if test is not None]
    tests = tuple(known) if known and len(known) == len(made) else None
    if not slicing.discriminators:
        tests = _by_itself(each(node))
    return _Slice(
        node.slice_name, tests, node.minimum, node.maximum, each(node), slices_of(node, library, url, each, slicing)
    )


def _by_itself(check: Check | None) -> tuple[Test, ...] | None:
    """Without discriminators an item is in the slice whose rules it follows."""
    if check is None:
        return None

    def test(item: Item, run: Run) -> bool:
        mine, run.findings = run.findings, []
        try:
            check(item.value, item.extra, item.place, run)
            return not any(one.severity == "error" for one in run.findings)
        finally:
            run.findings = mine

    return (test,)


__all__ = ["Slices", "slices_of"]
