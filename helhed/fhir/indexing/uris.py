"""URIs in the index: as they are, and what they lie below (FHIR R4 search, section 3.1.1.4.11)."""

from collections.abc import Iterator

from helhed.fhir.tokens import below_token, code_token, present_token

_MOST_STEPS = 16


def uri_tokens(number: int, uri: str) -> Iterator[int]:
    """Tokens of one value."""
    yield code_token(number, uri)
    yield present_token(number)
    for one in ancestors(uri):
        yield below_token(number, one)


def ancestors(uri: str) -> list[str]:
    """The URI itself, without a version, and what is left when path segments are taken from its end."""
    found = [uri]
    rest = uri.partition("|")[0].rstrip("/")
    while rest and rest not in found and len(found) < _MOST_STEPS:
        found.append(rest)
        cut = rest.rpartition("/")[0]
        if not cut or cut.endswith((":/", ":")):  # what is before the host is no place
            break
        rest = cut
    return found
