"""From fields to FHIR: parts, values put in their places, and what could not be mapped.

Every value is put where the table has it, read back at once, and compared with what was written. What does not fit is kept word for
word; what fits but would be written otherwise (5,1 for 5.1) keeps its spelling beside, and comes back so while the value stands.
"""

from collections.abc import Mapping as Facts
from typing import Any, NamedTuple

from helhed.exchange.legacy import places, texts, values
from helhed.exchange.legacy.families import Family, Field, Group, Option
from helhed.exchange.legacy.faults import Place
from helhed.exchange.legacy.places import Json
from helhed.exchange.legacy.tables import lists

TAG = "urn:helhed:legacy-part"
Hole = list[Any]

NO_PLACE = "no place in FHIR is known for it"
NO_FIT = "it does not fit the place it has in FHIR"
TWICE = "it is said twice, and not alike"


class Kept(NamedTuple):
    """A piece that could not be mapped: where it stood, its text word for word, and why."""

    place: str
    text: str
    why: str


class Part:
    """One occurrence of a group: the object in which its fields stand, made when the first is said."""

    __slots__ = ("address", "begun", "group", "node", "parent")

    def __init__(self, group: Group, parent: "Part | None") -> None:
        self.group = group
        self.parent = parent
        self.node: Json | None = None
        self.address = ""
        self.begun = True  #: whether the letter has come to it, or only spoke of it elsewhere


class Mapping:
    """One message on its way to FHIR."""

    def __init__(self, family: Family) -> None:
        self.family = family
        self.kept: list[Kept] = []
        self.pieces: list[str | Hole] = []
        self.resources: dict[str, Json] = {}
        self._counts: dict[str, int] = {}
        self._latest: dict[str, Part] = {}
        self._literal: list[str] = []

    # --- the frame ----------------------------------------------------------------------------------------------------

    def literal(self, text: str) -> None:
        """Structure: it comes back as it is."""
        self._literal.append(text)

    def hole(self, hole: Hole) -> None:
        """A place that is filled again from FHIR."""
        if self._literal:
            self.pieces.append("".join(self._literal))
            self._literal = []
        self.pieces.append(hole)

    def keep(self, text: str, place: Place, why: str) -> None:
        """Keep a text word for word."""
        self.hole(["?", len(self.kept)])
        self.kept.append(Kept(str(place), text, why))

    def ended(self) -> list[str | Hole]:
        """The frame's pieces."""
        if self._literal:
            self.pieces.append("".join(self._literal))
            self._literal = []
        return self.pieces

    # --- parts --------------------------------------------------------------------------------------------------------

    def begin(self, name: str) -> Part:
        """A new occurrence of a group; the first may have been spoken of before (the envelope has the sender's number)."""
        known = self._latest.get(name)
        if known and not known.begun:
            known.begun = True
            return known
        group = self.family.groups[name]
        parent = self._latest.get(group.into[0]) if group.into[0] in self.family.groups else None
        if parent is None and "/" in name:
            parent = self._latest.get(name.rpartition("/")[0])
        part = self._latest[name] = Part(group, parent)
        return part

    def only(self, group: Group) -> Part:
        """The latest occurrence of a group, or the first."""
        known = self._latest.get(group.name)
        if known is None:
            known = self.begin(group.name)
            known.begun = False
        return known

    def node(self, part: Part) -> Json:
        """The object in which a part's fields stand."""
        if part.node is None:
            part.node = self._made(part)
        return part.node

    def single(self, alias: str) -> Json:
        """The one resource of an alias, or the latest of a group."""
        alias = self.family.aliases.get(alias, alias)
        if alias in self.family.groups:
            return self.node(self.only(self.family.groups[alias]))
        if alias not in self.resources:
            self._resource(alias, self.family.resources[alias], {})
        return self.resources[alias]

    def _made(self, part: Part) -> Json:
        group = part.group
        if group.made:
            number = self._counts.get(group.part, 0)
            self._counts[group.part] = number + 1
            part.address = f"{group.part}#{number}"
            return self._resource(part.address, self.family.resources[group.made], group.template)
        if group.of:
            node = self.single(group.of)
            part.address = self._address(group.of)
            return node
        return self._entry(part, *group.into)

    def _entry(self, part: Part, owner: str, name: str) -> Json:
        parent = part.parent if owner in self.family.groups and part.parent else None
        holder = self.node(parent) if parent else self.single(owner)
        address = parent.address if parent else self._address(owner)
        entries = holder.setdefault(name, [])
        part.address = f"{address}:{name}:{len(entries)}"
        entries.append(places.clone(part.group.template))
        return entries[-1]  # type: ignore[no-any-return]

    def _address(self, owner: str) -> str:
        if owner in self.family.groups:
            return self.only(self.family.groups[owner]).address
        return self.family.aliases.get(owner, owner)

    def _resource(self, address: str, spec: Facts[str, Any], more: Json) -> Json:
        made = places.clone(spec["template"])
        if address != "bundle":
            made = {
                "resourceType": made.pop("resourceType"),
                "meta": {"tag": [{"system": TAG, "code": address}]},
                **made,
                **places.clone(more),
            }
        self.resources[address] = made
        return made  # type: ignore[no-any-return]

    # --- values -------------------------------------------------------------------------------------------------------

    def say(self, part: Part, field: Field, forms: Facts[str, str]) -> dict[str, Hole] | str:
        """Put a field's value where it belongs: the hole of each form; or why it is kept."""
        value = values.neutral(forms)
        if value is None:
            return NO_FIT
        put = self._put(part, field, value)
        if isinstance(put, str):
            return put
        again = put[0].back(put[1])
        return {form: self._hole(part, field, form, text, again) for form, text in forms.items()}

    def say_text(self, part: Part, field: Field, runs: texts.Runs) -> texts.Runs | str:
        """The same for text with formats: what it reads as when it comes back; or why it is kept."""
        put = self._put(part, field, runs)
        if isinstance(put, str):
            return put
        again: texts.Runs = put[0].back(put[1])
        return again

    def address_of(self, part: Part) -> str:
        """Where a part's own fields are found again."""
        return part.address

    def _put(self, part: Part, field: Field, value: Any) -> tuple[Option, Any] | str:
        """The option that took the value, and how it says it; or why none did."""
        why = NO_FIT
        for option in field.options:
            told = option.to(value)
            if told is None:
                continue
            why = TWICE
            if not self._excluded(part, option) and self._write(part, option, told):
                if field.also:
                    self._besides(part, field, value, told)
                return option, told
        return why

    def _write(self, part: Part, option: Option, told: Any) -> bool:
        node = self.single(option.place.alias) if option.place.alias else self.node(part)
        return places.write(node, option.place, told)

    def _excluded(self, part: Part, option: Option) -> bool:
        if not self.family.exclusive:
            return False
        first = option.place.steps[0].name if option.place.steps else option.place.last
        return any(
            first in names and any(name in (part.node or {}) for name in names - {first})
            for names in self.family.exclusive
        )

    def _besides(self, part: Part, field: Field, value: Any, told: Any) -> None:
        for also in field.also:
            said = (
                told if also.how == "same" else also.how[1:] if also.how[0] == "=" else lists()[also.how[6:]].get(value)
            )
            if said is not None:
                node = self.single(also.place.alias) if also.place.alias else self.node(part)
                places.write(node, also.place, places.clone(said), over=True)

    def _hole(self, part: Part, field: Field, form: str, text: str, again: Any) -> Hole:
        hole: Hole = [part.group.name, part.address, field.name, form]
        if again is None or values.told(again, form) != text:
            hole += [text, texts.digest(str(again))]
        return hole
