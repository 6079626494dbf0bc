"""Name and address protection, as DK Core marks it: the security label R on the Patient. Of whom it holds, no address is kept.

What is not kept gets out at no door: not by a read, a search, a history, a summary, an export, a copy or a page. Addresses are
taken out of the Patient and of rows of RelatedPerson and Person about the citizen before they are stored; when protection begins
later, out of what is stored, past versions too. CPR keeps the address, and whoever sends a letter takes it from there.
https://build.fhir.org/ig/hl7dk/dk-core/Patient-Confidential.html; CPR-loven §§ 28-29.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from helhed.fhir.changes import Change
from helhed.fhir.definitions import PARAMETER_NUMBERS, TYPE_NUMBERS
from helhed.fhir.splice import set_property
from helhed.fhir.store import Stored
from helhed.foundation.ask import Ask
from helhed.foundation.database import Connection
from helhed.foundation.ids import key_of, parse_id
from helhed.registries.identifiers import CPR, REPLACEMENT_CPR, normal_cpr

RESTRICTED = "R"  #: of v3-Confidentiality; the examples of DK Core leave the system out
_SYSTEMS = ("", "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "http://hl7.org/fhir/v3/Confidentiality")
#: types in which addresses of citizens stand
CONCEALED = frozenset({"Patient", "RelatedPerson", "Person"})
_ADDRESSES = frozenset({"address", "_address", "valueAddress"})
#: what stands instead of an address: that there is one, and that it is not told
MASKED = {
    "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}],
    "use": "home",
    "text": "Beskyttet adresse",
}
_PUT = "select registries.put_protected($1, $2)"
_OF = "select * from registries.protected_of($1::bigint[], $2::text[])"
_CONCEAL = "select fhir.conceal_addresses($1, $2::smallint[], $3::smallint[])"
_PARAMETERS = ("address", "address-city", "address-country", "address-postalcode", "address-state", "address-use")


def is_protected(patient: dict[str, Any]) -> bool:
    """Whether a Patient says that name and address are protected."""
    meta = patient.get("meta")
    labels = meta.get("security", ()) if isinstance(meta, dict) else ()
    return any(
        isinstance(one, dict) and one.get("code") == RESTRICTED and one.get("system", "") in _SYSTEMS
        for one in (labels if isinstance(labels, list) else ())
    )


class ProtectedAddresses:
    """Takes addresses out of what is about to be stored; and, of a Patient that is protected now, out of what was stored."""

    types = CONCEALED

    async def prepare(self, connection: Connection, ask: Ask, change: Change) -> Change:
        """The change as it will be stored."""
        if change.resource is None or change.raw is None or not _has_address(change.resource):
            return change
        if not await _is_about_protected(connection, change):
            return change
        raw, resource = without_addresses(change.raw, change.resource)
        return change._replace(raw=raw, resource=resource)

    async def project(self, connection: Connection, stored: Sequence[Stored]) -> None:
        """Who is protected from now on; nothing older of theirs keeps an address either."""
        patients = [(key_of(one.id), is_protected(one.resource)) for one in stored if one.type_name == "Patient"]
        if patients:
            await connection.execute(_PUT, *map(list, zip(*patients, strict=True)))
        concealed = {key for key, held in patients if held}
        others = {
            one.citizen
            for one in stored
            if one.type_name != "Patient" and one.citizen is not None and _has_address(one.resource)
        }
        if others:
            concealed |= await protected_among(connection, list(others))
        for key in sorted(concealed):
            await connection.execute(_CONCEAL, key, [TYPE_NUMBERS[name] for name in sorted(CONCEALED)], _parameters())

    async def forget(self, connection: Connection, removed: Sequence[UUID]) -> None:
        """Whoever was protected stays so."""


async def protected_among(connection: Connection, citizens: Sequence[int], numbers: Sequence[str] = ()) -> set[int]:
    """Which of these are protected, by key or by a number of theirs. For a transaction that stores rows, and proves it."""
    return {row[0] for row in await connection.fetch(_OF, list(citizens), list(numbers))}


def without_addresses(raw: bytes, resource: dict[str, Any]) -> tuple[bytes, dict[str, Any]]:
    """A resource without addresses and narrative, as bytes and parsed. A Patient says that the address is masked."""
    had = bool(resource.get("address"))
    for name, value in list(resource.items()):
        bare = None if name in {*_ADDRESSES, "text"} else _bare(value)
        if bare != value:
            raw, resource = set_property(raw, resource, name, bare)
    if had and resource["resourceType"] == "Patient":
        raw, resource = set_property(raw, resource, "address", [MASKED])
    return raw, resource


def _bare(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _bare(inner) for name, inner in value.items() if name not in _ADDRESSES}
    return [_bare(inner) for inner in value] if isinstance(value, list) else value


def _has_address(value: Any) -> bool:
    if isinstance(value, dict):
        return not _ADDRESSES.isdisjoint(value) or "div" in value or any(map(_has_address, value.values()))
    return isinstance(value, list) and any(map(_has_address, value))


async def _is_about_protected(connection: Connection, change: Change) -> bool:
    resource = change.resource or {}
    if change.type_name == "Patient" and is_protected(resource):
        return True
    if change.type_name == "Patient":
        return False  # its own label says it; one that is taken away has ended
    keys = [key_of(found) for found in map(_patient, _references(resource)) if found is not None]
    return bool(await protected_among(connection, keys, _numbers(resource)))


def _references(resource: dict[str, Any]) -> list[Any]:
    links = [one.get("target") for one in resource.get("link", ()) if isinstance(one, dict)]
    return [resource.get("patient"), *links]


def _patient(reference: Any) -> UUID | None:
    text = reference.get("reference", "") if isinstance(reference, dict) else ""
    return parse_id(text.removeprefix("Patient/")) if isinstance(text, str) and text.startswith("Patient/") else None


def _numbers(resource: dict[str, Any]) -> list[str]:
    found = (
        one for one in resource.get("identifier", ()) if one.get("system") in {CPR, REPLACEMENT_CPR} and "value" in one
    )
    return [normal_cpr(str(one["value"])) for one in found]


def _parameters() -> list[int]:
    return [PARAMETER_NUMBERS[name] for name in _PARAMETERS]
