"""What a source must conform to: set per organisation and type, from a date, refused at the right expression."""

from datetime import timedelta

import pytest

from helhed.commands.packaging import set_requirement
from helhed.fhir.definitions import TYPE_NUMBERS
from helhed.fhir.packages import install, read_package, release, require
from helhed.foundation.database import connect
from helhed.foundation.errors import BadRequest, InvalidResource
from helhed.foundation.ids import key_of, new_id
from tests.support.archives import archive
from tests.support.door import Door
from tests.support.shapes import BASE, element, profile
from tests.support.world import NOW

NAMED = BASE + "named"
CONTAINED = BASE + "observed"


def package():
    """A profile that wants a name of every organisation, and one that wants performers with one."""
    named = profile("named", "Organization", element("Organization.name", kind="string", min=1, max="1"))
    about = {"targetProfile": [NAMED]}
    seen = profile("observed", "Device", element("Device.owner", kind="Reference", about=about, max="1"))
    return read_package(archive({"package/a.json": named.body, "package/b.json": seen.body}))


@pytest.fixture
async def shop(world):
    await install(world.owner, [package()], NOW)
    await world.store.knowledge.refresh()
    return Shop(world)


class Shop:
    """One organisation with its system at the door, and another beside it."""

    def __init__(self, world):
        self.world = world
        self.one, self.other = new_id(), new_id()

    def door(self, organisation=None):
        return Door(self.world, self.world.system(organisation or self.one))

    async def require(self, url, severity="error", organisation=None, type_name=None, at=NOW):
        number = TYPE_NUMBERS[type_name] if type_name else None
        key = key_of(organisation) if organisation else None
        await require(self.world.owner, url, key, number, severity, at)
        await self.world.store.knowledge.refresh()

    async def register(self, *organisations):
        for one in organisations:
            await self.world.owner.execute("select trust.register_system($1)", key_of(one))


def nameless(**more):
    return {"resourceType": "Organization", "identifier": [{"system": "urn:x", "value": str(new_id())}], **more}


async def test_what_nobody_demands_is_not_enforced(shop):
    await shop.register(shop.one)
    claiming = nameless(meta={"profile": [NAMED]})
    status, _ = await shop.door().post("/fhir/Organization", claiming)
    assert status == 201


async def test_what_breaks_a_demand_is_refused_at_the_place(shop):
    await shop.register(shop.one)
    await shop.require(NAMED)
    status, outcome = await shop.door().post("/fhir/Organization", nameless())
    assert status == 400
    assert outcome["issue"][0]["expression"] == ["Organization"]
    assert outcome["issue"][0]["code"] == "required"
    status, _ = await shop.door().post("/fhir/Organization", nameless(name="A"))
    assert status == 201


async def test_a_demand_is_for_one_organisation_and_one_type(shop):
    await shop.register(shop.one, shop.other)
    await shop.require(NAMED, organisation=shop.one, type_name="Organization")
    assert (await shop.door(shop.one).post("/fhir/Organization", nameless()))[0] == 400
    assert (await shop.door(shop.other).post("/fhir/Organization", nameless()))[0] == 201
    assert (await shop.door(shop.one).post("/fhir/Device", {"resourceType": "Device"}))[0] == 201


async def test_claims_can_be_demanded_to_be_true(shop):
    await shop.register(shop.one)
    await shop.require("")
    assert (await shop.door().post("/fhir/Organization", nameless()))[0] == 201
    assert (await shop.door().post("/fhir/Organization", nameless(meta={"profile": [NAMED]})))[0] == 400


async def test_a_warning_lets_it_in(shop):
    await shop.register(shop.one)
    await shop.require(NAMED, severity="warning")
    assert (await shop.door().post("/fhir/Organization", nameless()))[0] == 201


async def test_a_demand_holds_from_its_date_to_its_end(shop):
    await shop.register(shop.one)
    await shop.require(NAMED, at=NOW + timedelta(days=1))
    assert (await shop.door().post("/fhir/Organization", nameless()))[0] == 201
    await release(shop.world.owner, NAMED, None, None, NOW)
    await shop.require(NAMED, at=NOW - timedelta(days=1))
    assert (await shop.door().post("/fhir/Organization", nameless()))[0] == 400
    await release(shop.world.owner, NAMED, None, None, NOW)
    await shop.world.store.knowledge.refresh()
    assert (await shop.door().post("/fhir/Organization", nameless()))[0] == 201


async def test_a_transaction_is_refused_whole_and_references_lead_to_its_entries(shop):
    await shop.register(shop.one)
    await shop.require(CONTAINED, type_name="Device")

    def bundle(**organisation):
        owner, device = "urn:uuid:" + str(new_id()), "urn:uuid:" + str(new_id())
        one = {"resourceType": "Device", "owner": {"reference": owner}}
        return {
            "resourceType": "Bundle",
            "type": "transaction",
            "entry": [
                {"fullUrl": owner, "resource": nameless(**organisation), "request": {"method": "POST", "url": "Organization"}},
                {"fullUrl": device, "resource": one, "request": {"method": "POST", "url": "Device"}},
            ],
        }  # fmt: skip

    status, outcome = await shop.door().post("/fhir", bundle())
    assert (status, outcome["issue"][0]["expression"]) == (400, ["Bundle.entry[1].resource.owner"])
    status, _ = await shop.door().post("/fhir", bundle(name="A"))
    assert status == 200


async def test_a_demand_for_what_is_not_installed_cannot_be_made_and_would_refuse_everything(shop):
    await shop.register(shop.one)
    with pytest.raises(BadRequest):
        await set_requirement(shop.world.target, BASE + "absent", "", "", "error")
    await shop.require(BASE + "absent")
    with pytest.raises(InvalidResource):
        await shop.world.put(shop.world.system(shop.one), nameless(name="A"))


async def test_the_command_demands_and_releases(shop):
    await shop.register(shop.one)
    whom = f"Organization/{shop.one}"
    await set_requirement(shop.world.target, NAMED, "Organization", whom, "error", lambda: NOW)
    assert await shop.world.store.knowledge.refresh()
    assert (await shop.door().post("/fhir/Organization", nameless()))[0] == 400
    await set_requirement(shop.world.target, NAMED, "Organization", whom, None, lambda: NOW)
    await shop.world.store.knowledge.refresh()
    assert (await shop.door().post("/fhir/Organization", nameless()))[0] == 201
    for type_name, organisation in (("Nothing", ""), ("", "Organization/1"), ("Device", "")):
        with pytest.raises(BadRequest):
            await set_requirement(shop.world.target, NAMED, type_name, organisation, None)


async def test_a_running_server_reads_again_only_when_something_changed(shop):
    knowledge = shop.world.store.knowledge
    assert not await knowledge.refresh()
    before = knowledge.profiles
    more = read_package(archive({}, {"name": "example.more"}))
    connection = await connect(shop.world.target.owner)
    await install(connection, [more], NOW)
    await connection.close()
    assert await knowledge.refresh()
    assert knowledge.profiles is not before


async def test_codes_that_no_package_tells_are_asked_of_the_terminologies_held_here(world):
    """FHIR's identifier types are extensible, and in no package: known here, they are told from what is not one."""
    value_set = "http://hl7.org/fhir/ValueSet/identifier-type|4.0.1"
    binding = {"strength": "extensible", "valueSet": value_set}
    rule = profile("kind", "Identifier", element("Identifier.type", kind="CodeableConcept", binding=binding))
    outer = profile("typed", "Patient", element("Patient.identifier", kind="Identifier", about={"profile": [rule.url]}))
    await install(
        world.owner, [read_package(archive({"package/a.json": rule.body, "package/b.json": outer.body}))], NOW
    )
    await world.store.knowledge.refresh()

    def severities(code):
        kind = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": code}]}
        person = {"resourceType": "Patient", "identifier": [{"value": "1", "type": kind}]}
        found = world.store.knowledge.profiles.validate(person, [outer.url])
        return [one.severity for one in found if one.expression == "Patient.identifier[0].type"]

    assert severities("MR") == []
    assert severities("no-such") == ["warning"]
