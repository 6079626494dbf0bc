"""The definitions FHIR R4 publishes are resources, too: some four thousand, all held to what they themselves define."""

import lzma
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any

import orjson
import pytest

from helhed.fhir.profiles import Profiles, errors
from helhed.fhir.validation import validate
from tests.support.published import SHARED

FOLDER = SHARED / "data" / "fhir-r4"
pytestmark = [
    pytest.mark.external,
    pytest.mark.long,
    pytest.mark.skipif(not FOLDER.exists(), reason="external data: the R4 definitions are not here"),
]
#: what is wrong, where -> how many, and why
EXPLAINED = {
    # The pages draw their trees with background images (style="… url(…)"). A narrative here reaches nowhere outside itself,
    # which is stricter than FHIR: it is shown to people beside their record.
    ("The narrative holds styling that reaches outside itself.", "StructureDefinition.text.div"): 190,
    # A link to ftp:, which no narrative here may hold.
    ("The narrative holds a link that is not safe to follow.", "ValueSet.text.div"): 1,
    # SubscriptionStatus is a type of R4B, 4.3.0, which R4's list of versions cannot hold.
    ("fhirVersion must be one of the codes its definition lists.", "StructureDefinition.fhirVersion"): 1,
}


@cache
def definitions() -> tuple[dict[str, Any], ...]:
    return tuple(_read())


def _read() -> Iterator[dict[str, Any]]:
    for path in sorted(FOLDER.glob("*.json.xz")):
        content = orjson.loads(lzma.decompress(path.read_bytes()))
        if content.get("resourceType") == "Bundle":
            yield from (entry["resource"] for entry in content["entry"])


def test_every_definition_is_sound_but_for_what_is_explained() -> None:
    found = Counter((one.diagnostics, one.expression) for resource in definitions() for one in validate(resource))
    assert len(definitions()) > 4000
    assert found == EXPLAINED


def test_every_definition_keeps_the_rules_of_its_type() -> None:
    """Without their narratives, which are explained above; the one of a later release is left out."""
    profiles = Profiles()
    for definition in definitions():
        resource = {name: value for name, value in definition.items() if name != "text"}
        if resource.get("name") != "SubscriptionStatus":
            assert validate(resource) == [], resource["url"]
            assert errors(profiles.validate(resource)) == [], resource["url"]
