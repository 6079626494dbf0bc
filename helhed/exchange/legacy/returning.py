"""From FHIR back to the letter it came as: the frame, with every value read from FHIR again."""

import re
from typing import Any

from helhed.exchange.legacy import edifact, families, oioxml, places, texts, values
from helhed.exchange.legacy.families import Family, Field
from helhed.exchange.legacy.faults import Place, unfit
from helhed.exchange.legacy.fhir import frame_of, resources
from helhed.exchange.legacy.from_edifact import rest_of
from helhed.exchange.legacy.mapping import TAG, Kept
from helhed.exchange.legacy.places import Json
from helhed.exchange.legacy.tree import Document, Interchange, Legacy, Marks
from helhed.foundation.errors import HelhedError


def returned(bundle: Json) -> Legacy | None:
    """The letter that a message came as, with the values it has now; None for a message that did not come as one.

    Raises Unprocessable when a value that the letter had is gone, or no longer fits the letter.
    """
    found = frame_of(bundle)
    if found is None:
        return None
    try:
        return _Return(bundle, *found).legacy()
    except HelhedError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError):
        raise unfit("The frame of the letter cannot be read.", Place("DocumentReference.content")) from None


class _Return:
    """A message on its way back."""

    def __init__(self, bundle: Json, frame: Json, kept: tuple[Kept, ...]) -> None:
        self.frame = frame
        self.kept = kept
        self.family: Family = families.family(frame["family"])
        self.edifact = frame["syntax"] == "edifact"
        self.parts = {"bundle": bundle, **_tagged(bundle)}

    def legacy(self) -> Legacy:
        """The letter."""
        text = "".join([one if isinstance(one, str) else self._filled(one) for one in self.frame["pieces"]])
        frame = self.frame
        if not self.edifact:
            content, _ = oioxml.read_text(text)
            document = Document(content.root, frame["prolog"], frame["epilog"])
            return Legacy(document, frame["charset"], frame["bom"])
        read, _ = edifact.read_text(text)
        counted = edifact.recounted(
            Interchange(read.segments, Marks(*frame["marks"]), frame["una"], frame["gap"], frame["tail"])
        )
        edifact.check(counted)
        return Legacy(counted, frame["charset"])

    def _filled(self, hole: list[Any]) -> str:
        if hole[0] == "?":
            return self._escaped(self.kept[hole[1]].text)
        group, address, name, form, *rest = hole
        field = self.family.groups[group].fields[name]
        value = self._value(address, group, field)
        if form in {"ftx", "xml"}:
            return self._text(value, form, rest)
        if rest and texts.digest(str(value)) == rest[1]:
            return self._escaped(rest[0])
        told = values.told(value, form)
        if told is None:
            raise unfit(f"{value!r} cannot be said in the letter.", Place(f"{group}/{name}"))
        return self._escaped(told)

    def _text(self, runs: texts.Runs, form: str, rest: list[Any]) -> str:
        *shape, src, was = rest if len(rest) > (2 if form == "ftx" else 1) else [*rest, "", ""]
        if was and texts.digest(str(runs)) == was:
            return str(src)
        if form == "xml":
            return texts.to_children(runs, shape[0])
        return rest_of(texts.to_components(runs, shape[1]), shape[0])

    def _value(self, address: str, group: str, field: Field) -> Any:
        for option in field.options:
            node = self._node(option.place.alias, address, group)
            said = places.read(node, option.place) if node is not None else None
            value = option.back(said) if said is not None else None
            if value is not None:
                return value
        raise unfit("The letter had this, and the message no longer does.", Place(f"{group}/{field.name}"))

    def _node(self, alias: str, address: str, group: str) -> Json | None:
        if not alias:
            return self._at(address)
        alias = self.family.aliases.get(alias, alias)
        if alias in self.family.groups:
            alias = f"{self.family.groups[alias].part}#{address.partition('#')[2].partition(':')[0] or 0}"
        return self.parts.get(alias)

    def _at(self, address: str) -> Json | None:
        first, *steps = address.split(":")
        node: Any = self.parts.get(first)
        for name, index in zip(steps[::2], steps[1::2], strict=True):
            entries = node.get(name) if isinstance(node, dict) else None
            node = entries[int(index)] if isinstance(entries, list) and int(index) < len(entries) else None
        return node if isinstance(node, dict) else None

    def _escaped(self, text: str) -> str:
        return edifact.escaped(text) if self.edifact else oioxml.escaped(text)


_CODE = re.compile(r"[\w/#]+")


def _tagged(bundle: Json) -> dict[str, Json]:
    """The resources that a letter's parts became, by the part's name."""
    found: dict[str, Json] = {}
    for resource in resources(bundle):
        meta = resource.get("meta")
        for tag in meta.get("tag", ()) if isinstance(meta, dict) and isinstance(meta.get("tag"), list) else ():
            if isinstance(tag, dict) and tag.get("system") == TAG and _CODE.fullmatch(str(tag.get("code"))):
                found[str(tag["code"])] = resource
    return found
