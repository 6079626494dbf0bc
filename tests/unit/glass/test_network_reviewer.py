"""Who reviews broken glasses for the whole network: what comes to them and why, and what the citizen reads of it."""

import csv
import io
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from helhed.commands.reviewers import add_reviewer, end_reviewer, list_reviewers
from helhed.foundation.ask import Action, Ask
from helhed.foundation.errors import BadRequest, Unknown
from helhed.foundation.ids import key_of
from helhed.portals.language import Words
from helhed.portals.ports.log_desk import LogWish
from helhed.portals.presenters.log_export import as_csv
from helhed.trust.glass.tickets import Tickets
from helhed.trust.roles import put_roles
from tests.support.pages import Clicker, Pages
from tests.support.world import NOW, World

ADDRESS = "/hospital/gennemsyn"
WITHIN, LAST = timedelta(hours=72), timedelta(hours=144)
ASKED = "Var det berettiget?"


@dataclass
class Network:
    """A clinic where a doctor broke the glass, and an organisation that reviews for the network."""

    world: World
    pages: Pages
    clinic: UUID
    national: UUID
    doctor: Ask
    reviewer: Ask
    operator: Ask
    patient: UUID
    ticket: UUID

    async def also_reviews(self, ask: Ask, place: UUID) -> Ask:
        """Somebody with a second job, as a reviewer there."""
        await self.world.owner.execute(
            "insert into trust.employment (source, professional, organisation, role, valid_from, valid_to) "
            "values (gen_random_uuid(), $1, $2, 'reviewer', '-infinity', 'infinity')",
            ask.actor, key_of(place),
        )  # fmt: skip
        return replace(ask, role="reviewer", organisation=key_of(place))

    async def seen_by(self, ask: Ask, after: timedelta = timedelta(minutes=1)) -> Clicker:
        self.pages.now = NOW + after
        person = await self.pages.person(ask)
        await person.get(ADDRESS)
        return person

    async def citizen_reads(self) -> str:
        person = await self.pages.person(self.world.citizen(self.patient))
        await person.get("/borger/vaerdispring")
        return str(person.text)

    async def actions(self) -> list[tuple[int, bool]]:
        wanted = (Action.REVIEW_TICKET, Action.REVIEWS, Action.REVIEW_FOR_NETWORK, Action.NETWORK_REVIEWS)
        return [
            (row["action"], row["permitted"]) for row in await self.world.log(self.patient) if row["action"] in wanted
        ]


@pytest.fixture
async def network(world: World) -> Network:
    await put_roles(world.owner)
    clinic, national = await world.organisation("Klinikken"), await world.organisation("Styrelsen")
    await add_reviewer(world.owner, f"Organization/{national}")
    doctor = world.professional(await world.employee(clinic), clinic)
    reviewer = world.professional(await world.employee(national, "reviewer"), national, "reviewer")
    operator = world.professional(await world.employee(clinic, "operator"), clinic, "operator")
    patient, ticket = await world.patient(clinic), uuid4()
    await Tickets(world.store.pool).break_glass(doctor, key_of(patient), "danger", ticket=ticket)
    return Network(world, Pages(world), clinic, national, doctor, reviewer, operator, patient, ticket)


async def test_a_place_without_reviewers_is_reviewed_by_the_network_at_once_and_the_citizen_reads_by_whom(network):
    assert "Klinikken har ikke nogen, der gennemgår. Det bliver gennemgået senest" in await network.citizen_reads()
    reviewer = await network.seen_by(network.reviewer)
    assert "fordi Klinikken ikke har nogen, der gennemgår" in reviewer.text
    assert "Senest" in reviewer.text
    assert "af Styrelsen" in await network.citizen_reads()
    await reviewer.post(ADDRESS, billet=reviewer.field("billet"), dom="nej", tekst="Der var tid.")
    assert "Gennemgået" in await network.citizen_reads()
    assert "af Styrelsen: det var ikke berettiget. Der var tid." in await network.citizen_reads()
    assert await network.actions() == [
        (Action.NETWORK_REVIEWS, True),
        (Action.REVIEW_FOR_NETWORK, True),
    ]


async def test_the_log_has_the_name_of_who_broke_it_and_of_who_reviewed_under_one_ticket(network):
    names = {network.doctor.actor: "Bo Test Brud", network.reviewer.actor: "Gry Test Syn"}
    for actor, name in names.items():
        await network.world.owner.execute("update registries.professional set name = $2 where key = $1", actor, name)
    reviewer = await network.seen_by(network.reviewer)
    await reviewer.post(ADDRESS, billet=str(network.ticket), dom="ja", tekst="Det hastede.")
    wish = LogWish(NOW - timedelta(days=1), NOW + timedelta(days=1), None, limit=50)
    page = await network.pages.ports.log_desk.own.page(network.world.citizen(network.patient), wish)
    rows = csv.DictReader(io.StringIO(as_csv(page.entries, Words("da")).decode("utf-8-sig")))
    under = [row for row in rows if row["Billet (værdispring)"] == str(network.ticket)]
    assert sorted(row["Hvem"] for row in under) == sorted(names.values())


async def test_where_the_only_reviewer_broke_the_glass_it_comes_to_the_network_and_never_to_them(network):
    own = await network.also_reviews(network.doctor, network.clinic)
    reviewer = await network.seen_by(network.reviewer)
    assert "fordi den eneste, der gennemgår hos Klinikken, selv brød glasset" in reviewer.text
    assert "cannot" not in await network.citizen_reads()
    assert "brød selv glasset og kan ikke gennemgå det" in await network.citizen_reads()
    for after in (timedelta(), WITHIN, LAST):
        assert ASKED not in (await network.seen_by(own, after)).text


async def test_a_deadline_that_passed_comes_to_the_network_with_one_of_its_own(network):
    place = network.world.professional(
        await network.world.employee(network.clinic, "reviewer"), network.clinic, "reviewer"
    )
    assert ASKED not in (await network.seen_by(network.reviewer, WITHIN - timedelta(seconds=1))).text
    assert "Klinikken" in (await network.citizen_reads()).split("Det bliver gennemgået senest")[1][:60]
    passed = await network.seen_by(network.reviewer, WITHIN)
    assert "fordi fristen hos Klinikken er udløbet" in passed.text
    assert "Skulle være gennemgået" not in passed.text
    read = await network.citizen_reads()
    assert "Klinikken gennemgik det ikke inden fristen, så det er sendt videre." in read
    assert "af Styrelsen" in read
    assert ASKED in (await network.seen_by(place, WITHIN)).text
    assert "Skulle være gennemgået" in (await network.seen_by(network.reviewer, LAST)).text


async def test_what_the_networks_reviewers_leave_is_passed_on_with_a_deadline_and_the_citizen_reads_whose_move_it_is(
    network,
):
    place = await network.world.employee(network.clinic, "reviewer")
    assert place
    assert ASKED not in (await network.seen_by(network.operator, LAST - timedelta(seconds=1))).text
    operator = await network.seen_by(network.operator, LAST)
    assert "heller ikke den, der gennemgår for hele netværket, svarede inden fristen" in operator.text
    assert "Skulle være gennemgået" not in operator.text
    read = await network.citizen_reads()
    assert "Hverken Klinikken eller den, der gennemgår for hele netværket, svarede inden fristen" in read
    assert "af den, der driver netværket" in read
    assert "Det er ikke glemt" not in read
    assert ASKED in (await network.seen_by(network.reviewer, LAST)).text, "late is better than never"
    assert "Skulle være gennemgået" in (await network.seen_by(network.operator, LAST + WITHIN)).text
    assert "Det er ikke glemt" in await network.citizen_reads()
    operator = await network.seen_by(network.operator, LAST + WITHIN)
    await operator.post(ADDRESS, billet=operator.field("billet"), dom="ja", tekst="")
    assert "Gennemgået" in await network.citizen_reads()
    assert (Action.REVIEW_FOR_NETWORK, True) in await network.actions()


async def test_where_a_place_has_nobody_the_network_has_until_the_deadline_before_it_is_passed_on(network):
    assert ASKED not in (await network.seen_by(network.operator, WITHIN - timedelta(seconds=1))).text
    assert ASKED in (await network.seen_by(network.operator, WITHIN)).text
    assert "af den, der driver netværket" in await network.citizen_reads()


async def test_who_runs_the_network_reviews_where_the_network_names_nobody(network):
    assert ASKED not in (await network.seen_by(network.operator, timedelta(hours=1))).text
    await end_reviewer(network.world.owner, f"Organization/{network.national}")
    assert ASKED not in (await network.seen_by(network.reviewer, LAST)).text
    assert ASKED in (await network.seen_by(network.operator, LAST)).text
    assert "den, der driver netværket" in await network.citizen_reads()


async def test_the_networks_reviewer_who_broke_it_has_it_reviewed_by_a_colleague_or_by_who_runs_the_network(network):
    owner, patient = network.world.owner, await network.world.patient(network.clinic)
    await owner.execute("delete from trust.ticket_review")
    nurse = network.world.professional(await network.world.employee(network.clinic, "nurse"), network.clinic, "nurse")
    await Tickets(network.world.store.pool).break_glass(nurse, key_of(patient), "danger")
    theirs = await network.also_reviews(nurse, network.national)
    assert ASKED not in (await network.seen_by(theirs)).text
    assert ASKED in (await network.seen_by(network.reviewer)).text
    await owner.execute("delete from trust.employment where professional = $1", network.reviewer.actor)
    assert ASKED not in (await network.seen_by(theirs, LAST)).text
    assert ASKED in (await network.seen_by(network.operator, LAST)).text


async def test_the_operator_names_who_reviews_and_is_told_how_many_are_at_work(network):
    owner = network.world.owner
    await add_reviewer(owner, f"Organization/{network.national}")
    await add_reviewer(owner, f"Organization/{network.clinic}")
    assert [(one.name, one.people) for one in await list_reviewers(owner)] == [("Klinikken", 0), ("Styrelsen", 1)]
    for wrong, refused in (("nobody", BadRequest), (f"Organization/{uuid4()}", Unknown)):
        for act in (add_reviewer, end_reviewer):
            with pytest.raises(refused):
                await act(owner, wrong)
