"""The published packages once more, without their snapshots: those made from the differentials say the same, or why not is told."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest

from helhed.fhir.packages import Known
from helhed.fhir.profiles import Profiles, errors
from helhed.fhir.profiles.base import base_keys
from helhed.fhir.profiles.structure import Node, TypeChoice
from tests.support.published import ABSENT, FOLDER, examples, packages, profiles, repaired

pytestmark = [pytest.mark.external, pytest.mark.skipif(not FOLDER.exists(), reason=ABSENT)]

EXPLAINED = json.loads((Path(__file__).parent / "snapshots_that_differ.json").read_text("utf-8"))
_CORE_VERSION = re.compile(r"\|4\.0\.1$")


@cache
def made() -> Profiles:
    """All packages installed, with every snapshot made here."""
    known = []
    for package in packages():
        for one in package.artefacts:
            body = one.body
            if one.type_name == "StructureDefinition":
                content = orjson.loads(body)
                del content["snapshot"]
                body = orjson.dumps(content)
            known.append(Known(one.type_name, one.url, one.version, package.manifest.name, body))
    return Profiles([one for one in known if one.url])


def differences(published: Node, ours: Node) -> Iterator[str]:
    """What of an element that the compiler uses is another here: ``min``, ``types``, ``fixed``, …"""
    first, second = _aspects(published), _aspects(ours)
    yield from (name for name in first if first[name] != second[name])
    theirs = {one.slice_name: one for one in ours.slices}
    for one in published.slices:
        if one.slice_name in theirs:
            yield from differences(one, theirs[one.slice_name])
    for name, child in published.children.items():
        if name in ours.children:
            yield from differences(child, ours.children[name])
        elif ours.children:
            yield "children"


def _aspects(node: Node) -> dict[str, Any]:
    binding, by_url = node.binding, node.slicing and node.slicing.discriminators == (("value", "url"),)
    strict = binding is not None and binding.strength in {"required", "extensible"}
    extension = node.name in {"extension", "modifierExtension"}
    return {
        "min": node.minimum,
        "max": node.maximum,
        "types": {_plain(one) for one in node.types},
        "fixed": repr(node.fixed) if node.has_fixed else "",
        "pattern": repr(node.pattern) if node.has_pattern else "",
        "limits": (node.least, node.most, node.max_length),
        "binding": (binding.strength, _CORE_VERSION.sub("", binding.value_set)) if binding and strict else None,
        "outermost": binding.outermost if binding else "",
        "rules": {(one.key, one.expression) for one in node.invariants if one.key not in base_keys()},
        "reference": node.content_reference.rpartition("#")[2],
        "slicing": None
        if extension and by_url
        else node.slicing,  # extensions are told apart by url without being asked
        "slices": [one.slice_name for one in node.slices],
    }


def _plain(one: TypeChoice) -> TypeChoice:
    """Without the version of FHIR itself; ids are strings, and where a canonical leads is not checked."""
    targets = {_CORE_VERSION.sub("", target) for target in one.targets} if one.code != "canonical" else ()
    profiles = tuple(_CORE_VERSION.sub("", profile) for profile in one.profiles)
    return TypeChoice("string" if one.code == "id" else one.code, profiles, tuple(sorted(targets)), one.aggregation)


def _urls() -> list[str]:
    found = [
        (one.url, one.version) for p in packages() for one in p.artefacts if one.type_name == "StructureDefinition"
    ]
    return [f"{url}|{version}" for url, version in found]


def test_a_snapshot_that_is_made_says_what_the_published_one_says() -> None:
    found: dict[str, set[str]] = {}
    for url in _urls():
        published, ours = profiles().library.structure(url), made().library.structure(url)
        assert published is not None
        name = published.title
        some = {"base"} if ours is None else set(differences(published.root, ours.root))
        if some:
            found[name] = some
    assert sorted(found) == sorted(EXPLAINED["profiles"])
    for name, some in found.items():
        allowed = {one for reason in EXPLAINED["profiles"][name] for one in EXPLAINED["reasons"][reason]["aspects"]}
        assert some <= allowed, (name, some - allowed)


def test_a_profile_differs_for_another_version_of_its_base_only_where_that_is_so() -> None:
    held = {one.manifest.name: one.manifest.version for one in packages()}
    for package in packages():
        exact = all(held[name] == asked for name, asked in package.manifest.dependencies.items() if name in held)
        for one in package.artefacts:
            name = one.url.rpartition("/")[2]
            if exact and one.type_name == "StructureDefinition":
                assert "version" not in EXPLAINED["profiles"].get(name, ()), name


def test_examples_are_found_the_same_in_with_the_snapshots_that_are_made() -> None:
    """But for those whose profiles stand on another version of their base than the one at hand."""
    apart = {name for name, reasons in EXPLAINED["profiles"].items() if "version" in reasons}
    compared = 0
    for one in examples():
        resource = repaired(one.resource)
        text = orjson.dumps(resource).decode()
        if any(f'/{name}"' in text for name in apart):
            continue
        first, second = errors(profiles().validate(resource)), errors(made().validate(resource))
        assert {(f.rule, f.expression) for f in first} == {(f.rule, f.expression) for f in second}, one.file
        compared += 1
    assert compared > 150


def test_the_rule_that_no_replacement_number_can_follow_is_one_of_an_older_base() -> None:
    """What ``examples_that_do_not_validate.json`` says of x-ecpr: from the differential, on the base at hand, it is right."""
    path = Path(__file__).parent / "examples_that_do_not_validate.json"
    explained = json.loads(path.read_text("utf-8"))["examples"]
    hit = [one for one in examples() if "x-ecpr" in explained[one.package].get(one.file, ())]
    assert len(hit) == 4
    for one in hit:
        assert "x-ecpr" not in {found.rule for found in errors(made().validate(repaired(one.resource)))}, one.file


def test_every_reason_is_used_and_told() -> None:
    used = {reason for reasons in EXPLAINED["profiles"].values() for reason in reasons}
    assert used == set(EXPLAINED["reasons"])
    assert all(len(reason["why"]) > 40 for reason in EXPLAINED["reasons"].values())
