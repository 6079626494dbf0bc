"""Headers of answers: what is written by hand here says what the standard library says."""

from datetime import UTC, datetime
from email.utils import format_datetime

from hypothesis import given, strategies as st

from helhed.api.answers import http_date


@given(st.datetimes(min_value=datetime(1, 1, 1), timezones=st.just(UTC)))
def test_a_moment_is_written_as_http_writes_it(moment: datetime) -> None:
    assert http_date(moment).decode() == format_datetime(moment, usegmt=True)
