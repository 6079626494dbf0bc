"""Citizens whose protection, number or death every door has to hold, what of them is marked, and who comes to the doors."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from helhed.foundation.ask import Ask
from helhed.foundation.ids import key_of
from helhed.registries.identifiers import CPR, REPLACEMENT_CPR
from helhed.registries.linking import Linking
from helhed.trust.feeds import Feeds
from helhed.trust.policy import BASIS_NUMBERS
from tests.faults.errands import Errand
from tests.support.pages import Pages
from tests.support.world import NOW, World

LABEL = {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}]}
EVER = datetime(2099, 1, 1, tzinfo=UTC)
STREET = "Kvidrestien"  #: the address of whom CPR protects; no street is called so


@dataclass
class Visitor:
    """Somebody at the doors, asking about one citizen."""

    name: str
    ask: Ask
    errand: Errand
    never: tuple[str, ...]  #: what no door may tell them
    sees: str = ""  #: what some door tells them, so that the walk is no walk past closed doors
    behalf: bool = False  #: whether they have said that they act for the citizen


@dataclass
class Parish:
    """A ward that treats everybody here, a stranger's ward, and the register."""

    world: World
    ward: UUID
    doctor: Ask
    stranger: Ask
    elsewhere: UUID
    register: UUID
    clerk: Ask
    log_keeper: Ask
    neighbour: UUID
    pages: Pages = field(init=False)

    def __post_init__(self) -> None:
        self.pages = Pages(self.world)

    @classmethod
    async def settled(cls, world: World) -> "Parish":
        """Everybody in place."""
        ward, elsewhere, register = [await world.organisation(name) for name in ("Afdelingen", "Andet sted", "CPR")]
        await world.owner.execute("insert into registries.keeper values ($1)", key_of(register))
        doctor = world.professional(await world.employee(ward), ward)
        stranger = world.professional(await world.employee(elsewhere), elsewhere)
        clerk = world.professional(await world.employee(ward, "citizen-service"), ward, "citizen-service")
        keeper = world.professional(await world.employee(ward, "log-keeper"), ward, "log-keeper")
        neighbour = await world.patient(elsewhere, "Nabo", identifier=[{"system": CPR, "value": "0303709111"}])
        return cls(world, ward, doctor, stranger, elsewhere, register, clerk, keeper, neighbour)

    # --- citizens ---------------------------------------------------------------------------------------------------

    async def citizen(self, family: str, numbers: list[dict[str, Any]], *, mark: str, **more: Any) -> Errand:
        """Somebody whom the ward treats; ``mark`` stands in their record."""
        body = self.body(family, numbers, **more)
        about = await self.world.put(self.world.system(self.ward), body)
        return await self.record(Errand(self.world, self.ward, about, number=_current(numbers)), mark)

    def body(self, family: str, numbers: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
        """A Patient."""
        return {
            "resourceType": "Patient", "identifier": numbers, "name": [{"family": family, "given": ["Asta"]}],
            "gender": "female", "birthDate": "1980-01-01", **more,
        }  # fmt: skip

    async def record(self, one: Errand, mark: str) -> Errand:
        """A contact, a measurement, an appointment, a piece of work and a document with an attachment, all of the ward's."""
        subject = {"reference": f"Patient/{one.about}"}
        contact = await self.world.contact(one.about, self.ward)
        result = await self.world.observation(
            one.about, self.ward, valueString=mark, encounter={"reference": f"Encounter/{contact}"}
        )
        system = self.world.system(self.ward)
        one.rows |= {"Encounter": contact, "Observation": result}
        attached = {"contentType": "text/plain", "data": "aGVq", "title": mark}
        for body in (
            {"resourceType": "Appointment", "status": "booked", "description": mark, "start": "2026-12-01T10:00:00+01:00", "end": "2026-12-01T10:30:00+01:00",
             "participant": [{"actor": subject, "status": "accepted"}]},
            {"resourceType": "Task", "status": "requested", "intent": "order", "for": subject, "description": mark, "authoredOn": "2026-11-20T08:00:00Z",
             "owner": {"reference": f"Organization/{self.ward}"}},
            {"resourceType": "DocumentReference", "status": "current", "subject": subject, "description": mark, "content": [{"attachment": attached}]},
            {"resourceType": "Condition", "subject": subject, "code": {"text": mark}},
            {"resourceType": "MedicationRequest", "status": "active", "intent": "order", "subject": subject, "medicationCodeableConcept": {"text": mark}},
        ):  # fmt: skip
            one.rows[str(body["resourceType"])] = await self.world.put(system, body)
        return one

    async def says(self, one: Errand, family: str, numbers: list[dict[str, Any]], **more: Any) -> None:
        """What the register says from now on."""
        await self.world.change(self.world.system(self.ward), one.about, self.body(family, numbers, **more))

    async def acts(self, actor: UUID, about: UUID, basis: str, *, shares_home: bool = False) -> None:
        """Somebody acts for somebody."""
        await self.world.owner.execute(
            "insert into trust.acting (id, citizen, actor, basis, scopes, obeys_blocks, valid_from, valid_to, given_at, given_kind, given_by, shares_home) "
            "values ($1, $2, $3, $4, '{all}', false, $5, $6, $5, 1, $2, $7)",
            uuid4(), key_of(about), key_of(actor), BASIS_NUMBERS[basis], NOW - timedelta(days=3), EVER, shares_home,
        )  # fmt: skip

    async def link(self, replaced: UUID, kept: UUID) -> None:
        """Two registrations are one citizen."""
        keeper = self.world.system(self.register)
        await Linking(self.world.store.pool).link(keeper, replaced, kept, "samme pas")

    async def unlink(self, replaced: UUID, kept: UUID) -> None:
        """They are two after all."""
        keeper = self.world.system(self.register)
        await Linking(self.world.store.pool).unlink(keeper, replaced, kept, "to søstre")

    # --- what stands in addresses -------------------------------------------------------------------------------------

    async def with_papers(self, one: Errand) -> Errand:
        """A calendar link, a letter from the counter, and a question about a look: made while the citizen could."""
        own = self.world.citizen(one.about)
        one.told["feed"] = f"{await Feeds(self.world.store.pool).make(own, own.actor, 'full', 'da')}"
        clerk = await self.pages.person(self.clerk)
        name = await self.world.owner.fetchval("select name from registries.citizen where key = $1", key_of(one.about))
        await clerk.post("/hjaelp", navn=name, cpr=one.number, hvordan="pas", bedt="ja")
        assert clerk.status == 200, clerk.text
        one.told["help"] = clerk.address.rpartition("/")[2]
        await clerk.post(f"/hjaelp/{one.told['help']}/log")
        one.told["letter"] = clerk.address.rpartition("/")[2]
        await self.world.store.read(self.doctor, "Observation", one.rows["Observation"])
        look = next(row["id"] for row in await self.world.log(one.about) if row["kind"] == 2 and row["permitted"])
        one.told["question"] = str(await self.pages.ports.log_desk.questions.ask(own, look, "Hvorfor?"))
        return one

    async def handle(self, one: Errand, number: str) -> str:
        """By which the ward's doctor's pages know the citizen."""
        doctor = await self.pages.person(self.doctor)
        await doctor.post("/hospital/find", patient=number)
        assert "/hospital/patient/" in doctor.address, doctor.text
        return doctor.address.rpartition("/")[2]


def own_number(value: str, **more: Any) -> dict[str, Any]:
    """A CPR number, as an identifier."""
    return {"use": "official", "system": CPR, "value": value, **more}


def old_number(value: str, system: str = CPR) -> dict[str, Any]:
    """One that was somebody's before."""
    return {"use": "old", "system": system, "value": value, "period": {"end": "2026-11-01"}}


def replacement(value: str) -> dict[str, Any]:
    """A replacement number."""
    return {"use": "official", "system": REPLACEMENT_CPR, "value": value}


def _current(numbers: list[dict[str, Any]]) -> str:
    return next((one["value"] for one in numbers if one["use"] == "official"), "")


def address() -> dict[str, Any]:
    """Where somebody protected lives."""
    return {"use": "home", "text": f"{STREET} 7", "line": [f"{STREET} 7"], "city": f"{STREET}by", "postalCode": "6991"}
