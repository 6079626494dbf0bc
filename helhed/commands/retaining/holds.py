"""Legal hold: while a complaint, a supervision or a claim is pending, nothing of the record goes (autorisationsloven § 25, stk. 2)."""

from datetime import datetime
from uuid import UUID, uuid4

from helhed.foundation.ask import Action, ActorKind, Purpose
from helhed.foundation.database import Connection
from helhed.foundation.errors import BadRequest, Unknown
from helhed.foundation.ids import key_of, parse_id

_SET = "insert into fhir.hold (id, citizen, origin, case_number, valid_from) values ($1, $2, $3, $4, $5)"
_END = "update fhir.hold set valid_to = $2 where id = $1 and valid_to > $2 returning citizen, origin"
_CITIZEN = "select exists (select from registries.citizen where key = $1)"
_LOG = """
insert into foundation.access_log
  (at, kind, actor, organisation, role, client, purpose, action, permitted, basis, citizen, resources, versions, trace)
values ($1, $2, 0, $3, 'operator', 'helhed-hold', $4, $5, true, 5, $6, array[$7::uuid], '{}', $8)"""


async def hold(connection: Connection, now: datetime, patient: str, case_number: str, organisation: str = "") -> UUID:
    """Hold a citizen's record, or what one organisation recorded of it. Raises BadRequest or Unknown."""
    citizen = _key(patient, "Patient")
    origin = _key(organisation, "Organization") if organisation else None
    if not case_number.strip():
        raise BadRequest("A hold names the case it is for.")
    identifier = uuid4()
    async with connection.transaction():
        if not await connection.fetchval(_CITIZEN, citizen):
            raise Unknown("No citizen is registered here under that Patient.")
        await connection.execute(_SET, identifier, citizen, origin, case_number, now)
        await _log(connection, now, Action.HOLD, citizen, origin, identifier)
    return identifier


async def release(connection: Connection, now: datetime, identifier: str) -> None:
    """End a hold. Raises Unknown."""
    held = parse_id(identifier)
    async with connection.transaction():
        row = await connection.fetchrow(_END, held, now)
        if row is None or held is None:
            raise Unknown("No such hold is in force: name what `helhed hold` printed.")
        await _log(connection, now, Action.RELEASE, row["citizen"], row["origin"], held)


async def _log(
    connection: Connection, now: datetime, action: Action, citizen: int, origin: int | None, about: UUID
) -> None:
    values = (int(ActorKind.SYSTEM), origin, int(Purpose.OPERATIONS), int(action), citizen, about, uuid4())
    await connection.execute(_LOG, now, *values)


def _key(text: str, type_name: str) -> int:
    identifier = parse_id(text.removeprefix(f"{type_name}/"))
    if identifier is None:
        raise BadRequest(f"Name it as {type_name}/ and its id here.")
    return key_of(identifier)
