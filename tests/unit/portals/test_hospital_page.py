"""Hospital: from a number to the patient in one screen."""

import re
from dataclasses import replace
from datetime import date
from uuid import uuid4

import pytest

from helhed.foundation.ask import Action
from helhed.portals.ports.consents import Block, Shape
from tests.unit.portals.fakes import later

SHOWN = (
    "3 kilder vises her", "CAVE: penicillin (J01C)", "Ilt: mål 88–92 %", "KOL i forværring", "DJ441", "Prednisolon",
    "1½ tablet (37,5 mg) dagligt", "Iltmætning", "92 mg/L", "Hold for KOL", "Forløbsplan for KOL", "Uffe Test Prøvesen",
    "Må kontaktes", "20 00 00 14", "Borgere kan have spærret oplysninger",
)  # fmt: skip


@pytest.mark.parametrize("written", ["010250-9995", "0102509995", " 010250 9995 ", "Bodil Test"])
def test_the_patient_is_on_one_page_after_the_number_or_the_name(visitor, written):
    visitor.log_in("rune")
    visitor.open_patient(written)
    assert visitor.status == 200
    missing = [words for words in SHOWN if words not in visitor.text]
    assert missing == []


def test_somebody_dismissed_is_on_no_page_of_the_session_but_by_a_new_look(visitor, network):
    visitor.log_in("rune")
    visitor.open_patient("010250-9995")
    handle = visitor.address.removeprefix("http://localhost")
    visitor.get("/hospital")
    assert "010250-9995" in visitor.text
    network.relations.clear()
    visitor.get("/hospital")
    assert [words for words in ("Bodil", "010250", "Åbnet i denne session") if words in visitor.page] == []
    looks = len(network.log)
    visitor.get(handle)
    assert (visitor.status, "penicillin" in visitor.page) == (403, False)
    assert [entry.action for entry in network.log[looks:]] == [Action.LOOKUP]


def test_somebody_without_a_number_is_looked_up_again_by_name(visitor, network):
    network.citizen("Ny Uden Nummer", "", None)
    visitor.log_in("rune")
    visitor.open_patient("Ny Uden Nummer")
    assert (visitor.status, "Ny Uden Nummer" in visitor.page) == (403, True)


def test_a_handle_names_nobody_to_whom_the_directory_is_closed(visitor, network, monkeypatch):
    async def nobody(ask, number):
        return None

    visitor.log_in("rune")
    visitor.open_patient("010250-9995")
    handle = visitor.address.removeprefix("http://localhost")
    network.relations.clear()
    monkeypatch.setattr(network, "find_citizen", nobody)
    visitor.get(handle)
    assert (visitor.status, "Bodil" in visitor.page) == (404, False)


def test_a_declared_relation_that_was_ended_opens_nothing_more(visitor, network):
    visitor.log_in("outsider")
    visitor.open_patient("010250-9995")
    visitor.post(visitor.address.removeprefix("http://localhost") + "/relation", grund="behandler")
    assert visitor.status == 200
    network.relations.clear()
    visitor.get(visitor.address.removeprefix("http://localhost"))
    assert visitor.status == 403


def empty_pages(visitor, network):
    """What Rune reads of a citizen of whom nothing was delivered, and of one who blocked all that was."""
    place = network.people[1].principal.organisation
    pages = []
    for name, number in (("Tom Test Tomsen", "010250-1111"), ("Spær Test Tomsen", "010250-1113")):
        citizen = network.citizen(name, number.replace("-", ""), date(1950, 2, 1))
        network.admit(citizen, place)
        if name.startswith("Spær"):
            network.deliver(citizen, place, {"resourceType": "Condition", "code": {"text": "Noget"}})
            network.blocks[uuid4()] = (citizen, Block(uuid4(), Shape(), network.now))
        visitor.open_patient(number)
        assert visitor.status == 200
        pages.append(visitor.text.replace(name, "NN").replace(number, "XX"))
    return pages


def test_a_record_that_is_all_blocked_reads_like_one_of_which_nothing_was_delivered(visitor, network):
    visitor.log_in("rune")
    nothing_delivered, all_blocked = empty_pages(visitor, network)
    assert all_blocked == nothing_delivered


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("da", "Intet vises her. Det kan betyde, at intet er afleveret, eller at noget er spærret: spørg patienten."),
        ("en", "Nothing is shown here. That can mean that nothing was delivered, or that something is blocked"),
    ],
)
def test_an_empty_overview_claims_nothing_about_deliveries_and_says_to_ask(visitor, network, language, sentence):
    visitor.log_in("rune")
    visitor.get(f"/hospital?lang={language}")
    for page in empty_pages(visitor, network):
        assert sentence in page
        assert "0 kilder" not in page
        claims = [words for words in ("er afleveret.", "have been delivered", "has been delivered") if words in page]
        assert claims == []


def test_neither_address_nor_title_names_the_patient(visitor):
    visitor.log_in("rune")
    visitor.open_patient("010250-9995")
    addresses = " ".join(str(answer.url) for answer in visitor.chain)
    title = visitor.page.split("<title>")[1].split("</title>")[0]
    for secret in ("010250", "9995", "Bodil", "Pr%C3%B8vesen"):
        assert secret not in addresses
        assert secret not in title


def test_a_replacement_number_opens_a_patient_from_elsewhere(visitor, network):
    alberto = next(key for key, found in network.citizens.items() if found.replacement)
    network.admit(alberto, network.people[1].principal.organisation)
    visitor.log_in("rune")
    visitor.open_patient("070693-1t7k")
    assert "Erstatnings-CPR 070693-1T7K" in visitor.text


def test_nobody_found_says_what_to_do_and_keeps_what_was_written(visitor):
    visitor.log_in("rune")
    visitor.open_patient("999999-9999")
    assert visitor.status == 404
    assert "Ingen patient fundet med det nummer eller navn" in visitor.text
    assert 'value="999999-9999"' in visitor.page


@pytest.mark.parametrize("written", ["", "1", "0102", "010250-999", "010250-99956", "x"])
def test_what_is_no_number_and_no_name_is_said_to_be_neither(visitor, written):
    visitor.log_in("rune")
    visitor.open_patient(written)
    assert visitor.status == 422
    assert "Det er hverken et CPR-nummer eller et navn" in visitor.text


def test_several_with_the_name_are_told_apart_by_their_numbers(visitor):
    visitor.log_in("rune")
    visitor.open_patient("Test")
    assert "3 patienter passer" in visitor.text
    assert "010250-9995" in visitor.text


def test_a_list_that_may_not_be_all_of_them_says_how_to_find_the_rest(visitor, network):
    for number in range(11):
        network.citizen(f"Viggo Test {number}", f"0101{number + 40}9995", date(1950, 1, 1))
    visitor.log_in("rune")
    visitor.open_patient("Viggo")
    assert "patienter passer" not in visitor.text
    assert "Viser 10 patienter. Er din ikke iblandt, så skriv hele navnet eller CPR-nummeret." in visitor.text


def test_without_a_relation_nothing_is_shown_and_the_way_is_explained(visitor):
    visitor.log_in("outsider")
    visitor.open_patient("010250-9995")
    assert visitor.status == 403
    assert "Du har ingen registreret behandlingsrelation" in visitor.text
    assert "penicillin" not in visitor.page
    assert "inden 24 timer" in visitor.text


def test_a_declared_relation_opens_the_record_and_says_when_it_ends(visitor, network):
    visitor.log_in("outsider")
    visitor.open_patient("010250-9995")
    visitor.post(visitor.address.removeprefix("http://localhost") + "/relation", grund="behandler")
    assert visitor.status == 200
    assert "CAVE: penicillin" in visitor.text
    assert "Adgangen slutter i morgen kl. 06.40" in visitor.text
    visitor.log_in("bodil")
    visitor.get("/borger/log")
    assert "Sif Test Fremmed, læge, erklærede at have dig i behandling nu" in visitor.text


def test_a_declared_relation_ends_at_its_deadline(visitor, network):
    visitor.log_in("outsider")
    visitor.open_patient("010250-9995")
    visitor.post(visitor.address.removeprefix("http://localhost") + "/relation", grund="vagt")
    later(network, hours=24)
    visitor.log_in("outsider")
    visitor.open_patient("010250-9995")
    assert visitor.status == 403


def test_a_reason_must_be_one_of_those_offered(visitor, network):
    visitor.log_in("outsider")
    visitor.open_patient("010250-9995")
    before = dict(network.relations)
    visitor.post(visitor.address.removeprefix("http://localhost") + "/relation", grund="nysgerrig")
    assert visitor.status == 422
    assert "Vælg, hvorfor du behandler patienten." in visitor.text
    assert network.relations == before


def test_a_role_that_may_not_declare_is_told_what_it_can_do(visitor, network):
    visitor.log_in("tove")
    visitor.open_patient("010250-9995")
    assert "Din rolle kan ikke selv erklære en behandling." in visitor.text
    before = dict(network.relations)
    handle = visitor.address.removeprefix("http://localhost")
    visitor.get("/hospital")
    visitor.post(handle + "/relation", grund="behandler")
    assert visitor.status == 403
    assert network.relations == before


def test_a_handle_is_worth_nothing_in_another_session(visitor):
    visitor.log_in("rune")
    visitor.open_patient("010250-9995")
    address = visitor.address.removeprefix("http://localhost")
    visitor.log_in("outsider")
    visitor.get(address)
    assert visitor.status == 404
    assert "Bodil" not in visitor.page


def test_the_timeline_of_the_patient_can_be_filtered(visitor):
    visitor.log_in("rune")
    visitor.open_patient("010250-9995")
    visitor.get(visitor.address.removeprefix("http://localhost") + "/tidslinje?slags=document")
    assert "Indlagt med feber og tiltagende åndenød" in visitor.text
    assert "Sygeplejebesøg" not in visitor.text


def test_a_shorter_period_cuts_the_curves(visitor):
    visitor.log_in("rune")
    visitor.open_patient("010250-9995")
    visitor.get(visitor.address.removeprefix("http://localhost") + "?periode=1")
    assert (
        "12.11.2024"
        not in visitor.page.split('id="svar"')[1].split("Øvrige svar")[0].split("Blodtryk", 1)[1].split("HbA1c")[0]
    )


def test_citizens_are_sent_to_their_own_door(visitor):
    visitor.log_in("bodil")
    visitor.get("/hospital")
    assert visitor.status == 403


def test_no_reason_for_treating_is_chosen_beforehand(visitor):
    visitor.log_in("outsider")
    visitor.open_patient("010250-9995")
    assert visitor.page.count('type="radio"') == 3
    assert "checked" not in visitor.page


def test_the_news_says_which_new_values_are_out_of_range_and_their_newest_value(visitor):
    visitor.log_in("rune")
    visitor.open_patient("010250-9995")
    news = visitor.page.split('id="nyt"')[1].split("</section>")[0]
    told = re.sub(r"<[^>]+>", " ", news)
    assert re.search(r"CRP\s+92 mg/L\s+Høj", told), told
    assert re.search(r"Leukocytter.*11,8 × 10⁹/L\s+Høj", told), told


def test_the_weight_beside_the_name_says_how_old_it_is(visitor):
    visitor.log_in("rune")
    visitor.open_patient("010250-9995")
    assert "71 kg (29.01.2026)" in visitor.text


def test_an_interpreter_or_implant_that_cannot_be_seen_is_not_said_to_be_unregistered(visitor):
    visitor.log_in("rune")
    visitor.open_patient("010250-9995")
    assert "Implantater Intet vises her" in visitor.text
    assert "Intet registreret" not in visitor.text


def test_nothing_stands_before_a_comma_beside_the_name_of_somebody_who_has_died(visitor, network):
    citizen, found = next((key, one) for key, one in network.citizens.items() if one.number == "0102509995")
    network.citizens[citizen] = replace(found, alive=False)
    visitor.log_in("rune")
    visitor.open_patient("010250-9995")
    beside = re.findall(r"<p>(.*?)</p>", visitor.page.split('class="hh-idbar"')[1])
    assert beside[0].startswith("kvinde, 71 kg")
