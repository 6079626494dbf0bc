"""What a hostile browser, page or form meets."""

import pytest

PAGES = ["/", "/om", "/tilgaengelighed", "/borger", "/nope", "/hospital"]


@pytest.mark.parametrize("page", PAGES)
def test_every_answer_carries_the_safety_headers_and_is_never_kept(visitor, page):
    visitor.get(page)
    policy = visitor.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert visitor.headers["x-content-type-options"] == "nosniff"
    assert visitor.headers["referrer-policy"] == "no-referrer"
    assert visitor.headers["cache-control"] == "no-store"


def test_static_files_may_be_kept_for_good_when_their_address_has_a_version(visitor):
    visitor.get("/static/helhed.css?v=1")
    assert visitor.headers["cache-control"] == "public, max-age=31536000, immutable"
    visitor.get("/static/helhed.css")
    assert "immutable" not in visitor.headers["cache-control"]


@pytest.mark.parametrize(
    "path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/static//etc/passwd"]
)
def test_nothing_outside_the_static_folder_is_served(visitor, path):
    visitor.get(path)
    assert visitor.status == 404


def test_the_session_cookie_is_out_of_reach_for_scripts_and_other_sites(visitor):
    visitor.log_in("bodil")
    cookie = visitor.chain[0].headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "domain" not in cookie


@pytest.mark.parametrize("fields", [{"csrf": ""}, {"csrf": "wrong"}, {"csrf": "æøå"}])
def test_a_form_without_the_right_token_changes_nothing(visitor, network, fields):
    visitor.log_in("bodil")
    visitor.post("/borger/spaerringer", hvem="alle", hvad="alt", **fields)
    assert visitor.status == 403
    assert network.blocks == {}


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
    ],
)
def test_a_form_from_another_site_changes_nothing_even_with_the_token(visitor, network, headers):
    visitor.log_in("bodil")
    visitor.post("/borger/spaerringer", headers=headers, hvem="alle", hvad="alt")
    assert visitor.status == 403
    assert network.blocks == {}


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"x" * 20_000, "application/x-www-form-urlencoded", 413),
        (b"&".join(b"a=1" for _ in range(100)), "application/x-www-form-urlencoded", 400),
        (b"person=%ff%fe", "application/x-www-form-urlencoded", 400),
        (b"person=a%00b", "application/x-www-form-urlencoded", 400),
        (b"\xff", "application/x-www-form-urlencoded", 400),
        (b"{}", "application/json", 400),
        (b"", "multipart/form-data; boundary=x", 400),
    ],
)
def test_a_broken_form_gets_a_page_that_says_so(visitor, body, kind, status):
    visitor.log_in("bodil")
    visitor.send("POST", "/log-ud", body, kind)
    assert visitor.status == status
    assert "Intet er ændret." in visitor.text


@pytest.mark.parametrize(("method", "path"), [("POST", "/borger"), ("DELETE", "/"), ("PUT", "/borger/spaerringer")])
def test_pages_take_only_their_own_methods(visitor, method, path):
    visitor.send(method, path, b"", "text/plain")
    assert visitor.status == 405


def test_what_people_are_called_is_shown_as_text(visitor, network):
    citizen = network.citizen("<script>alert(1)</script>", "0101019999", None)
    network.deliver(citizen, next(iter(network.places)), {
        "resourceType": "Condition", "code": {"text": "<img src=x onerror=alert(1)>"}, "onsetDateTime": "2020",
    })  # fmt: skip
    visitor.log_in_as_citizen(citizen)
    assert "<script>alert" not in visitor.page
    assert "<img src=x" not in visitor.page
    assert "&lt;img src=x" in visitor.page


def test_a_fault_of_ours_shows_a_number_and_nothing_else(visitor, network):
    async def broken(*_):
        raise RuntimeError("select cpr from secrets: 0102509995")

    visitor.log_in("bodil")
    network.own_identity = broken
    visitor.get("/borger")
    assert visitor.status == 500
    assert "Fejlens nummer:" in visitor.text
    assert "secrets" not in visitor.page
    assert visitor.headers["cache-control"] == "no-store"
    assert "frame-ancestors" in visitor.headers["content-security-policy"]


def test_a_busy_network_says_try_again(visitor, network):
    from helhed.foundation.errors import Overloaded

    async def busy(*_):
        raise Overloaded

    visitor.log_in("bodil")
    network.citizen_rows = busy
    visitor.get("/borger")
    assert (visitor.status, visitor.headers["retry-after"]) == (503, "5")
    assert "Der er travlt lige nu" in visitor.text


def test_style_sheets_travel_compressed_and_pages_do_not(visitor):
    visitor.get("/static/helhed.css", **{"accept-encoding": "gzip"})
    assert visitor.headers["content-encoding"] == "gzip"
    assert visitor.headers["content-type"].startswith("text/css")
    assert ".hh-chart" in visitor.page
    visitor.get("/", **{"accept-encoding": "gzip"})
    assert "content-encoding" not in visitor.headers


def test_a_style_sheet_goes_out_plain_to_those_who_cannot_unpack(visitor):
    visitor.get("/static/helhed.css", **{"accept-encoding": "identity"})
    assert "content-encoding" not in visitor.headers
    assert ".hh-chart" in visitor.page
