"""FHIRPath by example: an expression and what it gives on one patient with an observation."""

from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from helhed.fhir.fhirpath import Environment, NotFhirPath, NotOne, TooMuch, compile_expression

WARD = {"resourceType": "Organization", "id": "org", "name": "Ward"}
PATIENT = {
    "resourceType": "Patient",
    "id": "p",
    "active": True,
    "name": [
        {"use": "official", "family": "Berg", "given": ["Ane", "Bo"]},
        {"use": "nickname", "given": ["Nan"], "_family": {"extension": [{"url": "urn:why", "valueCode": "masked"}]}},
    ],
    "birthDate": "1974-12",
    "_birthDate": {"extension": [{"url": "urn:time", "valueDateTime": "1974-12-25T14:35:45-05:00"}]},
    "multipleBirthInteger": 2,
    "managingOrganization": {"reference": "#org"},
    "generalPractitioner": [{"reference": "Organization/elsewhere"}],
    "contained": [WARD],
}
OBSERVATION = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "8480-6"}, {"system": "urn:x", "code": "bp"}]},
    "valueQuantity": {"value": 120.5, "unit": "mmHg", "system": "http://unitsofmeasure.org", "code": "mm[Hg]"},
    "effectiveDateTime": "2026-11-23T08:30:00+01:00",
    "component": [{"code": {"text": "a"}, "valueInteger": 1}, {"code": {"text": "b"}, "valueInteger": 3}],
}


def environment(resource, **more):
    found = {"#org": WARD}
    return Environment(resource=resource, resolve=found.get, now="2026-11-23T09:00:00+01:00", **more)


def given_by(text, resource=None):
    focus = resource or PATIENT
    return compile_expression(text, focus["resourceType"]).values(focus, environment(focus))


@pytest.mark.parametrize(
    ("text", "values"),
    [
        # paths
        ("name.given", ["Ane", "Bo", "Nan"]),
        ("Patient.name.family", ["Berg"]),
        ("Observation.status", []),
        ("name[1].given", ["Nan"]),
        ("name[7]", []),
        ("name.nothing", []),
        ("multipleBirth", [2]),
        ("deceased", []),
        ("birthDate.extension('urn:time').value.exists()", [True]),
        ("name[1].family.extension.value", ["masked"]),
        ("name.family.hasValue()", [False]),
        ("`name`.`given`.first()", ["Ane"]),
        ("contained.ofType(Organization).name", ["Ward"]),
        ("managingOrganization.resolve().name", ["Ward"]),
        ("managingOrganization.reference.resolve().is(Organization)", [True]),
        ("%resource.id", ["p"]),
        ("name.select(%context.id)", ["p", "p"]),
        # filters and projections
        ("name.where(use = 'official').given", ["Ane", "Bo"]),
        ("name.where($index = 1).use", ["nickname"]),
        ("name.exists(use = 'old')", [False]),
        ("name.all(given.exists())", [True]),
        ("name.select(given.count())", [2, 1]),
        ("name.given.where($this.length() = 3).first()", ["Ane"]),
        ("contained.repeat(children()).where($this = 'Ward').exists()", [True]),
        ("descendants().where($this = 'Nan').count()", [1]),
        ("(1 | 2 | 3).aggregate($this + $total, 0)", [6]),
        ("iif(active, 'yes', 'no')", ["yes"]),
        ("iif(deceased, 'yes')", []),
        # collections
        ("name.given.last()", ["Nan"]),
        ("name.given.tail().count()", [2]),
        ("name.given.skip(1).take(1)", ["Bo"]),
        ("(1 | 1 | 2).count()", [2]),
        ("(1).combine(1).isDistinct()", [False]),
        ("name.given.intersect('Bo' | 'X')", ["Bo"]),
        ("name.given.exclude('Bo')", ["Ane", "Nan"]),
        ("('Bo').subsetOf(name.given)", [True]),
        ("'Bo' in name.given", [True]),
        ("name.given contains 'X'", [False]),
        ("{}.empty()", [True]),
        ("name.empty().not()", [True]),
        # truth in three values
        ("true and {}", []),
        ("false and {}", [False]),
        ("true or {}", [True]),
        ("{} or {}", []),
        ("true xor true", [False]),
        ("false implies {}", [True]),
        ("{} implies true", [True]),
        ("true implies false", [False]),
        ("active and name", None),
        # comparing
        ("1 = 1.0", [True]),
        ("'a' = 'A'", [False]),
        ("'a  b' ~ 'A B'", [True]),
        ("name.given = name.given", [True]),
        ("{} = 1", []),
        ("1 != 2", [True]),
        ("2 > 1 and 'b' > 'a'", [True]),
        ("birthDate < @1975-01-01", [True]),
        ("birthDate < @1974-12-25", []),
        ("birthDate = @1974-12", [True]),
        ("@2026-11-23T08:00:00+01:00 = @2026-11-23T07:00:00Z", [True]),
        ("@T10:00 < @T10:30", [True]),
        ("today() > birthDate", [True]),
        # numbers and texts
        ("1 + 2 * 3 - 4", [3]),
        ("-(2 + 1)", [-3]),
        ("7 div 2", [3]),
        ("7 mod 4", [3]),
        ("1 / 0", []),
        ("0.1 + 0.2 = 0.3", [True]),
        ("'12'.toInteger() + 1", [13]),
        ("'x'.toInteger()", []),
        ("'a' & {} & 'b'", ["ab"]),
        ("'abcdef'.substring(1, 2)", ["bc"]),
        ("'abc'.substring(9)", []),
        ("'abc'.startsWith('ab') and 'abc'.endsWith('c') and 'abc'.contains('b')", [True]),
        ("'a-b'.replace('-', '+').upper()", ["A+B"]),
        ("'it\\'s \\u00e6'", ["it's æ"]),
        ("'2026'.matches('^[0-9]{4}$')", [True]),
        ("'x2026'.matches('[0-9]+')", [True]),
        ("'x2026'.matchesFull('[0-9]+')", [False]),
        ("name.given.join(',')", ["Ane,Bo,Nan"]),
        # types
        ("active is boolean", [True]),
        ("active.is(System.Boolean)", [False]),
        ("'a' is String", [True]),
        ("$this is DomainResource", [True]),
        ("name.first() is HumanName", [True]),
        ("multipleBirth as integer", [2]),
        ("birthDate.ofType(dateTime)", []),
        ("active.type().name", ["boolean"]),
        ("1.type().namespace", ["System"]),
        # quantities in any unit that can be turned into the other
        ("1 'g' = 1000 'mg'", [True]),
        ("1 'kg' > 1 'g'", [True]),
        ("37 'Cel' > 98 '[degF]'", [True]),
        ("1 'g' = 1 'm'", []),
        ("1 'g' + 500 'mg' = 1.5 'g'", [True]),
        ("(3 'mg' * 2) / 4 = 1.5 'mg'", [True]),
        ("2 / 4 'mg'", []),
        ("(5 'g').toQuantity('mg').value", [Decimal(5000)]),
        ("'1.5 \\'mg\\''.toQuantity() = 1500 'ug'", [True]),
        ("'3 moons'.convertsToQuantity()", [False]),
        ("1 week = 7 days", [True]),
        ("1 year = 12 months", [True]),
        ("1 year = 1 'a'", []),
        ("1 year ~ 1 'a'", [True]),
        ("1 day > 1 'h'", []),
        ("1 second = 1 's'", [True]),
        # dates moved by the calendar
        ("@2026-01-31 + 1 month", ["2026-02-28"]),
        ("@2024-02-29 - 1 year", ["2023-02-28"]),
        ("@2026 + 24 months", ["2028"]),
        ("@2026-11 + 60 days", ["2027-01"]),
        ("@2026-11-23 - 1 week", ["2026-11-16"]),
        ("@2026-11-23T23:30:00+01:00 + 45 minutes", ["2026-11-24T00:15:00+01:00"]),
        ("@T23:30 + 1 hour", ["00:30"]),
        ("@9999-12-31 + 1 day", []),
        ("@2026-11-23 + 1 'a'", []),
        ("birthDate + 18 years < today()", [True]),
        ("today() - 60 years < birthDate", [True]),
        # as precisely as both are told
        ("@2026 = @2026-11", []),
        ("@2026 < @2027-01", [True]),
        ("@2026-11-23T10:00:00 = @2026-11-23T10:00:00.0", [True]),
        ("@2026-11-23T10:00:00 ~ @2026-11-23T10:00:00.0", [True]),
        ("@2026 ~ @2026-11", [False]),
        ("1.05 ~ 1.0", [True]),
        ("0.67 ~ 2/3", [True]),
        ("@2026.toString()", ["2026"]),
        # turning into
        ("'2026-11'.toDate() = @2026-11", [True]),
        ("'2026-13-99x'.convertsToDate()", [False]),
        ("@2026-11-23T10:00:00Z.toDate()", ["2026-11-23"]),
        ("'10:30'.toTime() < @T11:00", [True]),
        ("'maybe'.convertsToBoolean()", [False]),
        ("(1 'g').toString()", ["1 'g'"]),
        # mathematics
        ("2.power(10)", [1024]),
        ("2.power(100000)", []),
        ("(-1).sqrt()", []),
        ("9.sqrt()", [3]),
        ("16.log(2).round(6)", [4]),
        ("0.ln()", []),
        ("2.5.round()", [3]),
        ("2147483647 + 1", []),
        # what FHIR adds
        ("timeOfDay()", ["09:00:00"]),
        ("checkModifiers('urn:known').id", ["p"]),
    ],
)
def test_on_a_patient(text, values):
    if values is None:
        with pytest.raises(NotOne):
            given_by(text)
    else:
        assert given_by(text) == values


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("value.unit", ["mmHg"]),
        ("value.ofType(Quantity).value > 120", [True]),
        ("value.is(Quantity)", [True]),
        ("value > 120 'mm[Hg]'", [True]),
        ("value > 120 'kPa'", [False]),
        ("value.system = %ucum", [True]),
        ("component.value", [1, 3]),
        ("component.where(value > 2).code.text", ["b"]),
        ("code.coding.where(system = %loinc).code", ["8480-6"]),
        ("component.code.coding.intersect(%resource.code.coding).empty()", [True]),
        ("effective < now()", [True]),
        ("(effective as dateTime).toString().substring(0, 4)", ["2026"]),
        ("Observation.effective is dateTime", [True]),
    ],
)
def test_on_an_observation(text, values):
    assert given_by(text, OBSERVATION) == values


def test_decimals_are_as_they_were_written():
    assert given_by("0.1 + 0.20") == [Decimal("0.30")]


def test_what_is_not_here_is_told_and_not_guessed():
    here = environment(PATIENT)
    rule = compile_expression("generalPractitioner.resolve().name.exists()", "Patient")
    assert rule.holds(PATIENT, here) is False
    assert here.undecided
    codes = environment(OBSERVATION, member_of=lambda value_set, system, code: None)
    assert compile_expression("code.memberOf('urn:v')", "Observation").holds(OBSERVATION, codes) is None
    assert codes.undecided
    known = environment(OBSERVATION, member_of=lambda value_set, system, code: code == "bp")
    assert compile_expression("code.memberOf('urn:v')", "Observation").holds(OBSERVATION, known) is True
    assert not known.undecided


def test_hierarchies_can_be_asked():
    above = {("urn:x", "bp", "bp"), ("urn:x", "vital", "bp")}
    asked = environment(OBSERVATION, subsumes=lambda *question: question in above)
    coding = "code.coding.where(system = 'urn:x')"
    assert compile_expression(f"{coding}.subsumes({coding})", "Observation").holds(OBSERVATION, asked) is True
    other = {**OBSERVATION, "category": [{"coding": [{"system": "urn:x", "code": "vital"}]}]}
    asked = environment(other, subsumes=lambda *question: question in above)
    assert compile_expression("category.first().subsumes(code)", "Observation").holds(other, asked) is True
    assert compile_expression("code.subsumedBy(category.first())", "Observation").holds(other, asked) is True
    assert compile_expression("code.subsumes(category.first())", "Observation").holds(other, asked) is False
    blind = environment(other, subsumes=lambda *question: None)
    assert compile_expression("category.first().subsumes(code)", "Observation").holds(other, blind) is None
    assert blind.undecided


def test_a_moment_that_nobody_gave_is_not_guessed():
    blind = Environment(resource=PATIENT)
    assert compile_expression("birthDate < today()", "Patient").holds(PATIENT, blind) is None
    assert blind.undecided


@pytest.mark.parametrize(
    "text",
    ["(1 | 2 | 3 | 4 | 5).select($this).repeat($this.toString() & 'a')",
     "descendants().aggregate($total & $total & 'aaaaaaaaaaaaaaaa', 'a')",
     "descendants().aggregate($total.combine($total), 1)",
     "descendants().aggregate($total | $total.select(toString() & 'a') | ($total & 'b'), 'a')"],
)  # fmt: skip
def test_what_grows_by_itself_is_stopped_before_it_is_large(text):
    wide = {"resourceType": "Patient", "name": [{"given": [str(n) for n in range(500)]}]}
    with pytest.raises((TooMuch, NotOne)):
        compile_expression(text, "Patient").values(wide, environment(wide))


def test_numbers_beyond_what_there_is_are_nothing():
    wide = {"resourceType": "Patient", "name": [{"given": [str(n) for n in range(500)]}]}
    grown = compile_expression("descendants().aggregate($total * 10, 1)", "Patient")
    assert grown.values(wide, environment(wide)) == []
    grown = compile_expression("descendants().aggregate($total * 10.5, 1.5)", "Patient")
    assert grown.values(wide, environment(wide)) == []


def test_profiles_can_be_asked():
    asked = environment(PATIENT, conforms_to=lambda resource, profile: profile == "urn:p")
    assert compile_expression("conformsTo('urn:p')", "Patient").holds(PATIENT, asked) is True
    assert compile_expression("conformsTo('urn:q')", "Patient").holds(PATIENT, asked) is False


def test_a_primitive_in_focus_brings_what_stands_beside_it():
    extra = {"extension": [{"url": "urn:why", "valueCode": "masked"}]}
    alone = compile_expression("hasValue() or extension.exists()", "date")
    assert alone.holds(None, environment(PATIENT), extra) is True
    assert alone.holds(None, environment(PATIENT)) is False


@pytest.mark.parametrize(
    "text",
    ["", "name.", "/* ", "@20261", "@T9",  "name..given", "(1", "1 +", "'abc", "name[0", "nothing(1)", "name.where()", "a b", "1 is", "%nothing",
     "'a'.matches('(')x", "name.first(1)", "#", "(" * 2000 + "1" + ")" * 2000, "1" + "+1" * 20_000, "1" + "+1" * 5_000, "name" + ".x" * 5_000],
)  # fmt: skip
def test_what_is_not_fhirpath_is_refused(text):
    with pytest.raises(NotFhirPath):
        compile_expression(text, "Patient")


def test_a_pattern_cannot_hang_and_one_that_could_is_refused():
    slow = compile_expression("$this.matches('^(a+)+$')", "string")
    assert slow.holds("a" * 5000 + "!", environment(PATIENT)) is False
    with pytest.raises(NotFhirPath):
        compile_expression("'a'.matches('(?=a)a')", "string").holds("a", environment(PATIENT))


def test_what_costs_too_much_is_stopped():
    wide = {"resourceType": "Patient", "name": [{"given": [str(n) for n in range(2000)]}]}
    with pytest.raises(TooMuch):
        compile_expression("name.given.select(%resource.name.given).count()", "Patient").holds(wide, environment(wide))


WORDS = ["name", "given", ".", "(", ")", "[", "]", "0", "1.5", "'a'", "=", "|", "and", "not()", "where", "$this", "value",
         "first()", "+", "-", "is", "Patient", "{", "}", "@2026", "%resource", ",", "matches", "children()", "iif", "&"]  # fmt: skip


@given(st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join))
def test_any_words_are_evaluated_or_refused_and_nothing_else(text):
    try:
        expression = compile_expression(text, "Patient")
    except NotFhirPath:
        return
    try:
        expression.values(PATIENT, environment(PATIENT))
    except (NotOne, TooMuch, NotFhirPath):
        return
