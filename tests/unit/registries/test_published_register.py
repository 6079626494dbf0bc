"""The register as it is published is taken in, again and again, and only what changed is changed."""

from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from typing import Any

import orjson
import pytest

from helhed.commands.keepers import add_keeper
from helhed.foundation.errors import BadRequest
from helhed.registries.units import specialities
from helhed.registries.units.history import UnitHistory
from helhed.registries.units.planning import danish_day
from helhed.registries.units.sor_file import read_sor
from helhed.registries.units.taking_in import Register, TakenIn
from tests.support.world import World

WARD = """
 <OrganizationalUnitEntity><OrganizationalUnit>
  <SorIdentifier>31000016005</SorIdentifier><EntityName>{name}</EntityName><UnitType>225728007</UnitType><ShakIdentifier>990101</ShakIdentifier>
  <OptionalEanLocationCode><EanLocationCodeEntity><EanLocationCode>5790000000003</EanLocationCode></EanLocationCodeEntity></OptionalEanLocationCode>
  <GeographicalParent><GeographicalParentSorIdentifier>11000016002</GeographicalParentSorIdentifier></GeographicalParent>
  {specialities}<SorStatus><FromDate>2020-01-01</FromDate>{last}<FirstFromDate>2015-05-01</FirstFromDate></SorStatus>
  <ReplacesEntityCollection><SorIdentifier>99000016009</SorIdentifier></ReplacesEntityCollection>
  <ReplacedByEntityCollection><SorIdentifier>41000016006</SorIdentifier></ReplacedByEntityCollection>
 </OrganizationalUnit></OrganizationalUnitEntity>"""
FILE = """<?xml version="1.0" encoding="UTF-8"?>
<s:SorTree xmlns:s="urn:oio:sor"><InstitutionOwnerEntity><InstitutionOwner>
  <SorIdentifier>11000016002</SorIdentifier><EntityName>Region Prøve</EntityName>
  <VirtualAddressInformation><TelephoneNumberIdentifier>70000000</TelephoneNumberIdentifier></VirtualAddressInformation>
 </InstitutionOwner>
 <HealthInstitutionEntity><HealthInstitution>
  <SorIdentifier>21000016003</SorIdentifier><EntityName>Prøve Sygehus</EntityName><InstitutionType>22232009</InstitutionType>
  <PostalAddressInformation><StreetName>Havnegade</StreetName><StreetBuildingIdentifier>2</StreetBuildingIdentifier>
   <PostCodeIdentifier>6991</PostCodeIdentifier><DistrictName>Vestfjord</DistrictName></PostalAddressInformation>
  <VisitingAddressInformation><StreetName>Bagvejen</StreetName></VisitingAddressInformation>
 </HealthInstitution>{ward}</HealthInstitutionEntity></InstitutionOwnerEntity></s:SorTree>"""


def published(name: str = "Afsnit B12", last: str = "", *offers: str) -> bytes:
    """A register with an owner, a hospital and a ward."""
    told = f"<ToDate>{last}</ToDate>" if last else ""
    each = "".join(
        f"<Entry><ClinicalSpeciality>{one}</ClinicalSpeciality><SorStatus><FromDate>1999-01-01</FromDate></SorStatus></Entry>"
        for one in offers
    )
    offered = f"<ClinicalSpecialityCollection>{each}</ClinicalSpecialityCollection>" if each else ""
    return FILE.format(ward=WARD.format(name=name, last=told, specialities=offered)).encode()


async def taken(world: World, raw: bytes) -> TakenIn:
    """What becomes of it, for a keeper of the directory."""
    key = await world.owner.fetchval("select organisation from registries.keeper")
    keeper = await world.owner.fetchval("select id from registries.organisation where key = $1", key)
    if keeper is None:
        keeper = await world.organisation("Registret")
        await add_keeper(world.owner, f"Organization/{keeper}")
    now = await world.owner.fetchval("select clock_timestamp()")
    return await Register(world.store).take_in(replace(world.system(keeper), at=now), read_sor(BytesIO(raw)))


async def ward_of(world: World, **days: int) -> dict[str, Any] | None:
    """The ward some days from today."""
    key = await world.owner.fetchval("select key from registries.organisation where sor = '31000016005'")
    now = await world.owner.fetchval("select clock_timestamp() + interval '1 second'")
    found = await UnitHistory(world.store.pool).as_of([key], danish_day(now) + timedelta(**days), now)
    return dict(found[key].said) if found else None


def test_a_unit_has_its_own_numbers_days_and_successors_and_nobody_elses() -> None:
    owner, hospital, ward = read_sor(BytesIO(published(last="2030-12-31")))
    assert (owner.level, owner.parent, owner.texts["phone"]) == ("IO", None, "70000000")
    assert (hospital.parent, hospital.texts["street"]) == ("11000016002", "Havnegade")
    assert (ward.sor, ward.parent, ward.texts["shak"], ward.texts["gln"]) == (
        "31000016005",
        "21000016003",
        "990101",
        "5790000000003",
    )
    assert (str(ward.day("first")), str(ward.day("last")), ward.successors) == (
        "2015-05-01",
        "2030-12-31",
        ["41000016006"],
    )


async def test_a_register_is_taken_in_with_the_days_it_tells(world: World) -> None:
    first = await taken(world, published())
    assert (first.new, first.changed, first.same, first.left_out) == (3, 0, 0, [])
    ward = await ward_of(world, days=-365)
    assert ward is not None
    assert (ward["name"], ward["type"][0]["coding"][0]["code"]) == ("Afsnit B12", "225728007")
    assert await ward_of(world, days=-6000) is None
    above = await world.owner.fetch(
        "select x.name from registries.organisation o cross join unnest(o.places) with ordinality p(key, n)"
        " join registries.organisation x on x.key = p.key where o.sor = '31000016005' order by n"
    )
    assert [row["name"] for row in above] == ["Afsnit B12", "Prøve Sygehus", "Region Prøve"]


async def test_taken_in_again_only_what_changed_is_changed(world: World) -> None:
    await taken(world, published())
    again = await taken(world, published())
    assert (again.new, again.changed, again.same) == (0, 0, 3)
    renamed = await taken(world, published("Afsnit C1"))
    assert (renamed.new, renamed.changed, renamed.same, renamed.left_out) == (0, 1, 2, [])
    told = [await ward_of(world, days=days) for days in (-1, 0)]
    assert [ward and ward["name"] for ward in told] == ["Afsnit B12", "Afsnit C1"]


async def test_a_ward_that_will_close_is_there_until_its_last_day(world: World) -> None:
    now = await world.owner.fetchval("select clock_timestamp()")
    last = danish_day(now) + timedelta(days=10)
    await taken(world, published(last=last.isoformat()))
    assert [bool(await ward_of(world, days=days)) for days in (0, 10, 11)] == [True, True, False]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"<a>",
        b"not xml",
        b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
        b"<a>" * 100 + b"</a>" * 100,
        b"<InstitutionOwnerEntity><InstitutionOwner><EntityName>x</EntityName></InstitutionOwner></InstitutionOwnerEntity>",
        published().replace(b"31000016005", b"eleven"),
        published(last="2030-02-30"),
    ],
)
async def test_what_is_no_register_is_refused(world: World, raw: bytes) -> None:
    with pytest.raises(BadRequest):
        [(unit, unit.day("first"), unit.day("last")) for unit in read_sor(BytesIO(raw))]
    assert await world.owner.fetchval("select count(*) from registries.organisation") == 0


async def test_a_unit_that_cannot_be_stored_is_left_out_by_name_and_the_others_are_taken(world: World) -> None:
    raw = published().replace(b"<UnitType>225728007</UnitType>", b"<UnitType> not a code  here </UnitType>")
    found = await taken(world, raw)
    assert found.new == 2
    (left_out,) = found.left_out
    assert left_out.startswith("31000016005 Afsnit B12: ")


async def offered(world: World) -> list[Any]:
    """What the ward is known to offer."""
    key = await world.owner.fetchval("select key from registries.organisation where sor = '31000016005'")
    rows = await world.owner.fetch(
        "select said from registries.listings_to_come($1, clock_timestamp()) where type = 'HealthcareService'", key
    )
    return [orjson.loads(row["said"])["specialty"] for row in rows]


async def test_the_specialities_of_a_unit_are_taken_in_changed_and_taken_out_with_the_register(world: World) -> None:
    first = await taken(world, published("Afsnit B12", "", "394579002", "Noget nyt"))
    assert (first.new, first.services) == (3, 1)
    code = {"coding": [{"system": "http://snomed.info/sct", "code": "394579002"}]}
    assert await offered(world) == [[code, {"text": "Noget nyt"}]]
    again = await taken(world, published("Afsnit B12", "", "394579002", "Noget nyt"))
    assert (again.same, again.services) == (3, 0)
    assert (await taken(world, published("Afsnit B12", "", "394579002"))).services == 1
    assert await offered(world) == [[code]]
    assert (await taken(world, published())).services == 1
    assert await offered(world) == []
    assert specialities.told([code, specialities.by_name("neurologi")], "da") == [
        "Intern medicin: kardiologi",
        "Neurologi",
    ]
    ward = await ward_of(world, days=0)
    assert ward is not None
    assert ward["extension"][0]["valuePeriod"] == {"start": "2015-05-01"}, "the days of a speciality are not the unit's"


async def test_what_changed_is_told_unit_by_unit(world: World) -> None:
    await taken(world, published())
    changed = await taken(world, published("Afsnit C1"))
    assert changed.told == ["31000016005 Afsnit C1: name"]


async def test_half_a_file_is_refused_whole(world: World) -> None:
    await taken(world, published())
    half = published("Afsnit C1").replace(b"<HealthInstitution>", b"<!--").replace(b"</HealthInstitution>", b"-->")
    for raw, why in (
        (published("Afsnit C1")[:-40], "not sound XML"),
        (published("Afsnit C1").replace(b"21000016003", b"31000016005"), "twice"),
        (half[: half.index(b"<OrganizationalUnitEntity>")] + b"</HealthInstitutionEntity></InstitutionOwnerEntity></s:SorTree>", "cut off"),
        (published(last="2030-02-30"), "no real date"),
    ):  # fmt: skip
        with pytest.raises(BadRequest, match=why):
            await checked(world, raw)
    assert await checked(world, published("Afsnit C1")) == []
    assert await checked(world, published().replace(b"31000016005", b"31000016009")) == ["31000016005"]
    assert await checked(world, half[: half.index(b"<OrganizationalUnitEntity>")] + b"</HealthInstitutionEntity></InstitutionOwnerEntity></s:SorTree>", part=True) == []  # fmt: skip


async def checked(world: World, raw: bytes, *, part: bool = False) -> list[str]:
    """Which units known from before the file does not hold."""
    key = await world.owner.fetchval("select organisation from registries.keeper")
    keeper = await world.owner.fetchval("select id from registries.organisation where key = $1", key)
    return await Register(world.store).check(world.system(keeper), read_sor(BytesIO(raw)), part=part)
