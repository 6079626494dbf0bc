"""Refusals of the authorisation server, by the codes that the standards give them. None says more than the code and a sentence."""

from helhed.foundation.errors import HelhedError


class OAuthError(HelhedError):
    """The request was refused."""

    code = "login"
    error = "invalid_request"  #: RFC 6749, section 5.2, and the standards that extend it

    @property
    def description(self) -> str:
        """One sentence for whoever builds the client."""
        return self.issues[0].diagnostics


class InvalidRequest(OAuthError):
    """A parameter is missing, is there twice, or is not understood."""


class InvalidClient(OAuthError):
    """The client could not be authenticated."""

    error = "invalid_client"


class InvalidGrant(OAuthError):
    """What was presented does not hold: it is unknown, was used, has ended, or was made for somebody else."""

    error = "invalid_grant"


class UnauthorizedClient(OAuthError):
    """This client may not ask in this way."""

    error = "unauthorized_client"


class UnsupportedGrantType(OAuthError):
    """This way to a token is not offered here."""

    error = "unsupported_grant_type"


class UnsupportedResponseType(OAuthError):
    """Only response_type=code is offered here."""

    error = "unsupported_response_type"


class InvalidScope(OAuthError):
    """Nothing of what was asked for can be given."""

    error = "invalid_scope"


class InvalidTarget(OAuthError):
    """Tokens are for this network only."""

    error = "invalid_target"


class AccessDenied(OAuthError):
    """The person did not allow it."""

    error = "access_denied"


class LoginRequired(OAuthError):
    """Somebody has to log in first."""

    error = "login_required"


class ConsentRequired(OAuthError):
    """Somebody has to be asked first."""

    error = "consent_required"


class InvalidProof(OAuthError):
    """The DPoP proof does not hold."""

    error = "invalid_dpop_proof"


class UseNonce(OAuthError):
    """The DPoP proof has to carry the nonce that this answer brings."""

    error = "use_dpop_nonce"


class InvalidRedirect(OAuthError):
    """The redirect_uri is not one of those that the client registered."""

    error = "invalid_redirect_uri"


class InvalidMetadata(OAuthError):
    """What the client says of itself cannot be registered."""

    error = "invalid_client_metadata"


class InvalidStatement(OAuthError):
    """The software statement is not a sound one of an issuer that this network trusts."""

    error = "invalid_software_statement"


class TooManyAttempts(OAuthError):
    """Too many attempts failed. Wait a minute."""

    error = "temporarily_unavailable"
