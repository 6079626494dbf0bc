"""What is held: the code systems, value sets and concept maps with their versions, as of one state of the counter."""

import json
import re
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

from helhed.fhir.terminology.model import UnknownTerminology, split_canonical
from helhed.fhir.terminology.origins import CORE, file_origin, rank
from helhed.foundation.database import Connection


class System(NamedTuple):
    """One version of a code system as it is held here."""

    key: int
    url: str
    version: str
    content: str  #: complete, or fragment when codes may be missing
    case_sensitive: bool
    language: str
    title: str
    supplements: tuple[int, ...] = ()  #: keys of the supplements that add texts

    @property
    def complete(self) -> bool:
        """Whether a code that is not here is no code of the system."""
        return self.content == "complete"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What is held at ``counter``. Versions stand newest first, those that come with a release behind all others.

    A release numbers its terminologies otherwise than those who publish them (2018-08-12, and 9.0.0 after it).
    """

    counter: int
    systems: dict[str, list[System]] = field(default_factory=dict)
    value_sets: dict[str, list[str]] = field(default_factory=dict)
    maps: dict[str, list[str]] = field(default_factory=dict)

    def find(self, url: str, version: str = "") -> System | None:
        """A code system by any of its URIs; None when it is not held."""
        url, named = split_canonical(url)
        wanted = version or named
        for name in same_systems(url):
            for system in self.systems.get(name, ()):
                if not wanted or system.version == wanted:
                    return system
        return None

    def system(self, url: str, version: str = "") -> System:
        """A code system. Raises UnknownTerminology."""
        found = self.find(url, version)
        if found is None:
            raise UnknownTerminology("CodeSystem", f"{url}|{version}" if version else url)
        return found


async def imported(connection: Connection) -> frozenset[str]:
    """The urls of code systems and value sets that a network imported itself: what packages hold under them is overruled."""
    rows = await connection.fetch(
        "select url, source from fhir.code_system union select url, source from fhir.value_set"
    )
    return frozenset(row["url"] for row in rows if rank(row["source"]) == rank(file_origin("")))


async def load_catalogue(connection: Connection, counter: int) -> Catalogue:
    """Read the heads of everything."""
    rows = await connection.fetch("select * from fhir.code_system")
    supplements = [row for row in rows if row["content"] == "supplement"]
    systems: dict[str, list[System]] = {}
    adding: dict[str, list[Any]] = {}
    for row in supplements:
        adding.setdefault(split_canonical(row["supplements"])[0], []).append(row)
    for row in rows:
        if row["content"] != "supplement":
            some = adding.get(row["url"], ())
            keys = tuple(one["key"] for one in some if _adds_to(one["supplements"], row["url"], row["version"]))
            systems.setdefault(row["url"], []).append(_system(row["key"], row, row["url"], row["version"], keys))
    for row in supplements:
        # the system itself is not held: what its supplement describes are some of its codes
        url, version = split_canonical(row["supplements"])
        if url not in systems:
            part = _system(row["key"], row, url, version, ())
            systems[url] = [part._replace(content="fragment")]
    own = {row["key"] for row in rows if row["source"] != CORE}
    for found in systems.values():
        found.sort(key=lambda system: (system.key in own, _newness(system.version)), reverse=True)
    sets = _versions(await connection.fetch("select url, version, source from fhir.value_set"))
    maps = _versions(await connection.fetch("select url, version, source from fhir.concept_map"))
    return Catalogue(counter, systems, sets, maps)


def _system(key: int, row: Any, url: str, version: str, supplements: tuple[int, ...]) -> System:
    content = "complete" if row["content"] == "complete" else "fragment"
    return System(key, url, version, content, row["case_sensitive"], row["language"], row["title"], supplements)


def _adds_to(canonical: str, url: str, version: str) -> bool:
    named, wanted = split_canonical(canonical)
    return named == url and wanted in {"", version}


def _versions(rows: list[Any]) -> dict[str, list[str]]:
    found: dict[str, list[tuple[bool, str]]] = {}
    for row in rows:
        found.setdefault(row["url"], []).append((row["source"] != CORE, row["version"]))
    for versions in found.values():
        versions.sort(key=lambda one: (one[0], _newness(one[1])), reverse=True)
    return {url: [version for _, version in versions] for url, versions in found.items()}


def _newness(version: str) -> list[tuple[int, int, str]]:
    """Numbers as numbers, so that 2.10 is newer than 2.9 and 20261101 than 20250530."""
    parts = re.findall(r"\d+|[^\d.\-]+", version)
    return [(1, int(part), "") if part.isdigit() else (0, 0, part) for part in parts]


@cache
def _aliases() -> dict[str, tuple[str, ...]]:
    text = (resources.files(__package__) / "systems.json").read_text("utf-8")
    groups = [(one["url"], *one["same_as"]) for one in json.loads(text)["systems"]]
    return {url: (url, *(other for other in group if other != url)) for group in groups for url in group}


def same_systems(url: str) -> tuple[str, ...]:
    """The URIs of a code system, the given one first."""
    return _aliases().get(url, (url,))
