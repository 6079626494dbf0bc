"""MedCom's own example messages are sent, held to their profiles, acknowledged, shared as what they say, and followed."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from rich.console import Console

from helhed.commands.packaging import install_files
from helhed.exchange.messages.delivering import Deliveries
from helhed.exchange.messages.envelope import sor_of
from helhed.exchange.messages.following import Messages
from helhed.exchange.messages.intake import Intake
from helhed.exchange.messages.modes import Mode, Modes
from helhed.foundation.ids import key_of
from helhed.foundation.settings import Settings
from helhed.registries.identifiers import CPR, REPLACEMENT_CPR, SOR
from tests.support.published import ABSENT, FOLDER, examples, repaired
from tests.support.world import World
from tests.unit.exchange.letters import unit

pytestmark = [pytest.mark.external, pytest.mark.skipif(not FOLDER.exists(), reason=ABSENT), pytest.mark.asyncio]
#: a replacement number that the profile of such numbers in these packages refuses
_BREAK_THEIR_OWN_PROFILE = {"Bundle-0d5b3c18-fab6-4d93-9d88-c9c8abf1f18c.json", "Bundle-ReceiveTestExample3.json"}
_FAMILIES = ("care-communication-message", "hospital-notification-message", "homecareobservation-message")


def published() -> Iterator[tuple[str, dict[str, Any]]]:
    """The example messages of the families that are exchanged here."""
    for one in examples():
        resource = one.resource
        if resource.get("resourceType") == "Bundle" and resource.get("type") == "message":
            event = resource["entry"][0]["resource"].get("eventCoding", {}).get("code")
            if event in _FAMILIES:
                yield f"{one.package} {one.file}", repaired(resource)


async def test_every_published_message_is_answered_shared_and_followed(target, tmp_path):
    await install_files(target, sorted(FOLDER.glob("*.tgz")), Console(quiet=True))
    world = await World.open(target, Settings(data_dir=tmp_path, demo=True))
    try:
        above = await unit(world, "Alle", "1")
        for sor in sorted({sor_of(org) for _, one in published() for org in organisations(one)} - {""}):
            place = {"resourceType": "Organization", "name": sor, "identifier": [{"system": SOR, "value": sor}]}
            await world.put(world.system(above), {**place, "partOf": {"reference": f"Organization/{above}"}})
        for system, value in sorted({(i["system"], i["value"]) for _, one in published() for i in numbers(one)}):
            await world.patient(above, identifier=[{"system": system, "value": value}])
        await Modes(world.store).set(world.system(above), key_of(above), Mode.of("", "both", "queue", None))
        intake = Intake(world.store)
        told = {}
        for name, message in published():
            taken = await intake.take(world.system(above), orjson.dumps(message))
            told[name] = (taken.code, orjson.loads(taken.answer)["entry"][-1]["resource"].get("issue"))
            assert (await intake.take(world.system(above), orjson.dumps(message))).answer == taken.answer
        assert {name.rpartition(" ")[2] for name, (code, _) in told.items() if code != "ok"} == _BREAK_THEIR_OWN_PROFILE
        assert len(told) > 25
        found = await Messages(world.store).seen(world.system(above), most=200)
        assert len(found) == len(told)
        assert [one for one in found if one.equal is False] == []
        assert all(one.equal or one.late or one.code != "ok" or one.activity == "retract-message" for one in found)
        copies = await Deliveries(world.store).hand_over(world.system(above))
        assert len(copies) == len(told) - len(_BREAK_THEIR_OWN_PROFILE)
    finally:
        await world.close()


def organisations(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Of a message."""
    return (one["resource"] for one in message["entry"] if one["resource"]["resourceType"] == "Organization")


def numbers(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Of its patients."""
    for one in message["entry"]:
        if one["resource"]["resourceType"] == "Patient":
            yield from (i for i in one["resource"].get("identifier", ()) if i.get("system") in {CPR, REPLACEMENT_CPR})
