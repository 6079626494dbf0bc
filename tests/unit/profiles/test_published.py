"""The published Danish packages: they load, their examples validate or are explained, and broken ones are refused."""

import json
from collections import Counter
from pathlib import Path

import pytest

from helhed.fhir.profiles import errors
from helhed.fhir.profiles.operation import validate_operation
from helhed.fhir.validation import validate
from tests.support.profile_mutants import mutants
from tests.support.published import ABSENT, FOLDER, examples, packages, profiles, repaired

pytestmark = [pytest.mark.external, pytest.mark.skipif(not FOLDER.exists(), reason=ABSENT)]

EXPLAINED = json.loads((Path(__file__).parent / "examples_that_do_not_validate.json").read_text("utf-8"))
PACKAGES = sorted(EXPLAINED["examples"])


def test_every_package_is_read_and_every_profile_in_it_can_be_used():
    unusable = [url for url in profiles().library.urls() if profiles().library.problem(url)]
    assert len(packages()) == len(PACKAGES)
    assert unusable == []
    assert all(profiles().library.checked(url) for url in profiles().library.urls())


@pytest.mark.parametrize("package", PACKAGES)
def test_examples_validate_but_for_those_that_are_explained(package):
    found = {}
    for one in examples():
        if one.package == package:
            assert validate(one.resource) == [], one.file
            broken = errors(profiles().validate(one.resource))
            if broken:
                found[one.file] = sorted({finding.rule for finding in broken})
    explained = EXPLAINED["examples"][package]
    assert sorted(found) == sorted(explained)
    for file, rules in found.items():
        allowed = {rule for reason in explained[file] for rule in EXPLAINED["reasons"][reason]["rules"]}
        assert set(rules) <= allowed, file


def test_an_explanation_is_right_since_the_example_validates_once_that_is_mended():
    """Each reason that is about newer dependencies is mended in the example, and nothing else is: then it validates."""
    for one in examples():
        reasons = EXPLAINED["examples"][one.package].get(one.file, [])
        if all(EXPLAINED["reasons"][reason]["mended"] for reason in reasons):
            assert errors(profiles().validate(repaired(one.resource))) == [], one.file


def test_every_reason_is_used_and_told():
    used = {reason for files in EXPLAINED["examples"].values() for reasons in files.values() for reason in reasons}
    assert used == set(EXPLAINED["reasons"])
    assert all(len(reason["why"]) > 40 for reason in EXPLAINED["reasons"].values())


def test_what_is_broken_is_refused_at_the_place():
    """Removed, doubled, given another value, code or target, in slices and outside of them."""
    tried: Counter[str] = Counter()
    for one in examples():
        resource = repaired(one.resource)
        if errors(profiles().validate(resource)):
            continue
        for url in resource.get("meta", {}).get("profile", ()):
            structure = profiles().library.structure(url)
            if structure is None or structure.type_name != resource["resourceType"]:
                continue
            for mutant in mutants(resource, structure, profiles().library):
                outcome = validate_operation(profiles(), mutant.resource, [url])
                wrong = [issue for issue in outcome["issue"] if issue["severity"] == "error"]
                places = {place for issue in wrong for place in issue.get("expression", ())}
                here = mutant.expression  # FHIR's own codes and targets are refused at .coding and .reference
                assert places & {here, f"{here}.coding", f"{here}.reference"}, (one.file, mutant[:2], here, places)
                tried[mutant.kind] += 1
    kinds = [
        "removed",
        "too many",
        "other value",
        "other code",
        "wrong target",
        "too long",
        "slice removed",
        "slice twice",
    ]
    assert [kind for kind in kinds if tried[kind] < 20] == []
