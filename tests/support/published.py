"""The published Danish packages, where the data beside the project hold them."""

import copy
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from helhed.fhir.packages import Known, Package, read_package
from helhed.fhir.profiles import Profiles

SHARED = Path(os.environ.get("HELHED_SHARED", Path(__file__).resolve().parents[3] / "shared"))
FOLDER = SHARED / "data" / "fhir-packages"
ABSENT = "external data: the published FHIR packages are not here"


class Example(NamedTuple):
    """One resource that a package gives as an example."""

    package: str
    file: str
    resource: dict[str, Any]


@cache
def packages() -> tuple[Package, ...]:
    """Every package."""
    return tuple(read_package(path.read_bytes()) for path in sorted(FOLDER.glob("*.tgz")))


@cache
def profiles() -> Profiles:
    """All of them installed."""
    return Profiles(
        [
            Known(one.type_name, one.url, one.version, package.manifest.name, one.body)
            for package in packages()
            for one in package.artefacts
            if one.url
        ]
    )


def examples() -> Iterator[Example]:
    """Every example, and what stands among the artefacts of a package without an address: examples, too."""
    for package in packages():
        for one in package.artefacts:
            if not one.url:
                yield Example(package.manifest.name, one.path.rpartition("/")[2], orjson.loads(one.body))


# --- the repairs that show why an example does not validate -----------------------------------------------------------


def repaired(resource: dict[str, Any]) -> dict[str, Any]:
    """An example as its package's newer dependencies want it, and nothing else changed."""
    fresh = orjson.loads(orjson.dumps(resource).replace(b'"https://www.gs1.org/gln"', b'"http://www.gs1.org/gln"'))
    _complete(fresh)
    return copy.deepcopy(fresh)


def _complete(value: Any) -> None:
    if isinstance(value, dict):
        claims = " ".join(value.get("meta", {}).get("profile", ())) if isinstance(value.get("meta"), dict) else ""
        if value.get("resourceType") == "PractitionerRole":
            value.setdefault("organization", {"display": "x"})
        if "medcom-document-practitioner" in claims:
            value.setdefault("identifier", [{"system": "urn:x", "value": "x"}])
        if "medcom-document-" in claims and value["resourceType"] in {"Practitioner", "Patient"}:
            value.setdefault("text", {"status": "empty", "div": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'})
        for inner in value.values():
            _complete(inner)
    elif isinstance(value, list):
        for inner in value:
            _complete(inner)


__all__ = ["ABSENT", "FOLDER", "Example", "examples", "packages", "profiles", "repaired"]
