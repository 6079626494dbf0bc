"""Codes of FHIR, DICOM and this network by which a row of the log is told as an AuditEvent, and back.

http://hl7.org/fhir/R4/auditevent.html; profiles of IHE BALP (https://profiles.ihe.net/ITI/BALP/).
"""

from collections.abc import Mapping

from helhed.foundation.ask import Action, ActorKind, Purpose
from helhed.trust.policy import BASIS_NUMBERS

REST = "http://hl7.org/fhir/restful-interaction"
EVENT_TYPE = "http://terminology.hl7.org/CodeSystem/audit-event-type"
ENTITY_TYPE = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
RESOURCE_TYPE = "http://hl7.org/fhir/resource-types"
ENTITY_ROLE = "http://terminology.hl7.org/CodeSystem/object-role"
DICOM = "http://dicom.nema.org/resources/ontology/DCM"
REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
ACT = "urn:helhed:log:action"  #: what this network logs beside FHIR's own interactions
ROLE = "urn:helhed:role"
BASIS = "urn:helhed:basis"
BALP = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/"
DENIAL = "urn:helhed:profile:denied-look"
#: an extension of this network: see docs/reference/audit-event.md
EXTENSION = "urn:helhed:audit-event:"
SHOWN, DENIED = "0", "8"
#: the rows that FHIR's own interactions write: action code, interaction, and BALP's profile
INTERACTIONS: Mapping[int, tuple[str, str, str]] = {
    Action.READ: ("R", "read", "PatientRead"), Action.VREAD: ("R", "vread", "PatientRead"),
    Action.HISTORY: ("R", "history", "PatientRead"), Action.SEARCH: ("E", "search", "PatientQuery"),
    Action.CREATE: ("C", "create", "PatientCreate"), Action.UPDATE: ("U", "update", "PatientUpdate"),
    Action.DELETE: ("D", "delete", "PatientDelete"),
}  # fmt: skip
_CHANGING = {
    Action.DECLARE: "C", Action.SET_BLOCK: "C", Action.END_BLOCK: "U", Action.CONSENT: "C", Action.END_CONSENT: "U",
    Action.LET_ACT: "C", Action.END_ACTING: "U", Action.MASK: "C", Action.UNMASK: "U", Action.TAKE_ON: "C",
    Action.MASK_PART: "C", Action.UNMASK_PART: "U",
    Action.LET_GO: "U", Action.LINK: "U", Action.UNLINK: "U", Action.PURGE: "D", Action.RETAIN_NO_LONGER: "D",
    Action.COPY_FOR_EMERGENCY: "R", Action.OPEN_OFFLINE: "R", Action.OUT_OF_COPY: "U", Action.END_COPY: "U", Action.CALENDAR_FEED: "R",
    Action.OPEN_FEED: "C", Action.END_FEED: "U", Action.ANSWER_APPOINTMENT: "U", Action.ANSWER_WORK: "U", Action.CHOOSE_PUSH: "C", Action.END_PUSH: "U", Action.CHOOSE_WAY: "U",
    Action.SEE_FEEDS: "R", Action.OVERVIEW: "R", Action.LOOKUP: "R", Action.OWN_LOG: "R",
}  # fmt: skip
PURPOSES: Mapping[int, str] = {
    Purpose.TREATMENT: "TREAT", Purpose.OWN: "PATRQT", Purpose.OPERATIONS: "HOPERAT", Purpose.DIRECTORY: "HDIRECT",
    Purpose.FOLLOW_UP: "HQUALIMP",
}  # fmt: skip
KINDS: Mapping[int, str] = {
    ActorKind.CITIZEN: "Patient", ActorKind.PROFESSIONAL: "Practitioner", ActorKind.SYSTEM: "Organization",
}  # fmt: skip
BASES: Mapping[int, str] = {number: name for name, number in BASIS_NUMBERS.items()}


def action_code(action: int) -> str:
    """C, R, U, D or E (http://hl7.org/fhir/R4/valueset-audit-event-action.html)."""
    return INTERACTIONS[action][0] if action in INTERACTIONS else _CHANGING.get(Action(action), "E")


def subtype(action: int) -> tuple[str, str]:
    """System and code of what was done."""
    if action in INTERACTIONS:
        return REST, INTERACTIONS[action][1]
    return ACT, Action(action).name.lower().replace("_", "-")
