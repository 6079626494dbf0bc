"""What the authorisation server says of itself: RFC 8414, OpenID Connect Discovery 1.0, SMART App Launch 2.2 (section 7)."""

from typing import Any

from helhed.trust.identity.asked_scopes import PLAIN
from helhed.trust.identity.jose import FAPI_ALGORITHMS, SMART_ALGORITHMS
from helhed.trust.identity.keys import ALGORITHM

GRANT_TYPES = ("authorization_code", "refresh_token", "client_credentials")
_SCOPES = (*PLAIN, "patient/*.rs", "user/*.cruds", "system/*.cruds")
_ENDPOINTS = {
    "authorization_endpoint": "authorize", "token_endpoint": "token", "introspection_endpoint": "introspect",
    "revocation_endpoint": "revoke", "registration_endpoint": "register", "pushed_authorization_request_endpoint": "par",
    "jwks_uri": "jwks",
}  # fmt: skip
#: SMART App Launch 2.2, section 7.2. There is no confidential client by a shared secret here, and no style URL.
_CAPABILITIES = (
    "launch-ehr", "launch-standalone", "client-public", "client-confidential-asymmetric", "sso-openid-connect",
    "context-banner", "context-ehr-patient", "context-standalone-patient", "permission-patient", "permission-user",
    "permission-offline", "permission-online", "permission-v2",
)  # fmt: skip


def server_metadata(issuer: str, grant_types: tuple[str, ...] = GRANT_TYPES) -> dict[str, Any]:
    """RFC 8414, with what OpenID Connect and the standards that follow add."""
    return {
        "issuer": issuer,
        **{name: f"{issuer}/oauth/{path}" for name, path in _ENDPOINTS.items()},
        "userinfo_endpoint": f"{issuer}/oauth/userinfo",
        "scopes_supported": list(_SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": list(grant_types),
        "subject_types_supported": ["public"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "require_pushed_authorization_requests": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "claims_parameter_supported": False,
        "prompt_values_supported": ["none", "login", "consent"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "claims_supported": ["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "fhirUser"],
        "dpop_signing_alg_values_supported": list(FAPI_ALGORITHMS),
        **_authentication("token"),
        **_authentication("introspection"),
        **_authentication("revocation"),
    }


def _authentication(endpoint: str) -> dict[str, Any]:
    methods = ["private_key_jwt"] if endpoint == "introspection" else ["private_key_jwt", "none"]
    return {
        f"{endpoint}_endpoint_auth_methods_supported": methods,
        f"{endpoint}_endpoint_auth_signing_alg_values_supported": list(SMART_ALGORITHMS),
    }


def smart_configuration(issuer: str, grant_types: tuple[str, ...] = GRANT_TYPES) -> dict[str, Any]:
    """``.well-known/smart-configuration``."""
    return {**server_metadata(issuer, grant_types), "capabilities": list(_CAPABILITIES)}
