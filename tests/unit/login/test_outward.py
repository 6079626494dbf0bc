"""Asking other servers reaches nobody that only we can reach, follows nothing, and takes no more than it must (attack 69)."""

import asyncio

import pytest

from helhed.foundation.fetching import NotFetched
from helhed.foundation.outward import Asker, NotAllowedThere, allowed, check_url


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "::1", "fe80::1%eth0", "fd00::1",
     "::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::", "64:ff9b::7f00:1", "no address"],
)  # fmt: skip
def test_an_address_that_is_not_anybodys_is_not_asked(address):
    assert not allowed(address)


def test_an_own_network_is_asked_where_the_operator_says_so_and_the_machines_own_metadata_never():
    assert allowed("10.1.2.3", internal=True)
    assert allowed("127.0.0.1", internal=True)
    assert allowed("8.8.8.8", internal=True)
    assert not allowed("169.254.169.254", internal=True)
    assert not allowed("fe80::1", internal=True)


@pytest.mark.parametrize(
    "url",
    ["http://example.org/", "https://user@example.org/", "https:///x", "file:///etc/passwd", "gopher://a/", "https://a/#b",
     "https://a:999999/", "http://localhost/", "http://127.0.0.1.example.org/", "//example.org", ""],
)  # fmt: skip
def test_only_plain_https_addresses_are_asked(url):
    for internal in (False, True):
        with pytest.raises(NotAllowedThere):
            check_url(url, internal=internal)


async def test_a_name_that_leads_to_this_machine_is_not_asked_even_over_tls():
    with pytest.raises(NotAllowedThere):
        await Asker().fetch("GET", "https://localhost:1/")


async def answering(answer: bytes, *, most: int = 1000, seconds: float = 5.0):
    """What a server of this machine gives us."""

    silence = asyncio.Event()

    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        if not answer:
            await silence.wait()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        return await Asker(seconds=seconds, most_bytes=most).fetch("GET", f"http://127.0.0.1:{port}/", internal=True)
    finally:
        silence.set()
        server.close()
        await server.wait_closed()


async def test_an_answer_comes_whole():
    answer = await answering(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
    assert (answer.status, answer.body, answer.content_type) == (200, b"{}", "application/json")


async def test_a_huge_answer_is_given_up():
    with pytest.raises(NotFetched):
        await answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + b"x" * 2000)


async def test_a_redirect_is_an_answer_and_is_not_followed():
    answer = await answering(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")
    assert answer.status == 302


@pytest.mark.parametrize("answer", [b"", b"no HTTP\r\n\r\n"])
async def test_silence_and_nonsense_are_no_answer(answer):
    with pytest.raises(NotFetched):
        await answering(answer, seconds=0.05)
