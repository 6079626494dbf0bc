"""What widens access at the counter waits for a second person of staff, or for the citizen; letters are looked at without a trace but the log."""

import re
from datetime import timedelta

import pytest
import pytest_asyncio

from helhed.foundation.ask import Action
from helhed.foundation.ids import key_of
from helhed.trust.acting.policy import acting_policy
from helhed.trust.watch.job import WatchJob
from tests.support.world import NOW
from tests.unit.acting.town import HELP, a_town

pytestmark = pytest.mark.asyncio(loop_scope="module")
MINE = "/borger/fuldmagter"
CPR = "urn:oid:1.2.208.176.1.2"
WAITS, BY_HAND = "gælder ikke endnu", "Afventer en anden medarbejder"


class Paper:
    """A mandate on paper that the first clerk has registered, and the service that both clerks work in."""

    def __init__(self, town, service, first, clerk, page, act):
        self.town, self.service, self.first, self.clerk, self.page, self.act = town, service, first, clerk, page, act

    async def second(self, practitioner=None):
        return await self.town.helper(self.service, practitioner)

    async def confirm(self, browser, document="pas", saw="ja"):
        return await browser.post(f"{HELP}/venter/{self.act}/bekraeft", dokument=document, set=saw)

    async def reads(self):
        friend = await self.town.doors.citizen(self.town.friend)
        await friend.get("/borger/hvem")
        await friend.post("/borger/hvem", hvem=str(self.town.ane))
        return "Prøve 8867-4" in friend.text

    async def rows(self, action):
        return [
            (one["actor"], one["permitted"])
            for one in await self.town.doors.log_of(self.town.ane)
            if one["action"] == action
        ]


async def register(town, service, practitioner=None, **more):
    browser, clerk, page = await town.helping(service, practitioner)
    fields = {
        "navn": "Viggo Ven",
        "cpr": town.doors.numbers[town.friend],
        "til": "2026-12-24",
        "del__results": "ja",
        "underskrevet": "ja",
    }
    await browser.post(f"{page}/fuldmagt", **(fields | more))
    return Paper(town, service, browser, clerk, page, waiting(browser))


def waiting(browser):
    """The first act on the page that waits."""
    found = re.search(rf"{HELP}/venter/([0-9a-f-]+)/fortryd", browser.page)
    return found.group(1) if found else None


@pytest_asyncio.fixture(loop_scope="module")
async def town(doors):
    return await a_town(doors)


@pytest_asyncio.fixture(loop_scope="module")
async def paper(town):
    return await register(town, await town.doors.world.organisation("Borgerservice"))


def who_is(town, citizen):
    return {"identifier": [{"system": CPR, "value": town.doors.numbers[citizen]}]}


async def test_a_mandate_on_paper_opens_nothing_until_a_second_person_has_seen_a_document(paper):
    assert WAITS in paper.first.text
    assert BY_HAND in paper.first.text
    assert not await paper.reads()
    browser, second = await paper.second()
    assert "Viggo Test Ven" in browser.text
    await paper.confirm(browser)
    assert "gælder nu" in browser.text
    assert await paper.reads()
    assert await paper.rows(Action.COUNTER_WAITS) == [(key_of(paper.clerk), True)]
    assert await paper.rows(Action.COUNTER_CONFIRM) == [(key_of(second), True)]


async def test_nobody_signs_for_both_without_a_signature(town):
    paper = await register(town, await town.doors.world.organisation("Borgerservice"), underskrevet="")
    assert "Der er ikke ændret noget" in paper.first.text
    assert paper.act is None


async def test_whoever_registered_it_is_not_the_second_person(paper):
    assert f"{paper.act}/bekraeft" not in paper.first.page
    await paper.confirm(paper.first)
    assert "Du har selv registreret det" in paper.first.text
    assert not await paper.reads()
    assert await paper.rows(Action.COUNTER_CONFIRM) == [(key_of(paper.clerk), False)]


async def test_a_person_with_two_registrations_is_not_two_persons(town):
    me = {"identifier": [{"system": "urn:oid:1.2.208.176.1.3", "value": "AUT01"}]}
    paper = await register(town, await town.doors.world.organisation("Borgerservice"), me)
    browser, _ = await paper.second(me)
    await paper.confirm(browser)
    assert "Du har selv registreret det" in browser.text
    assert not await paper.reads()


async def test_a_colleague_elsewhere_does_not_find_it(paper):
    browser, _ = await paper.town.helper()
    assert "Viggo Test Ven" not in browser.text
    await paper.confirm(browser)
    assert browser.status == 404


@pytest.mark.parametrize(("document", "saw"), [("kendt", "ja"), ("sundhedskort", "ja"), ("pas", "")])
async def test_a_document_with_a_photograph_was_seen(paper, document, saw):
    browser, _ = await paper.second()
    await paper.confirm(browser, document, saw)
    assert "Se borgerens legitimation først" in browser.text
    assert not await paper.reads()


@pytest.mark.parametrize("who", ["friend", "ane"])
async def test_the_receiver_and_the_citizen_do_not_confirm_as_staff(paper, who):
    browser, _ = await paper.second(who_is(paper.town, getattr(paper.town, who)))
    await paper.confirm(browser)
    assert "Du kan ikke bekræfte" in browser.text
    assert not await paper.reads()


async def test_who_acts_for_one_of_the_two_does_not_confirm(paper):
    town, world = paper.town, paper.town.doors.world
    relative = await town.doors.person(town.clinic, "Kaja Test Birk", "1970-05-05")
    keeper = await town.doors.keeper()
    await town.doors.acting.let_act(
        keeper, key_of(town.ane), key_of(relative), "guardian", NOW, NOW + timedelta(days=9)
    )
    browser, _ = await paper.second(who_is(town, relative))
    await paper.confirm(browser)
    assert "Du kan ikke bekræfte" in browser.text
    assert not await world.owner.fetchval("select count(*) from trust.acting where id = $1", paper.act)


async def test_a_clerk_registers_no_mandate_to_themselves(town):
    service = await town.doors.world.organisation("Borgerservice")
    paper = await register(town, service, who_is(town, town.friend))
    assert "Der er ikke ændret noget" in paper.first.text
    assert paper.act is None


async def test_what_nobody_confirms_lapses(paper):
    town = paper.town
    town.doors.now = NOW + acting_policy().counter_waits
    browser, _ = await paper.second()
    assert "Viggo Test Ven" not in browser.text
    await paper.confirm(browser)
    assert "Fristen er gået" in browser.text
    own = await town.doors.citizen(town.ane)
    await own.get(MINE)
    assert "Bortfaldet" in own.text


async def test_a_place_takes_back_what_waits(paper):
    await paper.first.post(f"{HELP}/venter/{paper.act}/fortryd")
    assert "trukket tilbage" in paper.first.text
    browser, _ = await paper.second()
    await paper.confirm(browser)
    assert "allerede afgjort" in browser.text
    assert await paper.rows(Action.COUNTER_STOP) == [(key_of(paper.clerk), True)]


async def test_the_citizen_is_told_at_the_start_by_notice_and_letter_and_confirms_alone(paper):
    town = paper.town
    own = await town.doors.citizen(town.ane)
    await own.get("/borger/beskeder")
    assert "Det gælder ikke endnu" in own.text
    await paper.first.get(HELP)
    assert "fuldmagt registreret, afventer bekræftelse" in paper.first.text
    await own.get(MINE)
    assert WAITS in own.text
    await own.post("/borger/hjaelp/svar", handling=own.value("handling"), svar="ja")
    assert "Du har bekræftet" in own.text
    assert await paper.reads()


async def test_a_citizen_confirms_after_proving_who_they_are(paper):
    town = paper.town
    own = await town.doors.citizen(town.ane)
    await own.get(MINE)
    town.doors.now = NOW + timedelta(minutes=25)
    await own.post("/borger/hjaelp/svar", handling=paper.act, svar="ja")
    assert own.address == "/bekraeft"
    assert not await paper.reads()


async def test_nothing_comes_of_what_the_citizen_does_not_recognise(paper):
    own = await paper.town.doors.citizen(paper.town.ane)
    await own.get(MINE)
    await own.post("/borger/hjaelp/svar", handling=own.value("handling"), svar="nej")
    assert "Det gælder ikke" in own.text
    browser, _ = await paper.second()
    await paper.confirm(browser)
    assert "allerede afgjort" in browser.text
    assert not await paper.reads()


async def test_a_mandate_ends_with_the_help_that_the_citizen_contests(paper):
    browser, _ = await paper.second()
    await paper.confirm(browser)
    own = await paper.town.doors.citizen(paper.town.ane)
    await own.get(MINE)
    await own.post("/borger/hjaelp/afvis", hjaelp=own.value("hjaelp"))
    assert not await paper.reads()


async def test_a_stranger_answers_for_nobody(paper):
    other = await paper.town.doors.citizen(paper.town.friend)
    await other.get(MINE)
    await other.post("/borger/hjaelp/svar", handling=paper.act, svar="ja")
    assert other.status == 404
    assert not await paper.reads()


async def test_a_block_ends_at_the_counter_when_a_second_person_confirms(town):
    service = await town.doors.world.organisation("Borgerservice")
    browser, _, page = await town.helping(service)
    await browser.post(f"{page}/spaer", hvem=str(key_of(town.clinic)))
    await browser.post(f"{page}/spaer/fjern", spaer=browser.value("spaer"))
    assert BY_HAND in browser.text
    doctor = town.doors.world.professional(town.doctor, town.clinic)
    assert not await town.doors.world.found(doctor, f"Observation?subject=Patient/{town.ane}")
    act = waiting(browser)
    other, _ = await town.helper(service)
    await other.post(f"{HELP}/venter/{act}/bekraeft", dokument="koerekort", set="ja")
    assert await town.doors.world.found(doctor, f"Observation?subject=Patient/{town.ane}") == [town.row]


async def test_each_citizen_named_in_the_lists_has_a_row_of_the_look(paper):
    town = paper.town
    browser, second = await paper.second()
    for one in (town.ane, town.friend):
        looks = [row["actor"] for row in await town.doors.log_of(one) if row["action"] == Action.COUNTER_LIST]
        assert key_of(second) in looks
    before = len(await paper.rows(Action.COUNTER_LIST))
    await browser.post(f"{HELP}/venter/{paper.act}/fortryd")  # now the letters alone name her
    assert len(await paper.rows(Action.COUNTER_LIST)) == before + 1


async def test_reading_a_letter_changes_nothing_and_whoever_printed_it_says_so(paper):
    browser, second = await paper.second()
    letter = re.findall(rf"{HELP}/breve/[0-9a-f-]+", browser.page)[0]
    await browser.get(letter)
    assert "gælder ikke endnu" in browser.text
    assert (key_of(second), True) in await paper.rows(Action.LETTER)
    await browser.get(HELP)
    assert "Udskrevet" not in browser.text
    await browser.get(letter)
    await browser.post(f"{letter}/udskrevet")
    assert "Udskrevet" in browser.text


async def test_two_who_confirm_for_each_other_again_and_again_are_a_case_for_the_watch(town):
    world = town.doors.world
    service = await world.organisation("Borgerservice")
    clerks = [await world.employee(service, "citizen-service") for _ in range(2)]
    await world.owner.execute(
        "insert into trust.help (id, citizen, helper, organisation, identified_by, begun_at, ends_at) "
        "select gen_random_uuid(), $1, $2, $3, 'pas', $4, $4", key_of(town.ane), key_of(clerks[0]), key_of(service), NOW,
    )  # fmt: skip
    settled = """insert into trust.counter_act
      (id, help, citizen, act, clerk, clerk_role, organisation, asked_at, lapses_at, outcome, settled_at, settled_kind, settled_by, settled_role)
      select gen_random_uuid(), (select h.id from trust.help h where h.organisation = $3), $4, 'mandate', $1, 'citizen-service', $3, $5, $5, 'confirmed',
             $5, 2, $2, 'citizen-service' from generate_series(1, $6)"""

    async def confirmed(one, other, times):
        await world.owner.execute(settled, key_of(one), key_of(other), key_of(service), key_of(town.ane), NOW, times)

    async def cases():
        await WatchJob(world.store.pool).run(NOW + timedelta(minutes=1))
        return await world.owner.fetch(
            "select s.actor, g.figures ->> 'n' as n from trust.watch_case c join trust.watch_subject s on s.id = c.subject "
            "join trust.watch_signal g on g.of_case = c.id where c.organisation = $1 and g.signal = 'seconds'", key_of(service),
        )  # fmt: skip

    one, other = clerks
    await confirmed(one, other, 5)
    await confirmed(other, one, 4)
    assert await cases() == []
    await confirmed(one, other, 1)
    assert {(row["actor"], row["n"]) for row in await cases()} == {(key_of(one), "10"), (key_of(other), "10")}
