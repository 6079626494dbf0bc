"""Whose names a page needs: the organisations and professionals a record speaks of."""

from collections.abc import Iterator, Mapping

from helhed.record.paths import walk
from helhed.record.reading import Record, reference_key

_ORGANISATIONS = {
    "Encounter": ("serviceProvider",),
    "Appointment": ("participant.actor",),
    "Patient": ("generalPractitioner",),
    "DiagnosticReport": ("performer",),
}
_PROFESSIONALS = {
    "Encounter": ("participant.individual",),
    "MedicationRequest": ("requester",),
    "Appointment": ("participant.actor",),
}


def organisation_keys(record: Record) -> list[int]:
    """Keys of the organisations that delivered something or are named."""
    return sorted({*record.origins(), *_keys(record, "Organization", _ORGANISATIONS)})


def professional_keys(record: Record) -> list[int]:
    """Keys of the professionals that are named."""
    return sorted(set(_keys(record, "Practitioner", _PROFESSIONALS)))


def _keys(record: Record, type_name: str, places: Mapping[str, tuple[str, ...]]) -> Iterator[int]:
    for entry in record.of(*places):
        for path in places[entry.type_name]:
            for reference in walk(entry.content, path):
                key = reference_key(reference, type_name)
                if key is not None:
                    yield key
