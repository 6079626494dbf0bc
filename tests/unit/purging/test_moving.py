"""Purged and recorded on the rightful citizen at once: both, or neither, and nobody reads it on the way."""

from typing import Any
from uuid import UUID

import orjson
import pytest

from helhed.commands.importing import owner_pool
from helhed.commands.purging.moving import Moved, approve_and_move
from helhed.fhir.store.cursor import CursorSigner
from helhed.fhir.store.purging import Proposal
from helhed.fhir.store.sessions import Sessions
from helhed.foundation.errors import BadRequest, Conflict, Forbidden, HelhedError, Unknown
from helhed.hooks import HOOKS
from tests.support.world import SECRET
from tests.unit.store.purging import Ward

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def _moved(ward: Ward, proposal: Proposal, **more: Any) -> Moved:
    pool = await owner_pool(ward.world.target, 1)
    try:
        sessions = Sessions(pool, HOOKS, CursorSigner(SECRET))
        who = more.get("ask", ward.staff.other)
        return await approve_and_move(
            sessions, ward.world.store.purging, who, proposal.id, more.get("seal", proposal.seal)
        )
    finally:
        await pool.close()


async def _text(ward: Ward, patient: UUID) -> str:
    """Everything that is recorded on a citizen."""
    rows = await ward.world.owner.fetch("select body from fhir.resource where citizen = fhir.key($1)", patient)
    return "".join(row["body"].decode() for row in rows)


async def test_it_is_gone_from_the_one_and_stands_on_the_other_with_its_references_made_anew(ward: Ward) -> None:
    row = await ward.planted()
    report = await ward.put(ward.report(row))
    proposal = await ward.staff.propose(("Observation", row), ("DiagnosticReport", report), rightful=ward.right)
    moved = await _moved(ward, proposal)
    assert (moved.purged.rows, moved.purged.versions) == (2, 4)
    new = {one.type_name: one.id for one in moved.rows}
    right = ward.world.citizen(ward.right)
    observation = await ward.world.store.read(right, "Observation", new["Observation"])
    told = orjson.loads(observation.body)
    assert (told["valueString"], told["status"], observation.version) == (ward.marker, "corrected", 1)
    shown = orjson.loads((await ward.world.store.read(right, "DiagnosticReport", new["DiagnosticReport"])).body)
    assert shown["result"] == [{"reference": f"Observation/{new['Observation']}"}]
    assert await ward.world.found(right, f"Observation?value-string={ward.marker}") == [new["Observation"]]
    assert await ward.world.found(right, f"Observation?subject=Patient/{ward.right}") == [new["Observation"]]
    assert ward.marker not in await _text(ward, ward.wrong)
    for old in (str(ward.wrong), str(row), str(report)):
        assert old not in await _text(ward, ward.right)
    assert {"fhir.version.body"} & await ward.found() == set()


async def test_both_read_it_in_their_logs(ward: Ward) -> None:
    row = await ward.planted()
    await _moved(ward, await ward.staff.propose(("Observation", row), rightful=ward.right))
    wrong = [one["action"] for one in await ward.world.log(ward.wrong)]
    right = [one["action"] for one in await ward.world.log(ward.right)]
    assert (wrong[-1], right[-2:]) == (43, [43, 5])


async def test_a_relation_that_a_moved_contact_gives_is_the_right_citizen_s(ward: Ward) -> None:
    contact = await ward.world.contact(ward.wrong, ward.hospital)
    doctor = ward.world.professional(await ward.world.employee(ward.hospital), ward.hospital)
    await _moved(ward, await ward.staff.propose(("Encounter", contact), rightful=ward.right))
    assert (await ward.world.store.read(doctor, "Patient", ward.right)).id == ward.right
    with pytest.raises(Unknown):
        await ward.world.store.read(doctor, "Patient", ward.wrong)


async def test_a_move_that_is_refused_changes_nothing_and_is_logged(ward: Ward) -> None:
    row = await ward.planted()
    whole = await ward.staff.propose(("Observation", row), rightful=ward.right)
    nowhere = await ward.staff.propose(("Observation", row))
    refused: list[tuple[Proposal, type[HelhedError], dict[str, Any]]] = [
        (whole, Forbidden, {"ask": ward.staff.one}),
        (whole, Conflict, {"seal": b"another"}),
        (nowhere, BadRequest, {}),
    ]
    for proposal, error, more in refused:
        with pytest.raises(error):
            await _moved(ward, proposal, **more)
    assert (await ward.world.store.read(ward.world.citizen(ward.wrong), "Observation", row)).version == 3
    attempts = [one["permitted"] for one in await ward.world.log(ward.wrong) if one["action"] == 43]
    assert attempts == [False] * 3


async def test_when_it_cannot_be_recorded_anew_it_is_not_purged_either(ward: Ward) -> None:
    row = await ward.planted()
    proposal = await ward.staff.propose(("Observation", row), rightful=ward.right)
    await ward.world.delete(ward.world.system(ward.hospital), "Patient", ward.right)
    with pytest.raises(HelhedError):
        await _moved(ward, proposal)
    assert (await ward.world.store.read(ward.world.citizen(ward.wrong), "Observation", row)).version == 3


async def test_the_server_itself_cannot_move_for_it_reads_no_bodies(ward: Ward) -> None:
    row = await ward.planted()
    proposal = await ward.staff.propose(("Observation", row), rightful=ward.right)
    sessions = Sessions(ward.world.store.pool, HOOKS, CursorSigner(SECRET))
    with pytest.raises(Exception, match="permission denied"):
        await approve_and_move(sessions, ward.world.store.purging, ward.staff.other, proposal.id, proposal.seal)
