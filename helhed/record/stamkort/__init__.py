"""Stamkort, the master data card: what every sector shares about a citizen, kept once.

What CPR owns is read from the Patient. What the citizen says stands in rows of RelatedPerson: one whose relationship is ONESELF
(phones, e-mail, a temporary address, language, needs, dentist, own words), and one for each relative with the citizen's wish
about calling them. The rows belong to the national registers, so that all read them by the bases of the record, as FHIR.
"""
