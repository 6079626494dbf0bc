"""The doors for machines: FHIR REST. Parse, ask, call one room, render."""
