"""Dynamic registration (RFC 7591), for software that somebody on the trust list vouches for."""

from helhed.api.oauth.answering import Answer, told
from helhed.api.oauth.asking import Call
from helhed.trust.identity.clients import Client
from helhed.trust.identity.server import AuthorisationServer

_REGISTER = "registration"


async def register(server: AuthorisationServer, call: Call) -> Answer:
    """A new client."""
    await server.attempts.check(_REGISTER, call.place)
    try:
        client = await server.registration.register(call.json())
    except Exception:
        await server.attempts.failed(_REGISTER, call.place)
        raise
    return told(201, _as_registered(client))


def _as_registered(client: Client) -> dict[str, object]:
    kept = {
        "client_id": client.id, "client_id_issued_at": int(client.registered_at.timestamp()), "client_name": client.name,
        "redirect_uris": list(client.redirect_uris), "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"], "scope": client.scope, "jwks": client.keys, "jwks_uri": client.keys_uri,
        "token_endpoint_auth_method": "none" if client.kind == "public" else "private_key_jwt",
        "dpop_bound_access_tokens": client.bound, "initiate_login_uri": client.launch_uri,
    }  # fmt: skip
    return {name: value for name, value in kept.items() if value is not None}
