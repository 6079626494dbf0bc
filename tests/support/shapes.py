"""Small profiles written by hand: a snapshot in a few lines."""

from typing import Any

import orjson

from helhed.fhir.packages import Known
from helhed.fhir.profiles import Finding, Profiles, errors

BASE = "http://example.org/fhir/StructureDefinition/"
VALUES = "http://example.org/fhir/ValueSet/"
CODES = "http://example.org/fhir/CodeSystem/"

Json = dict[str, Any]


def element(path: str, slice_name: str = "", **more: Any) -> Json:
    """One element of a snapshot; ``one_type`` names its type."""
    kind = more.pop("kind", None)
    content: Json = {"path": path, "min": 0, "max": "*", **more}
    if kind is not None:
        content["type"] = [{"code": kind, **content.pop("about", {})}]
    if slice_name:
        content["sliceName"] = slice_name
    return content


def sliced(path: str, kind: str, *discriminators: tuple[str, str], **more: Any) -> Json:
    """An element that is sliced."""
    slicing = {
        "discriminator": [{"type": one, "path": where} for one, where in discriminators],
        "rules": more.pop("rules", "open"),
        "ordered": more.pop("ordered", False),
    }
    return element(path, kind=kind, slicing=slicing, **more)


def profile(name: str, type_name: str, *elements: Json, version: str = "1.0.0", **more: Any) -> Known:
    """A StructureDefinition with a snapshot."""
    content = {
        "resourceType": "StructureDefinition",
        "url": BASE + name,
        "version": version,
        "name": name,
        "type": type_name,
        "snapshot": {"element": [element(type_name), *elements]},
        **more,
    }
    return Known("StructureDefinition", BASE + name, version, "example.test", orjson.dumps(content))


def value_set(name: str, compose: Json) -> Known:
    """A ValueSet."""
    content = {"resourceType": "ValueSet", "url": VALUES + name, "version": "1", "compose": compose}
    return Known("ValueSet", VALUES + name, "1", "example.test", orjson.dumps(content))


def code_system(name: str, *concepts: Json, content: str = "complete") -> Known:
    """A CodeSystem."""
    body = {"resourceType": "CodeSystem", "url": CODES + name, "content": content, "concept": list(concepts)}
    return Known("CodeSystem", CODES + name, "1", "example.test", orjson.dumps(body))


class Held:
    """Resources held to a profile."""

    def __init__(self, *known: Known) -> None:
        self.profiles = Profiles(known)
        self._first = next(one.url for one in known if one.type_name == "StructureDefinition")

    def findings(self, resource: Json, url: str = "") -> list[Finding]:
        """Everything found."""
        return self.profiles.validate(resource, [url or self._first])

    def errors(self, resource: Json, url: str = "") -> list[tuple[str, str]]:
        """Code and expression of each error."""
        return [(one.code, one.expression) for one in errors(self.findings(resource, url))]

    def unchecked(self, resource: Json, url: str = "") -> list[str]:
        """Expressions where something could not be checked."""
        return [one.expression for one in self.findings(resource, url) if one.code == "not-supported"]
