"""Constructors of FHIR R4 resources as plain dictionaries, with Danish words and Danish codes."""

from demo.datatypes import Json, coding, concept, urn
from demo.fhir.contacts import appointment, encounter, implant, referral
from demo.fhir.medicines import (
    Dose,
    immunization,
    medication_administration,
    medication_dispense,
    medication_request,
)
from demo.fhir.plans import care_plan, goal, letter, message, procedure, related_person
from demo.fhir.problems import allergy, condition, flag, no_known_allergies
from demo.fhir.results import blood_pressure, diagnostic_report, observation, questionnaire_response

__all__ = [
    "Dose",
    "Json",
    "allergy",
    "appointment",
    "blood_pressure",
    "care_plan",
    "coding",
    "concept",
    "condition",
    "diagnostic_report",
    "encounter",
    "flag",
    "goal",
    "immunization",
    "implant",
    "letter",
    "medication_administration",
    "medication_dispense",
    "medication_request",
    "message",
    "no_known_allergies",
    "observation",
    "procedure",
    "questionnaire_response",
    "referral",
    "related_person",
    "urn",
]
