"""The people of the demo, as its identity provider shows them and vouches for them."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from helhed.foundation.ask import ActorKind
from helhed.foundation.clock import Clock
from helhed.foundation.database import Pool
from helhed.foundation.ids import key_of
from helhed.foundation.lend import lend
from helhed.portals.language import LANGUAGES, Words, capital
from helhed.portals.ports import Lookups
from helhed.registries.directory import Directory
from helhed.registries.identifiers import AUTHORISATION, CPR, REPLACEMENT_CPR, URI
from helhed.trust.tokens.personas import Persona, Personas

#: the claims of the demo's provider, by the system of what they say
CLAIMS = {
    CPR: "dk.cpr",
    REPLACEMENT_CPR: "demo.replacement_cpr",
    AUTHORISATION: "dk.healthcare.authorisation",
    URI: "local_user_id",
}
_IDENTIFIERS = "select * from registries.demo_identifiers($1)"
_CITIZEN = "select name from registries.demo_citizen($1)"
_MOST_FOUND = 20
_PATIENT = "patient:"


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """Somebody to be."""

    subject: str
    name: str
    claims: Mapping[str, str]
    about: Mapping[str, str] = field(default_factory=dict)
    place: str = ""
    door: str = "borger"


class DemoPeople:
    """Everybody in the demo."""

    def __init__(self, pool: Pool, lookups: Lookups, clock: Clock) -> None:
        self._pool = pool
        self._lookups = lookups
        self._clock = clock
        self._personas = Personas(pool)
        self._directory = Directory(pool)

    async def shown(self) -> Sequence[DemoPerson]:
        """Those shown by name; those who only use the command line are not."""
        people = [one for one in await self._personas.all() if one.kind is not ActorKind.SYSTEM]
        claims = await self._claims([one.actor for one in people])
        places = await self._directory.organisation_names({one.organisation for one in people if one.organisation})
        return [_shown(one, claims.get(one.actor, {}), places) for one in people]

    async def search(self, words: str, address: str) -> Sequence[DemoPerson] | None:
        """Citizens of this name or number; None when somebody at that address asked for too many."""
        digits = words.replace("-", "")
        cleaned = digits if digits.isalnum() and any(sign.isdigit() for sign in digits) else words
        verdict = await self._lookups.note("address", address, [cleaned.casefold()], self._clock())
        if verdict.refused:
            return None
        await asyncio.sleep(verdict.pause)
        found = await self._directory.demo_citizens(cleaned, _MOST_FOUND)
        claims = await self._claims([one.key for one in found])
        return [
            DemoPerson(f"{_PATIENT}{one.patient}", one.name, claims.get(one.key, {}), place=one.cpr or "")
            for one in found
        ]

    async def one(self, subject: str) -> DemoPerson | None:
        """Whoever this is: one of those shown, or any citizen."""
        if not subject.startswith(_PATIENT):
            return next((one for one in await self.shown() if one.subject == subject), None)
        try:
            patient = UUID(subject.removeprefix(_PATIENT))
        except ValueError:
            return None
        async with lend(self._pool) as connection:
            name = await connection.fetchval(_CITIZEN, patient)
        key = key_of(patient)
        return None if name is None else DemoPerson(subject, name, (await self._claims([key])).get(key, {}))

    async def _claims(self, people: Sequence[int]) -> dict[int, dict[str, str]]:
        async with lend(self._pool) as connection:
            rows = await connection.fetch(_IDENTIFIERS, list(people))
        found: dict[int, dict[str, str]] = {}
        for row in rows:
            if row["system"] in CLAIMS:
                found.setdefault(row["person"], {})[CLAIMS[row["system"]]] = row["value"]
        return found


def _shown(one: Persona, claims: Mapping[str, str], places: Mapping[int, str]) -> DemoPerson:
    place = places.get(one.organisation, "") if one.organisation else ""
    role = Words(LANGUAGES[0]).role(one.role) if one.role else ""
    told = ", ".join(part for part in (capital(role), place) if part)
    return DemoPerson(one.handle, one.name, claims, {"da": one.about_da, "en": one.about_en}, told, one.door)
