"""Resources in resources: contained ones (FHIR R4 domainresource, dom-3 to dom-6) and the entries of Bundles (bundle)."""

from collections.abc import Iterator
from typing import Any

from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.fhir.profiles.findings import Place
from helhed.fhir.profiles.run import Json, Run, parts
from helhed.fhir.profiles.structure import CORE

_WHOLE = frozenset({"document", "message"})
#: direct references of a document's Composition must be in the document (FHIR R4 documents, section 3.3.1)
_COMPOSITION = (
    ("subject",),
    ("encounter",),
    ("author",),
    ("custodian",),
    ("attester", "party"),
    ("event", "detail"),
)


def check_domain(resource: Json, place: Place, run: Run) -> None:
    """The rules every resource has about what it contains."""
    kind = resource["resourceType"]
    url = CORE + "DomainResource"
    if resource.get("contained"):
        inside = set(_texts(resource))
        for position, one in parts(resource, "contained"):
            _contained(one, inside, (place, "contained", position), run, url)
    text = resource.get("text")
    if not (isinstance(text, dict) and text.get("div")) and kind not in {"Bundle", "Binary", "Parameters"}:
        run.add("warning", "invariant", "A text for people is missing (text).", place, url, "dom-6")


def _contained(one: Json, inside: set[str], at: Place, run: Run, url: str) -> None:
    if f"#{one.get('id')}" not in inside and "#" not in set(_texts(one)):
        run.add("error", "invariant", "Nothing points at this contained resource.", at, url, "dom-3")
    meta = one.get("meta")
    if isinstance(meta, dict):
        if "versionId" in meta or "lastUpdated" in meta:
            run.add("error", "invariant", "A contained resource has no version of its own.", at, url, "dom-4")
        if "security" in meta:
            run.add("error", "invariant", "A contained resource has no security label of its own.", at, url, "dom-5")


def _texts(value: Any) -> Iterator[str]:
    """Every text that points into the resource."""
    if isinstance(value, str):
        if value.startswith("#"):
            yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def check_bundle(bundle: Json, place: Place, run: Run) -> None:
    """What Bundles ask of their entries beyond FHIRPath: addresses fit, and what belongs together is together."""
    url = CORE + "Bundle"
    entries = list(parts(bundle, "entry"))
    for position, entry in entries:
        _address(entry, (place, "entry", position), run, url)
    if bundle.get("type") in _WHOLE and entries:
        for position, entry in entries:
            resource = entry.get("resource")
            if isinstance(resource, dict):
                at = ((place, "entry", position), "resource", -1)
                _together(resource, at, run, url)
        first = entries[0][1].get("resource")
        if isinstance(first, dict):
            _named_first(first, ((place, "entry", 0), "resource", -1), run, url)


def _address(entry: Json, at: Place, run: Run, url: str) -> None:
    address, resource = entry.get("fullUrl"), entry.get("resource")
    if not isinstance(address, str) or not isinstance(resource, dict) or address.startswith("urn:"):
        return
    rest, _, name = address.rstrip("/").rpartition("/")
    kind = rest.rpartition("/")[2]
    wrong = kind in TYPE_NUMBERS and (kind != resource.get("resourceType") or resource.get("id", name) != name)
    if wrong:
        sentence = "The address of this entry (fullUrl) names another resource than the entry holds."
        run.add("error", "value", sentence, (at, "fullUrl", -1), url, "fullUrl")


def _together(value: Any, at: Place, run: Run, url: str) -> None:
    """A urn:uuid means nothing outside the Bundle, so it must be found inside."""
    if isinstance(value, dict):
        text = value.get("reference")
        if isinstance(text, str) and text.startswith(("urn:uuid:", "urn:oid:")) and run.resolve(text) is None:
            sentence = f"No entry of this Bundle is called {text[:80]}."
            run.add("error", "not-found", sentence, (at, "reference", -1), url, "references")
        for name, inner in value.items():
            if isinstance(inner, (dict, list)):
                _together_in(inner, at, name, run, url)


def _together_in(inner: Any, at: Place, name: str, run: Run, url: str) -> None:
    if isinstance(inner, dict):
        _together(inner, (at, name, -1), run, url)
    else:
        for position, one in enumerate(inner):
            if isinstance(one, dict):
                _together(one, (at, name, position), run, url)


def _named_first(first: Json, at: Place, run: Run, url: str) -> None:
    """What the head of a message or document points at must be in it."""
    kind = first.get("resourceType")
    paths: tuple[tuple[str, ...], ...] = (("focus",),) if kind == "MessageHeader" else ()
    if kind == "Composition":
        paths = _COMPOSITION
        _sections(first, at, run, url)
    for path in paths:
        _here(first, path, at, run, url)


def _sections(holder: Json, at: Place, run: Run, url: str) -> None:
    for position, section in parts(holder, "section"):
        inner = (at, "section", position)
        for path in (("author",), ("entry",), ("focus",)):
            _here(section, path, inner, run, url)
        _sections(section, inner, run, url)


def _here(holder: Json, path: tuple[str, ...], at: Place, run: Run, url: str) -> None:
    name, rest = path[0], path[1:]
    value = holder.get(name)
    many = isinstance(value, list)
    for position, one in enumerate(value if isinstance(value, list) else [value]):
        place = (at, name, position if many else -1)
        if isinstance(one, dict) and rest:
            _here(one, rest, place, run, url)
        elif isinstance(one, dict) and _leads_out(one.get("reference"), run):
            sentence = f"What this points at must be in the Bundle, and {one['reference'][:80]} is not."
            run.add("error", "not-found", sentence, place, url, "references")


def _leads_out(text: Any, run: Run) -> bool:
    return isinstance(text, str) and not text.startswith("urn:") and run.resolve(text) is None


__all__ = ["check_bundle", "check_domain"]
