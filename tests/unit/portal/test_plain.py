"""Port 80: to https under a name of the box, the answers that telephones wait for, and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.portal import plain
from appliance.portal.plain import PROBES, Own, PlainListener, answered

OWN = Own(frozenset({"hearth.local", "box.example.org"}), frozenset({"192.168.1.5", "10.77.77.1"}))
HERE = "192.168.1.5"


def asked(target: str = "/", host: str | None = "hearth.local", method: str = "GET", own: Own = OWN) -> str:
    head = f"{method} {target} HTTP/1.1\r\n" + (f"Host: {host}\r\n" if host is not None else "") + "\r\n"
    return answered(head.encode("latin-1"), own, HERE).decode("latin-1")


def place(answer: str) -> str:
    assert answer.startswith("HTTP/1.1 302 ")
    return answer.split("Location: ")[1].split("\r\n")[0]


# -- to https ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "base"),
    [
        ("hearth.local", "https://hearth.local"),
        ("HEARTH.local.", "https://hearth.local"),
        ("box.example.org:80", "https://box.example.org"),
        ("192.168.1.5", "https://192.168.1.5"),
        ("10.77.77.1", "https://10.77.77.1"),
    ],
)
def test_a_name_or_address_of_the_box_goes_on_with_its_path(host: str, base: str) -> None:
    assert place(asked("/join?from=paper", host)) == f"{base}/join?from=paper"


@pytest.mark.parametrize(
    "host", [None, "", "evil.example", "hearth.local.evil.example", "evil.example#hearth.local", "a@b", "[::1]", "a b"]
)
def test_a_host_that_is_not_the_boxs_leads_to_the_address_that_was_connected_to(host: str | None) -> None:
    assert place(asked("/join", host)) == f"https://{HERE}/"


@pytest.mark.parametrize(
    "target", ["//evil.example/", "https://evil.example/", "/\\evil", "*", "/a\tb", "/" + "a" * 2000]
)
def test_a_path_that_could_lead_elsewhere_is_the_first_page(target: str) -> None:
    assert place(asked(target)) == "https://hearth.local/"


def test_the_portals_own_port_is_told() -> None:
    assert place(asked("/x", own=Own(OWN.names, OWN.addresses, 8443))) == "https://hearth.local:8443/x"


def test_two_hosts_are_none() -> None:
    head = b"GET / HTTP/1.1\r\nHost: hearth.local\r\nhost: evil.example\r\n\r\n"
    assert place(answered(head, OWN, HERE).decode()) == f"https://{HERE}/"


@given(st.text(), st.text())
def test_no_request_leads_anywhere_but_to_the_box_or_adds_a_header(target: str, host: str) -> None:
    head = f"GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode("utf-8", "surrogatepass")
    answer = answered(head, OWN, HERE).decode("latin-1")
    assert answer.count("\r\n\r\n") == 1
    if " 302 " in answer.partition("\r\n")[0]:
        bases = [f"https://{one}/" for one in (*OWN.names, *OWN.addresses)]
        assert any(place(answer).startswith(base) for base in bases)
    names = {line.partition(":")[0] for line in answer.partition("\r\n\r\n")[0].split("\r\n")[1:]}
    assert names <= {
        "Cache-Control",
        "Connection",
        "X-Content-Type-Options",
        "Content-Length",
        "Location",
        "Content-Type",
    }


# -- what telephones ask -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("host", "path"), PROBES)
def test_a_telephone_gets_the_answer_that_keeps_it_on_the_network(host: str, path: str) -> None:
    status, _, body = PROBES[host, path]
    answer = asked(path, host)
    assert answer.startswith(f"HTTP/1.1 {status.value} ")
    assert answer.partition("\r\n\r\n")[2].encode() == body
    assert ("Content-Length" in answer) == (status.value != 204)  # RFC 9110 section 8.6
    assert asked(path, host, "HEAD").endswith("\r\n\r\n")


@pytest.mark.parametrize(("host", "path"), PROBES)
def test_those_answers_are_given_for_those_names_alone(host: str, path: str) -> None:
    assert place(asked(path, "hearth.local")) == f"https://hearth.local{path}"
    assert place(asked(f"{path}x", host)) == f"https://{HERE}/"


# -- what it never does ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "get"])
def test_nothing_is_taken_over_plain_http(method: str) -> None:
    assert asked("/join", method=method).startswith("HTTP/1.1 405 ")


@pytest.mark.parametrize("line", ["", "GET /", "GET / HTTP/2", "GET / HTTP/1.1 x", "nonsense", "GET  / HTTP/1.1"])
def test_what_is_no_request_is_refused(line: str) -> None:
    assert answered(f"{line}\r\nHost: hearth.local\r\n\r\n".encode(), OWN, HERE).startswith(b"HTTP/1.1 400 ")


def test_an_answer_tells_nothing_of_the_box_and_promises_no_https_over_http() -> None:
    answers = [asked(), asked("/generate_204", "www.google.com"), asked(method="POST")]
    assert not [one for one in answers if "Strict-Transport" in one or "Server" in one or "Set-Cookie" in one]


# -- over real sockets -------------------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def listening() -> AsyncIterator[int]:
    """The port."""
    opened = socket.create_server(("127.0.0.1", 0))
    listener = PlainListener(lambda: OWN)
    await listener.start(opened)
    try:
        yield opened.getsockname()[1]
    finally:
        await listener.close()


async def told(port: int, request: bytes) -> bytes:
    """Until it ends; one that is turned away before it was read may end by a reset."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with contextlib.suppress(ConnectionError):
        writer.write(request)
        return await asyncio.wait_for(reader.read(), 10)
    return b""


async def test_who_typed_no_https_comes_to_the_portal() -> None:
    async with listening() as port:
        assert b"Location: https://hearth.local/" in await told(port, b"GET / HTTP/1.1\r\nHost: hearth.local\r\n\r\n")
        assert b"Location: https://127.0.0.1/\r\n" in await told(port, b"GET / HTTP/1.0\r\n\r\n")


async def test_a_head_that_never_ends_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async with listening() as port:
        assert (await told(port, b"GET / HTTP/1.1\r\nA: " + b"a" * 20_000)).startswith(b"HTTP/1.1 431 ")
        monkeypatch.setattr(plain, "HEAD_SECONDS", 0.05)
        assert await told(port, b"GET / HTTP/1.1\r\n") == b""


async def test_more_than_it_can_bear_are_turned_away_and_the_next_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain, "MOST_AT_ONCE", 1)
    async with listening() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\n")
        while await told(port, b"GET / HTTP/1.1\r\n\r\n"):
            pass  # the first one was not seen yet
        writer.write(b"\r\n")
        assert (await asyncio.wait_for(reader.read(), 10)).startswith(b"HTTP/1.1 302 ")
        while not await told(port, b"GET / HTTP/1.1\r\n\r\n"):
            pass  # the first one's end was not seen yet
