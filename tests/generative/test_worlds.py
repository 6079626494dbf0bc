"""Generated worlds are what they promise: valid, small, nasty; and searches mostly meet something hidden."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings

from helhed.fhir.definitions import Ownership, ParameterSet, use_parameters
from helhed.fhir.query import parse_search
from helhed.fhir.validation import validate
from helhed.foundation.ask import Action
from helhed.foundation.ids import bucket_of, key_of, parse_id
from helhed.trust.reference import Basis, Permit, Reason, decide
from tests.generative.custom import hold_custom
from tests.generative.memory_search import PARAMETERS, reference_to
from tests.generative.queries import cases, seeded_case
from tests.generative.tally import LEAST_WITH_SOMETHING_HIDDEN
from tests.generative.worlds import Case, World, renewed, worlds

EXAMPLES = 400


class Count:
    """What was met over all examples of a property."""

    def __init__(self) -> None:
        self.cases = 0
        self.met: Counter[str] = Counter()

    def share(self, what: str) -> float:
        return self.met[what] / self.cases


def count(cases: Iterable[Case]) -> Count:
    """Counts what cases hold."""
    found = Count()
    for case in cases:
        found.cases += 1
        found.met.update(_features(case))
    return found


def _features(case: Case) -> set[str]:
    found = set()
    matches = case.matches()
    if case.hidden_matches():
        found.add("hidden match")
        if matches:
            found.add("hidden and visible match")
    if matches:
        found.add("visible match")
        if case.included(matches):
            found.add("included")
    names, type_name = case.url.partition("?")[2], case.url.partition("?")[0]
    found.add(type_name)
    found |= {
        word
        for word in (
            "_sort",
            "_count",
            "_total",
            "_include",
            "_revinclude",
            ":not",
            ":missing",
            ":text",
            "near",
            "any-code",
            "_id",
        )
        if word in names
    }
    found |= {"chain"} if any("." in pair.partition("=")[0] for pair in names.split("&")) else set()
    for kept in case.world.kept:
        decision = decide(case.ask, Action.SEARCH, kept.row, case.world.facts)
        found.add(str(decision.basis if isinstance(decision, Permit) else decision.reason))
    return found  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def custom() -> Iterator[None]:
    """The search parameters that a generated network has beside R4's own."""
    hold_custom()
    yield
    use_parameters(ParameterSet(0, ()))


@pytest.fixture(scope="module")
def counted() -> Count:
    return count(seeded_case(seed) for seed in range(EXAMPLES))


def test_enough_cases_have_a_hidden_row_that_matches(counted):
    assert counted.share("hidden match") >= LEAST_WITH_SOMETHING_HIDDEN


def test_hidden_and_visible_rows_often_match_together(counted):
    assert counted.share("hidden and visible match") >= 0.15
    assert counted.share("visible match") >= 0.30


def test_enough_of_what_hypothesis_draws_has_a_hidden_row_that_matches():
    drawn: list[Case] = []

    @settings(max_examples=100, deadline=None, database=None)
    @given(cases())
    def draw(case: Case) -> None:
        drawn.append(case)

    draw()
    assert count(drawn).share("hidden match") >= LEAST_WITH_SOMETHING_HIDDEN


def test_every_kind_of_search_comes_up(counted):
    words = ("chain", "_sort", "_count", "_total", "_include", "_revinclude", ":not", ":missing", "_id", "included")
    assert not [word for word in (*words, *PARAMETERS) if not counted.met[word]]


def test_every_basis_and_every_reason_comes_up(counted):
    bases = set(Basis) - {Basis.CUSTODIAN}
    reasons = {
        Reason.SCOPE,
        Reason.NO_EMPLOYMENT,
        Reason.ROLE,
        Reason.SYSTEMS_READ_PUBLIC,
        Reason.NOT_THE_CITIZEN,
        Reason.NO_RELATION,
        Reason.NOT_OWNER,
        Reason.BLOCKED,
        Reason.NOBODY_RESPONSIBLE,
        Reason.OTHERS_OBJECT,
        Reason.MASKED,
    }
    assert not [str(one) for one in bases | reasons if not counted.met[str(one)]]


@settings(max_examples=60, deadline=None)
@given(cases())
def test_every_search_is_one_that_this_network_takes(case):
    type_name, _, text = case.url.partition("?")
    pairs = [(pair.partition("=")[0], pair.partition("=")[2]) for pair in text.split("&") if pair]
    query = parse_search(type_name, pairs, strict=True, now=datetime(2026, 11, 23, tzinfo=UTC))
    assert not query.ignored


@settings(max_examples=40, deadline=None)
@given(worlds())
def test_every_resource_follows_r4_and_refers_to_what_came_before(world):
    known = {f"Patient/{one}" for one in world.citizens}
    for _, resource in world.resources:
        assert not validate(resource), resource
        assert {one for one in _references(resource) if not one.startswith("PractitionerRole/")} <= known
        known.add(reference_to(resource))


@settings(max_examples=40, deadline=None)
@given(worlds())
def test_rows_say_what_resources_are(world):
    citizens = {key_of(one): bucket_of(one) for one in world.citizens}
    for kept in world.kept:
        identifier = parse_id(kept.resource["id"])
        assert identifier is not None
        assert (kept.row.citizen is not None) == (kept.row.ownership is Ownership.CITIZEN)
        assert kept.row.origin in world.facts.parents
        if kept.row.citizen is not None:
            assert bucket_of(identifier) == citizens[kept.row.citizen]
    assert len({kept.resource["id"] for kept in world.kept}) == len(world.kept)


@settings(max_examples=40, deadline=None)
@given(cases())
def test_a_renewed_case_is_the_same_under_other_names(case):
    fresh = renewed(case)
    before, after = case.world.kept, fresh.world.kept
    assert not {one.resource["id"] for one in before} & {one.resource["id"] for one in after}
    assert _places(fresh, fresh.matches()) == _places(case, case.matches())
    assert _places(fresh, fresh.hidden_matches()) == _places(case, case.hidden_matches())
    matches, again = case.matches(), fresh.matches()
    assert len(case.included(matches)) == len(fresh.included(again))


def _places(case: Case, found: list[dict]) -> list[int]:
    wanted = {one["id"] for one in found}
    return [i for i, kept in enumerate(case.world.kept) if kept.resource["id"] in wanted]


def _references(value: object) -> set[str]:
    if isinstance(value, dict):
        own = {value["reference"]} if isinstance(value.get("reference"), str) else set()
        return own.union(*(_references(one) for one in value.values()))
    if isinstance(value, list):
        return set().union(*(_references(one) for one in value))
    return set()


@settings(max_examples=20, deadline=None)
@given(worlds())
def test_worlds_are_small(world: World):
    assert 2 <= len(world.citizens) <= 5
    assert 6 <= sum(kept.row.citizen is not None for kept in world.kept) <= 50
    assert all(len(world.facts.line(key_of(one)) or ()) in range(1, 5) for one in world.organisations)
