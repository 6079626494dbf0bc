"""What the FHIR door answers, address by address.

The CapabilityStatement, ``/openapi.json`` and the Allow header are made from these lists and from ``OPERATIONS``, and a test
asks the router for every line of them.
"""

from typing import NamedTuple

from helhed.api.operations import OPERATIONS
from helhed.fhir.definitions import TYPE_NUMBERS, Ownership, SearchParameter, TypeDefinition, facts, type_definition
from helhed.trust.virtual import SHAPES

TYPE, ID, VERSION, COMPARTMENT = "{type}", "{id}", "{vid}", "{compartment}"
_R4_TYPES = "http://hl7.org/fhir/ValueSet/resource-types"


class Interaction(NamedTuple):
    """One interaction of http://hl7.org/fhir/R4/http.html at one kind of address."""

    code: str  #: http://hl7.org/fhir/R4/valueset-type-restful-interaction.html, or the system's
    method: str
    path: str  #: behind the type, or behind ``/fhir``
    told: str  #: what it does, for a reader
    takes: str = ""  #: resource, patch, form or bundle: what its body is
    gives: str = "resource"  #: resource, bundle or nothing
    good: tuple[int, ...] = (200,)
    headers: tuple[str, ...] = ()
    searches: bool = False  #: whether search parameters stand in its address


_CHANGE = ("Prefer", "If-Match")
_KNOWN = ("If-None-Match", "If-Modified-Since")

OF_A_TYPE: tuple[Interaction, ...] = (
    Interaction("read", "GET", f"/{ID}", "Reads a resource", good=(200, 304), headers=_KNOWN),
    Interaction("vread", "GET", f"/{ID}/_history/{VERSION}", "Reads a version", good=(200, 304), headers=_KNOWN),
    Interaction("update", "PUT", f"/{ID}", "Updates a resource", "resource", headers=_CHANGE),
    Interaction(
        "update", "PUT", "", "Updates what a search finds, or creates", "resource", good=(200, 201),
        headers=_CHANGE, searches=True,
    ),
    Interaction("patch", "PATCH", f"/{ID}", "Changes a part", "patch", headers=_CHANGE),
    Interaction("patch", "PATCH", "", "Changes a part of what a search finds", "patch", headers=_CHANGE, searches=True),
    Interaction("delete", "DELETE", f"/{ID}", "Deletes a resource", gives="nothing", good=(204,), headers=("If-Match",)),
    Interaction(
        "delete", "DELETE", "", "Deletes what a search finds", gives="nothing", good=(204,), headers=("If-Match",),
        searches=True,
    ),
    Interaction("history-instance", "GET", f"/{ID}/_history", "Tells the versions of a resource", gives="bundle"),
    Interaction("history-type", "GET", "/_history", "Tells the versions of every resource of the type", gives="bundle"),
    Interaction(
        "create", "POST", "", "Creates a resource", "resource", good=(200, 201), headers=("Prefer", "If-None-Exist")
    ),
    Interaction("search-type", "GET", "", "Searches", gives="bundle", headers=("Prefer",), searches=True),
    Interaction("search-type", "POST", "/_search", "Searches", "form", gives="bundle", headers=("Prefer",)),
)  # fmt: skip

OF_THE_SYSTEM: tuple[Interaction, ...] = (
    Interaction("transaction", "POST", "", "Does a transaction or a batch", "bundle", gives="bundle", headers=("Prefer",)),
    Interaction("batch", "POST", "", "Does a transaction or a batch", "bundle", gives="bundle", headers=("Prefer",)),
    Interaction("search-system", "GET", "", "Searches several types", gives="bundle", headers=("Prefer",), searches=True),
    Interaction("search-system", "POST", "/_search", "Searches several types", "form", gives="bundle", headers=("Prefer",)),
    Interaction("history-system", "GET", "/_history", "Tells every version", gives="bundle"),
)  # fmt: skip


def stored_types() -> list[TypeDefinition]:
    """The types that are stored here, by name; types of later releases, which R4 cannot name, are left out."""
    known = {code for _, code in facts.required_codes(_R4_TYPES) or ()}
    definitions = (type_definition(name) for name in sorted(known & set(TYPE_NUMBERS)))
    return [one for one in definitions if one.ownership is not Ownership.VIRTUAL]


#: what any room does that serves a type
_OF_ALL = frozenset({"read", "vread", "history-instance", "search-type"})


def interactions_of(type_name: str) -> tuple[Interaction, ...]:
    """The interactions with a type: all of them, or what the room does that serves it."""
    shape = SHAPES.get(type_name)
    if shape is None:
        return OF_A_TYPE
    by_id = {"PUT", "DELETE"} & shape.writes
    return tuple(
        one for one in OF_A_TYPE
        if one.code in _OF_ALL or (one.code == "create" and "POST" in shape.writes)
        or (one.method in by_id and one.path == f"/{ID}")
    )  # fmt: skip


def served_types() -> list[TypeDefinition]:
    """The types that can be asked for, by name: stored here, or served by another room."""
    return sorted([*stored_types(), *(type_definition(name) for name in SHAPES)], key=lambda one: one.name)


def parameters_of(definition: TypeDefinition) -> list[SearchParameter]:
    """The parameters by which a type is searched."""
    shape = SHAPES.get(definition.name)
    return [
        one
        for one in definition.parameters.values()
        if one.supported and (shape is None or one.code in shape.parameters)
    ]


def operation_methods(*, changes: bool, post_only: bool) -> tuple[str, ...]:
    """How an operation is asked for (http://hl7.org/fhir/R4/operations.html#executing)."""
    return ("POST",) if changes or post_only else ("GET", "POST")


def allowed(parts: list[str]) -> tuple[str, ...]:
    """The methods of an address, told from its shape alone: whether anything is there is not said.

    GET has HEAD beside it, and every address answers OPTIONS (RFC 9110, section 10.2.1).
    """
    found = set(_methods(parts))
    if "GET" in found:
        found.add("HEAD")
    return (*sorted(found), "OPTIONS") if found else ("OPTIONS",)


def _methods(parts: list[str]) -> list[str]:
    if parts == ["metadata"]:
        return ["GET"]
    if parts and parts[-1].startswith("$"):
        return _operation_methods(parts[:-1], parts[-1][1:])
    if not parts or parts[0] not in TYPE_NUMBERS:
        return [one.method for one in OF_THE_SYSTEM if _shape(one.path) == parts]
    found = [one.method for one in interactions_of(parts[0]) if _meets(_shape(one.path), parts[1:])]
    searched = parts[3:] == ["_search"]
    in_compartment = len(parts) == (4 if searched else 3) and (parts[2] in TYPE_NUMBERS or parts[2] == "*")
    return found or ([] if not in_compartment else ["POST"] if searched else ["GET"])


def _operation_methods(place: list[str], name: str) -> list[str]:
    level = ("system", "type", "instance")[min(len(place), 2)]
    return [
        method
        for one in OPERATIONS
        if one.name == name and level in one.levels and (not place or one.fits_type(place[0]))
        for method in operation_methods(changes=one.changes, post_only=one.post_only)
    ]


def _shape(path: str) -> list[str]:
    return path.split("/")[1:]


def _meets(shape: list[str], parts: list[str]) -> bool:
    return len(shape) == len(parts) and all(
        want == part or (want in {ID, VERSION} and not part.startswith("_"))
        for want, part in zip(shape, parts, strict=True)
    )
