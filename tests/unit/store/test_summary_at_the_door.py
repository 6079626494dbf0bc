"""Patient/$summary: an International Patient Summary of what the asker may see, by the guide's rules."""

import copy
from typing import Any
from uuid import uuid4

import pytest

from tests.support.door import Door
from tests.support.ips import REQUIRED, broken_rules
from tests.unit.store.scene import Scene

OK, BAD_REQUEST, NOT_FOUND = 200, 400, 404
PROBLEMS, ALLERGIES, MEDICATIONS, RESULTS, VITALS, PAST = (
    "11450-4",
    "48765-2",
    "10160-0",
    "30954-2",
    "8716-3",
    "11348-0",
)
CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
VERIFIED = "http://terminology.hl7.org/CodeSystem/condition-ver-status"


async def summary(scene: Scene, asker: Any) -> Any:
    status, bundle = await Door(scene.world, asker).get(f"/fhir/Patient/{scene.patient}/$summary")
    assert status == OK
    return bundle


def sections(bundle: Any) -> dict[str, Any]:
    return {one["code"]["coding"][0]["code"]: one for one in bundle["entry"][0]["resource"]["section"]}


def shown(bundle: Any, section: str) -> list[str]:
    return [one["reference"].rsplit("/", 1)[1] for one in sections(bundle).get(section, {}).get("entry", ())]


async def add(scene: Scene, kind: str, owner: Any = None, **more: Any) -> str:
    about = "patient" if kind in {"AllergyIntolerance", "Immunization"} else "subject"
    resource = {"resourceType": kind, about: {"reference": f"Patient/{scene.patient}"}, **more}
    return str(await scene.world.put(owner or scene.custodian, resource))


def condition(text: str, clinical: str = "active", verified: str = "confirmed") -> dict[str, Any]:
    status = (
        {}
        if verified == "entered-in-error"
        else {"clinicalStatus": {"coding": [{"system": CLINICAL, "code": clinical}]}}
    )
    return {
        "code": {"text": text},
        **status,
        "verificationStatus": {"coding": [{"system": VERIFIED, "code": verified}]},
    }


async def full(scene: Scene) -> dict[str, str]:
    """One of everything, by the section it belongs in."""
    medicine = str(
        await scene.world.put(scene.custodian, {"resourceType": "Medication", "code": {"text": "Metformin 500 mg"}})
    )
    return {
        PROBLEMS: await add(scene, "Condition", **condition("Type 2-diabetes <script>")),
        PAST: await add(scene, "Condition", **condition("Lungebetændelse", "resolved")),
        ALLERGIES: await add(scene, "AllergyIntolerance", code={"text": "Penicillin"}),
        MEDICATIONS: await add(scene, "MedicationRequest", status="active", intent="order", medicationReference={"reference": f"Medication/{medicine}"}),
        "11369-6": await add(scene, "Immunization", status="completed", vaccineCode={"text": "Influenza"}, occurrenceDateTime="2026-10-01"),
        "47519-4": await add(scene, "Procedure", status="completed", code={"text": "Gastroskopi"}),
        "46264-8": await add(scene, "DeviceUseStatement", status="active", device={"display": "Pacemaker"}),
        "10162-6": await add(scene, "Observation", status="final", code={"coding": [{"system": "http://loinc.org", "code": "82810-3"}]}),
        VITALS: await add(scene, "Observation", status="final", code={"text": "Puls"}, category=[{"coding": [{"code": "vital-signs"}]}], valueQuantity={"value": 72, "unit": "/min"}),
        "29762-2": await add(scene, "Observation", status="final", code={"text": "Rygning"}, category=[{"coding": [{"code": "social-history"}]}]),
        RESULTS: await add(scene, "Observation", status="final", code={"coding": [{"system": "urn:oid:1.2.208.176.2.1", "code": "NPU03230"}]}),
        "18776-5": await add(scene, "CarePlan", status="active", intent="plan", title="Plan"),
        "medicine": medicine,
    }  # fmt: skip


async def test_a_record_becomes_a_summary_that_keeps_the_guides_rules(scene: Scene) -> None:
    there = await full(scene)
    for asker in (scene.citizen, scene.doctor):
        bundle = await summary(scene, asker)
        assert broken_rules(bundle) == []
        for section, own in there.items():
            if section != "medicine":
                assert shown(bundle, section) == [own], section
        assert f"Medication/{there['medicine']}" in {
            "/".join(one["fullUrl"].rsplit("/", 2)[1:]) for one in bundle["entry"]
        }
        assert "&lt;script&gt;" in sections(bundle)[PROBLEMS]["text"]["div"]
        assert "Puls, 72 /min" in sections(bundle)[VITALS]["text"]["div"]


async def test_what_is_not_there_is_unavailable_and_never_said_to_be_none(scene: Scene) -> None:
    bundle = await summary(scene, scene.citizen)
    assert broken_rules(bundle) == []
    for code in REQUIRED:
        assert sections(bundle)[code]["emptyReason"]["coding"][0]["code"] == "unavailable"
    await add(scene, "AllergyIntolerance", code={"text": "Penicillin"})
    await scene.world.block(scene.patient, what=scene.elsewhere)
    hidden = await add(scene, "Condition", scene.world.system(scene.elsewhere), **condition("Skjult"))
    bundle = await summary(scene, scene.doctor)
    assert hidden not in str(bundle)
    assert sections(bundle)[PROBLEMS]["emptyReason"]["coding"][0]["code"] == "unavailable"
    assert shown(await summary(scene, scene.citizen), PROBLEMS) == [hidden]


async def test_what_was_wrong_or_is_over_is_not_shown_as_current(scene: Scene) -> None:
    wrong = await add(scene, "Condition", **condition("Fejl", verified="entered-in-error"))
    refuted = await add(scene, "Condition", **condition("Afkræftet", verified="refuted"))
    stopped = await add(
        scene, "MedicationRequest", status="stopped", intent="order", medicationCodeableConcept={"text": "x"}
    )
    old = await add(scene, "Condition", **condition("Gammelt", "resolved"))
    bundle = await summary(scene, scene.citizen)
    assert (shown(bundle, PROBLEMS), shown(bundle, MEDICATIONS), shown(bundle, PAST)) == ([], [], [old])
    assert not [one for one in (wrong, refuted, stopped) if one in str(bundle)]


async def test_hidden_missing_and_malformed_are_one_answer(scene: Scene) -> None:
    for asker in (scene.stranger, scene.custodian):
        door = Door(scene.world, asker)
        answers = [
            await door.get(f"/fhir/Patient/{one}/$summary") for one in (scene.patient, uuid4(), "x", scene.observation)
        ]
        assert [status for status, _ in answers] == [NOT_FOUND] * 4
        assert all(told == answers[0][1] for _, told in answers)


async def test_it_is_one_look(scene: Scene) -> None:
    await full(scene)
    before = len(await scene.world.log(scene.patient))
    await summary(scene, scene.doctor)
    assert [(row["action"], row["permitted"]) for row in (await scene.world.log(scene.patient))[before:]] == [(9, True)]


async def test_what_it_does_not_understand_it_refuses(scene: Scene) -> None:
    status, _ = await Door(scene.world, scene.doctor).get(f"/fhir/Patient/{scene.patient}/$summary?nosuch=1")
    assert status == BAD_REQUEST


@pytest.mark.parametrize(
    "spoil",
    [
        lambda bundle: bundle.pop("timestamp"),
        lambda bundle: bundle["identifier"].pop("system"),
        lambda bundle: bundle["entry"].append(copy.deepcopy(bundle["entry"][0])),
        lambda bundle: bundle["entry"].pop(1),
        lambda bundle: bundle["entry"].pop(),
        lambda bundle: bundle["entry"][0]["resource"]["section"].pop(0),
        lambda bundle: bundle["entry"][0]["resource"]["section"][0].pop("text"),
        lambda bundle: bundle["entry"][0]["resource"]["section"][0].pop("entry"),
        lambda bundle: bundle["entry"][0]["resource"]["section"][0].update(emptyReason={"text": "x"}),
        lambda bundle: bundle["entry"][0]["resource"]["section"][1].update(entry=bundle["entry"][0]["resource"]["section"][0]["entry"]),
        lambda bundle: bundle["entry"][1]["resource"].pop("birthDate"),
        lambda bundle: bundle["entry"][2]["resource"].update(subject={"reference": "Patient/other"}),
        lambda bundle: bundle["entry"][2].update(search={"mode": "match"}),
    ],
)  # fmt: skip
async def test_the_rules_notice_what_breaks_them(scene: Scene, spoil: Any) -> None:
    await full(scene)
    bundle = await summary(scene, scene.citizen)
    spoil(bundle)
    assert broken_rules(bundle)
