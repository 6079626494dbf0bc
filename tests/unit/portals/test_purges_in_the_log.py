"""What a citizen reads of data that were recorded on the wrong person, in plain Danish and English."""

import pytest

from helhed.portals.language import Words
from helhed.portals.ports import PurgeNote
from helhed.portals.presenters.log import log_days
from helhed.trust.keeping.purges import purge_policy
from tests.unit.portals.test_log_presenter import NOON, entry

PURGE, PROPOSE = 43, 41


def _note(**more):
    fields = {
        "wrongly": True, "ground": "wrong-patient", "case_number": "2026-118", "proposer": "Bo Test Vang",
        "approver": "Ida Test Krog", "done_at": NOON, "rows": 2, "versions": 3, "seal": bytes(range(32)),
    }  # fmt: skip
    return PurgeNote(**{**fields, **more})


def _told(language, *entries):
    return [visit for day in log_days(entries, Words(language)) for visit in day.visits]


def _purged(action=PURGE, **more):
    about = {"role": "records-custodian", "actor_name": "Ida Test Krog", "basis": 5}
    return entry(action=action, purge=_note(**more), **about)


def test_it_says_who_what_why_how_much_and_whose_hands():
    (visit,) = _told("da", _purged())
    assert (visit.who, visit.did, visit.seen) == (
        "Ida Test Krog, journalansvarlig,",
        "fjernede for altid",
        "svar og målinger",
    )
    assert visit.why == "oplysningerne handler om en anden person og var skrevet på dig ved en fejl"
    assert visit.notes[0] == (
        "2 oplysninger i 3 udgaver. Foreslået af Bo Test Vang, godkendt af Ida Test Krog. "
        "Sagsnummer 2026-118. Kendemærke 00010203."
    )
    assert not visit.looked


def test_the_one_it_is_about_reads_it_from_the_other_side():
    (visit,) = _told("en", _purged(wrongly=False, rows=1, versions=1))
    assert visit.why == "data about you were recorded on another person by mistake"
    assert visit.notes[0].startswith("1 item in 1 version. Proposed by Bo Test Vang, approved by Ida Test Krog.")


def test_a_proposal_promises_nothing_yet():
    (visit,) = _told("da", _purged(PROPOSE, approver=None, done_at=None))
    assert visit.did == "foreslog for altid at fjerne"
    assert [line for line in visit.notes if "godkendt" in line or "Ingen kan se" in line] == []


def test_two_purges_in_a_row_stand_each_for_itself():
    assert len(_told("da", _purged(), entry(2, action=PURGE, id=2, purge=_note(case_number="2026-119")))) == 2


def test_a_refused_attempt_is_no_look():
    (visit,) = _told("da", entry(action=PROPOSE, permitted=False, role="records-custodian"))
    assert (visit.did, visit.denied) == ("forsøgte at få oplysninger i din journal fjernet", True)
    assert visit.why == "Intet blev fjernet, og intet blev vist."


@pytest.mark.parametrize("ground", purge_policy().grounds)
@pytest.mark.parametrize("language", ["da", "en"])
def test_every_ground_has_words_for_both_citizens_and_a_paragraph(ground, language):
    words = Words(language)
    assert words.purge_ground(ground, rightful=False)
    assert words.purge_ground(ground, rightful=True)
    assert purge_policy().grounds[ground].law
