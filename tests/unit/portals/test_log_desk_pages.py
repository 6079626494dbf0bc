"""The pages around the log: filters in the address, paper, files, questions, notices, and the desk of the log keeper."""

import csv
import io

import pytest


@pytest.fixture
def looked_at(visitor):
    """Bodil, whose record a doctor has opened."""
    visitor.log_in("rune")
    visitor.open_patient("010250-9995")
    visitor.log_in("bodil")
    return visitor


def test_a_look_is_found_by_words_of_name_role_or_kind_of_data(looked_at):
    looked_at.get("/borger/log?ord=rune&vis=andre")
    assert "Rune Test Dahl" in looked_at.text
    looked_at.get("/borger/log?ord=findes-ikke")
    assert "Ingen opslag" in looked_at.text


def test_words_that_a_pattern_would_take_for_more_are_only_words(looked_at):
    for words in ("%", "_", "\\", "%25", "'; drop table", "%00", "x" * 500):
        looked_at.get(f"/borger/log?ord={words}")
        assert looked_at.status == 200


@pytest.mark.parametrize(
    "address", ["?periode=x&vis=x&sted=x&person=x&fra=", "?person=9:9", "?person=w:ABCD", "?sted=999999999999999999999"]
)
def test_what_is_none_of_ours_in_the_address_counts_for_nothing(looked_at, address):
    looked_at.get(f"/borger/log{address}")
    assert looked_at.status == 200


def test_the_paper_shows_every_step_and_no_button(looked_at):
    looked_at.get("/borger/log/papir")
    assert "Hvem har set oplysninger om" in looked_at.text
    assert "Rune Test Dahl" in looked_at.text
    assert "Spørg hvorfor" not in looked_at.text


def test_the_file_is_a_download_of_rows_that_no_cache_keeps(looked_at):
    looked_at.get("/borger/log/hent?form=csv")
    assert looked_at.headers["content-disposition"] == 'attachment; filename="log.csv"'
    assert looked_at.headers["cache-control"] == "no-store"
    rows = list(csv.reader(io.StringIO(looked_at.page.removeprefix("\ufeff"))))
    assert rows[0][:3] == ["Tidspunkt", "Sted", "Hvem"]
    assert any("Rune Test Dahl" in row for row in rows)
    looked_at.get("/borger/log/hent?form=exe")
    assert looked_at.status == 400


def test_a_question_is_sent_once_with_the_token_of_the_page(looked_at):
    looked_at.get("/borger/spoerg?opslag=1")
    looked_at.post("/borger/spoergsmaal", opslag="1", ord="Hvorfor?")
    assert "Dit spørgsmål er sendt." in looked_at.text
    assert "skal svare senest" in looked_at.text
    looked_at.page = ""
    looked_at.post("/borger/spoergsmaal", opslag="1", ord="Igen")
    assert looked_at.status == 403


def test_a_question_that_is_too_long_keeps_what_was_written(looked_at):
    looked_at.get("/borger/spoerg?opslag=1")
    looked_at.post("/borger/spoergsmaal", opslag="1", ord="æ" * 1001)
    assert looked_at.status == 422
    assert "Det er for langt" in looked_at.text
    assert "æ" * 1001 in looked_at.page


@pytest.mark.parametrize("look", ["", "x", "-1", "9" * 40, "1 or 1=1"])
def test_what_is_no_row_is_not_asked_about(looked_at, look):
    looked_at.get(f"/borger/spoerg?opslag={look}")
    assert looked_at.status == 404


def test_notices_are_chosen_and_say_that_nothing_carries_them_elsewhere(looked_at):
    looked_at.get("/borger/beskeder")
    assert "E-mail, sms og Digital Post er ikke sat op" in looked_at.text
    looked_at.post("/borger/beskeder/valg", **{"look-refused": "ja"})
    assert "Dine valg er gemt." in looked_at.text
    assert 'name="look-refused" value="ja" checked' in looked_at.page


@pytest.mark.parametrize("address", ["/hospital/log", "/hospital/log/spoergsmaal/00000000-0000-0000-0000-000000000000"])
@pytest.mark.parametrize("who", ["bodil", "rune"])
def test_nobody_but_a_log_keeper_comes_to_the_desk(visitor, who, address):
    visitor.log_in(who)
    visitor.get(address)
    assert visitor.status == 403


@pytest.mark.parametrize(
    "address",
    ["/borger/spoergsmaal", "/borger/beskeder", "/borger/log/papir", "/borger/log/hent", "/borger/spoerg?opslag=1"],
)
def test_staff_have_no_log_of_their_own_there(visitor, address):
    visitor.log_in("rune")
    visitor.get(address)
    assert visitor.status == 403
