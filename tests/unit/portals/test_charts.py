"""Charts are drawn on a true time scale and say what they lack."""

from datetime import UTC, datetime

from hypothesis import example, given, strategies as st

from helhed.portals.language import Words
from helhed.portals.presenters.axes import BOTTOM, LEFT, RIGHT, TOP
from helhed.portals.presenters.charts import Mark, chart, interval
from helhed.record.measuring import measured, series_of
from tests.unit.record.builders import record, value

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
DA = Words("da")


def drawn(*values, marks=()):
    (series,) = series_of(record(*values))
    return chart(series, DA, {11: "Klinikken"}, NOW, marks)


def crp(number, at, **more):
    return value("1988-5", number, "mg/L", at, **more)


def test_the_distance_between_points_is_the_distance_in_time():
    found = drawn(crp(1, "2026-01-01"), crp(2, "2026-01-02"), crp(3, "2026-01-11"))
    first, second, third = (float(dot.x) for dot in found.dots)
    assert abs((third - second) / (second - first) - 9) < 0.2


def test_a_long_pause_is_dashed_and_said():
    found = drawn(crp(3, "2026-01-12"), crp(84, "2026-02-04"), crp(92, "2026-02-05"))
    assert found.has_gap
    assert (len(found.lines), len(found.gaps)) == (1, 1)


def test_even_steps_have_no_gap():
    found = drawn(*(crp(n, f"20{10 + n}-03-01") for n in range(6)))
    assert (len(found.lines), found.gaps, found.has_gap) == (1, (), False)


def test_a_value_outside_its_interval_is_marked_in_picture_words_and_table():
    interval = [{"high": {"value": 8}}]
    found = drawn(crp(3, "2026-01-12", referenceRange=interval), crp(84, "2026-02-04", referenceRange=interval))
    assert [dot.style for dot in found.dots] == ["c-dot", "c-out"]
    assert (found.out_words, found.interval) == ("Høj", "højst 8")
    assert [row.out for row in found.rows] == [("Høj",), ("",)]


def test_the_table_has_every_value_newest_first_with_its_source():
    found = drawn(crp(3, "2026-01-12"), crp(84, "2026-02-04"))
    assert [(row.when, row.values, row.source) for row in found.rows] == [
        ("04.02.2026", ("84",), "Klinikken"), ("12.01.2026", ("3",), "Klinikken"),
    ]  # fmt: skip


def test_a_curve_that_ends_before_the_newest_treatment_says_so():
    mark = Mark(datetime(2026, 3, 1, tzinfo=UTC), "Prednisolon")
    assert drawn(crp(3, "2026-01-12"), crp(84, "2026-02-04"), marks=[mark]).ends_before == "Prednisolon"
    assert drawn(crp(3, "2026-01-12"), crp(84, "2026-04-04"), marks=[mark]).ends_before == ""


def test_a_treatment_within_the_curve_is_drawn():
    mark = Mark(datetime(2026, 2, 1, tzinfo=UTC), "Prednisolon")
    assert [m.label.words for m in drawn(crp(3, "2026-01-12"), crp(84, "2026-04-04"), marks=[mark]).marks] == [
        "Prednisolon"
    ]


def test_somebody_who_cannot_see_the_picture_is_told():
    found = drawn(crp(3, "2026-01-12"), crp(84, "2026-02-04"))
    assert found.description.startswith("CRP: 2 målinger, fra 3 mg/L den 12.01.2026 til 84 mg/L den 04.02.2026")


numbers = st.one_of(st.integers(-1000, 100_000), st.floats(-1000, 1000, allow_nan=False).map(lambda f: round(f, 4)))
moments = st.datetimes(datetime(1920, 1, 1), datetime(2026, 11, 1))


@example(points=[(0.0039, datetime(2000, 1, 1))])
@given(points=st.lists(st.tuples(numbers, moments), min_size=1, max_size=30))
def test_whatever_was_measured_stays_within_the_picture(points):
    found = drawn(*(crp(number, f"{at:%Y-%m-%dT%H:%M:%S}Z".rjust(20, "0")) for number, at in points))
    places = [(float(dot.x), float(dot.y)) for dot in found.dots]
    assert all(LEFT <= x <= RIGHT and TOP <= y <= BOTTOM + 0.1 for x, y in places)
    assert all(LEFT <= float(tick.x) <= RIGHT for tick in found.ticks)
    assert len(found.grid) <= 8
    assert len({line.words for line in found.grid}) == len(found.grid)


def test_sparse_years_before_a_busy_week_are_no_gaps_but_a_missing_week_is():
    years = [crp(n, f"20{20 + n}-06-01") for n in range(4)]
    busy = [crp(n, f"2023-12-{n:02d}") for n in range(1, 8)]
    assert drawn(*years).has_gap is False
    assert drawn(*busy, crp(9, "2023-12-15"), crp(9, "2023-12-16")).has_gap is True


def test_an_interval_says_what_it_is_when_its_sender_does():
    personal = [{"low": {"value": 90}, "high": {"value": 96}, "type": {"text": "Personlige grænser"}}]
    found = list(measured(record(value("59408-5", 92, "%", "2026", referenceRange=personal))))
    assert interval(found[0], DA) == "90–96 (Personlige grænser)"
