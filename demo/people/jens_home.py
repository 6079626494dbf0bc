"""Jens at home: the municipal nurses, and his own measurements since February."""

from datetime import date, timedelta

from demo.catalogue import diagnosis
from demo.chart import Chart
from demo.fhir import care_plan, condition, encounter, goal, observation

NURSES = "hjemmesygepleje"
MONITORING = "hjemmemonitorering"
OXIMETER = "Pulsoximeter, hjemme"
#: agreed for Jens by his doctor on 12.02.2026
LIMITS = (90, 96)
_FIRST_DAY = date(2026, 2, 17)
_DAILY_UNTIL = date(2026, 3, 2)
_WORSE_FROM = date(2026, 11, 9)
_MEASURING_DAYS = (0, 2, 4)  # Monday, Wednesday, Friday
#: the last fortnight, daily; the 17th was skipped
_FORTNIGHT = {
    9: 93,
    10: 92,
    11: 93,
    12: 92,
    13: 92,
    14: 93,
    15: 91,
    16: 92,
    18: 91,
    19: 91,
    20: 90,
    21: 90,
    22: 89,
    23: 86,
}
_PULSE = {20: 82, 21: 83, 22: 84, 23: 96}


def home_monitoring(chart: Chart) -> None:
    """The home nurses' contact and plan, and the series of measurements."""
    contact = chart.add(
        NURSES,
        encounter("HH", "Hjemmemonitorering, KOL", "2026-02-16 13:00", reasons=[diagnosis("home-monitoring-copd")]),
        by="karen-nurse",
    )
    words = "Åndenød ved trapper og bad. Måler selv ilt og puls."
    problem = condition(diagnosis("respiration-fsiii"), "2026-02-16", words=words)
    chart.add(NURSES, problem, by="karen-nurse", contact=contact)
    aim = chart.add(
        NURSES, goal("Jens opdager selv forværring og ringer i tide", "2026-02-16", due="2027-02-16"), by="karen-nurse"
    )
    activities = ["Hjælp til hjemmemonitorering relateret til KOL", "Gennemgang af tal to gange om ugen"]
    plan = care_plan(
        "Plan for hjemmemonitorering",
        "2026-02-16",
        activities,
        goals=[aim],
        words="Varsel under 90 %, alarm under 88 %.",
    )
    chart.add(NURSES, plan, by="karen-nurse", contact=contact)
    _series(chart)
    _today(chart)


def _series(chart: Chart) -> None:
    day = _FIRST_DAY
    while day < _WORSE_FROM:
        if day <= _DAILY_UNTIL or day.weekday() in _MEASURING_DAYS:
            number = day.toordinal()
            _measured(chart, f"{day} 08:{number % 40 + 5:02}", 92 + number * 7 % 3, 78 + number * 5 % 7)
        if day.weekday() == 0 and day > _DAILY_UNTIL:
            chart.add(MONITORING, observation("weight", 70.5 + day.toordinal() // 7 % 3 * 0.5, f"{day} 08:50"))
        day += timedelta(days=1)
    for november, saturation in _FORTNIGHT.items():
        clock = "11:52" if november >= 22 else f"08:{november + 10}"
        pulse = _PULSE.get(november, 80 + november % 3)
        _measured(chart, f"2026-11-{november:02} {clock}", saturation, pulse)


def _measured(chart: Chart, when: str, saturation: int, pulse: int) -> None:
    chart.add(MONITORING, observation("spo2", saturation, when, method=OXIMETER, interval=LIMITS))
    chart.add(MONITORING, observation("pulse", pulse, when, method=OXIMETER))


def _today(chart: Chart) -> None:
    """Answers that came with today's measurement."""
    chart.add(MONITORING, observation("rescue-puffs", 3, "2026-11-21 08:32"))
    chart.add(MONITORING, observation("rescue-puffs", 6, "2026-11-22 11:52"))
    answers: dict[str, float | str] = {"sputum": "mere opspyt end vanligt", "dyspnoea": "lidt mere åndenød", "cat": 22}
    for key, answer in answers.items():
        chart.add(MONITORING, observation(key, answer, "2026-11-23 11:52"))
