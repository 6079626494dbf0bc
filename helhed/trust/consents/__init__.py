"""``Consent`` over FHIR: a block is a Consent that denies, a consent one that permits. Nothing is stored twice: each is made from
the fact that the decision reads, and made into it.
"""
