"""My log and my blocks."""

import pytest


def place(network, name):
    return str(next(key for key, found in network.places.items() if found.name == name))


@pytest.fixture
def hospital(network):
    return place(network, "Sygehus Prøvefjord")


@pytest.fixture
def clinic(network):
    return place(network, "Lægerne Prøvegade")


def block(visitor, who, what):
    visitor.get(f"/borger/log?hvem={who}&hvad={what}")
    return visitor.post("/borger/spaer", hvem=who, hvad=what)


def test_a_look_stands_in_the_log_with_who_where_and_why(visitor):
    visitor.log_in("rune")
    visitor.open_patient("010250-9995")
    visitor.log_in("bodil")
    visitor.get("/borger/log")
    assert "Rune Test Dahl, læge, så hele din journal , fordi du er i kontakt med stedet." in visitor.text


def test_a_look_up_without_a_relation_stands_in_the_log(visitor):
    visitor.log_in("outsider")
    visitor.open_patient("010250-9995")
    visitor.log_in("bodil")
    visitor.get("/borger/log?vis=andre")
    assert "Sif Test Fremmed, læge, slog dit navn og CPR-nummer op. Din journal blev ikke vist." in visitor.text


def test_the_log_is_filtered_in_the_address(visitor, network):
    visitor.log_in("rune")
    visitor.open_patient("010250-9995")
    visitor.log_in("bodil")
    visitor.get("/borger/log?periode=7&vis=afvist")
    assert "Ingen opslag" in visitor.text
    visitor.get(f"/borger/log?sted={place(network, 'Akutmodtagelsen, Sygehus Prøvefjord')}")
    assert "Rune Test Dahl" in visitor.text
    assert "Dig selv" not in visitor.text


def test_a_trial_names_what_disappears_before_anything_is_saved(visitor, network, hospital, clinic):
    visitor.log_in("bodil")
    visitor.get(f"/borger/log?hvem={hospital}&hvad={clinic}")
    assert "Hvad ville Akutmodtagelsen, Sygehus Prøvefjord se i nat?" in visitor.text
    assert "Det betyder mest: overfølsomhed over for penicillin" in visitor.text
    assert "Skjult: Tiotropium/olodaterol, Salbutamol, Amlodipin" in visitor.text
    assert network.blocks == {}


def test_a_block_of_another_place_is_tried_with_that_places_eyes(visitor, clinic):
    visitor.log_in("bodil")
    visitor.get(f"/borger/log?hvem={clinic}&hvad=alt")
    assert "Hvad ville Lægerne Prøvegade se i nat?" in visitor.text


def test_a_saved_block_holds_at_the_next_request_and_can_be_ended(visitor, network, hospital):
    visitor.log_in("bodil")
    block(visitor, hospital, "alt")
    assert "Spærret er gemt og gælder fra næste opslag." in visitor.text
    assert "Alt i din journal skjules for Sygehus Prøvefjord" in visitor.text
    bodil = visitor.cookies
    visitor.log_in("rune")
    visitor.open_patient("010250-9995")
    assert "Intet vises her" in visitor.text
    assert "penicillin" not in visitor.page
    visitor.cookies = bodil
    visitor.log_in("bodil")
    visitor.get("/borger/log")
    visitor.post("/borger/spaer/fjern", spaer=visitor.page.split('name="spaer" value="')[1].split('"')[0])
    assert "Spærret er fjernet." in visitor.text
    visitor.log_in("rune")
    visitor.open_patient("010250-9995")
    assert "penicillin" in visitor.page


def test_the_page_of_a_blocked_patient_is_the_page_of_a_patient_without_data(visitor, network, hospital):
    visitor.log_in("bodil")
    block(visitor, hospital, "alt")
    emergency = int(place(network, "Akutmodtagelsen, Sygehus Prøvefjord"))
    bo = next(key for key, found in network.citizens.items() if found.name.startswith("Bo Test"))
    network.admit(bo, emergency)
    visitor.log_in("rune")
    visitor.open_patient("010250-9995")
    blocked = visitor.text.split("Log af", 1)[1]
    visitor.open_patient("020360-9996")
    empty = visitor.text.split("Log af", 1)[1]
    assert blocked.split("05.02.2026", 1)[1] == empty.split("05.02.2026", 1)[1]


@pytest.mark.parametrize(("who", "what", "message", "field"), [
    ("", "alt", "Vælg, hvem spærret gælder for.", "hvem"),
    ("alle", "", "Vælg, hvad der skal skjules.", "hvad"),
    ("123", "alt", "Vælg, hvem spærret gælder for.", "hvem"),
    ("alle", "'; drop table", "Vælg, hvad der skal skjules.", "hvad"),
])  # fmt: skip
def test_what_is_missing_is_said_at_the_field_and_in_the_summary(visitor, network, who, what, message, field):
    visitor.log_in("bodil")
    block(visitor, who, what)
    assert visitor.status == 422
    assert visitor.text.count(message) == 2
    assert f'aria-describedby="{field}-fejl"' in visitor.page
    assert network.blocks == {}


def test_what_was_chosen_is_kept_when_something_else_is_wrong(visitor, hospital):
    visitor.log_in("bodil")
    visitor.get(f"/borger/log?hvem={hospital}&hvad=")
    assert f'<option value="{hospital}" selected>' in visitor.page


def test_the_same_block_twice_is_refused(visitor, network, hospital):
    visitor.log_in("bodil")
    block(visitor, hospital, "alt")
    block(visitor, hospital, "alt")
    assert "Det spær har du allerede." in visitor.text
    assert len(network.blocks) == 1


def test_nobody_ends_the_blocks_of_another(visitor, network, hospital):
    visitor.log_in("bodil")
    block(visitor, hospital, "alt")
    (identifier,) = network.blocks
    visitor.get("/")
    visitor.post("/soeg", soeg="Andersen")
    visitor.post("/log-ind", borger=visitor.page.split('name="borger" value="')[1].split('"')[0])
    for wrong in (str(identifier), "no-uuid"):
        visitor.get("/borger/log")
        visitor.post("/borger/spaer/fjern", spaer=wrong)
        assert "Det spær gælder ikke længere." in visitor.text
    assert list(network.blocks) == [identifier]


def test_places_the_citizen_has_met_come_first_among_those_to_block(visitor):
    visitor.log_in("bodil")
    visitor.get("/borger/log")
    choices = visitor.page.split('id="hvem"')[1].split("</select>")[0]
    met, others = choices.split("<optgroup")[1:]
    assert "Steder i din journal og log" in met
    assert "Lægerne Prøvegade" in met
    assert "Sygehus Fjernby" not in met
    assert "Sygehus Fjernby" in others
    assert "Lægerne Prøvegade" not in others
