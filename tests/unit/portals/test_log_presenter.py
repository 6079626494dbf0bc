"""The log in plain words."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from helhed.foundation.ask import ActorKind
from helhed.portals.language import Words
from helhed.portals.ports import LogEntry
from helhed.portals.presenters.log import bursts, log_days
from helhed.trust.policy import BASIS_NUMBERS

DA = Words("da")
NOON = datetime(2026, 11, 20, 11, 0, tzinfo=UTC)
LOOK, LOOKUP, READ_LOG, CREATE, DECLARE = 9, 8, 13, 5, 10


def entry(
    minutes=0,
    action=LOOK,
    basis=2,
    actor=1,
    kind=ActorKind.PROFESSIONAL,
    types=("Observation",),
    permitted=True,
    **more,
):
    fields = {
        "id": 1, "at": NOON - timedelta(minutes=minutes), "kind": kind, "actor": actor, "actor_name": "Maja Test Lind",
        "organisation": 7, "organisation_name": "Lægerne Prøvegade", "role": "doctor", "purpose": 1, "action": action,
        "permitted": permitted, "basis": basis if permitted else None, "types": types, "count": 3,
    }  # fmt: skip
    return LogEntry(**{**fields, **more})


def own(minutes=0, action=LOOK):
    return entry(minutes, action, 1, 99, ActorKind.CITIZEN, organisation=None, organisation_name=None, role="")


def told(*entries):
    return [visit for day in log_days(entries, DA) for visit in day.visits]


def test_a_look_says_who_what_and_why():
    (visit,) = told(entry(types=("Observation", "MedicationRequest"), basis=3))
    assert visit.heading == "Lægerne Prøvegade"
    assert visit.who == "Maja Test Lind, læge,"
    assert (visit.did, visit.seen) == ("så", "svar og målinger samt medicin")
    assert (
        visit.why == "fordi stedet er din egen læge, eller du er henvist dertil, har en aftale eller er i et forløb der"
    )


def test_looks_that_follow_closely_are_told_once_and_can_be_unfolded():
    (visit,) = told(entry(0), entry(10), entry(31))
    assert (visit.count, visit.time, len(visit.steps)) == (3, "Kl. 11.29–12.00", 3)


def test_a_long_pause_another_person_or_a_refusal_starts_anew():
    assert len(told(entry(0), entry(60))) == 2
    assert len(told(entry(0), entry(1, actor=2))) == 2
    assert len(told(entry(0), entry(1, permitted=False))) == 2


def test_a_look_in_an_emergency_is_not_told_together_with_those_before_it_that_were_none():
    broken, ordinary = told(entry(0, basis=BASIS_NUMBERS["override"]), entry(1), entry(2, LOOKUP, 8, types=()))
    assert (broken.emergency, broken.count) == (True, 1)
    assert (ordinary.emergency, ordinary.count) == (False, 2)


def test_a_look_up_of_the_name_is_told_with_the_look_that_followed():
    (visit,) = told(entry(0), entry(1, LOOKUP, 8, types=()))
    assert (visit.did, visit.count) == ("så", 2)


def test_a_look_up_alone_says_that_the_record_was_not_shown():
    (visit,) = told(entry(0, LOOKUP, 8, types=()))
    assert visit.did == "slog dit navn og CPR-nummer op. Din journal blev ikke vist"
    assert (visit.seen, visit.why, visit.emergency) == ("", "", False)


def test_a_refusal_says_that_nothing_was_shown_and_not_what_was_asked_for():
    (visit,) = told(entry(permitted=False, types=()))
    assert visit.denied
    assert visit.seen == ""
    assert visit.why.endswith("Intet blev vist.")


def test_an_empty_look_is_a_look_at_nothing():
    (visit,) = told(entry(types=(), count=0))
    assert visit.seen == "ingen oplysninger"


def test_ones_own_looks_of_a_day_are_one_line():
    (visit,) = told(own(0), own(200, READ_LOG), own(300))
    assert (visit.own, visit.heading, visit.count) == (True, "Dig selv", 3)


def test_declaring_a_treatment_stands_alone():
    assert [visit.did for visit in told(entry(0), entry(1, DECLARE, 4))] == [
        "så",
        "erklærede at have dig i behandling nu",
    ]


def test_a_declaration_does_not_give_itself_as_its_reason():
    declared, looked = told(entry(0, DECLARE, 4), entry(1, basis=4))
    assert (declared.why, looked.why) == ("", "fordi vedkommende selv har erklæret at have dig i behandling")


def test_a_delivery_by_a_system_names_the_place():
    (visit,) = told(entry(0, CREATE, 5, kind=ActorKind.SYSTEM, actor_name=None, role="system"))
    assert (visit.who, visit.did) == ("Et it-system på stedet", "afleverede nyt om")
    assert (visit.why, visit.looked) == ("", False)


def test_a_delivery_of_many_kinds_is_not_the_record_itself():
    kinds = ("Observation", "Condition", "Encounter", "Procedure", "Immunization", "CarePlan", "Appointment", "Flag")
    (visit,) = told(entry(0, CREATE, 5, kind=ActorKind.SYSTEM, types=kinds))
    (look,) = told(entry(types=kinds))
    assert (visit.seen, look.seen) == ("mange slags oplysninger", "hele din journal")


def test_days_are_danish_days():
    late = entry(at=datetime(2026, 11, 20, 23, 30, tzinfo=UTC))
    assert [day.label for day in log_days([late, entry()], DA)] == ["Lørdag 21.11.2026", "Fredag 20.11.2026"]


@pytest.mark.parametrize("seed", range(40))
def test_whatever_is_logged_every_row_is_told_once_and_what_is_put_together_belongs_together(seed):
    dice = random.Random(seed)
    entries = [
        replace(
            entry(dice.randrange(3000), dice.choice([LOOK, LOOKUP, CREATE, 1, 4, 14]), dice.choice([1, 2, 8]), dice.randrange(3)),
            id=number, permitted=dice.random() < 0.8, pseudonym=dice.choice(["", "", "BCDF-GHJK"]), source_name=dice.choice([None, "Sygehus"]),
            arrived=NOON, reason=dice.choice(["", "Kontrol"]), organisation=dice.randrange(2),
        )
        for number in range(dice.randrange(60))
    ]  # fmt: skip
    entries.sort(key=lambda one: one.at, reverse=True)
    found = bursts(entries)
    assert sorted(one.id for burst in found for one in burst) == sorted(one.id for one in entries)
    for burst in found:
        assert (
            len(
                {
                    (one.actor, one.pseudonym, one.organisation, one.permitted, one.source_name, one.reason)
                    for one in burst
                }
            )
            == 1
        )
    days = log_days(entries, DA)
    assert sum(visit.count for day in days for visit in day.visits) == len(entries)
    assert len({day.machine for day in days}) == len(days)


def test_somebody_who_acts_for_the_citizen_looks_from_no_unknown_place():
    looked = entry(
        kind=ActorKind.CITIZEN, basis=BASIS_NUMBERS["mandate"], organisation=None, organisation_name=None, role=""
    )
    assert told(looked)[0].heading == "På dine vegne"
