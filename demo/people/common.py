"""What every record is written with: laboratory answers, rounds of vital signs, visits."""

from collections.abc import Mapping

from demo.chart import Chart
from demo.datatypes import Json, minutes_after
from demo.fhir import blood_pressure, diagnostic_report, encounter, observation

LABORATORY = "laboratorium"
CARD = "medicinkort"
#: what a citizen has marked as private on the card; the citizen's block hides it
PRIVATE = "medicinkort-privat"
VACCINES = "vaccinationsregister"
PHONE_MINUTES = 10
Values = Mapping[str, float | str]


def lab(chart: Chart, when: str, values: Values, title: str = "Blodprøver", conclusion: str = "") -> str:
    """Laboratory answers of one sample, and their report."""
    sex = chart.citizen.gender
    results = [chart.add(LABORATORY, observation(key, value, when, sex=sex)) for key, value in values.items()]
    return chart.add(LABORATORY, diagnostic_report(title, when, results=results, conclusion=conclusion))


def measure(
    chart: Chart,
    source: str,
    when: str,
    values: Values,
    *,
    by: str = "",
    contact: str = "",
    pressure: tuple[float, float] | None = None,
) -> None:
    """Values measured together; ``pressure`` is systolic and diastolic."""
    if pressure:
        chart.add(source, blood_pressure(*pressure, when), by=by, contact=contact)
    for key, value in values.items():
        chart.add(source, observation(key, value, when, sex=chart.citizen.gender), by=by, contact=contact)


def visit(
    chart: Chart,
    source: str,
    when: str,
    title: str,
    reason: Json | None = None,
    *,
    by: str = "",
    minutes: int = 15,
    setting: str = "AMB",
) -> str:
    """A finished visit; returns its address."""
    reasons = [reason] if reason else []
    done = encounter(setting, title, when, minutes_after(when, minutes), reasons=reasons)
    return chart.add(source, done, by=by)
