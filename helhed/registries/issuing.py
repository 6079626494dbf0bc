"""A replacement CPR number that staff give in person: only after having searched, with a reason, and to unknown people as well.

The number, the Patient that carries it and what is kept of who gave it and why are one transaction. The Patient belongs to the
national registers: whoever links it to the real number later is a keeper of the directory. Terms are data (``issuing.json``).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from hashlib import sha256
from importlib import resources
from typing import Any
from uuid import UUID, uuid4

import orjson

from helhed.fhir.changes import Change
from helhed.fhir.store import Store
from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Ask
from helhed.foundation.clock import DANISH_TIME
from helhed.foundation.database import Pool
from helhed.foundation.errors import Conflict, Forbidden, HelhedError, Unprocessable
from helhed.foundation.ids import key_of, new_id
from helhed.foundation.lend import lend
from helhed.registries.directory import Candidate, CitizenIdentity, Directory, identity
from helhed.registries.identifiers import REPLACEMENT_CPR
from helhed.registries.matching import Described, Match, matched, plain_words

_SEARCHED = "select registries.note_issue_search($1::fhir.ask, $2, $3, $4::uuid[])"
_ISSUED = "select registries.note_issued($1::fhir.ask, $2, $3, $4, $5, $6, $7, $8)"
_UNKNOWN = "select * from registries.unknown_lately($1::fhir.ask, $2, $3, $4)"
#: of a Patient of whom nobody knows who it is
UNKNOWN_PERSON = "urn:helhed:extension:unknown-person"
_SEXES = {"male": "mand", "female": "kvinde"}
_OLDEST, _LONGEST = 120, 80  #: years; characters of a name
_PROBLEMS: dict[str, tuple[type[HelhedError], str]] = {
    "forbidden": (Forbidden, "Whoever may look people up gives replacement numbers."),
    "search": (Conflict, "The search is too old, was used, or was for somebody else: search again."),
    "unlike": (Unprocessable, "Say why it is none of those who were shown."),
}


@dataclass(frozen=True, slots=True)
class IssuingPolicy:
    """What holds for numbers that are given in person."""

    roles: frozenset[str]
    search_holds: timedelta
    unknown_within: timedelta
    most_shown: int
    reasons: Mapping[str, Mapping[str, str]]  #: words by language


@cache
def issuing_policy() -> IssuingPolicy:
    """The policy that this version of the network carries."""
    found = json.loads((resources.files("helhed.registries") / "issuing.json").read_text("utf-8"))
    return IssuingPolicy(
        frozenset(found["roles"]),
        timedelta(minutes=found["search_minutes"]),
        timedelta(days=found["unknown_days"]),
        found["most_shown"],
        {one["reason"]: {"da": one["da"], "en": one["en"]} for one in found["reasons"]},
    )


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Who is to get a number: by name and date of birth; or unknown, by sex and an estimated age."""

    given: str = ""
    family: str = ""
    born: date | None = None
    sex: str = "unknown"  #: FHIR administrative gender
    age: int | None = None  #: years, estimated

    @property
    def unknown(self) -> bool:
        """Whether nobody knows who it is."""
        return self.age is not None

    def checked(self, today: date) -> "Newcomer":
        """Itself. Raises Unprocessable for what no person is."""
        if self.unknown:
            sound = not (self.given or self.family or self.born) and 0 <= (self.age or 0) <= _OLDEST
        else:
            named = bool(self.given and self.family) and len(self.given) + len(self.family) <= _LONGEST
            sound = named and self.born is not None and date(today.year - _OLDEST, 1, 1) <= self.born <= today
        if not sound or self.sex not in {"male", "female", "other", "unknown"}:
            raise Unprocessable("A name and a date of birth, or an estimated age for somebody unknown; and the sex.")
        return self

    def digest(self) -> bytes:
        """By which the database knows that a number is given to whom was searched for."""
        told = [self.given, self.family, self.born and self.born.isoformat(), self.sex, self.age]
        return sha256(orjson.dumps(told)).digest()


@dataclass(frozen=True, slots=True)
class Searched:
    """What was found before a number is given: all who may be meant, the likeliest first."""

    id: UUID
    found: tuple[Match, ...]

    @property
    def certain(self) -> bool:
        """Whether it is somebody who has a number."""
        return any(one.grade == "certain" for one in self.found)


@dataclass(frozen=True, slots=True)
class Issued:
    """Who was registered, and the number."""

    patient: UUID
    name: str
    number: str


def patient_of(newcomer: Newcomer, at: datetime) -> dict[str, Any]:
    """The Patient that is stored. Somebody unknown is told apart by sex, estimated age and when they were registered."""
    if not newcomer.unknown:
        assert newcomer.born is not None
        name = [{"use": "official", "family": newcomer.family, "given": newcomer.given.split()}]
        return {
            "resourceType": "Patient",
            "active": True,
            "name": name,
            "gender": newcomer.sex,
            "birthDate": newcomer.born.isoformat(),
        }
    local = at.astimezone(DANISH_TIME)
    whole = f"Ukendt, {_SEXES.get(newcomer.sex, 'køn ukendt')}, ca. {newcomer.age} år, registreret {local:%d.%m.%Y} kl. {local:%H.%M}"
    return {
        "resourceType": "Patient",
        "extension": [{"url": UNKNOWN_PERSON, "valueBoolean": True}],
        "active": True,
        "name": [{"use": "temp", "text": whole}],
        "gender": newcomer.sex,
        "birthDate": str(local.year - (newcomer.age or 0)),
    }


class Issuing:
    """Searches, and gives numbers."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._pool: Pool = store.pool

    async def search(self, ask: Ask, newcomer: Newcomer) -> Searched:
        """Who may be meant. Whoever is shown has it in their log. Raises Forbidden and Unprocessable."""
        self._refuse(ask)
        newcomer.checked(ask.at.astimezone(DANISH_TIME).date())
        policy = issuing_policy()
        found = await (self._unknown(ask, newcomer) if newcomer.unknown else self._known(ask, newcomer))
        shown, search = found[: policy.most_shown], uuid4()
        patients = [one.citizen.patient for one in shown]
        async with lend(self._pool) as connection:
            if not await connection.fetchval(_SEARCHED, ask_row(ask), search, newcomer.digest(), patients):
                raise Forbidden(_PROBLEMS["forbidden"][1])
        return Searched(search, tuple(shown))

    def _refuse(self, ask: Ask) -> None:
        if ask.role not in issuing_policy().roles:
            raise Forbidden(_PROBLEMS["forbidden"][1])

    async def _known(self, ask: Ask, newcomer: Newcomer) -> Sequence[Match]:
        words = plain_words(f"{newcomer.given} {newcomer.family}")
        described = Described((), words, newcomer.born, newcomer.sex)
        limit = issuing_policy().most_shown * 2
        return matched(described, await Directory(self._pool).match_citizens(ask, described, limit))

    async def _unknown(self, ask: Ask, newcomer: Newcomer) -> Sequence[Match]:
        policy = issuing_policy()
        async with lend(self._pool) as connection:
            rows = await connection.fetch(
                _UNKNOWN, ask_row(ask), ask.at - policy.unknown_within, newcomer.sex, policy.most_shown
            )
        people: list[CitizenIdentity] = [identity(row) for row in rows]
        found = matched(Described((), (), None, newcomer.sex), [Candidate(one, False, False) for one in people])
        known = {one.citizen.key for one in found}
        return [*found, *(Match(one, 0.0, "possible", ()) for one in people if one.key not in known)]

    async def issue(self, ask: Ask, keeper: Ask, newcomer: Newcomer, search: UUID, reason: str, unlike: str) -> Issued:
        """A new citizen with a number, registered by the system of ``keeper``. Raises Forbidden, Unprocessable, Conflict."""
        self._refuse(ask)
        newcomer.checked(ask.at.astimezone(DANISH_TIME).date())
        if reason not in issuing_policy().reasons:
            raise Unprocessable("Say why a number is needed.")
        async with self._store.session(keeper) as session:
            body, patient = patient_of(newcomer, ask.at), new_id()
            (written,) = await session.write([Change("POST", "Patient", body, orjson.dumps(body), patient)])
            problem = await session.connection.fetchval(
                _ISSUED, ask_row(ask), search, newcomer.digest(), ask.at - issuing_policy().search_holds, key_of(patient),
                reason, unlike.strip()[:200], newcomer.unknown,
            )  # fmt: skip
            if problem is not None:
                kind, why = _PROBLEMS[problem]
                raise kind(why)
        stored = orjson.loads(written.body)
        number = next(one["value"] for one in stored["identifier"] if one["system"] == REPLACEMENT_CPR)
        return Issued(patient, body["name"][0].get("text") or f"{newcomer.given} {newcomer.family}", number)
