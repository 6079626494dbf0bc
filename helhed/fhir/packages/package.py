"""A FHIR package: a manifest and the artefacts it publishes (https://confluence.hl7.org/display/FHIR/NPM+Package+Specification)."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from helhed.fhir.packages.archive import DEFAULT_ARCHIVE, ArchiveLimits, NotAPackage, files_of
from helhed.fhir.parsing import Limits, parse_json
from helhed.foundation.errors import HelhedError

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*(?:\.[A-Za-z0-9-]+)+")
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+_-]{0,63}")
_RESOURCE_TYPE = re.compile(r"[A-Z][A-Za-z]{1,63}")
_MANIFEST = "package/package.json"
_FHIR = "4.0"  #: the release whose packages are taken
_MOST_DEPENDENCIES = 200
_LONGEST_URL = 2000


class WrongRelease(HelhedError):
    """The package is for another release of FHIR than R4."""

    code = "not-supported"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a package says about itself."""

    name: str
    version: str
    title: str
    canonical: str
    dependencies: Mapping[str, str]  #: package name -> version asked for


@dataclass(frozen=True, slots=True)
class Artefact:
    """One resource of a package, as published."""

    path: str  #: inside the package
    type_name: str
    url: str  #: canonical address, "" for an example
    version: str
    name: str
    example: bool
    body: bytes


@dataclass(frozen=True, slots=True)
class Package:
    """A package that was read whole and found sound."""

    manifest: Manifest
    digest: bytes  #: SHA-256 of the archive
    artefacts: Sequence[Artefact]


def read_package(raw: bytes, limits: ArchiveLimits = DEFAULT_ARCHIVE) -> Package:
    """The package in an archive. Raises NotAPackage, WrongRelease, TooLarge, and what ``parse_json`` does."""
    manifest: Manifest | None = None
    artefacts: list[Artefact] = []
    for path, content in files_of(raw, limits):
        if path == _MANIFEST:
            manifest = manifest_of(_parsed(path, content, limits))
        elif (example := _place(path)) is not None:
            artefact = _artefact(path, content, _parsed(path, content, limits), example=example)
            artefacts += [artefact] if artefact else []
    if manifest is None:
        raise NotAPackage(f"The archive has no {_MANIFEST}.")
    _check_unique(artefacts)
    return Package(manifest, hashlib.sha256(raw).digest(), tuple(artefacts))


def manifest_of(content: Mapping[str, Any]) -> Manifest:
    """The manifest in package.json. Raises NotAPackage and WrongRelease."""
    name, version = content.get("name"), content.get("version")
    if not isinstance(name, str) or len(name) > 200 or not _NAME.fullmatch(name):
        raise NotAPackage("The package has no proper name.")
    if not isinstance(version, str) or not _VERSION.fullmatch(version):
        raise NotAPackage(f"The package {name} has no proper version.")
    releases = content.get("fhirVersions", content.get("fhir-version-list", []))
    if not isinstance(releases, list) or (releases and not any(str(one).startswith(_FHIR) for one in releases)):
        raise WrongRelease(f"The package {name} {version} is not for FHIR R4 ({_FHIR}).")
    asked = content.get("dependencies", {})
    if not isinstance(asked, dict) or len(asked) > _MOST_DEPENDENCIES or not all(map(_proper, asked.items())):
        raise NotAPackage(f"The dependencies of {name} {version} cannot be understood.")
    return Manifest(name, version, _text(content, "title"), _text(content, "canonical"), dict(asked))


def _proper(dependency: tuple[str, Any]) -> bool:
    name, version = dependency
    return bool(_NAME.fullmatch(name)) and len(name) <= 200 and isinstance(version, str) and 0 < len(version) <= 64


def _place(path: str) -> bool | None:
    """Whether a file is an example; None when it is not an artefact at all."""
    folders, _, name = path.rpartition("/")
    if not name.endswith(".json") or name.startswith("."):
        return None
    return {"package": False, "package/example": True, "package/examples": True}.get(folders)


def _parsed(path: str, content: bytes, limits: ArchiveLimits) -> dict[str, Any]:
    try:
        return parse_json(content, limits=Limits(bytes=limits.file))
    except HelhedError as error:
        raise NotAPackage(f"{path}: {error}") from None


def _artefact(path: str, content: bytes, resource: dict[str, Any], *, example: bool) -> Artefact | None:
    type_name = resource.get("resourceType")
    if type_name is None:
        return None  # the index, or a file of the tool that made the package
    if not isinstance(type_name, str) or not _RESOURCE_TYPE.fullmatch(type_name):
        raise NotAPackage(f"{path}: resourceType must name a FHIR type.")
    url = "" if example else _text(resource, "url")
    return Artefact(path, type_name, url, _text(resource, "version"), _text(resource, "name"), example, content)


def _text(content: Mapping[str, Any], name: str) -> str:
    value = content.get(name, "")
    return value[:_LONGEST_URL].replace("\0", "") if isinstance(value, str) else ""


def _check_unique(artefacts: Sequence[Artefact]) -> None:
    seen: set[tuple[str, str, str]] = set()
    for one in artefacts:
        key = (one.type_name, one.url, one.version)
        if one.url and key in seen:
            raise NotAPackage(f"The package publishes {one.url[:120]} twice.")
        seen.add(key)


__all__ = ["Artefact", "Manifest", "Package", "WrongRelease", "manifest_of", "read_package"]
