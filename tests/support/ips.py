"""The rules of the International Patient Summary that our documents are held to.

HL7 IPS implementation guide 2.0.0, http://hl7.org/fhir/uv/ips/: Bundle-uv-ips, Composition-uv-ips, Patient-uv-ips, and R4's
chapter on documents (http://hl7.org/fhir/R4/documents.html). In our own words; 1.1.0 asks the same of what is here.
"""

from typing import Any

from helhed.fhir.references import references_in
from helhed.fhir.validation import validate

REQUIRED = ("11450-4", "48765-2", "10160-0")
#: what a section may refer to
TYPES = {
    "11450-4": {"Condition"}, "48765-2": {"AllergyIntolerance"},
    "10160-0": {"MedicationStatement", "MedicationRequest", "MedicationAdministration", "MedicationDispense"},
    "11369-6": {"Immunization"}, "47519-4": {"Procedure"}, "46264-8": {"DeviceUseStatement"}, "10162-6": {"Observation"},
    "8716-3": {"Observation"}, "29762-2": {"Observation"}, "30954-2": {"Observation", "DiagnosticReport"},
    "11348-0": {"Condition"}, "18776-5": {"CarePlan", "ImmunizationRecommendation"},
}  # fmt: skip
_SUBJECTS = ("subject", "patient")


def broken_rules(bundle: Any) -> list[str]:
    """What a summary breaks, in words; [] for a good one."""
    problems = [f"{one.expression}: {one.diagnostics}" for one in validate(bundle)]
    entries = bundle.get("entry", [])
    resources = [entry.get("resource", {}) for entry in entries]
    problems += _bundle(bundle, entries, resources)
    if resources and resources[0].get("resourceType") == "Composition":
        problems += _composition(resources[0], {entry["fullUrl"]: entry["resource"] for entry in entries})
    for resource in resources:
        problems += [f"{one.expression}: {one.diagnostics}" for one in validate(resource)]
    return problems


def _bundle(bundle: Any, entries: list[Any], resources: list[Any]) -> list[str]:
    problems = []
    if bundle.get("type") != "document" or "total" in bundle:
        problems.append("it is a Bundle of type document")
    if not {"system", "value"} <= set(bundle.get("identifier", {})) or "timestamp" not in bundle:
        problems.append("a document has an identifier with its system, and a timestamp")
    if len({entry.get("fullUrl") for entry in entries}) != len(entries) or not all("fullUrl" in one for one in entries):
        problems.append("each entry has a fullUrl of its own")
    if any(set(entry) & {"search", "request", "response"} for entry in entries):
        problems.append("entries of a document have no search, request or response")
    kinds = [resource.get("resourceType") for resource in resources]
    if kinds[:1] != ["Composition"] or kinds.count("Composition") != 1:
        problems.append("the first entry is the only Composition")
    if kinds.count("Patient") != 1:
        problems.append("there is one Patient")
    for patient in (one for one in resources if one.get("resourceType") == "Patient"):
        named = any({"given", "family", "text"} & set(name) for name in patient.get("name", ()))
        if not named or "birthDate" not in patient:
            problems.append("the patient has a name and a birth date")
    return problems


def _composition(composition: Any, there: dict[str, Any]) -> list[str]:
    problems = []
    if {"system": "http://loinc.org", "code": "60591-5"}.items() - composition["type"]["coding"][0].items():
        problems.append("the type is 60591-5")
    if there.get(composition["subject"]["reference"], {}).get("resourceType") != "Patient":
        problems.append("the subject is the patient of the document")
    for reference in references_in(composition):
        if reference not in there:
            problems.append(f"{reference} is in the document")
    codes = [section["code"]["coding"][0]["code"] for section in composition["section"]]
    problems += [f"the section {code} stands once" for code in REQUIRED if codes.count(code) != 1]
    if len(set(codes)) != len(codes):
        problems.append("no section stands twice")
    for section, code in zip(composition["section"], codes, strict=True):
        problems += _section(section, code, there, composition["subject"]["reference"])
    return problems


def _section(section: Any, code: str, there: dict[str, Any], patient: str) -> list[str]:
    problems = []
    if not section.get("title") or not section.get("text", {}).get("div"):
        problems.append(f"the section {code} has a title and a text")
    if bool(section.get("entry")) is ("emptyReason" in section):
        problems.append(f"the section {code} has entries or a reason for having none (ips-comp-1)")
    for entry in section.get("entry", ()):
        resource = there.get(entry["reference"], {})
        if resource.get("resourceType") not in TYPES[code]:
            problems.append(f"the section {code} has no {resource.get('resourceType')}")
        about = next((resource[name]["reference"] for name in _SUBJECTS if name in resource), "")
        if not about or not patient.endswith("/" + about):
            problems.append(f"{entry['reference']} is about the patient")
    return problems
