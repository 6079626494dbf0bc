"""The two ways of reading a resource agree: R4's own parameters along their paths, and the same expressions in FHIRPath."""

from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from helhed.fhir.definitions import TYPE_NUMBERS, Custom, ParameterSet, SearchParameter, type_definition
from helhed.fhir.indexing import _Collected, _readers, custom
from helhed.fhir.indexing.custom import READS, fhir_kind
from helhed.fhir.search_parameters.expressions import kinds_of
from tests.generative.any_resource import any_resource
from tests.generative.resources import Drawer

#: a Bundle's composition and message stand within it: there is no reference
_NO_REFERENCE = {("Bundle", "composition"), ("Bundle", "message")}
#: to FHIRPath a canonical is a uri; and a logical reference, which has no address, does not resolve to anything
_DIFFERS = {("ConceptMap", "target-uri"), ("ConceptMap", "source-uri")}
#: what a type is compared by: parameters with an expression that can be taken into use
_KINDS = frozenset(READS) - {"number", "quantity"}  # whose keys are of paths, not of parameters


def _own(type_name: str) -> list[SearchParameter]:
    found = type_definition(type_name)
    names = found.own_patient_parameters  # a column of its own
    own = [one for one in found.parameters.values() if one.supported and one.custom is None]
    return [one for one in own if one.kind in READS and one.code not in names]


@pytest.mark.parametrize("type_name", sorted(TYPE_NUMBERS))
def test_every_expression_of_r4_can_be_taken_into_use(type_name: str) -> None:
    for one in type_definition(type_name).parameters.values():
        if one.kind in READS and (type_name, one.code) not in _NO_REFERENCE:
            found = {fhir_kind(kind) for kind in kinds_of(one.expression, type_name)}
            assert found & READS[one.kind], (one.code, found)


def _along_paths(resource: dict[str, Any], parameter: SearchParameter) -> Any:
    found = _Collected()
    for name, readers in _compiled(resource["resourceType"], parameter.code).items():
        for reader in readers if name in resource else ():
            reader(resource[name], found)
    return set(found.tokens), set(found.dates) | {(parameter.number, *span) for span in found.primary}


@cache
def _compiled(type_name: str, code: str) -> Any:
    """Readers of one parameter alone (a Basic has no composites)."""
    whole = type_definition(type_name)
    return _readers(replace(whole, parameters={code: whole.parameters[code]}, value_keys={}, name="Basic"))


def _by_expression(resource: dict[str, Any], parameter: SearchParameter) -> Any:
    found = _Collected()
    for reader in custom.readers(resource["resourceType"], _held(resource["resourceType"], parameter.code)):
        reader(resource, found)
    return set(found.tokens), set(found.dates)


@cache
def _held(type_name: str, code: str) -> ParameterSet:
    one = type_definition(type_name).parameters[code]
    return ParameterSet(0, [Custom(one.number, "u", one.code, one.kind, (type_name,), one.targets, one.expression)])


@pytest.mark.parametrize("seed", [*range(4), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(4, 60))])
def test_an_expression_gives_what_its_paths_give(seed: int) -> None:
    compared = 0
    for type_name in TYPE_NUMBERS:
        resource = any_resource(Drawer.seeded(1000 * seed + TYPE_NUMBERS[type_name]), type_name)
        for parameter in _own(type_name):
            if parameter.kind not in _KINDS or parameter.asks_whether:
                continue
            try:
                expected = _along_paths(resource, parameter)
            except ValueError:  # a date that is none
                continue
            found = _by_expression(resource, parameter)
            if "resolve()" in parameter.expression:
                assert found[0] <= expected[0], (type_name, parameter.code, resource)
            elif (type_name, parameter.code) not in _DIFFERS:
                assert found == expected, (type_name, parameter.code, resource)
            compared += any(expected)
    assert compared > 100
