"""What an open element becomes: an object, a value, or the place of a whole resource."""

from typing import Any, NamedTuple, Protocol

from helhed.fhir.definitions import TYPE_NUMBERS, facts
from helhed.fhir.xml.names import FHIR, NARRATIVE, XHTML, attributes_of, holds_resource, positions
from helhed.fhir.xml.values import typed
from helhed.foundation.errors import InvalidResource, Issue


class Slot(NamedTuple):
    """Where an element belongs: the property ("" for a resource itself), its type, and its FHIRPath."""

    name: str
    kind: str
    place: str
    many: bool

    def frame(self, attributes: dict[str, str], longest_number: int) -> "Frame":
        """The frame of an element in this slot. Raises InvalidResource."""
        if self.name and holds_resource(self.kind):
            return Holder(self, attributes)
        if facts.is_type(self.kind):
            return Complex(self, attributes)
        return Primitive(self, attributes, longest_number)


class Frame(Protocol):
    """An element that is open."""

    slot_taken: Slot
    place: str

    def slot(self, namespace: str, name: str) -> Slot:
        """Where a child belongs. Raises InvalidResource for what the definition does not have here."""

    def take(self, slot: Slot, value: Any, extra: Any) -> None:
        """A child that ended: its value, and the id and extensions of a primitive."""

    def ended(self) -> tuple[Any, Any]:
        """What it became. Raises InvalidResource when it is empty."""


class Complex:
    """An object: a resource, a data type, a nested element, or what a primitive has beside its value."""

    def __init__(self, slot: Slot, attributes: dict[str, str]) -> None:
        self.slot_taken = slot
        self.place = slot.place
        self.kind = slot.kind
        self.value: dict[str, Any] = {"resourceType": slot.kind} if slot.kind in TYPE_NUMBERS else {}
        self._last = -1
        self._padded = False
        allowed = attributes_of(slot.kind)
        for name, text in attributes.items():
            if name not in allowed:
                raise refusal(f"The attribute {short(name)} is not known here.", self.place)
            self.value[name] = typed("string", text, f"{self.place}.{name}", 0)

    def slot(self, namespace: str, name: str) -> Slot:
        """Where a child belongs: known, in its namespace, in its order, and not once too often."""
        known = facts.properties(self.kind).get(name)
        place = f"{self.place}.{name[:60]}"
        if known is None or name in attributes_of(self.kind):
            raise refusal(f"The element {short(name)} is not known here.", place)
        element, kind = known
        expected = XHTML if kind == NARRATIVE else FHIR
        if namespace != expected:
            raise refusal(f"The element {short(name)} must be in the namespace {expected}.", place)
        position = positions(self.kind)[name]
        if position < self._last:
            raise refusal(f"The element {short(name)} stands after one that must follow it.", place)
        if position == self._last and not element.many:
            raise refusal(f"The element {short(name)} stands here once too often.", place)
        self._last = position
        if element.many:
            place += f"[{self._count(name)}]"
        return Slot(name, kind, place, element.many)

    def _count(self, name: str) -> int:
        return len(self.value.get(name, ()))

    def take(self, slot: Slot, value: Any, extra: Any) -> None:
        """A child that ended; lists of values and of their extensions are kept side by side."""
        if not slot.many:
            if value is not None:
                self.value[slot.name] = value
            if extra:
                self.value[f"_{slot.name}"] = extra
            return
        values = self.value.setdefault(slot.name, [])
        values.append(value)
        if extra:
            extras = self.value.setdefault(f"_{slot.name}", [])
            extras += [None] * (len(values) - 1 - len(extras)) + [extra]
            self._padded = True

    def ended(self) -> tuple[Any, Any]:
        """The object."""
        if not self.value:
            raise refusal("An element is never empty.", self.place)
        return (self._with_padding() if self._padded else self.value), None

    def _with_padding(self) -> dict[str, Any]:
        for name in [one for one in self.value if f"_{one}" in self.value]:
            values, extras = self.value[name], self.value[f"_{name}"]
            if isinstance(extras, list):
                extras += [None] * (len(values) - len(extras))
                if all(one is None for one in values):
                    del self.value[name]
        return self.value


class Primitive:
    """A value, with its id and extensions; or a narrative, whose text comes from elsewhere."""

    def __init__(self, slot: Slot, attributes: dict[str, str], longest_number: int) -> None:
        self.slot_taken = slot
        self.place = slot.place
        self.value: Any = None
        if slot.kind == NARRATIVE:
            attributes = {}
        elif "value" in attributes:
            self.value = typed(slot.kind, attributes.pop("value"), slot.place, longest_number)
        self._beside = Complex(Slot(slot.name, "Element", slot.place, many=False), attributes) if attributes else None

    def slot(self, namespace: str, name: str) -> Slot:
        """A primitive has extensions and nothing else."""
        if self._beside is None:
            self._beside = Complex(Slot(self.slot_taken.name, "Element", self.place, many=False), {})
        return self._beside.slot(namespace, name)

    def take(self, slot: Slot, value: Any, extra: Any) -> None:
        """An extension."""
        assert self._beside is not None
        self._beside.take(slot, value, extra)

    def ended(self) -> tuple[Any, Any]:
        """The value, and what stands beside it."""
        extra = self._beside.value if self._beside else None
        if self.value is None and not extra:
            raise refusal("An element is never empty.", self.place)
        return self.value, extra


class Holder:
    """The place of one whole resource: ``contained``, ``Bundle.entry.resource``, ``Parameters.parameter.resource``."""

    def __init__(self, slot: Slot, attributes: dict[str, str]) -> None:
        self.slot_taken = slot
        self.place = slot.place
        self.value: Any = None
        self._begun = False
        if attributes:
            raise refusal(f"The attribute {short(next(iter(attributes)))} is not known here.", self.place)

    def slot(self, namespace: str, name: str) -> Slot:
        """The resource, by its type."""
        if namespace != FHIR or name not in TYPE_NUMBERS:
            raise refusal(f"{short(name)} is not a type of resource.", self.place)
        if self._begun:
            raise refusal("Here stands one resource, not several.", self.place)
        self._begun = True
        return Slot("", name, self.place, many=False)

    def take(self, slot: Slot, value: Any, extra: Any) -> None:
        """The resource."""
        self.value = value

    def ended(self) -> tuple[Any, Any]:
        """The resource."""
        if self.value is None:
            raise refusal("An element is never empty.", self.place)
        return self.value, None


def refusal(sentence: str, place: str) -> InvalidResource:
    """The document does not follow its definition there."""
    return InvalidResource(issues=[Issue("structure", sentence, place)])


def short(name: str) -> str:
    """A name of the document, without its namespace, as a sentence may hold it."""
    return repr(name.rpartition(" ")[2][:60])
