"""The walk through a message of EDIFACT: which row of the table each segment has, and what it says."""

from typing import Any

from helhed.exchange.legacy import edifact, texts
from helhed.exchange.legacy.families import Field
from helhed.exchange.legacy.faults import Place
from helhed.exchange.legacy.mapping import NO_PLACE, Hole, Mapping, Part
from helhed.exchange.legacy.rows import Row, Slot
from helhed.exchange.legacy.tree import Interchange, Segment

#: the status of a laboratory result stands in two segments
_TOGETHER = {"gis": ("sts", "STS"), "sts": ("gis", "GIS")}
Said = dict[tuple[int, int], Hole | str]


def walk(mapping: Mapping, content: Interchange) -> None:
    """Say everything of an interchange with one message."""
    _Walk(mapping, content.segments).run()


class _Walk:
    """Where the walk stands."""

    def __init__(self, mapping: Mapping, segments: tuple[Segment, ...]) -> None:
        self.mapping = mapping
        self.family = mapping.family
        self.segments = segments
        self.within = ""
        self.current: Part | None = None
        self.ahead: dict[int, Said] = {}

    def run(self) -> None:
        """All segments, in order."""
        at = 0
        while at < len(self.segments):
            at = self._segment(at)

    def _segment(self, at: int) -> int:
        segment = self.segments[at]
        tag = segment.tag
        if tag[0] == "S" and tag[1:].isdigit():
            self.within, self.current = tag, None
            self._emit(segment, at, {})
            return at + 1
        self.within = self.family.starts.get(self.within, {}).get(tag, self.within)
        row = self._row(segment)
        if row is None:
            self._emit(segment, at, {}, keep=True)
            return at + 1
        text = row.text
        if text:
            return self._text(at, row, text)
        if row.begins:
            self.current = self.mapping.begin(row.begins)
        self._emit(segment, at, {**self._said(row, segment, at), **self.ahead.pop(at, {})}, row)
        return at + 1

    def _row(self, segment: Segment) -> Row | None:
        rows = self.family.rows
        for within in (self.within, "*"):
            for row in rows.get((within, segment.tag), ()):
                if self._fits(row, segment):
                    return row
        return rows[("", segment.tag)][0] if segment.tag in {"UNT", "UNZ"} else None

    def _fits(self, row: Row, segment: Segment) -> bool:
        if row.of and self._owner(row.of) is None:
            return False
        if (row.only and segment.at(1, 1) not in row.only) or segment.at(1, 1) in row.unless:
            return False
        return all(segment.at(element, component) == word for element, component, word in row.chosen)

    def _owner(self, name: str) -> Part | None:
        part = self.current
        while part and part.group.name != name:
            part = part.parent
        return part

    # --- values -------------------------------------------------------------------------------------------------------

    def _said(self, row: Row, segment: Segment, at: int) -> Said:
        """What becomes of each component that a slot names: a hole, or why it is kept."""
        fields: dict[str, list[Slot]] = {}
        for slot in row.slots:
            if segment.at(slot.element, slot.component):
                fields.setdefault(slot.field, []).append(slot)
        said: Said = {}
        for name, slots in fields.items():
            said |= self._field(name, slots, segment, at, row)
        return said

    def _field(self, name: str, slots: list[Slot], segment: Segment, at: int, row: Row) -> Said:
        found = self._place(name, row)
        places = {(slot.element, slot.component): slot.form for slot in slots}
        if found is None:
            return dict.fromkeys(places, NO_PLACE)
        forms = {slot.form: segment.at(slot.element, slot.component) for slot in slots}
        other = self._other(slots[0].form, at) if slots[0].form in _TOGETHER else None
        if other:
            forms[other[1]] = other[2]
        told = self.mapping.say(*found, forms)
        if other:
            self.ahead.setdefault(other[0], {})[other[3]] = told if isinstance(told, str) else told[other[1]]
        return {place: told if isinstance(told, str) else told[form] for place, form in places.items()}

    def _place(self, name: str, row: Row) -> tuple[Part, Field] | None:
        if name.startswith("/"):
            group, field = self.family.group_of(name[1:])
            return (self.mapping.only(group), group.fields[field]) if field in group.fields else None
        part = self._owner(row.of) if row.of and not row.begins else self.current
        while part is not None:
            if name in part.group.fields:
                return part, part.group.fields[name]
            part = part.parent
        return None

    def _other(self, form: str, at: int) -> tuple[int, str, str, tuple[int, int]] | None:
        """The later segment of the same group that tells the rest of a value."""
        other, tag = _TOGETHER[form]
        for later in range(at + 1, len(self.segments)):
            segment = self.segments[later]
            if segment.tag in {"GIS", "UNT"} or (segment.tag[0] == "S" and segment.tag[1:].isdigit()):
                return None
            if segment.tag == tag and segment.at(2, 1):
                return later, other, segment.at(2, 1), (2, 1)
        return None

    # --- text ---------------------------------------------------------------------------------------------------------

    def _text(self, at: int, row: Row, slot: Slot) -> int:
        end = self._end(at) if slot.text == "text" and not self._words(row) else at + 1
        found = self.segments[at:end]
        keeping = self.current
        if row.begins and (self.current is None or self.current.group.name != row.begins or row.stay):
            self.current = self.mapping.begin(row.begins)
        place = self._place(slot.field, row) if all(_plain(one) for one in found) else None
        said = self._said_words(row, found[0], at)
        if row.stay:
            self.current = keeping if row.within != "S20" else self.current
        if place is None or not self._say_text(place, found, said):
            for number, segment in enumerate(found, at):
                self._emit(segment, number, said if number == at else {}, keep=True)
        return end

    def _words(self, row: Row) -> bool:
        return any(not slot.text for slot in row.slots)

    def _said_words(self, row: Row, segment: Segment, at: int) -> Said:
        said: Said = {}
        for slot in row.slots:
            if not slot.text and segment.at(slot.element, slot.component):
                said |= self._field(slot.field, [slot], segment, at, row)
        return said

    def _end(self, at: int) -> int:
        first, end = self.segments[at], at + 1
        while (
            end < len(self.segments)
            and self.segments[end].tag == "FTX"
            and self.segments[end].at(1, 1) == first.at(1, 1)
        ):
            end += 1
        return end

    def _say_text(self, place: tuple[Part, Field], found: tuple[Segment, ...], said: Said) -> bool:
        part, field = place
        runs, cuts = texts.from_components([(one.at(2, 1), one.elements[3]) for one in found])
        told = self.mapping.say_text(part, field, runs)
        if isinstance(told, str):
            return False
        qualifier = found[0].at(1, 1)
        hole: list[Any] = [part.group.name, part.address, field.name, "ftx", qualifier, cuts]
        if texts.to_components(told, cuts) != [(one.at(2, 1), list(one.elements[3])) for one in found]:
            hole += [_rest(found), texts.digest(str(told))]
        self.mapping.literal("FTX+")
        words = said.get((1, 1))
        if isinstance(words, list):
            self.mapping.hole(words)
        else:
            self.mapping.literal(edifact.escaped(qualifier))
        self.mapping.hole(hole)
        self.mapping.literal("'")
        return True

    # --- the frame ----------------------------------------------------------------------------------------------------

    def _emit(self, segment: Segment, at: int, said: Said, row: Row | None = None, *, keep: bool = False) -> None:
        """One segment into the frame: its structure, its holes, and what of it is kept."""
        literal = self.mapping.literal
        literal(segment.tag)
        for element, components in enumerate(segment.elements, 1):
            literal("+")
            for component, text in enumerate(components, 1):
                if component > 1:
                    literal(":")
                if not text:
                    continue
                told = said.get((element, component))
                if isinstance(told, list):
                    self.mapping.hole(told)
                elif told or keep or row:
                    self._other_text(text, Place(segment.tag, at + 1, element, component), told, row)
                else:
                    literal(edifact.escaped(text))
        literal("'")

    def _other_text(self, text: str, place: Place, told: str | None, row: Row | None) -> None:
        """What no field says: structure, or a piece that is kept."""
        _, _, element, component = place
        blank = not text.strip() or (row is None and place.name == "FTX" and (element, component) == (2, 1))
        usual = row is not None and ((element, component) in row.loose or (element, component, text) in row.usual)
        if blank or (usual and told is None):
            self.mapping.literal(edifact.escaped(text))
        else:
            self.mapping.keep(text, place, told or NO_PLACE)


def _plain(segment: Segment) -> bool:
    """Whether an FTX segment has a qualifier, a format and text, and nothing more."""
    elements = segment.elements
    return len(elements) == 4 and len(elements[0]) == 1 and len(elements[1]) == 1 and elements[2] == ("",)


def _rest(found: tuple[Segment, ...]) -> str:
    """The segments as they are written, without the first one's name and qualifier."""
    return rest_of([(one.at(2, 1), one.elements[3]) for one in found], found[0].at(1, 1))


def rest_of(parts: Any, qualifier: str) -> str:
    """FTX segments without the first one's name and qualifier, and without the last one's end."""
    between = "'FTX+" + edifact.escaped(qualifier)
    return between.join(
        "+" + edifact.escaped(code) + "++" + ":".join([edifact.escaped(one) for one in components])
        for code, components in parts
    )
