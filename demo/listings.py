"""Where places of the demo take messages, and which services they offer."""

from collections.abc import Iterator

from demo.catalogue import load
from demo.datatypes import HL7, URI, Json, coding, identifier, urn
from demo.places import PLACES

_SNOMED = "http://snomed.info/sct"
_EVENTS = "http://medcomfhir.dk/ig/terminology/CodeSystem/medcom-messaging-eventCodes"


def listings() -> Iterator[tuple[str, Json]]:
    """Each Endpoint and HealthcareService, with its address within the demo."""
    found = load("listings.json")
    for handle, place, name, types, address in found["endpoints"]:
        url = urn("endpoint", handle)
        yield url, {**_endpoint(place, name, types, address), "identifier": [identifier(URI, url)]}
    for handle, place, name, code, display, danish in found["services"]:
        url = urn("service", handle)
        yield (
            url,
            {**_service(place, name, coding(_SNOMED, code, display), danish), "identifier": [identifier(URI, url)]},
        )


def _endpoint(place: str, name: str, types: list[str], address: str) -> Json:
    return {
        "resourceType": "Endpoint",
        "status": "active",
        "connectionType": coding(HL7 + "endpoint-connection-type", "hl7-fhir-msg", "HL7 FHIR Messaging"),
        "name": name,
        "managingOrganization": PLACES[place].reference,
        "payloadType": [{"coding": [{"system": _EVENTS, "code": one}], "text": one} for one in types],
        "address": address,
    }


def _service(place: str, name: str, speciality: Json, danish: str) -> Json:
    return {
        "resourceType": "HealthcareService",
        "active": True,
        "providedBy": PLACES[place].reference,
        "specialty": [{"coding": [speciality], "text": danish}],
        "name": name,
    }
