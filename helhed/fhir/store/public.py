"""What everybody reads names no citizen: a public resource has no home citizen whose blocks and log it would stand under.

R4 lets many of them refer to somebody all the same: the author of a note may be a Patient, and an extension, a default value
or a contained resource may be anything.
"""

from collections.abc import Sequence
from typing import Any

from helhed.foundation.errors import Unprocessable

#: types that are somebody, http://hl7.org/fhir/R4/resourcelist.html (Individuals), without the professionals
PERSONS = frozenset({"Patient", "Person", "RelatedPerson"})


def check_names_nobody(resource: dict[str, Any], concerns: Sequence[int] | None) -> None:
    """``concerns`` are the keys of the Patients that the resource names, wherever in it. Raises Unprocessable."""
    within = {one.get("resourceType") for one in resource.get("contained", ()) if isinstance(one, dict)}
    if concerns or within & PERSONS:
        kind = resource["resourceType"]
        raise Unprocessable(f"Everybody reads a {kind}: it may not name a patient, nor contain a person.")
