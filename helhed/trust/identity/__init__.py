"""The authorisation server: who may ask for a token, who allowed it, and what the token says.

OAuth 2.1 with OpenID Connect Core 1.0, SMART App Launch 2.2 and the FAPI 2.0 security profile. This room decides and keeps; it
speaks no HTTP: ``helhed.api.oauth`` and the pages of ``helhed.portals`` do. A token alone permits nothing (``docs/explanation/access.md``).
"""
