"""Mine spærringer og samtykker: setting, trying, changing and ending, as the citizen meets it."""

from dataclasses import replace
from uuid import UUID

import pytest

from tests.unit.portals.fakes import later

PATH, NEW = "/borger/spaerringer", "/borger/spaerringer/ny"


def place(network, name):
    return str(next(key for key, found in network.places.items() if found.name == name))


def person(network, handle):
    return str(next(one.principal.actor for one in network.people if one.key == handle))


@pytest.fixture
def hospital(network):
    return place(network, "Sygehus Prøvefjord")


@pytest.fixture
def clinic(network):
    return place(network, "Lægerne Prøvegade")


@pytest.fixture
def bodil(visitor):
    visitor.log_in("bodil")
    return visitor


def written(**fields):
    return "&".join(f"{name}={value}" for name, value in fields.items())


def block(visitor, **fields):
    """Try it, then save what was tried."""
    visitor.get(f"{NEW}?{written(**fields)}")
    if visitor.status == 200:
        key = visitor.page.rsplit('name="noegle" value="', 1)[1].split('"')[0]
        visitor.post(PATH, noegle=key, **fields)
    return visitor


def held(network):
    return [one for _, one in network.blocks.values() if one.ended_at is None]


def test_a_trial_names_what_disappears_before_anything_is_saved(bodil, network, hospital, clinic):
    bodil.get(f"{NEW}?{written(hvem='sted', sted=hospital, hvad='noget', kilde=clinic)}")
    assert "Hvad ville Akutmodtagelsen, Sygehus Prøvefjord se i nat?" in bodil.text
    assert "Akutmodtagelsen, Sygehus Prøvefjord ville ikke se, at du ikke tåler penicillin." in bodil.text
    assert "Det betyder mest: overfølsomhed over for penicillin" in bodil.text
    assert "Skjult: Tiotropium/olodaterol, Salbutamol, Amlodipin" in bodil.text
    assert network.blocks == {}


def test_a_block_of_another_place_is_tried_with_that_places_eyes_too(bodil, clinic):
    bodil.get(f"{NEW}?{written(hvem='sted', sted=clinic, hvad='alt')}")
    assert "Hvad ville Lægerne Prøvegade se i nat?" in bodil.text
    assert "Akutmodtagelsen, Sygehus Prøvefjord ville stadig se, at du ikke tåler penicillin." in bodil.text


def test_what_law_says_stands_before_the_button(bodil):
    bodil.get(NEW)
    before, _ = bodil.text.split("Se, hvad det betyder", 1)
    assert "kun privatmarkeres" in before
    assert "Sundhedsloven § 157" in before
    assert "ikke bekræftet af en jurist" in before


def test_a_saved_block_holds_at_the_next_request_and_can_be_ended(visitor, network, hospital):
    visitor.log_in("bodil")
    block(visitor, hvem="sted", sted=hospital, hvad="alt")
    assert "Spærringen er gemt og gælder fra næste opslag." in visitor.text
    assert "Alt i din journal skjules for Sygehus Prøvefjord med alle afdelinger under" in visitor.text
    visitor.log_in("rune")
    visitor.open_patient("010250-9995")
    assert "Intet vises her" in visitor.text
    assert "penicillin" not in visitor.page
    visitor.log_in("bodil")
    visitor.get(PATH)
    visitor.post(f"{PATH}/slut", spaer=str(held(network)[0].id))
    assert "Spærringen er fjernet." in visitor.text
    assert "Fjernet 05.02.2026" in visitor.text
    visitor.log_in("rune")
    visitor.open_patient("010250-9995")
    assert "penicillin" in visitor.page


def test_the_page_of_a_blocked_patient_is_the_page_of_a_patient_without_data(visitor, network, hospital):
    visitor.log_in("bodil")
    block(visitor, hvem="sted", sted=hospital, hvad="alt")
    emergency = int(place(network, "Akutmodtagelsen, Sygehus Prøvefjord"))
    bo = next(key for key, found in network.citizens.items() if found.name.startswith("Bo Test"))
    network.admit(bo, emergency)
    visitor.log_in("rune")
    visitor.open_patient("010250-9995")
    blocked = visitor.text.split("Log ud", 1)[1]
    visitor.open_patient("020360-9996")
    empty = visitor.text.split("Log ud", 1)[1]
    assert blocked.split("05.02.2026", 1)[1] == empty.split("05.02.2026", 1)[1]


WRONG = [
    ({"hvem": "", "hvad": "alt"}, "Vælg, hvem spærringen gælder for.", "hvem"),
    ({"hvem": "alle", "hvad": ""}, "Vælg, hvad der skal skjules.", "hvad"),
    ({"hvem": "sted", "sted": "123", "hvad": "alt"}, "Vælg et sted på listen.", "sted"),
    ({"hvem": "person", "person": "", "hvad": "alt"}, "Vælg en person på listen.", "person"),
    ({"hvem": "alle", "hvad": "noget"}, "Udfyld mindst ét felt, eller vælg alt.", "kilde"),
    ({"hvem": "alle", "hvad": "noget", "kilde": "'; drop table"}, "Vælg et sted på listen.", "kilde"),
    ({"hvem": "alle", "hvad": "noget", "dokument": "x"}, "Vælg en oplysning på listen.", "dokument"),
    ({"hvem": "alle", "hvad": "alt", "fra": "2026-02-30"}, "Skriv en dato, der findes.", "fra"),
    ({"hvem": "alle", "hvad": "alt", "til": "2020-01-01"}, "Slutdatoen skal ligge efter begyndelsen og efter i dag.", "til"),
    ({"hvem": "alle", "hvad": "alt", "til": "9999-12-31"}, "Skriv en dato, der findes.", "til"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "message", "field"), WRONG)
def test_what_is_missing_is_said_at_the_field_and_in_the_summary(bodil, network, fields, message, field):
    for send in (lambda: bodil.get(f"{NEW}?{written(**fields)}"), lambda: bodil.post(PATH, **fields)):
        send()
        assert bodil.status == 422
        assert bodil.text.count(message) == 2
        assert f'aria-describedby="{field}-fejl"' in bodil.page
    assert network.blocks == {}


def test_what_was_chosen_is_kept_when_something_else_is_wrong(bodil, hospital):
    bodil.get(f"{NEW}?{written(hvem='sted', sted=hospital, hvad='', vises='1', fra='2026-03-01')}")
    assert f'<option value="{hospital}" selected>' in bodil.page
    assert 'value="2026-03-01"' in bodil.page
    assert bodil.page.count(" checked") == 2


def test_every_field_comes_back_when_a_block_is_to_be_changed(bodil, network, hospital, clinic):
    fields = {
        "hvem": "sted", "sted": hospital, "sted_alene": "1", "hvad": "noget", "kilde": clinic, "kilde_alene": "1",
        "periode_fra": "2019-01-01", "periode_til": "2026-01-31", "fra": "2026-03-01", "til": "2026-04-30", "vises": "1",
    }  # fmt: skip
    block(bodil, **fields)
    (planned,) = held(network)
    bodil.get(PATH)
    assert "Begynder senere" in bodil.text
    bodil.get(f"{NEW}?ret={planned.id}")
    for value in (fields["periode_fra"], fields["periode_til"], fields["fra"], fields["til"]):
        assert f'value="{value}"' in bodil.page
    assert bodil.page.count(" checked") == 5
    assert bodil.page.count(" selected") == 2


def test_a_change_ends_the_old_and_sets_the_new_in_one(bodil, network, hospital):
    block(bodil, hvem="alle", hvad="alt")
    (old,) = held(network)
    block(bodil, hvem="sted", sted=hospital, hvad="alt", ret=str(old.id))
    assert "Spærringen er rettet." in bodil.text
    (new,) = held(network)
    assert new.replaces == old.id
    assert "1 spærring, der er slut" in bodil.text


def test_sent_twice_it_is_set_once(bodil, network):
    key = str(UUID(int=7))
    for _ in range(2):
        bodil.get(NEW)
        bodil.post(PATH, noegle=key, hvem="alle", hvad="alt")
    assert len(network.blocks) == 1


def test_a_professional_is_found_by_name(bodil, network):
    bodil.get(f"{NEW}?{written(soeg='fremmed', find='1')}")
    assert bodil.status == 200
    assert "Sif Test Fremmed" in bodil.page
    stranger = person(network, "outsider")
    bodil.get(f"{NEW}?{written(hvem='person', person=stranger, hvad='alt')}")
    assert "Alt i din journal skjules for Sif Test Fremmed." in bodil.text
    assert "Hvad ville Sif Test Fremmed, Sygehus Fjernby se i nat?" in bodil.text


def test_nobody_ends_or_changes_the_blocks_of_another(bodil, network):
    block(bodil, hvem="alle", hvad="alt")
    (identifier,) = network.blocks
    bodil.log_in_as_citizen(next(one.key for one in bodil.network.citizens.values() if "Andersen" in one.name))
    for wrong in (str(identifier), "no-uuid"):
        bodil.get(PATH)
        bodil.post(f"{PATH}/slut", spaer=wrong)
        assert "Den spærring gælder ikke længere." in bodil.text
    bodil.get(f"{NEW}?ret={identifier}")
    assert "Ret spærringen" not in bodil.text
    bodil.post(PATH, hvem="alle", hvad="alt", ret=str(identifier))
    assert bodil.status == 422
    assert [one.id for one in held(network)] == [identifier]


def test_ending_a_block_on_a_screen_that_was_left_asks_who_one_is_first(bodil, network):
    block(bodil, hvem="alle", hvad="alt")
    later(network, minutes=20)
    bodil.get(PATH)
    bodil.post(f"{PATH}/slut", spaer=str(held(network)[0].id))
    assert len(held(network)) == 1
    assert bodil.address.endswith("/bekraeft")


def test_what_somebody_set_and_ended_on_her_behalf_says_so(bodil, network):
    block(bodil, hvem="alle", hvad="alt")
    (identifier,) = network.blocks
    citizen, one = network.blocks[identifier]
    network.blocks[identifier] = (citizen, replace(one, set_by_other=True, ended_at=network.now, ended_by_other=True))
    bodil.get(PATH)
    assert "af en, der handler for dig. Fjernet" in bodil.text
    assert "af dig." not in bodil.text


def test_setting_a_block_asks_for_nothing_more(bodil, network):
    later(network, minutes=20)
    block(bodil, hvem="alle", hvad="alt")
    assert len(held(network)) == 1


def test_a_consent_is_given_listed_and_withdrawn(bodil, network, clinic):
    bodil.get("/borger/samtykker/ny")
    bodil.post("/borger/samtykker", hvem="sted", sted=clinic, giver="laes", til="2026-03-31")
    assert "Lægerne Prøvegade må læse det, du ikke har spærret" in bodil.text
    key = bodil.page.split('name="samtykke" value="')[1].split('"')[0]
    bodil.post("/borger/samtykker/slut", samtykke=key)
    assert "Samtykket er trukket tilbage." in bodil.text
    assert "Du har ikke givet nogen samtykker" in bodil.text


@pytest.mark.parametrize(("fields", "message"), [
    ({"hvem": "sted", "giver": "laes", "til": "2026-03-31"}, "Vælg et sted på listen."),
    ({"hvem": "person", "giver": "laes", "til": "2026-03-31"}, "Vælg en person på listen."),
    ({"giver": "laes", "til": "2026-03-31"}, "Vælg, hvem du giver samtykke."),
    ({"hvem": "sted", "til": "2026-03-31"}, "Vælg, hvad de må."),
    ({"hvem": "sted", "giver": "loeft", "til": "2026-03-31"}, "Vælg en spærring på listen."),
    ({"hvem": "sted", "giver": "laes"}, "Vælg, hvor længe det skal gælde."),
    ({"hvem": "sted", "giver": "laes", "til": "2026-02-04"}, "Slutdatoen skal ligge efter begyndelsen"),
])  # fmt: skip
def test_what_a_consent_lacks_is_said(bodil, fields, message):
    bodil.get("/borger/samtykker/ny")
    bodil.post("/borger/samtykker", **fields)
    assert bodil.status == 422
    assert message in bodil.text


def test_a_consent_can_lift_one_block(bodil, network, clinic):
    block(bodil, hvem="alle", hvad="alt")
    (identifier,) = network.blocks
    bodil.get("/borger/samtykker/ny")
    bodil.post(
        "/borger/samtykker", hvem="sted", sted=clinic, giver="loeft", spaerring=str(identifier), til="2026-03-31"
    )
    assert "må læse det, denne spærring skjuler: Alt i din journal skjules for alle behandlere" in bodil.text


def test_what_they_would_see_tonight_is_told_without_a_block(bodil, network):
    bodil.get(f"{PATH}/i-nat?person={person(network, 'maja')}")
    assert "Hvad ville Maja Test Lind, Lægerne Prøvegade se i nat?" in bodil.text
    assert "ville stadig se, at du ikke tåler penicillin" in bodil.text


def test_places_the_citizen_has_met_come_first_among_those_to_block(bodil):
    bodil.get(NEW)
    choices = bodil.page.split('id="sted"')[1].split("</select>")[0]
    met, others = choices.split("<optgroup")[1:]
    assert "Steder i din journal og log" in met
    assert "Lægerne Prøvegade" in met
    assert "Sygehus Fjernby" not in met
    assert "Sygehus Fjernby" in others
    assert "Lægerne Prøvegade" not in others
