"""A citizen's own log, taken out with its proofs, and checked without the database."""

import orjson

from helhed.fhir.store.rows import ask_row
from helhed.foundation.ids import key_of
from helhed.trust.verifier import Trusted, verify
from tests.support.provable import TRUSTED, ProvableLog


async def test_a_citizens_log_is_proved_whole_by_witnesses(log: ProvableLog) -> None:
    clinic = await log.world.organisation("Klinik")
    patient = await log.world.patient(clinic)
    await log.world.observation(patient, clinic)
    found = verify(orjson.dumps(await log.export(patient)), Trusted(TRUSTED))
    assert found.witnesses == ("patients", "region")
    assert found.events == len(await log.world.log(patient))
    assert found.gone == 0


async def test_what_is_about_others_stays_closed(log: ProvableLog) -> None:
    """A look at somebody else whose rows name the citizen is in the citizen's chain, and tells nothing of whom it was at."""
    clinic = await log.world.organisation("Klinik")
    mother, child = await log.world.patient(clinic), await log.world.patient(clinic)
    await log.world.owner.execute(
        "insert into foundation.access_log (at, kind, actor, role, client, purpose, action, permitted, citizen, concerned, resources, versions, trace)"
        " values (now(), 2, 9, 'doctor', 'test', 1, 1, true, $1, array[$2::bigint, $2::bigint], array[gen_random_uuid()], '{1}', gen_random_uuid())",
        key_of(child), key_of(mother),
    )  # fmt: skip
    export = await log.export(mother)
    found = verify(orjson.dumps(export), Trusted(TRUSTED))
    assert found.citizens == (str(key_of(mother)),)
    assert str(key_of(child)) not in orjson.dumps(export).decode()
    theirs = [event for event in export["events"] if "citizens" not in event["open"]]
    assert len(theirs) == 1
    assert "resources" not in theirs[0]["open"]


async def test_withheld_names_stay_closed(log: ProvableLog) -> None:
    clinic = await log.world.organisation("Klinik")
    patient = await log.world.patient(clinic)
    professional = await log.world.employee(clinic)
    await log.world.contact(patient, clinic)
    await log.world.owner.execute(
        "insert into trust.shield values (gen_random_uuid(), $1, null, 'safety', '1', '-infinity', 'infinity', 1)",
        key_of(clinic),
    )
    await log.world.found(log.world.professional(professional, clinic), f"Encounter?subject=Patient/{patient}")
    export = await log.export(patient)
    assert verify(orjson.dumps(export), Trusted(TRUSTED)).events
    assert str(key_of(professional)) not in orjson.dumps(export).decode()


async def test_a_row_that_a_source_delivered_is_an_event_with_what_the_source_says(log: ProvableLog) -> None:
    clinic = await log.world.organisation("Klinik")
    patient = await log.world.patient(clinic)
    await log.world.owner.execute(
        "insert into foundation.access_log (at, kind, actor, role, client, purpose, action, permitted, citizen, resources, versions, trace,"
        " source, local_id, occurred_at, local) values (now(), 2, 9, '', 'test', 1, 1, true, $1, '{}', '{}', gen_random_uuid(),"
        """ $2, 'a "1"', '2026-01-01 12:00:00.000001+00', '{"name": "Åse\\n", "b": [1]}')""",
        key_of(patient), key_of(clinic),
    )  # fmt: skip
    export = await log.export(patient)
    assert verify(orjson.dumps(export), Trusted(TRUSTED)).events
    delivered = [orjson.loads(one["event"]) for one in export["events"] if '"event":"delivered"' in one["event"]]
    assert [one["occurred"] for one in delivered] == [1767268800000001]
    opened = next(one["open"]["local"]["value"] for one in export["events"] if "local" in one["open"])
    assert "Åse" in orjson.loads(opened)


async def test_a_citizen_with_two_keys_proves_both(log: ProvableLog) -> None:
    clinic = await log.world.organisation("Klinik")
    first, second = await log.world.patient(clinic), await log.world.patient(clinic)
    keys = [key_of(first), key_of(second)]
    await log.world.owner.execute(
        "insert into fhir.key_set (key, keys, head) select k, $1, ($1::bigint[])[1] from unnest($1::bigint[]) k", keys
    )
    found = verify(orjson.dumps(await log.export(first)), Trusted(TRUSTED))
    assert set(found.citizens) == {str(key) for key in keys}


async def test_nobody_else_is_given_a_proof(log: ProvableLog) -> None:
    clinic = await log.world.organisation("Klinik")
    patient = await log.world.patient(clinic)
    professional = await log.world.employee(clinic)
    await log.catch_up()
    for ask in (log.world.professional(professional, clinic), log.world.system(clinic), log.world.citizen(patient)):
        async with log.world.store.pool.acquire() as connection:
            for function in ("own_proof", "own_map"):
                assert await connection.fetch(f"select * from trust.{function}($1::fhir.ask)", ask_row(ask)) == []
