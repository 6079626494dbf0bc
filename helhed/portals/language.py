"""Words in Danish and English: one catalogue a language in ``messages/``, a file an area, and dates and numbers as each language writes them.

A catalogue is TOML: tables group keys, a key is called ``table.name``. A message with plural forms is a table of them
(``one``, ``other``), chosen by ``n`` with CLDR's rules. Tests keep the catalogues equal in keys and placeholders.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache
from importlib import resources
from typing import Any

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal

from helhed.foundation.clock import DANISH_TIME
from helhed.record.moments import Moment, Precision
from helhed.trust.keeping.purges import purge_policy
from helhed.trust.policy import policy
from helhed.trust.roles import roles

LANGUAGES = ("da", "en")
DEFAULT = "da"

_PATTERNS = {
    "da": {
        "day": "dd.MM.yyyy",
        "month": "MMMM yyyy",
        "year": "yyyy",
        "time": "HH.mm",
        "short": "dd.MM.",
        "month_year": "MM.yyyy",
        "weekday": "EEEE",
        "day_number": "d",
        "month_short": "MMM",
    },
    "en": {
        "day": "d MMM yyyy",
        "month": "MMMM yyyy",
        "year": "yyyy",
        "time": "HH:mm",
        "short": "d MMM",
        "month_year": "MMM yyyy",
        "weekday": "EEEE",
        "day_number": "d",
        "month_short": "MMM",
    },
}
_PLURALS = frozenset({"one", "other"})


@cache
def catalogue(language: str) -> Mapping[str, str | Mapping[str, str]]:
    """Every message of a language by its full key."""
    folder = resources.files("helhed.portals") / "messages" / language
    found: dict[str, str | Mapping[str, str]] = {}
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        messages = dict(_flat(tomllib.loads(file.read_text("utf-8"))))
        if twice := found.keys() & messages.keys():
            raise ValueError(f"{file.name} says again: {sorted(twice)}")
        found |= messages
    return found


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str | Mapping[str, str]]]:
    for name, value in table.items():
        if isinstance(value, str) or set(value) == _PLURALS:
            yield prefix + name, value
        else:
            yield from _flat(value, f"{prefix}{name}.")


def _owned(message: str, values: Mapping[str, object]) -> str:
    """Danish writes Hans' and Friis' with an apostrophe alone, where other names get an s: Ullas."""
    for key, value in values.items():
        if isinstance(value, str) and value.lower().endswith(("s", "x", "z")):
            message = re.sub(rf"\{{{key}\}}s\b", f"{{{key}}}'", message)
    return message


@cache
def _roles(language: str) -> Mapping[str, str]:
    return {role["role"]: role[language] for role in roles()}


@dataclass(frozen=True, slots=True)
class Words:
    """One language: its messages and its ways of writing."""

    language: str

    @property
    def locale(self) -> Locale:
        """Babel's data for the language; Danish English is British."""
        return Locale.parse("en_GB" if self.language == "en" else self.language)

    def has(self, key: str) -> bool:
        """Whether there is such a message."""
        return key in catalogue(self.language)

    def __call__(self, key: str, **values: object) -> str:
        """A message with its places filled in. KeyError when there is none: tests see to it that there is."""
        message = catalogue(self.language)[key]
        if not isinstance(message, str):
            n = values["n"]
            message = message[self.locale.plural_form(n if isinstance(n, int) else 0)]
        shown = {k: self.number(v) if isinstance(v, int) and not isinstance(v, bool) else v for k, v in values.items()}
        if self.language == "da":
            message = _owned(message, values)
        return message.format(**shown) if values else message

    def either(self, key: str, otherwise: str, **values: object) -> str:
        """A message, or these words when there is none: for codes that senders may invent."""
        return self(key, **values) if self.has(key) else otherwise

    def role(self, role: str) -> str:
        """What a role is called, "" for roles the policy does not know."""
        return _roles(self.language).get(role, "")

    def basis(self, name: str) -> tuple[str, str]:
        """A basis of the policy in this language, and its law; "" twice for one the policy does not know."""
        known = policy().bases.get(name)
        if known is None:
            return "", ""
        return (known.danish if self.language == "da" else known.english), known.law

    def purge_ground(self, ground: str, *, rightful: bool) -> str:
        """Why something was purged, as it reads for the one it was recorded on, or for the one it is about."""
        known = purge_policy().grounds.get(ground)
        if known is None:
            return ""
        danish, english = (known.rightful_danish, known.rightful_english) if rightful else (known.danish, known.english)
        return danish if self.language == "da" else english

    def number(self, value: Decimal | int) -> str:
        """A number with the language's marks; decimals are kept as written, noise beyond measurement is rounded off."""
        return self.exact(sensible(Decimal(value)))

    def exact(self, shown: Decimal) -> str:
        """A number with the language's marks, to its last decimal."""
        places = max(0, -int(shown.as_tuple().exponent))
        pattern = "#,##0" + ("." + "0" * places if places else "")
        return format_decimal(shown, format=pattern, locale=self.locale)

    def amount(self, value: Decimal | None, unit: str = "") -> str:
        """A number with its unit."""
        return f"{self.number(value)} {self.unit(unit)}".strip() if value is not None else ""

    def unit(self, unit: str) -> str:
        """A unit as people write it."""
        if unit in _UNITS:
            return _UNITS[unit]
        return self.either(f"unit.{unit}", unit) if unit.isascii() and unit.isalpha() else unit

    def pattern(self, when: date | datetime, name: str) -> str:
        """A date or time by one of the named patterns, in Danish time."""
        shape = _PATTERNS[self.language][name]
        if isinstance(when, datetime):
            return format_datetime(when, shape, tzinfo=DANISH_TIME, locale=self.locale)
        return format_date(when, shape, locale=self.locale)

    def day(self, when: date | datetime) -> str:
        """05.02.2026"""
        return self.pattern(when, "day")

    def time(self, when: datetime) -> str:
        """A time of day: kl. 06.40."""
        return self("when.at", time=self.pattern(when, "time"))

    def long_day(self, when: date | datetime) -> str:
        """Torsdag 05.02.2026"""
        weekday = self.pattern(when, "weekday")
        return f"{capital(weekday)} {self.day(when)}"

    def instant(self, when: datetime) -> str:
        """05.02.2026 kl. 06.40"""
        return f"{self.day(when)} {self.time(when)}"

    def long_instant(self, when: Moment) -> str:
        """Torsdag 05.02.2026 kl. 06.40, or without the time when none was said."""
        day = self.long_day(when.at)
        return f"{day} {self.time(when.at)}" if when.precision is Precision.TIME else day

    def near(self, when: datetime, now: datetime) -> str:
        """Today and yesterday by name (i går kl. 23.10), else date and time."""
        days = (now.astimezone(DANISH_TIME).date() - when.astimezone(DANISH_TIME).date()) / timedelta(days=1)
        name = {0: "when.today", 1: "when.yesterday", -1: "when.tomorrow"}.get(int(days))
        return f"{self(name)} {self.time(when)}" if name else self.instant(when)

    def recent(self, when: Moment | None, now: datetime) -> str:
        """With the time when it was today or yesterday, else the day alone."""
        if when is None:
            return ""
        close = when.precision is Precision.TIME and abs(now - when.at) < timedelta(days=2)
        return self.near(when.at, now) if close else self.moment(when, time=False)

    def moment(self, when: Moment | None, *, time: bool = True) -> str:
        """A moment as precisely as it was said."""
        if when is None:
            return ""
        if when.precision is Precision.TIME and time:
            return self.instant(when.at)
        return self.pattern(when.at, {Precision.YEAR: "year", Precision.MONTH: "month"}.get(when.precision, "day"))

    def kind_of_data(self, type_name: str) -> str:
        """A resource type as people speak of it, in the plural or as a mass: svar og målinger."""
        return self.either(f"data.{type_name}", self("data.other"))

    def kinds_of_data(self, type_names: Iterable[str]) -> str:
        """Several of them in a row, in the order of the words; "" for none."""
        return self.listed(sorted(map(self.kind_of_data, type_names)))

    def listed(self, items: list[str]) -> str:
        """a, b og c; samt where an item is a pair itself: svar og målinger samt kontakter."""
        if len(items) < 2:
            return "".join(items)
        paired = any(f" {self('list.and')} " in item for item in items)
        return f"{', '.join(items[:-1])} {self('list.and_also' if paired else 'list.and')} {items[-1]}"


_UNITS = {
    "mm[Hg]": "mmHg",
    "Cel": "°C",
    "10*3/uL": "× 10³/µL",
    "10*6/uL": "× 10⁶/µL",
    "10*9/L": "× 10⁹/L",
    "10⁹/L": "× 10⁹/L",
    "10*12/L": "× 10¹²/L",
    "10⁻³ IU/L": "× 10⁻³ IU/L",
    "kg/m2": "kg/m²",
    "mL/min/{1.73_m2}": "mL/min/1,73 m²",
    "{score}": "",
    "{T-score}": "T-score",
    "/min": "/min",
    "1/min": "/min",
    "1": "",
}

_FINE, _BROAD, _WHOLE = Decimal(1), Decimal(10), Decimal(100)


def sensible(value: Decimal) -> Decimal:
    """A number as written when somebody wrote it; one with more than three decimals came from a machine and is rounded."""
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or exponent >= -3:
        return value if isinstance(exponent, int) and exponent <= 0 else value.quantize(Decimal(1))
    size = abs(value)
    step = "0" if size >= _WHOLE else "0.1" if size >= _BROAD else "0.01" if size >= _FINE else "0.001"
    return value.quantize(Decimal(step), rounding=ROUND_HALF_EVEN)


def capital(text: str) -> str:
    """With a capital first letter and the rest as it stands: SOSU-hjælper stays so."""
    return text[:1].upper() + text[1:]


def number_with_hyphen(number: str) -> str:
    """DDMMYY-XXXX from ten characters; anything of another length as it is."""
    return f"{number[:6]}-{number[6:]}" if len(number) == len("DDMMYYXXXX") else number


def months(birth: date | None, now: datetime) -> int | None:
    """Whole months in Danish time, for those too small to be told in years."""
    if birth is None:
        return None
    today = now.astimezone(DANISH_TIME).date()
    return max(0, (today.year - birth.year) * 12 + today.month - birth.month - (today.day < birth.day))


def age(birth: date | None, now: datetime) -> int | None:
    """Whole years in Danish time; somebody born on 29 February has birthday on 1 March in other years."""
    if birth is None:
        return None
    today = now.astimezone(DANISH_TIME).date()
    return max(0, today.year - birth.year - ((today.month, today.day) < (birth.month, birth.day)))
