"""Both languages say everything, and numbers and dates are written as each language writes them."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from string import Formatter

import pytest

from helhed.portals.language import LANGUAGES, Words, age, catalogue, months, number_with_hyphen, sensible
from helhed.record.moments import moment

DA, EN = Words("da"), Words("en")
PORTALS = Path(__file__).parents[3] / "helhed" / "portals"
#: tables whose keys are put together from codes
FROM_CODES = (
    "sex.", "kind.", "one.", "type.", "status.", "setting.", "phone.", "out.", "unit.", "period.", "log.did.",
    "log.step.", "log.tried_to.", "log.tried_why.", "log.kinds.", "log.periods.", "basis.", "data.", "part.",
    "grave.", "error.", "about.", "access.", "results.periods.", "relation.reason.", "find.later_", "proof.act.",
    "declared.", "bases.", "acting.by.", "acting.for_me.", "acting.for_other.", "acting.problem.", "acting.state.",
    "acting.ended.", "logproof.wrong.", "logproof.wrong_head.", "relative.", "help.", "letter.", "register.",
    "insight.", "element.", "assistants.", "watch.", "incident.entry.", "warning.severity.", "warning.sharing.",
    "warning.receipt.", "security.answer.", "exercise.kind.", "block.took_place_", "cave.", "stays.",
    "units.",
    "consent.sentence_", "apps.may.", "mine.refused.", "log.column.", "why.state.", "follow.choice.",
    "glass.outcome_", "glass.passed_", "glass.own_passed_", "figures.by.", "figures.sex.", "figures.measure.", "figures.means.", "works.part.",
    "calendar.manner.", "calendar.change.", "calendar.answer.", "calendar.answered.", "calendar.said.", "calendar.conflict.",
    "calendar.participation.", "calendar.feed.detail.", "calendar.feed.file_", "appointment.manner.",
    "works.name.", "works.said.", "works.whose.", "works.state.", "emergency.mark_", "emergency.why_",
    "sourcelist.way.", "sourcelist.state.", "manifest.said.", "manifest.why.", "source_kind.",
    "work.act.", "work.because.", "work.own.kind.", "work.own.said.", "work.said.", "work.whose.", "work.caption.", "work.done.", "work.none.", "work.refused.", "work.status.", "work.view.",
    "message.category.", "message.step.", "message.stands.", "message.type.", "message.stay.", "message.mark.", "message.mode.", "message.parked.", "message.stuck.", "message.move.",
    "stamkort.", "match.", "issuing.kind.", "issuing.sexes.", "links.",
)  # fmt: skip


def places(message):
    texts = [message] if isinstance(message, str) else message.values()
    return {name for text in texts for _, name, _, _ in Formatter().parse(text) if name}


def test_the_languages_have_the_same_messages_with_the_same_places():
    shapes = [{key: places(message) for key, message in catalogue(language).items()} for language in LANGUAGES]
    assert shapes[0] == shapes[1]


def used_keys():
    sources = [*PORTALS.rglob("*.html"), *PORTALS.rglob("*.py")]
    said = "\n".join(path.read_text("utf-8") for path in sources)
    return set(re.findall(r"""["']([a-z]+(?:\.[a-z_A-Z]+)+)["']""", said))


def test_a_name_that_ends_in_s_is_owned_with_an_apostrophe():
    assert DA("acting.record_of", name="Ulla Test Holm") == "Ulla Test Holms journal"
    assert DA("acting.record_of", name="Mette Test Friis") == "Mette Test Friis' journal"
    assert DA("acting.notices_lead", name="Beatrix") == (
        "Beskederne er skrevet til Beatrix: når der står dig, er det Beatrix. De siger aldrig noget om helbred. Hvem der har kigget, står i loggen."
    )


def test_every_message_is_used_somewhere():
    used = used_keys() | {
        f"{problem}_do" for problem in ("find.alone", "find.nobody", "find.regional", "find.unreadable")
    }
    idle = {key for key in catalogue("da") if key not in used and not key.startswith(FROM_CODES)}
    assert idle == set()


def test_every_message_that_is_asked_for_exists():
    asked = set()
    for path in PORTALS.rglob("*.html"):
        asked |= set(re.findall(r"""\bt\(["']([\w.-]+)["']\s*[,)]""", path.read_text("utf-8")))
    for path in PORTALS.rglob("*.py"):
        asked |= set(re.findall(r"""\bwords\(\s*"([\w.-]+)"\s*[,)]""", path.read_text("utf-8")))
    assert {key for key in asked if key not in catalogue("da")} == set()


@pytest.mark.parametrize(
    ("written", "shown"),
    [("1.50", "1,50"), ("7", "7"), ("178.88023499217553", "179"), ("71.06320303554328", "71,1"), ("0.2249999", "0,225"),
     ("5.0123456", "5,01"), ("1234.5", "1.234,5"), ("-1.8", "-1,8"), ("1E+2", "100")],
)  # fmt: skip
def test_a_number_keeps_what_somebody_wrote_and_drops_what_a_machine_invented(written, shown):
    assert DA.number(Decimal(written)) == shown
    assert sensible(Decimal(written)).is_finite()


def test_dates_follow_the_language():
    when = datetime(2026, 2, 5, 5, 40, tzinfo=UTC)
    assert (DA.long_day(when), DA.instant(when)) == ("Torsdag 05.02.2026", "05.02.2026 kl. 06.40")
    assert EN.instant(when) == "5 Feb 2026 at 06:40"


def test_a_moment_is_shown_no_finer_than_it_was_said():
    assert [DA.moment(moment(said)) for said in ("1998", "2012-05", "2026-02-04")] == ["1998", "maj 2012", "04.02.2026"]


def test_yesterday_is_yesterday_in_danish_time():
    now = datetime(2026, 2, 4, 23, 30, tzinfo=UTC)  # half past midnight in Denmark
    assert DA.near(datetime(2026, 2, 4, 22, 0, tzinfo=UTC), now) == "i går kl. 23.00"


def test_plural_forms_follow_the_number():
    assert (DA("sources.count", n=1), DA("sources.count", n=2)) == ("1 kilde vises her", "2 kilder vises her")


def test_a_list_is_joined_as_people_do():
    assert (DA.listed(["a", "b", "c"]), EN.listed(["a"]), DA.listed([])) == ("a, b og c", "a", "")
    assert DA.listed(["planer", "svar og målinger", "kontakter"]) == "planer, svar og målinger samt kontakter"


def test_units_are_written_as_people_write_them():
    assert [DA.unit(unit) for unit in ("Cel", "mm[Hg]", "mmol/L", "DDD")] == ["°C", "mmHg", "mmol/L", "DDD"]


@pytest.mark.parametrize(
    ("unit", "words"), [("10*9/L", "6,3 × 10⁹/L"), ("10⁹/L", "6,3 × 10⁹/L"), ("10⁻³ IU/L", "6,3 × 10⁻³ IU/L")]
)
def test_a_unit_that_begins_with_a_power_of_ten_is_multiplied(unit, words):
    assert DA.amount(Decimal("6.3"), unit) == words


def test_small_children_are_told_in_months():
    now = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
    assert [months(born, now) for born in (date(2026, 11, 22), date(2025, 11, 24), date(2025, 11, 23), None)] == [
        0,
        11,
        12,
        None,
    ]


def test_cpr_numbers_get_their_hyphen_and_other_numbers_stay():
    assert (number_with_hyphen("0102509995"), number_with_hyphen("A1")) == ("010250-9995", "A1")


@pytest.mark.parametrize(
    ("born", "years"), [(date(2011, 11, 24), 14), (date(2011, 11, 23), 15), (date(2030, 1, 1), 0), (None, None)]
)
def test_age_changes_on_the_birthday(born, years):
    assert age(born, datetime(2026, 11, 23, 1, 0, tzinfo=UTC)) == years
