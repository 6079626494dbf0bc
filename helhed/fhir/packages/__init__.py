"""FHIR packages: read from untrusted archives, kept in the database, found by canonical address."""

from helhed.fhir.packages.archive import ArchiveLimits, NotAPackage
from helhed.fhir.packages.package import Artefact, Manifest, Package, WrongRelease, read_package
from helhed.fhir.packages.shelf import (
    Dependency,
    Installed,
    Known,
    dependencies,
    edition,
    install,
    installed,
    knowledge,
    release,
    require,
)

__all__ = [
    "ArchiveLimits",
    "Artefact",
    "Dependency",
    "Installed",
    "Known",
    "Manifest",
    "NotAPackage",
    "Package",
    "WrongRelease",
    "dependencies",
    "edition",
    "install",
    "installed",
    "knowledge",
    "read_package",
    "release",
    "require",
]
