"""Serves ``Consent`` (``helhed.fhir.virtual``): to the citizen, and to whoever acts for them in these; for everybody else there is none."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson

from helhed.fhir.changes import Change, Version, Written
from helhed.fhir.definitions import TYPE_NAMES, TYPE_NUMBERS
from helhed.fhir.store.rows import ask_row
from helhed.fhir.virtual import Found, VirtualShape, Wish, pick
from helhed.foundation.ask import Action, ActorKind, Ask
from helhed.foundation.database import Pool
from helhed.foundation.errors import BadRequest, Forbidden, PreconditionFailed, Unknown, Unprocessable
from helhed.foundation.ids import key_of
from helhed.foundation.lend import lend
from helhed.trust.audit_events.filters import all_named, patients_of
from helhed.trust.blocks.shapes import Block, Blocks, Consent
from helhed.trust.consents.for_others import ConsentsForOthers
from helhed.trust.consents.reading import Permit, Read, read
from helhed.trust.consents.rendering import Ids, of_block, of_consent, shown
from helhed.trust.consents.shape import CONSENTS

_FACTS = "select * from trust.consent_facts($1::fhir.ask, $2::uuid[], $3::smallint, $4::smallint)"
_REFUSED = "select trust.refuse_opening($1::fhir.ask, $2, $3)"
_PLACES = "select key, id from registries.organisation where key = any($1::bigint[])"
_PEOPLE = "select key, id from registries.professional where key = any($1::bigint[])"
_TYPE = TYPE_NUMBERS["Consent"]


class NotByAnApp(Forbidden):
    """An app sets blocks and withdraws consents. What opens a record again the citizen does on the pages, after proving who they are."""


class Consents:
    """The citizen's blocks and consents over FHIR: read whole, and changed towards less access alone."""

    shape: VirtualShape = CONSENTS

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._blocks = Blocks(pool)
        self._others = ConsentsForOthers(pool)

    async def versions(self, ask: Ask, identifier: UUID) -> Sequence[Version]:
        """The versions of one of the citizen's own."""
        if ask.kind is not ActorKind.CITIZEN or not _reads(ask):
            return ()
        return (await self._all(ask, Action.READ)).get(identifier, ())

    async def search(self, ask: Ask, wish: Wish) -> Found | None:
        """Among the citizen's own, the ended ones too; or among those of the one other patient who is named, whom the citizen acts for."""
        if ask.kind is not ActorKind.CITIZEN or not _reads(ask):
            return None
        patients = patients_of(wish)
        await self._others.refused(ask, all_named(wish), Action.SEARCH)
        if patients is not None and len(patients) == 1 and await self._others.acts(ask, patients[0]):
            return pick(wish, [shown(one) for one in await self._of_another(ask, patients[0])])
        every = await self._all(ask, Action.SEARCH)
        return pick(wish, [shown(versions[0]) for versions in every.values()])

    async def _of_another(self, ask: Ask, citizen: int) -> list[Version]:
        decided = await self._others.read(ask, citizen)
        ids = await self._ids(decided.patient, decided.types, decided.blocks, decided.consents)
        versions = [of_block(one, ids) for one in decided.blocks] + [of_consent(one, ids) for one in decided.consents]
        return [newest for newest, *_ in versions]

    async def change(self, ask: Ask, changes: Sequence[Change]) -> Sequence[Written]:
        """A block that is set, or a consent that is withdrawn. One at a time: each is a decision by itself."""
        if len(changes) != 1:
            raise BadRequest("A transaction sets or ends one Consent: each is a decision by itself.")
        (change,) = changes
        if ask.kind is not ActorKind.CITIZEN or not _writes(ask):
            raise Forbidden("Blocks and consents are set and ended by the citizen.")
        if change.method == "POST":
            return [await self._set(ask, change)]
        return [await self._end(ask, change)]

    async def _set(self, ask: Ask, change: Change) -> Written:
        assert change.resource is not None
        assert change.id is not None
        said = read(change.resource, change.where)
        await self._own(ask, said, Action.CREATE)
        if said.status != "active":
            raise Unprocessable("A new Consent is active.")
        if isinstance(said.says, Permit):
            await self._refuse(ask, Action.CONSENT, change.id)
        elif said.replaces is not None:
            await self._refuse(ask, Action.END_BLOCK, said.replaces)
        else:
            await self._blocks.put(ask, said.says, block=change.id)
        return await self._written(ask, change.id, created=True)

    async def _refuse(self, ask: Ask, action: Action, about: UUID) -> None:
        """Whoever comes through this door is an app: it narrows, and opens nothing. The attempt stands in the citizen's log."""
        async with lend(self._pool) as connection:
            await connection.execute(_REFUSED, ask_row(ask), int(action), about)
        raise NotByAnApp

    async def _own(self, ask: Ask, said: Read, action: Action) -> None:
        """Only the citizen's own Patient may be named: under whichever of their ids."""
        if key_of(said.patient) not in (await self._facts(ask, (), None))["keys"]:
            await self._others.refused(ask, [key_of(said.patient)], action)
            raise Forbidden("A Consent is the patient's own.")

    async def _end(self, ask: Ask, change: Change) -> Written:
        """DELETE, or PUT of the same with status inactive."""
        assert change.id is not None
        held = (await self._all(ask, Action.READ)).get(change.id)
        if not held:
            raise Unknown
        if change.if_match is not None and change.if_match != held[0].version:
            raise PreconditionFailed
        if change.method == "PUT":
            await self._only_ends(ask, change, held[0])
        await self._stop(ask, change.id)
        return await self._written(ask, change.id, created=False, deleted=change.method == "DELETE")

    async def _only_ends(self, ask: Ask, change: Change, current: Version) -> None:
        assert change.resource is not None
        sent, stands = read(change.resource, change.where), read(orjson.loads(current.body))
        await self._own(ask, sent, Action.UPDATE)
        if sent.status != "inactive" or (sent.patient, sent.says, sent.replaces) != (
            stands.patient,
            stands.says,
            stands.replaces,
        ):
            raise Unprocessable("A Consent is changed by creating another with this one as sourceReference, and ended by the status inactive.")  # fmt: skip

    async def _stop(self, ask: Ask, identifier: UUID) -> None:
        if any(one.id == identifier for one in await self._blocks.history(ask)):
            await self._refuse(ask, Action.END_BLOCK, identifier)
        await self._blocks.end_consent(ask, identifier)

    async def _written(self, ask: Ask, identifier: UUID, *, created: bool, deleted: bool = False) -> Written:
        current = (await self._all(ask, None))[identifier][0]
        return Written("Consent", identifier, current.version, current.updated, created, deleted, current.body)

    async def _all(self, ask: Ask, action: Action | None) -> dict[UUID, list[Version]]:
        """Every Consent of the citizen with its versions; a look when there is an ``action``."""
        blocks, consents = await self._blocks.history(ask), await self._blocks.consents(ask)
        rows = [one.shape.what_document for one in blocks if one.shape.what_document is not None]
        facts = await self._facts(ask, rows, action)
        types = {UUID(row): TYPE_NAMES[number] for row, number in orjson.loads(facts["types"]).items()}
        ids = await self._ids(facts["patient"], types, blocks, consents)
        return {one.id: of_block(one, ids) for one in blocks} | {one.id: of_consent(one, ids) for one in consents}

    async def _ids(
        self, patient: UUID, types: Mapping[UUID, str], blocks: Sequence[Block], consents: Sequence[Consent]
    ) -> Ids:
        shapes = [one.shape for one in blocks]
        places = {key for one in shapes for key in (one.who_organisation, one.what_organisation)} | {
            one.organisation for one in consents
        }
        people = {key for one in shapes for key in (one.who_professional, one.what_author)} | {
            one.professional for one in consents
        }
        async with lend(self._pool) as connection:
            by_key = [await connection.fetch(text, [key for key in keys if key is not None]) for text, keys in ((_PLACES, places), (_PEOPLE, people))]  # fmt: skip
        organisations, professionals = ({row["key"]: row["id"] for row in found} for found in by_key)
        return Ids(patient, organisations, professionals, types)

    async def _facts(self, ask: Ask, rows: Sequence[UUID], action: Action | None) -> Any:
        async with lend(self._pool) as connection:
            found = await connection.fetchrow(
                _FACTS, ask_row(ask), list(rows), _TYPE, None if action is None else int(action)
            )
        if found is None:
            raise Unknown
        return found


def _reads(ask: Ask) -> bool:
    return ask.read_types is None or "Consent" in ask.read_types


def _writes(ask: Ask) -> bool:
    return ask.write_types is None or "Consent" in ask.write_types


__all__ = ["Consents"]
