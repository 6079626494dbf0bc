"""FHIR's dates keep the precision they were written with."""

import pytest

from helhed.record.moments import Precision, moment


@pytest.mark.parametrize(
    ("written", "precision", "start", "ends"),
    [
        ("1998", Precision.YEAR, "1998-01-01T00:00:00+01:00", "1999-01-01T00:00:00+01:00"),
        ("2024-02", Precision.MONTH, "2024-02-01T00:00:00+01:00", "2024-03-01T00:00:00+01:00"),
        ("2024-02-29", Precision.DAY, "2024-02-29T00:00:00+01:00", "2024-03-01T00:00:00+01:00"),
        ("2026-07-01T10:00:00Z", Precision.TIME, "2026-07-01T12:00:00+02:00", "2026-07-01T12:00:00+02:00"),
    ],
)
def test_a_date_is_as_precise_as_it_was_said(written, precision, start, ends):
    found = moment(written)
    assert found is not None
    assert (found.precision, found.at.isoformat(), found.ends.isoformat()) == (precision, start, ends)


@pytest.mark.parametrize("written", [None, "", "i går", "2023-02-29", "2023-13", "20230101", 2023, {"start": "2023"}])
def test_what_is_no_date_is_no_moment(written):
    assert moment(written) is None
