"""The scopes that a client asks for, narrowed to what it may ask and what can be held to (SMART App Launch 2.2, section 4)."""

from collections.abc import Iterable
from dataclasses import dataclass

from helhed.fhir.definitions import Ownership, type_definition
from helhed.foundation.ask import ActorKind
from helhed.trust.tokens.claims import STANDINGS, TYPE_OF_KIND
from helhed.trust.tokens.scopes import LETTERS, parts_of

OPENID, FHIR_USER, OFFLINE, ONLINE = "openid", "fhirUser", "offline_access", "online_access"
LAUNCH, LAUNCH_PATIENT = "launch", "launch/patient"
PLAIN = (OPENID, FHIR_USER, LAUNCH, LAUNCH_PATIENT, OFFLINE, ONLINE)
LONGEST = 4096
_MOST = 200


@dataclass(frozen=True, slots=True)
class DataScope:
    """One scope for FHIR resources."""

    level: str
    type_name: str  #: "*" is every type
    letters: str

    def __str__(self) -> str:
        return f"{self.level}/{self.type_name}.{self.letters}"


def asked_of(scope: str, ceiling: str, kind: ActorKind) -> list[str | DataScope]:
    """What somebody of that kind is asked for, and may give: what is asked at their level and stands in the ceiling.

    A professional is also asked for one patient's data. An app that is given these is for that patient in all that it does, so of its
    other scopes those are left that are about nobody.
    """
    level = level_of(kind)
    found = narrowed(scope, ceiling, level)
    if kind is not ActorKind.PROFESSIONAL:
        return found
    of_one = [one for one in narrowed(scope, ceiling, "patient") if isinstance(one, DataScope)]
    if not of_one:
        return found
    return [*(one for one in found if isinstance(one, str) or _is_public(one)), *of_one]


def _is_public(scope: DataScope) -> bool:
    return scope.type_name != "*" and type_definition(scope.type_name).ownership is Ownership.PUBLIC


def is_of_one(scope: str | DataScope, kind: ActorKind) -> bool:
    """Whether it is for one patient's data, given by somebody who may see those of several."""
    return kind is ActorKind.PROFESSIONAL and isinstance(scope, DataScope) and scope.level == "patient"


def level_of(kind: ActorKind) -> str:
    """The level of scopes that a kind of asker can have."""
    return STANDINGS[TYPE_OF_KIND[kind]].scope_level


def words_of(scope: str) -> list[str]:
    """Every scope once, in order."""
    return list(dict.fromkeys(scope[:LONGEST].split()))[:_MOST]


def narrowed(scope: str, ceiling: str, level: str) -> list[str | DataScope]:
    """What is asked for in ``scope`` and stands in ``ceiling``, at one level; the rest is left out."""
    most = [one for word in words_of(ceiling) if (one := data_scope(word, level))]
    plain = set(words_of(ceiling)).intersection(PLAIN)
    found: list[str | DataScope] = []
    for word in words_of(scope):
        if word in plain:
            found.append(word)
        elif asked := data_scope(word, level):
            letters = set().union(*(set(one.letters) for one in most if one.type_name in {"*", asked.type_name}))
            found += _parts_within(asked, letters, most)
    return found


def _parts_within(asked: DataScope, letters: set[str], most: list[DataScope]) -> list[DataScope]:
    """One scope for what the ceiling lets of every type asked for; where it names types, those it names."""
    kept = "".join(letter for letter in asked.letters if letter in letters)
    found = [DataScope(asked.level, asked.type_name, kept)] if kept else []
    if asked.type_name == "*":
        for one in most:
            more = "".join(letter for letter in one.letters if letter in asked.letters and letter not in kept)
            if one.type_name != "*" and more:
                found.append(DataScope(asked.level, one.type_name, more))
    return found


def data_scope(word: str, level: str) -> DataScope | None:
    """A scope for FHIR resources at a level; None for anything else."""
    type_name, letters = parts_of(word, level)
    return DataScope(level, type_name, "".join(one for one in LETTERS if one in letters)) if letters else None


def joined(scopes: Iterable[str | DataScope]) -> str:
    """As it is written in requests and tokens."""
    return " ".join(map(str, scopes))


def is_within(scope: str, ceiling: str) -> bool:
    """Whether every scope is one that the ceiling names, or narrower than those it names."""
    allowed = set(words_of(ceiling))
    levels = [standing.scope_level for standing in STANDINGS.values()]
    for word in words_of(scope):
        level = word.partition("/")[0]
        if word in allowed:
            continue
        if level not in levels or joined(narrowed(word, ceiling, level)) != word:
            return False
    return True
