"""Where an evaluation stands, and the functions that expressions are compiled to."""

from collections.abc import Callable

from helhed.fhir.fhirpath.values import Collection, Environment, Value

#: letters and items that cost as much as one step: what grows by itself ends before it is large
LETTERS, ITEMS = 16, 8


class Frame:
    """Where evaluation stands: the environment, and what $this, $index and $total are."""

    __slots__ = ("environment", "focus", "index", "this", "total")

    def __init__(self, environment: Environment, focus: Collection, this: Collection) -> None:
        self.environment = environment
        self.focus = focus  #: of the whole expression: %context
        self.this = this
        self.index = 0
        self.total: Collection = []

    def at(self, item: Value, index: int) -> "Frame":
        """The same for one item of a collection."""
        inner = Frame(self.environment, self.focus, [item])
        inner.index, inner.total = index, self.total
        return inner


#: the frame and the collection that stands before the dot
Part = Callable[[Frame, Collection], Collection]

__all__ = ["ITEMS", "LETTERS", "Frame", "Part"]
