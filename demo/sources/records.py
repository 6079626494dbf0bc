"""What each source of the demo has about whom, as it would answer it: ids and references of its own, people by their numbers."""

from collections.abc import Mapping

from demo.datatypes import LOINC, Json, coding, concept, quantity
from demo.fhir import condition, diagnostic_report, encounter, letter, observation

JENS, ULLA, BIRTHE = "1403589995", "0406619996", "0204429996"
_STUDY = "1.2.826.0.1.3680043.8.498.1"
_UNITS = {"39126-8": ("Længde", "cm"), "39125-0": ("Bredde", "cm"), "89260-4": ("Areal", "cm2")}
FOOT = "Højre forfod"
_WOUND = (
    ("2026-09-03", 2.4, 1.8, 3.4),
    ("2026-09-24", 2.1, 1.6, 2.6),
    ("2026-10-22", 1.7, 1.2, 1.6),
    ("2026-11-19", 1.1, 0.8, 0.7),
)
Records = Mapping[str, list[Json]]  #: by CPR number


def soebred() -> Records:
    """A private hospital: eyes for Jens, a knee for Ulla."""
    words = "Grå stær på højre øje fjernet uden komplikationer. Dråber i tre uger. Kontrol hos egen øjenlæge efter fire uger."
    cataract = concept("Grå stær, højre øje", coding("urn:oid:1.2.208.176.2.4", "DH259", "Aldersbetinget grå stær UNS"))
    knee = concept("Slidgigt i venstre knæ", coding("urn:oid:1.2.208.176.2.4", "DM179", "Artrose i knæ UNS"))
    return {
        JENS: [
            encounter("AMB", "Operation for grå stær", "2024-05-14 09:00", "2024-05-14 13:30"),
            condition(cataract, "2023-11-02"),
            letter("epikrise", "Udskrivningsbrev, øjenoperation", "2024-05-14", words),
        ],
        ULLA: [
            encounter("AMB", "Vurdering af knæ", "2026-03-03 10:00", "2026-03-03 10:30"),
            condition(knee, "2026-03-03"),
        ],
    }


def laboratory() -> Records:
    """A portal of laboratories outside the hospitals."""
    return {
        JENS: [observation("hba1c", 41, "2026-10-06 08:15"), observation("creatinine", 92, "2026-10-06 08:15")],
        ULLA: [observation("hba1c", 38, "2026-09-01 08:00")],
    }


def images() -> Records:
    """An index of images: a study with two frames, and a photograph."""
    frames = [
        {
            "uid": f"{_STUDY}.1.{n}",
            "sopClass": coding("urn:ietf:rfc:3986", "urn:oid:1.2.840.10008.5.1.4.1.1.1.1"),
            "number": n,
        }
        for n in (1, 2)
    ]
    study = {
        "resourceType": "ImagingStudy", "status": "available", "started": "2026-02-11T10:20:00+01:00",
        "identifier": [{"system": "urn:dicom:uid", "value": f"urn:oid:{_STUDY}"}],
        "procedureCode": [concept("Røntgen af thorax")], "numberOfSeries": 1, "numberOfInstances": 2,
        "series": [{"uid": f"{_STUDY}.1", "modality": coding("http://dicom.nema.org/resources/ontology/DCM", "DX"), "bodySite": coding("http://snomed.info/sct", "51185008", "Thorax"), "instance": frames}],
    }  # fmt: skip
    report = diagnostic_report(
        "Røntgen af thorax", "2026-02-11 11:00", conclusion="Lungerne er lidt overspilede. Ingen pneumoni."
    )
    return {JENS: [study, report]}


def wounds() -> Records:
    """A wound record: pictures and measurements of Birthe's foot."""
    found: list[Json] = []
    for step, (day, *values) in enumerate(_WOUND):
        found += [_measured(code, value, day) for code, value in zip(_UNITS, values, strict=True)]
        found.append(
            {
                "resourceType": "Media", "status": "completed", "createdDateTime": f"{day}T10:00:00+02:00", "bodySite": {"text": FOOT},
                "content": {"contentType": "image/png", "url": f"Binary/saar-{step}", "title": f"Sår på {FOOT.lower()}"},
            }
        )  # fmt: skip
    return {BIRTHE: found}


def _measured(code: str, value: float, day: str) -> Json:
    name, unit = _UNITS[code]
    return {
        "resourceType": "Observation", "status": "final", "code": concept(f"{name} af sår", coding(LOINC, code)),
        "effectiveDateTime": f"{day}T10:00:00+02:00", "bodySite": {"text": FOOT},
        "valueQuantity": {**quantity(value, "cm"), "unit": unit.replace("2", "²"), "code": unit},
    }  # fmt: skip


__all__ = ["BIRTHE", "JENS", "ULLA", "Records", "images", "laboratory", "soebred", "wounds"]
