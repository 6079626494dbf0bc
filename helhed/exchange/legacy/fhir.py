"""The message as a FHIR message Bundle, and the frame that holds what FHIR cannot say.

The frame is the letter without its values: what stands between them, in order, and which value belongs where. It travels as a
DocumentReference of the same patient, with the pieces that were kept as extensions, so that both are the citizen's data as the rest.
"""

from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import orjson

from helhed.exchange.legacy import families, from_edifact, from_xml, places
from helhed.exchange.legacy.families import Family
from helhed.exchange.legacy.faults import Place, not_taken, unfit
from helhed.exchange.legacy.mapping import Kept, Mapping
from helhed.exchange.legacy.places import EXTENSION, Json
from helhed.exchange.legacy.syntax import BESIDE, letters
from helhed.exchange.legacy.tree import Document, Element, Interchange, Legacy

FRAME = "urn:helhed:legacy-frame"
KEPT = EXTENSION + "kept"
MEDIA_TYPE = "application/vnd.helhed.legacy-frame+json"
_FIRST = ("header", "main")


@dataclass(frozen=True, slots=True)
class Mapped:
    """A letter in FHIR. ``bundle`` is a message; its decimals are ``helhed.fhir.exact``'s.

    ``kept`` is what could not be mapped, word for word; ``differences`` says what comes back otherwise than it was read.
    """

    bundle: Json
    family: str
    kept: tuple[Kept, ...]
    differences: tuple[str, ...]


def to_fhir(legacy: Legacy) -> Mapped:
    """One letter as a FHIR message. Raises NotSupported when the envelope holds several: see ``letters``."""
    if len(letters(legacy)) > 1:
        raise not_taken("The envelope holds several letters: take each by itself.", Place("the envelope"))
    family = family_of(legacy)
    mapping = Mapping(family)
    if isinstance(legacy.content, Interchange):
        from_edifact.walk(mapping, legacy.content)
    else:
        from_xml.walk(mapping, legacy.content)
    return Mapped(_bundle(mapping, legacy), family.code, tuple(mapping.kept), legacy.normalised)


def family_of(legacy: Legacy) -> Family:
    """Which family a letter is of, by its version code, or by its element."""
    if isinstance(legacy.content, Interchange):
        heads = [segment for segment in legacy.content.segments if segment.tag == "UNH"]
        return families.of_version(heads[0].at(2, 5) if heads else "")
    letter = next((one for one in _elements(legacy.content.root) if one.local not in BESIDE), Element(""))
    head = next((one for one in _elements(letter) if one.local == "Letter"), Element(""))
    version = next((one for one in _elements(head) if one.local == "VersionCode"), Element(""))
    said = version.children[0] if version.children and isinstance(version.children[0], str) else ""
    return families.of_version(said, letter.local)


def frame_of(bundle: Json) -> tuple[Json, tuple[Kept, ...]] | None:
    """The frame of a message that came as a letter, and what it keeps; None for one that did not. Raises Unprocessable."""
    document = next(
        (one for one in resources(bundle) if one.get("resourceType") == "DocumentReference" and _is_frame(one)), None
    )
    if document is None:
        return None
    try:
        frame = orjson.loads(b64decode(document["content"][0]["attachment"]["data"], validate=True))
        kept = tuple(_kept(one) for one in document.get("extension", []) if one["url"] == KEPT)
    except (LookupError, TypeError, ValueError):
        frame = None
    if not isinstance(frame, dict) or not isinstance(frame.get("pieces"), list):
        raise unfit("The frame of the letter cannot be read.", Place("DocumentReference.content"))
    return frame, kept


def resources(bundle: Json) -> Iterator[Json]:
    """The resources of a bundle that are objects."""
    for entry in bundle.get("entry", ()) if isinstance(bundle.get("entry"), list) else ():
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if isinstance(resource, dict):
            yield resource


def _elements(one: Element) -> Iterator[Element]:
    return (child for child in one.children if isinstance(child, Element))


def _is_frame(document: Json) -> bool:
    coding = places.find(document, places.path("type.coding[0].code", {}).steps)
    return bool(coding and coding.get("system") == FRAME)


def _kept(extension: Json) -> Kept:
    said = {one["url"]: one["valueString"] for one in extension["extension"]}
    return Kept(said["place"], said["text"], said["why"])


# --- putting it together ----------------------------------------------------------------------------------------------


def _bundle(mapping: Mapping, legacy: Legacy) -> Json:
    bundle, header = mapping.single("bundle"), mapping.single("header")
    mapping.single("main")
    seed = _seed(bundle, header, mapping.resources.get("Sender#0", {}))
    mapping.resources["frame"] = _frame(mapping, legacy)
    addresses = [one for one in mapping.resources if one != "bundle"]
    main = mapping.family.aliases.get("main", "main")
    addresses.sort(key=lambda one: (one != "header", one != main))
    urls = {address: f"urn:uuid:{uuid5(seed, address)}" for address in addresses}
    for address in addresses:
        _refer(mapping, address, urls)
        _complete(mapping, address)
        mapping.resources[address]["id"] = urls[address][len("urn:uuid:") :]
    _header(mapping, header, urls)
    bundle["id"] = str(seed)
    bundle["entry"] = [{"fullUrl": urls[address], "resource": mapping.resources[address]} for address in addresses]
    return bundle


def _seed(bundle: Json, header: Json, sender: Json) -> UUID:
    """What a letter is told apart by: its envelope, its number, its version and its sender."""
    said = [
        sender.get("identifier"),
        bundle.get("timestamp"),
        bundle.get("identifier"),
        header.get("eventCoding"),
        header.get("extension"),
    ]
    return uuid5(NAMESPACE_URL, "medcom:" + orjson.dumps(said).decode())


def _refer(mapping: Mapping, address: str, urls: dict[str, str]) -> None:
    """The references of one resource, to those that are there."""
    resource = mapping.resources[address]
    for text, target in _spec(mapping.family, address).get("refs", {}).items():
        for url in _targets(mapping, target, urls):
            name, many, rest = text.partition("[]")
            reference = {"reference": url}
            said: Any = {rest[1:]: reference} if rest else reference
            if many:
                resource.setdefault(name, []).append(said)
            else:
                resource[name] = said


def _header(mapping: Mapping, header: Json, urls: dict[str, str]) -> None:
    for destination in header.get("destination", ()):
        destination.update({"endpoint": "urn:helhed:medcom", **destination})
    for address, url in urls.items():
        if address.startswith(("CCReceiver#", "AnswerCCReceiver#")):
            header.setdefault("extension", []).append(
                {"url": EXTENSION + "copy-to", "valueReference": {"reference": url}}
            )
    if "response" in header:
        header["response"]["code"] = mapping.family.response or "ok"


def _targets(mapping: Mapping, target: str, urls: dict[str, str]) -> list[str]:
    if target.endswith("*"):
        return [url for address, url in urls.items() if address.startswith(target[:-1] + "#")]
    address = mapping.family.aliases.get(target, target)
    url = urls.get(address) or urls.get(f"{target}#0")
    return [url] if url else []


def _spec(family: Family, address: str) -> Any:
    if address == "frame":
        return {"refs": {"subject": "Patient"}}
    name = address.partition("#")[0]
    if "#" in address:
        made = next(group.made for group in family.groups.values() if group.part == name and group.made)
        return family.resources[made]
    return family.resources[name]


def _complete(mapping: Mapping, address: str) -> None:
    """What FHIR demands and the letter does not say, said to be missing."""
    resource = mapping.resources[address]
    name = address.partition("#")[0]
    group = mapping.family.groups.get(name)
    for text, value in (group.implied if group else {}).items():
        place = places.path(text, {})
        if places.find(resource, place.steps) is not None and places.read(resource, place) is None:
            places.write(resource, place, value)
    for required, missing in mapping.family.required.get(resource["resourceType"], {}).items():
        name, many, inner = required.partition("[].")
        for entry in resource.get(name, ()) if many else ():
            entry.setdefault(inner, missing)
        if not many and required.removeprefix("_") not in resource:
            resource[required] = places.clone(missing)


def _frame(mapping: Mapping, legacy: Legacy) -> Json:
    content = legacy.content
    frame: Json = {
        "family": mapping.family.code,
        "syntax": legacy.syntax,
        "charset": legacy.charset,
        "pieces": mapping.ended(),
    }
    if isinstance(content, Document):
        frame |= {"bom": legacy.bom, "prolog": content.prolog, "epilog": content.epilog}
    else:
        frame |= {"marks": "".join(content.marks), "una": content.una, "gap": content.gap, "tail": content.tail}
    document: Json = {
        "resourceType": "DocumentReference",
        "status": "current",
        "type": {"coding": [{"system": FRAME, "code": "frame", "display": "What the letter says that FHIR does not"}]},
        "content": [{"attachment": {"contentType": MEDIA_TYPE, "data": b64encode(orjson.dumps(frame)).decode()}}],
    }
    if mapping.kept:
        document["extension"] = [_extension(one) for one in mapping.kept]
    return document


def _extension(kept: Kept) -> Json:
    return {"url": KEPT, "extension": [{"url": name, "valueString": said} for name, said in kept._asdict().items()]}
