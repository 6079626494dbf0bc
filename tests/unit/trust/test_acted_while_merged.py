"""A link was wrong and is taken back: who acted on data of the wrong person meanwhile is told to the keeper of the directory."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from helhed.foundation.ask import Action, Ask
from helhed.foundation.ids import key_of
from tests.support.door import Door
from tests.unit.registries.test_units_at_the_door import parameters
from tests.unit.trust.test_merged import HOUR, Scene, scene

__all__ = ["scene"]
OK, FORBIDDEN, NOT_FOUND = 200, 403, 404


def later(ask: Ask, hours: int) -> Ask:
    return replace(ask, at=ask.at + hours * HOUR)


async def told(scene: Scene, ask: Ask, *, backwards: bool = False) -> tuple[int, Any]:
    pair = [scene.arrived, scene.known]
    source, target = reversed(pair) if backwards else pair
    asked = parameters(
        ("source-patient", "valueReference", {"reference": f"Patient/{source}"}),
        ("target-patient", "valueReference", {"reference": f"Patient/{target}"}),
    )
    return await Door(scene.world, ask).post("/fhir/Patient/$acted-while-merged", asked)


def people(answer: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for one in answer["parameter"]:
        if one["name"] == "acted":
            found.append({part["name"]: next(v for k, v in part.items() if k != "name") for part in one["part"]})
    return found


async def mistaken(scene: Scene) -> None:
    """Linked at hour 1 and parted at hour 5; the GP looks at both in between, the ward's doctor at its own patient."""
    await scene.sees(later(scene.doctor, 0), scene.scanned)
    await scene.linking.link(later(scene.keeper, 1), scene.arrived, scene.known, "same name")
    await scene.sees(later(scene.doctor, 2), scene.scanned)
    await scene.sees(later(scene.gp, 3), scene.scanned)
    await scene.sees(later(scene.gp, 4), scene.measured)
    await scene.linking.unlink(later(scene.keeper, 5), scene.arrived, scene.known, "two brothers")
    await scene.sees(later(scene.gp, 6), scene.measured)


async def test_whoever_looked_between_link_and_unlink_is_told_those_who_saw_both_first(scene: Scene) -> None:
    await mistaken(scene)
    status, answer = await told(scene, later(scene.keeper, 7))
    assert status == OK
    gp, doctor = people(answer)
    assert (gp["organization"]["display"], gp["saw-both"]) == ("Clinic", True)
    assert (gp["looks-at-replaced"], gp["looks-at-kept"], gp["writes-on-kept"]) == (1, 1, 0)
    assert (doctor["organization"]["display"], doctor["saw-both"], doctor["looks-at-replaced"]) == ("Ward", False, 1)
    assert gp["who"]["reference"].startswith("Practitioner/")
    moments = {one["name"]: one["valueInstant"] for one in answer["parameter"] if "valueInstant" in one}
    assert set(moments) == {"merged", "unmerged"}


async def test_what_was_written_meanwhile_is_counted_and_who_was_refused_is_not(scene: Scene) -> None:
    await scene.linking.link(later(scene.keeper, 1), scene.arrived, scene.known, "same name")
    ward = replace(scene.world.system(scene.ward), at=scene.keeper.at + 2 * HOUR)
    subject = {"reference": f"Patient/{scene.known}"}
    row = {"resourceType": "Observation", "status": "final", "code": {"text": "prøve"}, "subject": subject}
    await scene.world.put(ward, row)
    outsider = await scene.world.organisation("Elsewhere")
    stranger = scene.world.professional(await scene.world.employee(outsider), outsider)
    assert not await scene.sees(later(stranger, 3), scene.measured)
    _, answer = await told(scene, later(scene.keeper, 4))
    (system,) = people(answer)
    assert (system["kind"], system["writes-on-kept"], system["looks-at-kept"]) == ("system", 1, 0)
    assert "unmerged" not in {one["name"] for one in answer["parameter"]}, "the link stands"


async def test_asking_is_in_the_log_of_both_and_only_a_keeper_is_told(scene: Scene) -> None:
    await mistaken(scene)
    asks = (later(scene.keeper, 7), later(scene.world.system(scene.ward), 8), later(scene.gp, 9))
    assert [(await told(scene, ask))[0] for ask in asks] == [OK, FORBIDDEN, FORBIDDEN]
    assert (await told(scene, later(scene.keeper, 10), backwards=True))[0] == NOT_FOUND
    rows = await scene.world.owner.fetch(
        "select citizen, permitted, at from foundation.access_log where action = $1 order by at",
        Action.ACTED_WHILE_LINKED,
    )
    both = {key_of(scene.known), key_of(scene.arrived)}
    for hours, permitted in ((7, True), (8, False), (9, False), (10, False)):
        moment = scene.keeper.at + timedelta(hours=hours)
        assert {(row["citizen"], row["permitted"]) for row in rows if row["at"] == moment} == {
            (key, permitted) for key in both
        }
