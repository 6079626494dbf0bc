"""My record."""

import re
from datetime import date, timedelta

from helhed.foundation.ask import Action, ActorKind, Purpose
from helhed.portals.sessions import Principal
from tests.unit.portals.fakes import later, silent
from tests.unit.portals.people import order


def test_the_page_shows_all_sources_in_one_timeline(visitor):
    text = visitor.log_in("bodil") and visitor.text
    for words in ("Sygeplejebesøg", "Årskontrol af KOL", "Akut kontakt", "Pneumokokker", "Kilde: Prøvefjord Kommune"):
        assert words in text


def test_the_whole_medicine_card_is_on_it(visitor):
    visitor.log_in("bodil")
    assert "4 slags medicin. Alt på kortet vises her." in visitor.text
    for drug in ("Prednisolon", "Tiotropium/olodaterol", "Salbutamol", "Amlodipin"):
        assert drug in visitor.text


def test_a_kind_and_a_source_are_chosen_in_the_address(visitor):
    visitor.log_in("bodil")
    visitor.get("/borger?slags=vaccine")
    timeline = visitor.page.split('id="tidslinje"')[1].split("</section>\n</div>")[0]
    assert "Pneumokokker" in timeline
    assert "Sygeplejebesøg" not in timeline
    assert '<option value="vaccine" selected>' in visitor.page


def test_earlier_pages_continue_where_the_first_ended_and_keep_the_filter(visitor, network):
    citizen = network.people[0].principal.actor
    clinic = next(key for key, place in network.places.items() if place.name == "Lægerne Prøvegade")
    days = [f"20{year:02d}-05-{day:02d}" for year in range(10, 20) for day in range(1, 8)]
    network.deliver(citizen, clinic, *(
        {"resourceType": "Immunization", "status": "completed", "vaccineCode": {"text": f"Vaccine {day}"}, "occurrenceDateTime": day}
        for day in days
    ))  # fmt: skip
    visitor.log_in("bodil")
    visitor.get("/borger?slags=vaccine")
    seen = []
    while True:
        seen += [day for day in days if f"Vaccine {day}" in visitor.page]
        if "foer=" not in visitor.page or "Vis tidligere" not in visitor.page:
            break
        (address,) = re.findall(r'href="(/borger\?foer=[^"]*)#tidslinje" hx-get', visitor.page)
        link = address.replace("&amp;", "&")
        assert "slags=vaccine" in link
        visitor.get(link)
    assert sorted(seen) == days


def test_what_was_delivered_is_no_look(visitor, network):
    citizen = network.people[0].principal.actor
    clinic = next(key for key, place in network.places.items() if place.name == "Lægerne Prøvegade")
    system = Principal(ActorKind.SYSTEM, clinic, "", clinic, "Lægerne Prøvegade", "system")
    network.note(network.ask(system, Purpose.OPERATIONS), citizen, Action.CREATE, 5, ("Observation",), 1)
    visitor.log_in("bodil")
    assert "Et it-system på stedet" not in visitor.text
    visitor.get("/borger/log")
    assert "Et it-system på stedet afleverede nyt om svar og målinger ." in visitor.text
    assert "Spær for dette sted" not in visitor.text


def test_what_a_dose_says_it_is_for_is_not_told_again(visitor, network):
    citizen = network.people[0].principal.actor
    clinic = next(key for key, place in network.places.items() if place.name == "Lægerne Prøvegade")
    network.deliver(citizen, clinic, order("Prøvemiddel", "N03AX", "1 tablet mod kramper", "Kramper", "2025-12-05"))
    visitor.log_in("bodil")
    assert "1 tablet mod kramper" in visitor.text
    assert "Mod Kramper" not in visitor.text
    assert "Mod KOL" in visitor.text


def test_unreadable_filters_show_everything(visitor):
    visitor.log_in("bodil")
    visitor.get("/borger?slags=vr%C3%B8vl&kilde=x&foer=i+morgen")
    assert visitor.status == 200
    assert "Akut kontakt" in visitor.text


def test_who_looked_lately_comes_from_the_log(visitor):
    visitor.log_in("rune")
    visitor.open_patient("010250-9995")
    visitor.log_in("bodil")
    section = visitor.page.split('id="kig"')[
        2 if 'href="#kig"' in visitor.page and visitor.page.count('id="kig"') > 1 else 1
    ]
    assert "Rune Test Dahl, læge," in section.split("</section>")[0]


def test_a_silent_source_says_since_when(visitor, network):
    clinic = next(key for key, place in network.places.items() if place.name == "Lægerne Prøvegade")
    silent(network, clinic, network.now - timedelta(days=9))
    visitor.log_in("bodil")
    assert "har intet afleveret siden 27.01.2026" in visitor.text


def test_an_empty_record_says_what_emptiness_means(visitor):
    visitor.log_in_as_citizen(next(one.key for one in visitor.network.citizens.values() if "Andersen" in one.name))
    assert "Ingen steder har afleveret noget om dig endnu." in visitor.text
    assert "Enten er der intet afleveret" in visitor.text


def test_staff_are_sent_to_their_own_door(visitor):
    visitor.log_in("rune")
    for page in ("/borger", "/borger/log", "/borger/medicin"):
        visitor.get(page)
        assert (visitor.status, "Siden er ikke for dig" in visitor.text) == (403, True)


def test_an_idle_session_ends_and_the_page_says_why(visitor, network):
    visitor.log_in("bodil")
    later(network, minutes=31)
    visitor.get("/borger")
    assert visitor.status == 401
    assert "Du er ikke logget ind" in visitor.text


def test_a_used_session_lives_on_but_not_beyond_a_working_day(visitor, network):
    visitor.log_in("bodil")
    for _ in range(19):
        later(network, minutes=25)
        visitor.get("/borger/medicin")
    assert visitor.status == 200
    later(network, minutes=25)
    visitor.get("/borger/medicin")
    assert visitor.status == 401


def test_a_newest_value_out_of_range_says_what_to_do(visitor, network):
    visitor.log_in("bodil")
    advice = "Er du i tvivl, eller har du det dårligere end du plejer, så ring til egen læge eller vagtlægen."
    assert advice in visitor.text
    number = "1503559995"
    citizen = network.citizen("Viggo Test Rask", number, date(1955, 3, 15))
    network.citizen_persona("viggo", citizen, "Rask")
    visitor.log_in("viggo")
    assert "Viggo Test Rask" in visitor.text
    assert advice not in visitor.text


def test_medicine_taken_when_needed_stands_after_what_is_taken_every_day(visitor):
    visitor.log_in("bodil")
    card = visitor.page.split('id="medicin"')[1].split("</section>")[0]
    assert card.index("Amlodipin") < card.index("Salbutamol")


def test_the_block_form_says_that_the_place_keeps_what_it_wrote_itself(visitor):
    visitor.log_in("bodil")
    visitor.get("/borger/spaerringer/ny")
    assert "Et steds eget it-system beholder det, stedet selv har skrevet" in visitor.text


def test_without_a_known_allergy_the_citizen_is_not_told_to_ask_the_patient(visitor, network):
    citizen = network.citizen("Viggo Test Rask", "1503559995", date(1955, 3, 15))
    network.citizen_persona("viggo", citizen, "Rask")
    visitor.log_in("viggo")
    for address in ("/borger", "/borger/medicin"):
        visitor.get(address)
        assert "Ingen overfølsomhed er afleveret hertil." in visitor.text
        assert "spørg patienten" not in visitor.text


def test_who_prints_the_card_is_told_first_that_private_medicine_comes_along(visitor, network):
    visitor.log_in("bodil")
    visitor.get("/borger/medicin")
    assert "privatmarkeret" not in visitor.text
    citizen = network.citizen("Viggo Test Rask", "1503559995", date(1955, 3, 15))
    network.citizen_persona("viggo", citizen, "Rask")
    private = [{"url": "https://example.org/private-mark", "valueBoolean": True}]
    drug = order("Sildenafil", "G04BE03", "1 tablet ved behov", "", "2025-01-02", extension=private)
    network.deliver(citizen, network.organisation("Lægerne Nygade"), drug)
    visitor.log_in("viggo")
    visitor.get("/borger/medicin")
    assert "Ét præparat her er privatmarkeret. Det kommer med, hvis du udskriver kortet." in visitor.text


def test_that_no_allergy_is_known_is_not_told_as_an_allergy(visitor, network):
    clinic = next(key for key, place in network.places.items() if place.name == "Lægerne Prøvegade")
    citizen = network.citizen("Spurgt Test", "0101019995", date(2001, 1, 1))
    none = {"text": "Ingen kendt overfølsomhed", "coding": [{"system": "http://snomed.info/sct", "code": "716186003"}]}
    network.deliver(citizen, clinic, {"resourceType": "AllergyIntolerance", "code": none, "recordedDate": "2026-01-02"})
    network.citizen_persona("spurgt", citizen, "")
    visitor.log_in("spurgt")
    assert "Ingen kendt overfølsomhed" in visitor.text
    assert "Overfølsom over for" not in visitor.text
