"""Messages between organisations in MedCom's FHIR families: taken, acknowledged, shared, delivered, followed to who acted on them."""
