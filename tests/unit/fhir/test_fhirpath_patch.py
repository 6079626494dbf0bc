"""FHIRPath Patch: what each operation does, and what is refused with its place and changes nothing."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, strategies as st

from helhed.fhir.patching.fhirpath_patch import apply
from helhed.foundation.errors import BadRequest, HelhedError, InvalidResource, TooLarge, Unprocessable

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "birthDate": "1920-01-01",
    "deceasedBoolean": False,
    "identifier": [{"system": "http://example.org", "value": "value 1"}, {"system": "http://example.org", "value": "value 2"}],
    "name": [{"family": "Test", "given": ["Ane", "Bo"], "_given": [None, {"extension": [{"url": "urn:x", "valueCode": "c"}]}]}],
    "contact": [{"name": {"text": "a name"}}, {"name": {"text": "another"}, "gender": "female"}],
}  # fmt: skip


def operation(kind: str, **parts: Any) -> dict[str, Any]:
    """One operation; ``value`` is a part, or the value[x] of one."""
    types = {"type": "valueCode", "path": "valueString", "name": "valueString"}
    found = [{"name": "type", "valueCode": kind}]
    for name, value in parts.items():
        if name == "value":
            found.append({"name": "value", **value})
        else:
            found.append({"name": name, types.get(name, "valueInteger"): value})
    return {"name": "operation", "part": found}


def patched(*operations: dict[str, Any], resource: dict[str, Any] = PATIENT) -> dict[str, Any]:
    before = deepcopy(resource)
    try:
        return apply(resource, {"resourceType": "Parameters", "parameter": list(operations)})
    finally:
        assert resource == before  # what goes in stays as it was


def test_adding_sets_what_is_not_there_and_appends_to_lists():
    assert patched(operation("add", path="Patient", name="gender", value={"valueCode": "male"}))["gender"] == "male"
    added = patched(operation("add", path="Patient", name="identifier", value={"valueIdentifier": {"value": "3"}}))
    assert added["identifier"] == [*PATIENT["identifier"], {"value": "3"}]
    deep = patched(operation("add", path="Patient.contact[0]", name="gender", value={"valueCode": "male"}))
    assert deep["contact"][0] == {"name": {"text": "a name"}, "gender": "male"}


def test_adding_an_element_without_a_type_of_its_own_takes_parts():
    name = {"name": "name", "valueHumanName": {"text": "third"}}
    telecoms = [{"name": "telecom", "valueContactPoint": {"value": str(n)}} for n in (1, 2)]
    contact = operation("add", path="Patient", name="contact", value={"part": [name, *telecoms]})
    assert patched(contact)["contact"][-1] == {"name": {"text": "third"}, "telecom": [{"value": "1"}, {"value": "2"}]}


def test_inserting_puts_before_and_at_the_end():
    for index in (0, 1, 2):
        value = {"valueIdentifier": {"value": "new"}}
        found = patched(operation("insert", path="Patient.identifier", index=index, value=value))["identifier"]
        wanted = list(PATIENT["identifier"])
        wanted.insert(index, {"value": "new"})
        assert found == wanted


def test_deleting_takes_away_and_forgives_what_is_not_there():
    assert "birthDate" not in patched(operation("delete", path="Patient.birthDate"))
    assert patched(operation("delete", path="Patient.maritalStatus")) == PATIENT
    assert patched(operation("delete", path="Patient.identifier[0]"))["identifier"] == PATIENT["identifier"][1:]
    bare = patched(operation("delete", path="Patient.contact[0]"), operation("delete", path="Patient.contact.first()"))
    assert "contact" not in bare
    found = patched(operation("delete", path="Patient.contact.where(name.text = 'another').gender"))
    assert found["contact"][1] == {"name": {"text": "another"}}


def test_replacing_changes_the_type_of_a_choice():
    assert patched(operation("replace", path="Patient.birthDate", value={"valueDate": "1930-01-01"}))["birthDate"] == "1930-01-01"  # fmt: skip
    dead = patched(operation("replace", path="Patient.deceased", value={"valueDateTime": "2020-01-01"}))
    assert "deceasedBoolean" not in dead
    assert dead["deceasedDateTime"] == "2020-01-01"
    typed = patched(operation("delete", path="Patient.deceased.ofType(boolean)"))
    assert "deceasedBoolean" not in typed


@pytest.mark.parametrize(("source", "destination"), [(0, 1), (1, 0), (0, 0)])
def test_moving_within_a_list(source, destination):
    found = patched(operation("move", path="Patient.identifier", source=source, destination=destination))
    wanted = list(PATIENT["identifier"])
    wanted.insert(destination, wanted.pop(source))
    assert found["identifier"] == wanted


def test_what_stands_beside_a_primitive_goes_with_it():
    first = patched(operation("delete", path="Patient.name.given[0]"))["name"][0]
    assert (first["given"], first["_given"]) == (["Bo"], PATIENT["name"][0]["_given"][1:])
    last = patched(operation("delete", path="Patient.name.given[1]"))["name"][0]
    assert last["given"] == ["Ane"]
    assert "_given" not in last
    moved = patched(operation("move", path="Patient.name.given", source=0, destination=1))["name"][0]
    assert moved["_given"] == [PATIENT["name"][0]["_given"][1], None]
    more = patched(operation("add", path="Patient.name", name="given", value={"valueString": "C"}))["name"][0]
    assert (more["given"], more["_given"]) == (["Ane", "Bo", "C"], [*PATIENT["name"][0]["_given"], None])


@pytest.mark.parametrize(
    "wrong",
    [
        operation("add", path="Patient", name="birthDate", value={"valueDate": "1930-01-01"}),  # is there
        operation("add", path="Patient", name="nonsense", value={"valueString": "x"}),
        operation("add", path="Patient", name="gender", value={"valueQuantity": {"value": 1}}),
        operation("add", path="Patient.contact", name="gender", value={"valueCode": "male"}),  # two of them
        operation("add", path="Patient.nonsense", name="gender", value={"valueCode": "male"}),
        operation("add", path="Patient.birthDate", name="x", value={"valueCode": "male"}),
        operation("insert", path="Patient.identifier", index=3, value={"valueIdentifier": {}}),
        operation("insert", path="Patient.identifier", index=-1, value={"valueIdentifier": {}}),
        operation("insert", path="Patient.identifier[0]", index=0, value={"valueIdentifier": {}}),
        operation("insert", path="Patient.photo", index=0, value={"valueAttachment": {}}),
        operation("delete", path="Patient.identifier"),
        operation("delete", path="Patient"),
        operation("replace", path="Patient", value={"valueString": "x"}),
        operation("replace", path="Patient.gender", value={"valueCode": "male"}),  # is not there
        operation("move", path="Patient.identifier", source=0, destination=2),
        operation("delete", path="Patient.name.given.matches('(a+)+$')"),
        operation("delete", path="Patient.name.where(family.matches('(a+)+$'))"),
        operation("delete", path="Patient.descendants()"),
        operation("delete", path="Patient.name.where(repeat(given).exists())"),
        operation("delete", path="Patient.name.where(%resource.exists())"),
        operation("delete", path="Patient.name.where(resolve().exists())"),
        operation("delete", path="Patient.identifier[999999999999]"),
        operation("delete", path="Patient.identifier[0 + 1]"),
        operation("delete", path="1 + 1"),
        operation("delete", path="(" * 500 + "Patient" + ")" * 500),
        operation("delete", path="Patient." + ".".join(["name"] * 400)),
        operation("delete", path="Patient.name.where(((("),
        operation("delete", path=""),
    ],
    ids=lambda one: next(part["valueString"] for part in one["part"] if part["name"] == "path")[:40],
)
def test_what_cannot_be_done_is_refused_with_its_place_and_changes_nothing(wrong):
    good = operation("delete", path="Patient.maritalStatus")
    with pytest.raises(Unprocessable) as refused:
        patched(good, wrong)
    assert [issue.expression for issue in refused.value.issues] == ["Parameters.parameter[1]"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"resourceType": "Patient"},
        [],
        {"resourceType": "Parameters", "parameter": {}},
        {"resourceType": "Parameters", "parameter": [{"name": "other"}]},
        {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": [{"name": "type"}]}]},
        {"resourceType": "Parameters", "parameter": [operation("nonsense", path="Patient")]},
        {"resourceType": "Parameters", "parameter": [operation("delete", path="Patient", index=1)]},
        {"resourceType": "Parameters", "parameter": [operation("add", path="Patient", name="gender")]},
        {"resourceType": "Parameters", "parameter": [operation("insert", path="Patient.name", index=True, value={})]},
    ],
    ids=range(9),
)
def test_what_is_no_patch_is_refused(wrong):
    with pytest.raises((InvalidResource, BadRequest)):
        apply(PATIENT, wrong)


def test_too_many_operations_are_refused():
    with pytest.raises(TooLarge):
        patched(*[operation("delete", path="Patient.birthDate")] * 501)


def test_a_path_that_costs_too_much_is_refused():
    many = {**PATIENT, "name": [{"given": ["a"] * 100} for _ in range(3000)]}
    path = "Patient.name.where(given.where($this = 'b').exists())"
    with pytest.raises(TooLarge):
        patched(*[operation("delete", path=path)] * 2, resource=many)


def test_a_value_that_is_nested_too_deep_is_refused():
    part: dict[str, Any] = {"name": "text", "valueString": "x"}
    for _ in range(40):
        part = {"name": "item", "part": [part]}
    form = {"resourceType": "Questionnaire", "status": "draft"}
    with pytest.raises(Unprocessable):
        patched(operation("add", path="Questionnaire", name="item", value={"part": part["part"]}), resource=form)


# --- against a reference that knows lists only ------------------------------------------------------------------------

_ITEMS = st.lists(st.sampled_from("abc"), min_size=1, max_size=5)
_STEPS = st.lists(
    st.tuples(st.sampled_from(["add", "insert", "delete", "replace", "move"]), st.integers(-1, 6), st.integers(-1, 6)),
    max_size=6,
)


@given(_ITEMS, _STEPS)
def test_lists_are_changed_as_lists_are(items, steps):
    wanted: list[str] | None = list(items)
    operations = []
    for kind, first, second in steps:
        path, value = "Patient.name[0].given", {"valueString": "new"}
        if kind == "add":
            operations.append(operation("add", path="Patient.name[0]", name="given", value=value))
        elif kind == "insert":
            operations.append(operation("insert", path=path, index=first, value=value))
        elif kind == "move":
            operations.append(operation("move", path=path, source=first, destination=second))
        else:
            more = {"value": value} if kind == "replace" else {}
            operations.append(operation(kind, path=f"{path}[{max(first, 0)}]", **more))
        wanted = _changed(wanted, kind, max(first, 0) if kind in {"delete", "replace"} else first, second)
    resource = {"resourceType": "Patient", "name": [{"family": "x", "given": items}]}
    try:
        found = patched(*operations, resource=resource)["name"][0].get("given", [])
    except HelhedError:
        found = None
    assert found == wanted


def _changed(items: list[str] | None, kind: str, first: int, second: int) -> list[str] | None:
    """A list after one step; None once a step was refused."""
    if items is None:
        return None
    items, length = list(items), len(items)
    if kind == "add":
        return [*items, "new"]
    if kind == "delete":
        return items[:first] + items[first + 1 :]
    if not length or not 0 <= first < length + (kind == "insert"):
        return None
    if kind == "insert":
        items.insert(first, "new")
    elif kind == "replace":
        items[first] = "new"
    elif 0 <= second < length:
        items.insert(second, items.pop(first))
    else:
        return None
    return items
