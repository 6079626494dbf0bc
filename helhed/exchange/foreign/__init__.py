"""Import of foreign FHIR: Bundles, NDJSON and archives of them, as one named source organisation."""
