"""The conformance page lists what was seen to be proven, and nothing else."""

import ast
import json
import re
from itertools import pairwise

import pytest

from tests.unit.house.files import ROOT
from tools.conformance import SEEN, Feature, Result, features, proven, rounds, tried
from tools.pytest_removal import owner_of, removed

PAGE = ROOT / "docs/reference/conformance.md"


def test_the_page_lists_the_features_whose_test_failed_without_them_and_no_other():
    listed = set(re.findall(r"^\| [^|]+ \| `(tests/[^`]+)` \| `([^`]+)` \|$", PAGE.read_text("utf-8"), re.MULTILINE))
    assert listed == {(one.test, one.handler) for one in proven()}
    assert proven().keys() <= set(features())
    assert all(proven().values()), "a failure that says nothing is no failure that was seen"


def test_what_was_seen_is_of_features_that_are_still_claimed():
    seen = [Feature(*row[:4]) for row in json.loads(SEEN.read_text("utf-8"))["seen"]]
    assert sorted(set(seen) - set(features())) == []
    assert len(set(seen)) == len(seen)


@pytest.mark.parametrize("test", sorted({one.test for one in features()}))
def test_the_tests_that_prove_something_are_still_there(test):
    path, _, name = test.partition("::")
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    assert name.partition("[")[0] in {
        one.name for one in tree.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)
    }


@pytest.mark.parametrize("handler", sorted({one.handler for one in features()}))
def test_the_handlers_are_still_there_and_come_back_when_they_were_taken_away(handler):
    place = handler.partition("[")[0]
    before = vars(owner_of(place)[0])[owner_of(place)[1]]
    with removed(handler):
        assert vars(owner_of(place)[0])[owner_of(place)[1]] is not before
    assert vars(owner_of(place)[0])[owner_of(place)[1]] is before


def test_a_handler_that_is_not_there_is_no_proof():
    for absent in ("helhed.fhir.query.text:PREFIXES[no]", "helhed.fhir.query.text:nothing"):
        with pytest.raises((LookupError, AttributeError)), removed(absent):
            pass


def test_each_run_takes_one_handler_from_each_test():
    made = list(rounds(features()))
    assert sorted(pair for one in made for pair in one.items()) == sorted(
        {(one.test, one.handler) for one in features()}
    )
    assert all(len(one) >= len(other) for one, other in pairwise(made))


@pytest.mark.long
def test_every_feature_is_missed_when_it_is_taken_away():
    results = tried(features())
    assert [(one.name, found) for one, found in results.items() if found.outcome != "failed"] == []


@pytest.mark.long
def test_a_test_that_does_not_need_the_handler_proves_nothing():
    claimed = Feature("x", "read, by the search for a date", "helhed.fhir.query.text:date_alternative", _READ)
    assert tried([claimed])[claimed] == Result("passed", "")


_READ = "tests/unit/store/test_features.py::test_read"
