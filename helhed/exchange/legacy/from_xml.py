"""The walk through a message of MedCom's XML: which field of the table each element is, and what it says."""

from helhed.exchange.legacy import oioxml, texts
from helhed.exchange.legacy.families import Field, Group
from helhed.exchange.legacy.faults import Place
from helhed.exchange.legacy.mapping import NO_PLACE, Hole, Mapping, Part
from helhed.exchange.legacy.syntax import BESIDE
from helhed.exchange.legacy.tree import Document, Element

_MOMENT = {"Date": "date", "Time": "time", "TimeWithSec": "secs"}


def walk(mapping: Mapping, content: Document) -> None:
    """Say everything of a document with one letter."""
    root = content.root
    walk_ = _Walk(mapping, root.name.rpartition(":")[0])
    mapping.literal(f"<{root.name}{oioxml.attributes(root)}>")
    for child in root.children:
        if isinstance(child, str):
            mapping.literal(oioxml.escaped(child))
        elif child.local == "Envelope":
            walk_.element(child, None, "", "Envelope")
        elif child.local in BESIDE:
            walk_.keep(child, child.local)
        else:
            walk_.letter(child)
    mapping.literal(f"</{root.name}>")


class _Walk:
    """What the walk has at hand."""

    def __init__(self, mapping: Mapping, prefix: str) -> None:
        self.mapping = mapping
        self.groups = mapping.family.groups
        self.prefix = prefix

    def letter(self, one: Element) -> None:
        """The letter: its children are the groups, and the fields of none."""
        root = self.mapping.only(self.groups[""])

        def inner() -> None:
            for child in one.children:
                if isinstance(child, str):
                    self._loose(child, one.local)
                else:
                    self.element(child, root, child.local, child.local)

        self._around(one, inner)

    def element(self, one: Element, part: Part | None, within: str, path: str) -> None:
        """One element: a group, a field of the group it stands in, or neither. ``within`` is its path from that group."""
        if one.name.rpartition(":")[0] != self.prefix:
            self.keep(one, path)
            return
        group = self.groups.get(path)
        if group:
            part, within = self.mapping.begin(self._instead(group, one)), ""
        field = part.group.fields.get(within or ".") if part else None
        if field and part and self._field(one, part, field):
            return
        if _has_elements(one):
            self._around(one, lambda: self._children(one, part, within, path))
        else:
            self.keep(one, path)

    def keep(self, one: Element, path: str, why: str = NO_PLACE) -> None:
        """Keep all text of an element, each piece with its place."""

        def inner() -> None:
            for child in one.children:
                if isinstance(child, str):
                    self._loose(child, path, why)
                else:
                    self.keep(child, f"{path}/{child.local}", why)

        self._around(one, inner)

    def _children(self, one: Element, part: Part | None, within: str, path: str) -> None:
        for child in one.children:
            if isinstance(child, str):
                self._loose(child, path)
            else:
                self.element(child, part, f"{within}/{child.local}" if within else child.local, f"{path}/{child.local}")

    def _instead(self, group: Group, one: Element) -> str:
        """The group that this occurrence really is: an operation among the diagnoses, say."""
        for name, words in group.instead.items():
            for child in one.children:
                if isinstance(child, Element) and child.local == name and child.children:
                    return words.get(str(child.children[0]), group.name)
        return group.name

    def _field(self, one: Element, part: Part, field: Field) -> bool:
        if field.rich:
            return self._text(one, part, field)
        if any(isinstance(child, Element) and child.local == "Date" for child in one.children):
            return self._moment(one, part, field)
        if len(one.children) != 1 or not isinstance(one.children[0], str):
            return False
        text = one.children[0]
        told = self.mapping.say(part, field, {"": text})
        if isinstance(told, str):
            self._around(one, lambda: self._loose(text, _path(part, field), told))
        else:
            self._around(one, lambda: self.mapping.hole(told[""]))
        return True

    def _moment(self, one: Element, part: Part, field: Field) -> bool:
        forms: dict[str, str] = {}
        for child in one.children:
            if isinstance(child, str):
                if child.strip():
                    return False
            elif child.local not in _MOMENT or len(child.children) != 1 or not isinstance(child.children[0], str):
                return False
            else:
                forms[_MOMENT[child.local]] = child.children[0]
        if len(forms) != sum(isinstance(child, Element) for child in one.children):
            return False
        told = self.mapping.say(part, field, forms)
        if isinstance(told, str):
            self.keep(one, _path(part, field), told)
            return True
        self._around(one, lambda: self._moment_parts(one, told))
        return True

    def _moment_parts(self, one: Element, told: dict[str, Hole]) -> None:
        for child in one.children:
            if isinstance(child, str):
                self.mapping.literal(child)
            else:
                self._moment_part(child, told[_MOMENT[child.local]])

    def _moment_part(self, child: Element, hole: Hole) -> None:
        self._around(child, lambda: self.mapping.hole(hole))

    def _text(self, one: Element, part: Part, field: Field) -> bool:
        runs = texts.from_element(one)
        if not runs:
            return False
        told = self.mapping.say_text(part, field, runs)
        if isinstance(told, str):
            self.keep(one, _path(part, field), told)
            return True
        written: list[str] = []
        oioxml.element(one, written)
        inner = "".join(written)[len(f"<{one.name}{oioxml.attributes(one)}>") : -len(f"</{one.name}>")]
        prefix = self.prefix + ":" if self.prefix else ""
        hole: Hole = [part.group.name, part.address, field.name, "xml", prefix]
        if texts.to_children(told, prefix) != inner:
            hole += [inner, texts.digest(str(told))]
        self._around(one, lambda: self.mapping.hole(hole))
        return True

    def _loose(self, text: str, path: str, why: str = NO_PLACE) -> None:
        if text.strip():
            self.mapping.keep(text, Place(path), why)
        else:
            self.mapping.literal(oioxml.escaped(text))

    def _around(self, one: Element, inner) -> None:  # type: ignore[no-untyped-def]
        opening = f"<{one.name}{oioxml.attributes(one)}"
        if not one.children:
            self.mapping.literal(opening + "/>")
            return
        self.mapping.literal(opening + ">")
        inner()
        self.mapping.literal(f"</{one.name}>")


def _has_elements(one: Element) -> bool:
    return any(isinstance(child, Element) for child in one.children)


def _path(part: Part, field: Field) -> str:
    return f"{part.group.element}/{field.name}".strip("/").removesuffix("/.")
