"""FHIR R4 resources: definitions, validation, indexing, search, store. Knows no policy and no HTTP."""
