"""My log."""

from dataclasses import replace

import pytest

from helhed.portals.ports import PurgeNote


def place(network, name):
    return str(next(key for key, found in network.places.items() if found.name == name))


@pytest.fixture
def hospital(network):
    return place(network, "Sygehus Prøvefjord")


@pytest.fixture
def clinic(network):
    return place(network, "Lægerne Prøvegade")


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


def test_what_was_recorded_on_her_by_mistake_and_removed_stands_in_the_log(visitor, network):
    visitor.log_in("rune")
    visitor.open_patient("010250-9995")
    (citizen, looks), *_ = network._looked.items()
    assert citizen
    note = PurgeNote(True, "wrong-patient", "2026-118", "Bo Test Vang", "Ida Test Krog", looks[0].at, 1, 3, bytes(32))
    looks.append(replace(looks[0], action=43, role="records-custodian", basis=5, types=("Observation",), purge=note))
    visitor.log_in("bodil")
    visitor.get("/borger/log")
    assert (
        "journalansvarlig, fjernede for altid svar og målinger , oplysningerne handler om en anden person"
        in visitor.text
    )
    assert (
        "1 oplysning i 3 udgaver. Foreslået af Bo Test Vang, godkendt af Ida Test Krog. Sagsnummer 2026-118."
        in visitor.text
    )
    visitor.get("/borger/log?vis=rettelser")
    assert "fjernede for altid" in visitor.text
