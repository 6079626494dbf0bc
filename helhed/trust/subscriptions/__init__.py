"""Subscriptions: somebody is told, where they say, of what is created and changed in what they may see. Decided when it is told.

FHIR R4 ``Subscription`` in the shape of the Subscriptions R5 Backport guide (https://hl7.org/fhir/uv/subscriptions-backport/).
``reading`` is from a resource to what is wanted, ``serving`` the type at the FHIR door, ``notices`` the Bundles that are sent, and
``delivering`` the work of sending them.
"""
