"""Search parameters beside R4's own: read and checked, taken into use, known to every process, and retired."""

from helhed.fhir.search_parameters.keeping import (
    MOST,
    NEAR,
    OUTDATED,
    SUBJECTS,
    Keeper,
    Listed,
    SetChanged,
    in_use,
    listed,
    retire,
    take_up,
    types_waiting,
    unready,
)
from helhed.fhir.search_parameters.reading import Definition, read_definition

__all__ = [
    "MOST",
    "NEAR",
    "OUTDATED",
    "SUBJECTS",
    "Definition",
    "Keeper",
    "Listed",
    "SetChanged",
    "in_use",
    "listed",
    "read_definition",
    "retire",
    "take_up",
    "types_waiting",
    "unready",
]
