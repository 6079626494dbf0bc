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
from helhed.fhir.packages.terminologies import Taken, put_terminologies

__all__ = [
    "ArchiveLimits",
    "Artefact",
    "Dependency",
    "Installed",
    "Known",
    "Manifest",
    "NotAPackage",
    "Package",
    "Taken",
    "WrongRelease",
    "dependencies",
    "edition",
    "install",
    "installed",
    "knowledge",
    "put_terminologies",
    "read_package",
    "release",
    "require",
]
