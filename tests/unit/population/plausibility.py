"""What a clinician would find absurd in a record, as checks: each says what is wrong, or nothing."""

import base64
import itertools
from collections.abc import Iterator
from datetime import date
from json import loads
from pathlib import Path
from typing import Any

LIMITS = loads(Path(__file__).with_name("limits.json").read_text("utf-8"))
TODAY = date(2026, 11, 23)
_MOMENTS = ("effectiveDateTime", "occurrenceDateTime", "performedDateTime", "onsetDateTime", "abatementDateTime", "recordedDate", "authoredOn", "whenHandedOver", "date", "started", "createdDateTime", "created", "issued")  # fmt: skip
_ENDED_BY_DEATH = ("MedicationRequest", "CarePlan", "Encounter", "ServiceRequest")


class Record:
    """One citizen's resources, with what the checks ask again and again."""

    def __init__(self, resources: list[dict[str, Any]]) -> None:
        self.resources = resources
        self.patient = resources[0]
        self.born = day(self.patient["birthDate"])
        self.died = day(self.patient["deceasedDateTime"]) if "deceasedDateTime" in self.patient else None
        self.sex = self.patient["gender"]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [one for one in self.resources if one["resourceType"] == kind]

    def age(self, when: str) -> float:
        return (day(when) - self.born).days / 365.25

    def diagnoses(self) -> dict[str, str]:
        return {code: one["onsetDateTime"] for one in self.of("Condition") for code in codes(one)}

    def values(self, code: str) -> list[tuple[str, float]]:
        found = [one for one in self.of("Observation") if code in codes(one)]
        return sorted((one["effectiveDateTime"], one["valueQuantity"]["value"]) for one in found)


def day(text: str) -> date:
    return date.fromisoformat(text[:10] if len(text) > 7 else f"{text[:4]}-12-31")


def codes(resource: dict[str, Any]) -> set[str]:
    return {one["code"] for one in resource.get("code", {}).get("coding", ())}


def atc(order: dict[str, Any]) -> str:
    return str(order["contained"][0]["code"]["coding"][0]["code"])


def bounds(order: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = order["dosageInstruction"][0]["timing"]["repeat"]["boundsPeriod"]
    return found


def _starting(table: dict[str, Any], code: str) -> Iterator[Any]:
    return (value for start, value in table.items() if code.startswith(start))


def time_is_in_order(record: Record) -> Iterator[str]:
    """Nothing before birth or after death, nothing recorded in the future, ends after beginnings."""
    last = record.died or TODAY
    for one in record.resources[1:]:
        if one["resourceType"] == "Appointment":
            if day(one["start"]) <= TODAY:
                yield f"booked in the past: {one['start']}"
            continue
        moments = [one[name] for name in _MOMENTS if name in one]
        moments += list(one.get("period", {}).values())
        for moment in moments:
            if not record.born <= day(moment) <= last and len(moment) > 4:
                yield f"{one['resourceType']} at {moment}, born {record.born}, died {record.died}"
        if "end" in one.get("period", {}) and one["period"]["end"] < one["period"]["start"]:
            yield f"{one['resourceType']} ends before it begins: {one['period']}"
        if one.get("abatementDateTime", "9") < one.get("onsetDateTime", "0"):
            yield f"over before it began: {one['onsetDateTime']}"


def the_dead_are_not_treated(record: Record) -> Iterator[str]:
    if record.died is None:
        return
    for kind in _ENDED_BY_DEATH:
        for one in record.of(kind):
            if one["status"] in ("active", "in-progress"):
                yield f"{kind} goes on after death"
    if record.of("Appointment"):
        yield "a dead citizen is booked"


def medicine_is_dosed(record: Record) -> Iterator[str]:
    """One dosage each, with a number and a unit, and no more a day than anybody is given."""
    for order in record.of("MedicationRequest"):
        if len(order["dosageInstruction"]) != 1:
            yield f"{atc(order)} has {len(order['dosageInstruction'])} dosages"
        dosage = order["dosageInstruction"][0]
        amount = dosage["doseAndRate"][0]["doseQuantity"]
        if not amount.get("unit") or not 0 < amount["value"] <= 60:
            yield f"{atc(order)}: {amount}"
        most, unit = LIMITS["daily"][atc(order)]
        strength = order["contained"][0]["extension"][0]["valueString"]
        taken = daily(dosage) * one_unit(strength)
        if not strength.replace("/mL", "").replace("/g", "").endswith(unit) and unit not in strength:
            yield f"{atc(order)} is measured in {strength}, not {unit}"
        if taken > most * 1.001:
            yield f"{atc(order)}: {taken:g} {unit} a day, at most {most}"
        if str(round(amount["value"])) not in dosage["text"] and "½" not in dosage["text"]:
            yield f"text and dose differ: {dosage['text']} and {amount}"


def one_unit(strength: str) -> float:
    """What one tablet, puff or millilitre holds; insulin is counted in units."""
    number = strength.split("+", maxsplit=1)[0].split(" ", maxsplit=1)[0].replace(",", ".")
    return 1.0 if strength == "100 E/mL" else float(number)


def daily(dosage: dict[str, Any]) -> float:
    if "maxDosePerPeriod" in dosage:
        return float(dosage["maxDosePerPeriod"]["numerator"]["value"])
    repeat = dosage["timing"]["repeat"]
    return float(dosage["doseAndRate"][0]["doseQuantity"]["value"] * repeat["frequency"] / repeat["period"])


def medicine_fits_the_person(record: Record) -> Iterator[str]:
    diagnoses = record.diagnoses()
    for order in record.of("MedicationRequest"):
        code, since = atc(order), bounds(order)["start"]
        for youngest in _starting(LIMITS["youngest_taking"], code):
            if record.age(since) < youngest:
                yield f"{code} at {record.age(since):.1f} years"
        for sex in _starting(LIMITS["sex_taking"], code):
            if record.sex != sex:
                yield f"{code} to a {record.sex}"
        for needed in _starting(LIMITS["needs"], code):
            onsets = [diagnoses[one] for one in needed if one in diagnoses]
            if not onsets:
                yield f"{code} without any of {needed}"
            elif min(onsets) > since:
                yield f"{code} since {since}, diagnosed {min(onsets)}"


def medicine_is_tolerated(record: Record) -> Iterator[str]:
    """No penicillin to the allergic, no metformin in kidney failure, nothing twice."""
    allergic = any("J01C" in codes(one) for one in record.of("AllergyIntolerance"))
    filtration = [value for _, value in record.values("DNK35302")]
    current = [order for order in record.of("MedicationRequest") if order["status"] == "active"]
    for order in record.of("MedicationRequest"):
        if allergic and atc(order).startswith("J01C"):
            yield f"{atc(order)} to somebody allergic to penicillins"
    taken = [atc(order) for order in current]
    if "A10BA02" in taken and filtration and min(filtration) < 30:
        yield f"metformin with eGFR {min(filtration)}"
    if len({code[:3] if code[:3] in ("C09", "B01") else code[:5] for code in taken}) < len(taken):
        yield f"two of one group: {sorted(taken)}"
    if "M01AE01" in taken and any(code.startswith("B01") for code in taken):
        yield "ibuprofen with a blood thinner"


def diagnoses_fit_the_person(record: Record) -> Iterator[str]:
    for one in record.of("Condition"):
        for code in codes(one):
            age = record.age(one["onsetDateTime"])
            if age < LIMITS["youngest_with"].get(code, 0):
                yield f"{code} at {age:.1f}"
            if age > LIMITS["oldest_with"].get(code, 130):
                yield f"{code} at {age:.1f}"
            if LIMITS["sex_with"].get(code, record.sex) != record.sex:
                yield f"{code} in a {record.sex}"


def values_are_possible(record: Record) -> Iterator[str]:
    for one in record.of("Observation"):
        parts = one.get("component", [one])
        for part in (part for part in parts if "valueQuantity" in part):
            quantity = part["valueQuantity"]
            for code in codes(part):
                age = record.age(one["effectiveDateTime"])
                low, high = _range(code, age)
                if not low <= quantity["value"] <= high:
                    yield f"{code} is {quantity['value']} at {age:.1f}"
                if LIMITS["units"].get(code, quantity.get("code")) != quantity.get("code"):
                    yield f"{code} in {quantity.get('code')}"


def _range(code: str, age: float) -> tuple[float, float]:
    rows = [row for row in LIMITS["values"].get(code, ()) if row[0] <= age]
    return (rows[-1][1], rows[-1][2]) if rows else (1, 0)  # no row: nobody of this age is measured so


def values_agree(record: Record) -> Iterator[str]:
    """What is computed from something else, or follows from a diagnosis."""
    diagnoses = record.diagnoses()
    sugar = max((value for _, value in record.values("NPU27300")), default=0)
    if sugar >= 48 and not diagnoses.keys() & {"T89", "T90"}:
        yield f"HbA1c {sugar} without diabetes"
    for code, ill, limit in (("NPU27300", ("T89", "T90"), 48), ("DNK35302", ("U99",), 60)):
        onset = min((diagnoses[one] for one in ill if one in diagnoses), default="9999")
        for when, value in record.values(code):
            if (value >= limit) == (code == "NPU27300") and onset < "9" and (day(onset) - day(when)).days > 60:
                yield f"{code} {value} at {when}, diagnosed {onset}"
    filtration = [value for _, value in record.values("DNK35302")]
    if filtration and max(filtration) < 60 and "U99" not in diagnoses:
        yield f"eGFR {max(filtration)} without kidney disease"
    late = [value for when, value in record.values("DNK35302") if when > diagnoses.get("U99", "9")]
    if late and max(late) >= 60:
        yield "kidney disease with a normal eGFR"
    heights = [value for when, value in record.values("NPU03794") if record.age(when) > 25]
    weights = dict(record.values("NPU03804"))
    for when, index in record.values("39156-5"):
        if heights and abs(index - weights[when] / heights[0] ** 2) > 0.3:
            yield f"BMI {index} of {weights[when]} kg and {heights[0]} m"
    capacities, ratios = dict(record.values("19874-7")), dict(record.values("19926-5"))
    for when, volume in record.values("20155-8"):
        if abs(volume / capacities[when] - ratios[when]) > 0.011:
            yield f"FEV1 {volume} of {capacities[when]}, ratio {ratios[when]}"
        if (ratios[when] < 0.7) != ("R95" in diagnoses):
            yield f"ratio {ratios[when]}, COPD {'R95' in diagnoses}"
    for one in record.of("Observation"):
        if "component" in one:
            high, low = (part["valueQuantity"]["value"] for part in one["component"])
            if not low + 15 < high:
                yield f"blood pressure {high}/{low}"


def values_do_not_jump(record: Record) -> Iterator[str]:
    """Between neighbours in time: weight within a fifth in half a year, height of the grown at all, filtration by a third."""
    for code, share in (("NPU03804", 0.2), ("NPU03794", 0.015), ("DNK35302", 0.34)):
        series = [(when, value) for when, value in record.values(code) if record.age(when) >= 19]
        for (before, first), (after, second) in itertools.pairwise(series):
            if (day(after) - day(before)).days < 200 and abs(second - first) > share * first:
                yield f"{code} from {first} to {second} between {before} and {after}"
    for code in ("NPU03794", "9843-4"):
        series = [(when, value) for when, value in record.values(code) if record.age(when) < 18]
        for (before, first), (after, second) in itertools.pairwise(series):
            if second < first * 0.985:
                yield f"a child shrinks from {first} to {second} between {before} and {after}"


def letters_follow(record: Record) -> Iterator[str]:
    """A letter is written when its contact is over, names the citizen, and mentions only medicine that was begun."""
    contacts = {f"Encounter/{one['id']}": one for one in record.of("Encounter")}
    begun = {f"{one['contained'][0]['code']['text']} {one['contained'][0]['extension'][0]['valueString']}": bounds(one)["start"] for one in record.of("MedicationRequest") if one["status"] == "active"}  # fmt: skip
    for one in record.of("DocumentReference"):
        text = base64.b64decode(one["content"][0]["attachment"]["data"]).decode()
        for reference in one["context"].get("encounter", ()):
            contact = contacts[reference["reference"]]
            if one["date"] < contact["period"].get("end", "9"):
                yield f"written {one['date']}, left {contact['period'].get('end')}"
        if record.patient["name"][0]["text"] not in text:
            yield "a letter about somebody else"
        if "{" in text or "None" in text:
            yield f"unfinished: {text[:80]}"
        for name, since in begun.items():
            if name in text and since > one["date"][:10]:
                yield f"{name} in a letter of {one['date']}, begun {since}"


def admissions_do_not_overlap(record: Record) -> Iterator[str]:
    stays = sorted((one["period"]["start"], one["period"].get("end", "9")) for one in record.of("Encounter") if one["class"]["code"] == "IMP")  # fmt: skip
    for (_, left), (start, _) in itertools.pairwise(stays):
        if start < left:
            yield f"admitted {start}, before {left}"


def clinics_are_closed_at_weekends(record: Record) -> Iterator[str]:
    for one in record.of("Encounter"):
        if one["class"]["code"] == "AMB" and day(one["period"]["start"]).weekday() > 4:
            yield f"{one['type'][0]['text']} on a weekend, {one['period']['start']}"
    for one in record.of("DiagnosticReport"):
        if one["code"]["text"] == "Blodprøver" and day(one["effectiveDateTime"]).weekday() > 4:
            yield f"blood taken at the clinic on a weekend, {one['effectiveDateTime']}"


def clinics_are_closed_on_holidays(record: Record) -> Iterator[str]:
    """By the almanac, not by reckoning Easter."""
    held = [(one["type"][0]["text"], one["period"]["start"]) for one in record.of("Encounter") if one["class"]["code"] == "AMB"]  # fmt: skip
    booked = [(one["description"], one["start"]) for one in record.of("Appointment")]
    for what, when in held + booked:
        if when[:10] in LIMITS["holidays"] or when[5:10] in LIMITS["holidays_each_year"]:
            yield f"{what} on a holiday, {when}"
    for what, when in booked:
        if day(when).weekday() > 4:
            yield f"{what} booked on a weekend, {when}"


def illness_comes_before_its_cure(record: Record) -> Iterator[str]:
    """The contact, then what is prescribed there, then the pharmacy; also within a day."""
    orders = {f"MedicationRequest/{one['id']}": one for one in record.of("MedicationRequest")}
    visits = [one for one in record.of("Encounter") if one["class"]["code"] == "AMB" and one.get("reasonCode")]
    for one in orders.values():
        for visit in visits:
            begun = visit["period"]["start"]
            same = visit["reasonCode"][0]["text"].lower() == one["reasonCode"][0]["text"]
            if same and begun[:10] == one["authoredOn"][:10] and one["authoredOn"] < begun:
                yield f"{atc(one)} prescribed {one['authoredOn']}, before the visit of {begun}"
    for one in record.of("ServiceRequest"):
        for visit in visits:
            begun, why = visit["period"]["start"], visit["reasonCode"][0]["text"].lower()
            meant = begun[:10] == one["authoredOn"][:10] and any(f"for {why}." in note["text"] for note in one["note"])
            if meant and one["authoredOn"] < begun:
                yield f"referred {one['authoredOn']}, before the visit of {begun}"
    for one in record.of("MedicationDispense"):
        order = orders[one["authorizingPrescription"][0]["reference"]]
        first = bounds(order)["start"] == order["authoredOn"][:10]
        if one["whenHandedOver"] < (order["authoredOn"] if first else bounds(order)["start"]):
            yield f"{atc(order)} handed over {one['whenHandedOver']}, prescribed {order['authoredOn']}"


def pharmacies_are_closed_when_others_are(record: Record) -> Iterator[str]:
    """What lasts is fetched on a working day; a cure at once."""
    orders = {f"MedicationRequest/{one['id']}": one for one in record.of("MedicationRequest")}
    for one in record.of("MedicationDispense"):
        when = one["whenHandedOver"]
        at_once = bounds(orders[one["authorizingPrescription"][0]["reference"]])["start"] == when[:10]
        if not at_once and (day(when).weekday() > 4 or when[:10] in LIMITS["holidays"]):
            yield f"handed over {when}"


def surgery_shows_in_the_blood(record: Record) -> Iterator[str]:
    """CRP rises after a large operation, whatever else."""
    stays = [one for one in record.of("Encounter") if one["class"]["code"] == "IMP" and "end" in one["period"]]
    for stay in stays:
        large = {code for one in stay["reasonCode"][0].get("coding", ()) for code in [one["code"]]} & set(
            LIMITS["large_surgery"]
        )
        start, end = day(stay["period"]["start"]), day(stay["period"]["end"])
        crp = [value for when, value in record.values("NPU19748") if start < day(when) <= end]
        if large and crp and max(crp) < 30:
            yield f"CRP at most {max(crp)} after {large}"


def references_hold(record: Record) -> Iterator[str]:
    """Within the record: to what stands in it, and from the source that wrote it."""
    known = {f"{one['resourceType']}/{one['id']}" for one in record.resources}
    for one in record.resources[1:]:
        for target in pointed_at(one):
            local = target.split("/")[0] not in ("Organization", "Practitioner") and not target.startswith(
                ("#", "urn:")
            )
            if local and target not in known:
                yield f"{one['resourceType']} refers to {target}"


def pointed_at(value: object) -> Iterator[str]:
    """Every literal reference within."""
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield value["reference"]
        for inner in value.values():
            yield from pointed_at(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from pointed_at(inner)


CHECKS = (
    time_is_in_order, the_dead_are_not_treated, medicine_is_dosed, medicine_fits_the_person, medicine_is_tolerated, diagnoses_fit_the_person,
    values_are_possible, values_agree, values_do_not_jump, letters_follow, admissions_do_not_overlap, clinics_are_closed_at_weekends, clinics_are_closed_on_holidays,
    illness_comes_before_its_cure, pharmacies_are_closed_when_others_are, surgery_shows_in_the_blood, references_hold,
)  # fmt: skip


def absurdities(record: Record) -> list[str]:
    return [f"{check.__name__}: {wrong}" for check in CHECKS for wrong in check(record)]
