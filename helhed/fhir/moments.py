"""The form in which most moments come, on which validation and index take a shorter road."""

import re

#: a dateTime or instant to the second, in the four digits of a year that no zone carries out of the calendar
TO_THE_SECOND = re.compile(
    r"[1-8]\d{3}-\d\d-\d\dT(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:Z|[+-](?:0\d|1[0-3]):[0-5]\d|[+-]14:00)", re.ASCII
)
