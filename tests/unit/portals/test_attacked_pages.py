"""Attacks 71, 72, 75 and 79 of the access model, at the pages."""

import pytest

EVIL = {
    "x-forwarded-host": "evil.example", "x-forwarded-proto": "http", "forwarded": "host=evil.example",
    "x-original-url": "/evil.example", "x-rewrite-url": "//evil.example",
}  # fmt: skip
PAGES = ["/", "/log-ind", "/borger", "/mine-log-ind", "/log-ind/farvel", "/bekraeft", "/nope"]


@pytest.mark.parametrize("page", PAGES)
def test_no_header_puts_another_host_into_a_page_or_leads_to_one(visitor, page):
    visitor.log_in("bodil")
    for name, value in EVIL.items():
        visitor.get(page, **{name: value})
        assert "evil" not in visitor.page
        assert all("evil" not in answer.headers.get("location", "") for answer in visitor.chain)


@pytest.mark.parametrize("page", PAGES)
def test_no_other_site_is_let_read_a_page(visitor, page):
    visitor.log_in("bodil")
    for origin in ("https://evil.example", "null", "http://localhost.evil.example"):
        visitor.get(page, origin=origin)
        assert not [name for name in visitor.headers if name.startswith("access-control-")]
    assert visitor.headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize("page", PAGES)
def test_no_page_is_framed(visitor, page):
    visitor.log_in("bodil")
    visitor.get(page)
    assert "frame-ancestors 'none'" in visitor.headers["content-security-policy"]


@pytest.mark.parametrize(
    "path", ["/borger/x.css", "/borger.css", "/borger;x.js", "/mine-log-ind/logo.png", "/borger%2f..%2fstatic%2fx.css"]
)
def test_a_page_does_not_pass_for_a_file_that_a_cache_would_keep(visitor, path):
    visitor.log_in("bodil")
    visitor.get(path)
    assert visitor.status == 404
    assert visitor.headers["cache-control"] == "no-store"
    assert "Bodil" not in visitor.text.split("Log ud")[-1]
