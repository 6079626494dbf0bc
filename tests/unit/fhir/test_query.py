"""Search requests become queries, or refusals that name the parameter."""

from uuid import UUID

import pytest
from hypothesis import given, settings, strategies as st

from helhed.fhir.definitions import TYPE_NUMBERS, type_definition
from helhed.fhir.query import AnyOf, Chain, CitizenTest, DateTest, NoneOf, StringTest, parse_search
from helhed.fhir.store.plan import as_plan
from helhed.fhir.tokens import code_token, present_token, reference_token, system_code_token, system_token
from helhed.foundation.errors import BadRequest
from helhed.foundation.ids import key_of

PATIENT = UUID("00000000-0001-701c-ad97-7af4e8091791")
CODE = type_definition("Observation").parameters["code"].number
ENCOUNTER = type_definition("Observation").parameters["encounter"].number
VISIT = reference_token(ENCOUNTER, TYPE_NUMBERS["Encounter"], PATIENT)


def conditions(type_name, *pairs, **more):
    return parse_search(type_name, pairs, strict=True, **more).conditions


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("code", "a", AnyOf((code_token(CODE, "a"),))),
        ("code", "s|a", AnyOf((system_code_token(CODE, "s", "a"),))),
        ("code", "|a", AnyOf((system_code_token(CODE, "", "a"),))),
        ("code", "s|", AnyOf((system_token(CODE, "s"),))),
        ("code", r"a\,b,c\|d", AnyOf((code_token(CODE, "a,b"), code_token(CODE, "c|d")))),
        ("code:not", "a", NoneOf((code_token(CODE, "a"),))),
        ("code:missing", "true", NoneOf((present_token(CODE),))),
        ("code:missing", "false", AnyOf((present_token(CODE),))),
        ("patient", f"Patient/{PATIENT}", CitizenTest((key_of(PATIENT),))),
        ("patient", str(PATIENT), CitizenTest((key_of(PATIENT),))),
        ("patient", f"https://here.example/fhir/Patient/{PATIENT}", CitizenTest((key_of(PATIENT),))),
        ("encounter", f"Encounter/{PATIENT}", AnyOf((VISIT,))),
        ("encounter:Encounter", str(PATIENT), AnyOf((VISIT,))),
    ],
)
def test_a_parameter_becomes_its_condition(name, value, expected):
    assert conditions("Observation", (name, value), base_url="https://here.example") == (expected,)


def test_a_filter_that_compares_identifiers_names_whom_they_are_of():
    for expression in ('subject:Patient.identifier eq "urn:x|7"', "not (subject:Patient.identifier ne urn:x|7)",
                       "subject:Patient[identifier eq urn:x|7].gender eq male"):  # fmt: skip
        assert len(parse_search("Observation", [("_filter", expression)]).named_tokens) == 1
    assert parse_search("Patient", [("_filter", f"_id eq {PATIENT}")]).named_citizens == (key_of(PATIENT),)


@pytest.mark.parametrize("prefix", ["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb"])
def test_a_date_keeps_its_prefix_and_covers_its_precision(prefix):
    (found,) = conditions("Observation", ("date", f"{prefix}2026-11-23"))
    assert isinstance(found, DateTest)
    ((said, lo, hi),) = found.alternatives
    assert said == prefix
    assert 86399 < (hi - lo).total_seconds() < 86400


def test_chains_nest_and_end_in_a_plain_condition():
    (found,) = conditions("Observation", ("encounter:Encounter.patient.family", "Holm"))
    assert isinstance(found, Chain)
    assert isinstance(found.conditions[0], Chain)
    assert found.conditions[0].through_citizen
    assert isinstance(found.conditions[0].conditions[0], StringTest)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("nosuch", "1"),
        ("code:text", "x"),
        ("code", ""),
        ("code", "a,,b"),
        ("date", "2023-02-29"),
        ("date", "xx2020"),
        ("date", "ge2020-01-01T24:00"),
        ("date", "0000"),
        ("patient.nosuch", "1"),
        ("value-quantity", "five"),
        ("value-quantity", "5|mg"),
        ("value-quantity", "5|http://unitsofmeasure.org|"),
        ("value-quantity", "xx5"),
        ("value-quantity", "1e999"),
        ("value-quantity", "1" * 50),
        ("value-quantity:missing", "maybe"),
        ("value-quantity:above", "5"),
        ("component-code-value-quantity", "8480-6"),
        ("component-code-value-quantity", "8480-6$"),
        ("component-code-value-quantity", "a|b|c$5"),
        ("component-code-value-quantity", "8480-6$5$6"),
        ("component-code-value-quantity:missing", "true"),
        ("_profile:contains", "x"),
        ("code:missing", "perhaps"),
        ("_filter", ""),
        ("_filter", "code eq"),
        ("_filter", "code is a"),
        ("_filter", "nosuch eq a"),
        ("_filter", "code co a"),
        ("_filter", "code gt a"),
        ("_filter", "date co 2020"),
        ("_filter", "date eq ge2020"),
        ("_filter", "code eq a and status eq b or status eq c"),
        ("_filter", "(code eq a"),
        ("_filter", "code eq a)"),
        ("_filter", 'value-string eq "a'),
        ("_filter", "not code eq a"),
        ("_filter", "encounter[status eq finished]"),
        ("_filter", "_filter eq a"),
        ("_filter", " or ".join(["code eq a"] * 41)),
        ("_filter", "(" * 9 + "code eq a" + ")" * 9),
        ("_sort", "code;drop table"),
        ("_count", "-1"),
        ("_total", "many"),
        ("encounter.part-of.part-of.part-of.part-of.status", "finished"),
        ("_has:Observation:patient", "a"),
        ("_has:Observation:patient:code", "1"),
        ("_has:Provenance:target", "a"),
        ("_has:Nothing:patient:code", "a"),
        ("_has:Observation:code:code", "a"),
        ("_has:Condition:encounter:code", "a"),
        ("_list", "$current-problems"),
    ],
)
def test_what_is_not_understood_is_refused(name, value):
    with pytest.raises(BadRequest):
        conditions("Observation", (name, value))


def test_lenient_handling_reports_what_it_leaves_out_and_keeps_it_out_of_the_links():
    query = parse_search("Observation", [("nosuch", "1"), ("code", "a")], strict=False)
    assert ([one.name for one in query.ignored], query.applied, len(query.conditions)) == (
        ["nosuch"],
        (("code", "a"),),
        1,
    )


def test_lenient_handling_still_refuses_a_bad_value():
    with pytest.raises(BadRequest, match="date"):
        parse_search("Observation", [("date", "2023-02-29")], strict=False)


@pytest.mark.parametrize("text", ["' or 1=1 --", "%", "_", "a'; drop table fhir.resource; --", "\\", "x) or (true"])
def test_hostile_text_stays_text(text):
    (found,) = conditions("Patient", ("family:exact", text))
    assert found == StringTest(type_definition("Patient").parameters["family"].number, "exact", (text,))


NAMES = st.one_of(
    st.text(max_size=30), st.sampled_from(["code", "date", "patient", "_id", "_sort", "_include", "code:not"])
)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(NAMES, st.text(max_size=40)), max_size=4))
def test_any_request_is_a_whole_query_or_a_refusal(pairs):
    try:
        query = parse_search("Observation", pairs, strict=True)
    except BadRequest:
        return
    assert query.ignored == ()
    as_plan(query, None)


@given(
    st.text(max_size=20).filter(lambda name: name not in type_definition("Observation").parameters and name[:1] != "_")
)
def test_an_unknown_name_never_gives_a_query(name):
    with pytest.raises(BadRequest):
        parse_search("Observation", [("code", "a"), (name, "x")], strict=True)
