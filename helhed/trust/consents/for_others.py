"""Blocks and consents of another citizen, for whoever acts for them in these: read with a row in the other's log, changed by nobody else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import orjson

from helhed.fhir.definitions import TYPE_NAMES, TYPE_NUMBERS
from helhed.fhir.store.rows import ask_row
from helhed.foundation.ask import Action, Ask
from helhed.foundation.database import Pool
from helhed.foundation.errors import Unknown
from helhed.foundation.lend import lend
from helhed.trust.blocks.shapes import Block, Consent, block_of

CONSENT = TYPE_NUMBERS["Consent"]
_ACTS = "select trust.acts_in($1::fhir.ask, $2, $3::smallint)"
_LOOK = "select * from trust.look_at_consents($1::fhir.ask, $2, $3::smallint, $4::smallint)"
_STRANGERS = "select trust.note_strangers($1::fhir.ask, $2, $3::smallint, $4::smallint)"
_BLOCKS = "select * from trust.blocks_seen($1::fhir.ask, $2, $3::smallint)"
_GIVEN = "select * from trust.consents_seen($1::fhir.ask, $2, $3::smallint)"


@dataclass(frozen=True, slots=True)
class Decided:
    """What a citizen has decided, as somebody who acts for them is told."""

    patient: UUID
    blocks: Sequence[Block]
    consents: Sequence[Consent]
    types: Mapping[UUID, str]  #: of the rows that blocks name


class ConsentsForOthers:
    """Reads for those who act."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def acts(self, ask: Ask, citizen: int) -> bool:
        """Whether the asker acts for this other citizen in blocks and consents."""
        async with lend(self._pool) as connection:
            return await connection.fetchval(_ACTS, ask_row(ask), citizen, CONSENT) is not None

    async def refused(self, ask: Ask, named: Sequence[int], action: Action) -> None:
        """The attempt is in the log of whoever is named and is neither the asker nor one whom the asker acts for in these."""
        if named:
            async with lend(self._pool) as connection:
                await connection.execute(_STRANGERS, ask_row(ask), list(named), CONSENT, int(action))

    async def read(self, ask: Ask, citizen: int, action: Action = Action.SEARCH) -> Decided:
        """All of it, as one look. Raises Unknown for who does not act for them."""
        asker = ask_row(ask)
        async with lend(self._pool) as connection, connection.transaction():
            look = await connection.fetchrow(_LOOK, asker, citizen, CONSENT, int(action))
            if look is None:
                raise Unknown
            blocks = await connection.fetch(_BLOCKS, asker, citizen, CONSENT)
            given = await connection.fetch(_GIVEN, asker, citizen, CONSENT)
        types = {UUID(row): TYPE_NAMES[number] for row, number in orjson.loads(look["types"]).items()}
        return Decided(look["id"], [block_of(row) for row in blocks], [Consent(*row) for row in given], types)
