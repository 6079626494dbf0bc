"""How one value is said: in EDIFACT or XML (its form), in the words of MedCom's schemas (neutral), and in FHIR (its kind).

Every form and kind goes both ways. A value that does not fit its kind is None: it is then kept verbatim, and shown.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from helhed.exchange.legacy import texts
from helhed.exchange.legacy.tables import lists
from helhed.fhir.exact import Decimal

_COPENHAGEN = ZoneInfo("Europe/Copenhagen")
_LOCAL = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d))?)?", re.ASCII)
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,17})(?:[.,]\d{1,17})?", re.ASCII)
_CODE = re.compile(r"\S+(?: \S+)*")
_ID = re.compile(r"[A-Za-z0-9.-]{1,64}", re.ASCII)
_CPR = re.compile(r"\d{6}[0-9A-Z]{4}", re.ASCII)
_FIRST_YEARS = 60  #: UNB has two digits of the year; MedCom's interchanges begin in the nineties


def text_to(value: str) -> str | None:
    """A string of FHIR is not blank."""
    return value if value.strip() else None


def code_to(value: str) -> str | None:
    """A code of FHIR has single spaces within, and none at its ends."""
    return value if _CODE.fullmatch(value) else None


def id_to(value: str) -> str | None:
    """An id of FHIR."""
    return value if _ID.fullmatch(value) else None


def cpr_to(value: str) -> str | None:
    """A CPR number or a replacement number, ten characters."""
    return value if _CPR.fullmatch(value) else None


def moment_to(value: str) -> str | None:
    """The time of Danish clocks as a FHIR dateTime with its zone, or a date."""
    found = _LOCAL.fullmatch(value)
    if not found:
        return None
    if found[4] is None:
        return value if _real(found[1], found[2], found[3]) else None
    zone = _zone(value[:13])
    return (
        f"{value}{'' if found[6] else ':00'}{zone}" if zone and int(found[5]) < 60 and int(found[6] or 0) < 60 else None
    )


def instant_to(value: str) -> str | None:
    """The same, where FHIR takes no date alone."""
    return moment_to(value) if "T" in value else None


def moment_from(value: Any) -> str | None:
    """The time of Danish clocks, with seconds where it has any."""
    try:
        at = datetime.fromisoformat(value) if len(value) > 10 else None
        if at is None:
            return str(value) if _LOCAL.fullmatch(value) else None
        local = at.astimezone(_COPENHAGEN) if at.tzinfo else at
    except (TypeError, ValueError, OverflowError):
        return None
    return f"{local:%Y-%m-%dT%H:%M:%S}"


def number_to(value: str) -> Any:
    """A number as it is written: 5.10 stays 5.10."""
    return (_exact(value.replace(",", "."))) if _NUMBER.fullmatch(value) else None


def integer_to(value: str) -> int | None:
    """A whole number that is not negative."""
    return int(value) if _NUMBER.fullmatch(value) and value.isdigit() and len(value) < 10 else None


def number_from(value: Any) -> str | None:
    """Its digits."""
    if isinstance(value, Decimal):
        return value.text
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def rich_to(value: texts.Runs) -> Any:
    """A narrative."""
    return {"status": "generated", "div": texts.to_xhtml(value)} if texts.said(value).strip() else None


def rich_from(value: Any) -> texts.Runs | None:
    """Its runs."""
    div = value.get("div") if isinstance(value, Mapping) else None
    return texts.from_xhtml(div) if isinstance(div, str) else None


def lines_to(value: texts.Runs) -> str | None:
    """Plain text with ends of lines; formats are not said."""
    return texts.said(value) if texts.said(value).strip() else None


def lines_from(value: Any) -> texts.Runs | None:
    """Its one run."""
    return [(texts.PLAIN, value)] if isinstance(value, str) and value else None


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) else None


Both = tuple[Callable[[Any], Any], Callable[[Any], Any]]
_KINDS: dict[str, Both] = {
    "text": (text_to, _string),
    "code": (code_to, _string),
    "id": (id_to, _string),
    "cpr": (cpr_to, _string),
    "moment": (moment_to, moment_from),
    "instant": (instant_to, moment_from),
    "number": (number_to, number_from),
    "integer": (integer_to, number_from),
    "rich": (rich_to, rich_from),
    "lines": (lines_to, lines_from),
}
RICH = frozenset({"rich", "lines"})


def kind(name: str) -> Both:
    """Neutral to FHIR, and back. ``codes:x`` is the list x of the tables."""
    if name.startswith("codes:"):
        table = lists()[name[6:]]
        back = {value: key for key, value in reversed(table.items())}
        return table.get, lambda value: back.get(value) if isinstance(value, str) else None
    return _KINDS[name]


# --- forms ------------------------------------------------------------------------------------------------------------


def neutral(forms: Mapping[str, str]) -> str | None:
    """What the parts of one field say together, by their forms; None when they say nothing that is known."""
    if len(forms) == 1:
        ((form, text),) = forms.items()
        if form == "":
            return text
    for names, together in _TOGETHER:
        if forms.keys() == names:
            return together(forms)
    main = next(iter(forms))
    return _list_from(main).get(forms[main])


def told(value: str, form: str) -> str | None:
    """How the form tells a neutral value."""
    if form == "":
        return value
    if form in _MOMENTS:
        return _MOMENTS[form](re.sub(r"\D", "", value)) if _LOCAL.fullmatch(value) else None
    return lists()[form].get(value)


@lru_cache(maxsize=64)
def _list_from(form: str) -> dict[str, str]:
    """A list of forms, backwards: the first neutral word of a code is the one that is read."""
    return {code: word for word, code in reversed(lists()[form].items())} if form in lists() else {}


def _spelled(digits: str) -> str | None:
    return {
        8: f"{digits[:4]}-{digits[4:6]}-{digits[6:8]}",
        12: f"{digits[:4]}-{digits[4:6]}-{digits[6:8]}T{digits[8:10]}:{digits[10:12]}",
        14: f"{digits[:4]}-{digits[4:6]}-{digits[6:8]}T{digits[8:10]}:{digits[10:12]}:{digits[12:14]}",
    }.get(len(digits))


def _sent(forms: Mapping[str, str]) -> str | None:
    year = forms["yymmdd"][:2]
    century = "20" if year.isdigit() and int(year) < _FIRST_YEARS else "19"
    return _spelled(f"{century}{forms['yymmdd']}{forms['hhmm']}")


def _result_status(forms: Mapping[str, str]) -> str | None:
    gis, sts = forms["gis"], forms["sts"]
    return _list_from("result_status").get(f"{gis} {'FR' if gis == 'M' and sts == 'MR' else sts}")


_TOGETHER: list[tuple[frozenset[str], Callable[[Mapping[str, str]], str | None]]] = [
    (frozenset({"203"}), lambda forms: _spelled(forms["203"]) if len(forms["203"]) == 12 else None),
    (frozenset({"204"}), lambda forms: _spelled(forms["204"]) if len(forms["204"]) == 14 else None),
    (frozenset({"102"}), lambda forms: _spelled(forms["102"]) if len(forms["102"]) == 8 else None),
    (frozenset({"date", "time"}), lambda forms: f"{forms['date']}T{forms['time']}"),
    (frozenset({"date", "secs"}), lambda forms: f"{forms['date']}T{forms['secs']}"),
    (frozenset({"date"}), lambda forms: forms["date"]),
    (frozenset({"yymmdd", "hhmm"}), _sent),
    (frozenset({"gis", "sts"}), _result_status),
]
_MOMENTS: dict[str, Callable[[str], str]] = {
    "203": lambda digits: digits[:12].ljust(12, "0"),
    "204": lambda digits: digits[:14].ljust(14, "0"),
    "102": lambda digits: digits[:8],
    "date": lambda digits: f"{digits[:4]}-{digits[4:6]}-{digits[6:8]}",
    "time": lambda digits: f"{digits[8:10]}:{digits[10:12]}",
    "secs": lambda digits: f"{digits[8:10]}:{digits[10:12]}:{digits[12:14] or '00'}",
    "yymmdd": lambda digits: digits[2:8],
    "hhmm": lambda digits: digits[8:12].ljust(4, "0"),
}


@lru_cache(maxsize=4096)
def _zone(hour: str) -> str:
    """The offset of Danish clocks at ``YYYY-MM-DDTHH``; "" for an hour that is none."""
    try:
        offset = datetime.strptime(hour, "%Y-%m-%dT%H").replace(tzinfo=_COPENHAGEN).strftime("%z")
    except ValueError:
        return ""
    return f"{offset[:3]}:{offset[3:5]}" if hour >= "1900" else ""


@lru_cache(maxsize=4096)
def _real(year: str, month: str, day: str) -> bool:
    try:
        datetime(int(year), int(month), int(day))  # noqa: DTZ001
    except ValueError:
        return False
    return year >= "1000"


def _exact(text: str) -> Any:
    return Decimal(text) if "." in text else int(text)
