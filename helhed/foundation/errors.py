"""What can go wrong, once. Doors map these to status codes; nothing else does.

The docstring of each class is the plain sentence a reader meets; ``Issue`` names the place.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing that is wrong: an issue code of FHIR's ``issue-type``, where, and a plain sentence."""

    code: str  #: http://hl7.org/fhir/issue-type: structure, required, value, invariant, not-found, ...
    diagnostics: str
    expression: str = ""  #: FHIRPath to the place, "" when it is the request itself


class HelhedError(Exception):
    """Something went wrong in Helhed."""

    code = "exception"

    def __init__(self, diagnostics: str = "", *, issues: Sequence[Issue] = ()) -> None:
        sentence = diagnostics or (type(self).__doc__ or "").split("\n", 1)[0]
        self.issues: tuple[Issue, ...] = tuple(issues) or (Issue(self.code, sentence),)
        super().__init__(self.issues[0].diagnostics)


class BadRequest(HelhedError):
    """The request cannot be understood."""

    code = "invalid"


class InvalidResource(HelhedError):
    """The resource does not follow the FHIR R4 definitions."""

    code = "invalid"


class Unprocessable(HelhedError):
    """The resource is well formed but breaks a rule of this network."""

    code = "business-rule"


class NotAuthenticated(HelhedError):
    """The token is missing, expired or not ours."""

    code = "login"
    challenge = 'Bearer realm="helhed"'  #: how to come back (RFC 9110, section 11.6.1)
    nonce = ""  #: what the next proof has to carry (RFC 9449, section 9)


class Forbidden(HelhedError):
    """You may not do this."""

    code = "forbidden"


class Unknown(HelhedError):
    """There is nothing here that you can see."""

    code = "not-found"


class Gone(HelhedError):
    """This was deleted."""

    code = "deleted"


class NotSupported(HelhedError):
    """This network does not do that."""

    code = "not-supported"


class MethodNotAllowed(HelhedError):
    """This cannot be done here."""

    code = "not-supported"


class Conflict(HelhedError):
    """Somebody else changed this first."""

    code = "conflict"


class PreconditionFailed(HelhedError):
    """The condition of the request does not hold."""

    code = "conflict"


class TooLarge(HelhedError):
    """The request is larger than this network takes."""

    code = "too-long"


class TooCostly(TooLarge):
    """The answer would be larger than this network gives: ask for fewer."""

    code = "too-costly"


class TooSlow(HelhedError):
    """The request did not arrive in time. Send it again."""

    code = "timeout"


class UnsupportedMediaType(HelhedError):
    """Only JSON and XML in UTF-8 are taken here."""

    code = "not-supported"


class NotAcceptable(HelhedError):
    """Only JSON and XML are spoken here: accept application/fhir+json or application/fhir+xml."""

    code = "not-supported"


class TooMany(HelhedError):
    """Too many different people were looked up in a short time. Every attempt is logged. Wait some minutes."""

    code = "throttled"


class Overloaded(HelhedError):
    """The network is busy. Try again in a moment."""

    code = "throttled"
