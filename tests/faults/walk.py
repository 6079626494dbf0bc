"""Every address of tests/policy/routes.txt, and a request at each that carries secrets wherever a request has room for one."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode, urlsplit
from uuid import UUID

import orjson

from tests.support.plants import Garden, Plant

ROUTES = Path(__file__).parents[1] / "policy" / "routes.txt"
#: where each part of the file stands below
PREFIXES = {"# The FHIR door": "/fhir"}
_HEAD = re.compile(r"(GET|POST|PUT|PATCH|DELETE) (/\S*)(?: \(.*\))?$")
FORM = "application/x-www-form-urlencoded"
#: the places of a token, a code, an assertion, a handle and a session in the protocols that we speak
SECRET_FIELDS = (
    "code", "state", "nonce", "anmodning", "client_id", "client_secret", "client_assertion", "code_verifier", "code_challenge",
    "login_hint", "launch", "refresh_token", "subject_token", "actor_token", "token", "logout_token", "id_token_hint",
    "access_token", "assertion", "SAMLResponse", "csrf", "credential", "kode", "seal", "username", "password", "_cursor",
)  # fmt: skip
NUMBER_FIELDS = (
    "cpr",
    "patient",
    "identifier",
    "soeg",
    "borger",
    "person",
    "hvem",
    "navn",
    "tekst",
    "sag",
    "svar",
    "note",
)
URIS = {
    "request_uri": "urn:ietf:params:oauth:request_uri:{}",
    "redirect_uri": "https://app.example/{}",
    "iss": "https://{}/",
}


@dataclass(frozen=True, slots=True)
class Place:
    """One line of the file."""

    method: str
    path: str

    @property
    def of_fhir(self) -> bool:
        return self.path.startswith("/fhir")

    def told(self) -> str:
        return f"{self.method} {self.path}"


def places() -> list[Place]:
    """In the order of the file; an address without a method is asked in both ways."""
    prefix, found = "", []
    for line in ROUTES.read_text("utf-8").splitlines():
        if line.startswith("#"):
            prefix = next((above for head, above in PREFIXES.items() if line.startswith(head)), "")
        elif head := _HEAD.match(line):
            found.append(Place(head.group(1), prefix + head.group(2).rstrip("/") or "/"))
        elif line.startswith("/"):
            found += [Place(method, line) for method in ("GET", "POST")]
    return list(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class Sent:
    """What is asked."""

    method: str
    address: str
    headers: dict[str, str]
    body: bytes


def requests_at(place: Place, one: Plant, csrf: str) -> Iterator[Sent]:
    """The same secrets in the address, in what follows it, in the headers and in a form; and once more where only an id may stand.

    ``csrf`` is what the forms of somebody who is logged in carry: without it nothing would be read beyond it.
    """
    for filled in dict.fromkeys(
        (_filled(place.path, one.secret), _filled(place.path, one.number), _filled(place.path, ""))
    ):
        yield Sent(place.method, f"{filled}?{urlencode(_fields(one))}", _headers(one), _body(place, one, csrf))


def _fields(one: Plant) -> dict[str, str]:
    told = dict.fromkeys(SECRET_FIELDS, one.secret) | dict.fromkeys(NUMBER_FIELDS, one.number)
    told |= {name: form.format(one.secret) for name, form in URIS.items()}
    return told | {"tilbage": f"/borger?cpr={one.number}", "grant_type": one.secret}


def _headers(one: Plant) -> dict[str, str]:
    return {
        "referer": f"https://elsewhere.example/?access_token={one.secret}&cpr={one.number}",
        "user-agent": f"{one.secret} {one.number}",
        "dpop": f"{one.secret}.{one.secret}.{one.secret}",
        "traceparent": f"00-{one.secret}-{one.number}-01",
        "x-request-id": one.secret,
        "x-forwarded-for": one.number,
    }


def _body(place: Place, one: Plant, csrf: str) -> bytes:
    if place.method == "GET":
        return b""
    if place.of_fhir and not place.path.endswith("_search"):
        return orjson.dumps({"resourceType": "Observation", "status": one.secret, "id": one.number})
    # a form has at most forty fields here, and its own must be among them
    fields = _fields(one) | ({"csrf": csrf} if csrf else {})
    return urlencode(list(fields.items())[:40]).encode()


def kind_of(place: Place) -> str:
    return "application/fhir+json" if place.of_fhir and not place.path.endswith("_search") else FORM


def _filled(path: str, text: str) -> str:
    def with_text(found: re.Match[str]) -> str:
        kind = found.group(1)
        return quote(text) if text and kind is None else text if text.isdigit() and kind == "int" else str(UUID(int=1))

    return re.sub(r"\{\w+(?::(\w+))?\}", with_text, path)


def words_of(page: str) -> str:
    """A page without what its reader wrote into a form of it, which stands there still when the form is refused."""
    return re.sub(r'<textarea.*?</textarea>|\bvalue="[^"]*"', "", page, flags=re.DOTALL)


def addresses_in(page: str) -> list[str]:
    """Every address that a page would have a browser ask."""
    return re.findall(r'(?:href|action|src|formaction|url)="([^"]*)"', page) + re.findall(
        r'"(?:url|link)":"([^"]*)"', page
    )


#: the reference to what an app asks for leads whoever logs in back to the page where they answer it: it opens nothing by itself
_WAY_BACK = re.compile(r"/oauth/samtykke\?anmodning=[\w%.~-]*")


def leaks(address: str, garden: Garden) -> list[str]:
    """Secrets in an address, but for what has to be in one: see "What is never in an address" in docs/explanation/access.md."""
    parts = urlsplit(address)
    kept = [(name, _WAY_BACK.sub("", value)) for name, value in parse_qsl(parts.query, keep_blank_values=True)]
    return garden.found(f"{parts.scheme}://{parts.netloc}{parts.path} {kept} {parts.fragment}")
