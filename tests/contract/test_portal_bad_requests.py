"""What no browser of ours sends: it is the asker's mistake, told as such, and nothing of it is kept."""

from __future__ import annotations

import asyncio
import ssl
from urllib.parse import urlsplit

import pytest

from tests.fakes.box import OpenBox
from tests.fakes.portal import Behind, Newcomer, ask_media, sign_in, wait_at_the_door

FORM = "application/x-www-form-urlencoded"
PART = b'--x\r\nContent-Disposition: form-data; name="code"%s\r\n\r\nhi\r\n--x--\r\n'


async def status(behind: Behind, path: str, body: bytes, headers: dict[str, str | None]) -> int:
    """The status of a POST whose headers and body go out as they are; None leaves a header out."""
    address = urlsplit(behind.origin)
    usual: dict[str, str | None] = {"Host": address.netloc, "Origin": behind.origin, "Connection": "close"}
    lines = [f"{name}: {value}" for name, value in {**usual, **headers}.items() if value is not None]
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    reader, writer = await asyncio.open_connection(address.hostname, address.port, ssl=trusting)
    head = "\r\n".join([f"POST {path} HTTP/1.1", *lines, f"Content-Length: {len(body)}", "", ""])
    writer.write(head.encode("latin-1") + body)
    answer = await reader.readline()
    writer.close()
    return int(answer.split()[1])


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (FORM, b"code=\xff\xfe"),
        (f"{FORM}; charset=nonsense", b"code=1"),
        (f"{FORM}; charset=utf-7", b"code=%2B2AA-&pin=+2AA-"),
        ("multipart/form-data", b"hello"),
        ("multipart/form-data; boundary=x", b"hello"),
        ("multipart/form-data; boundary=x", PART % b'; filename="a"'),
        ("multipart/form-data; boundary=x", PART % b"\r\nContent-Type: text/plain; charset=nonsense"),
    ],
)
async def test_a_body_that_is_no_form_of_ours_is_the_askers_mistake(behind: Behind, kind: str, body: bytes) -> None:
    for path in ("/join", "/staff/sign-in", "/language"):
        assert await status(behind, path, body, {"Content-Type": kind}) == 400


async def test_an_encoding_that_is_none_is_the_askers_mistake(behind: Behind) -> None:
    assert await status(behind, "/join", b"no gzip", {"Content-Type": FORM, "Content-Encoding": "gzip"}) == 400


async def test_an_origin_that_is_none_is_not_ours(behind: Behind) -> None:
    for origin in ("https://[", "https://]:1", "//", None):
        assert await status(behind, "/join", b"code=1", {"Content-Type": FORM, "Origin": origin}) == 403


async def test_a_cookie_of_strange_bytes_is_nobodys(behind: Behind) -> None:
    headers: dict[str, str | None] = {"Content-Type": FORM, "Cookie": "__Host-visit=\xff\xfe", "X-CSRF": "\xff"}
    assert await status(behind, "/join/ask", b"", headers) == 303  # to the page for code and PIN
    headers["Cookie"] = "__Host-login=\xff\xfe"
    assert await status(behind, "/staff/sign-out", b"", headers) == 303


async def test_a_forged_word_of_strange_bytes_is_forged(behind: Behind, newcomer: Newcomer, box: OpenBox) -> None:
    mara = newcomer()
    await sign_in(mara)
    cookie = f"__Host-login={mara.cookie('__Host-login')}"
    headers: dict[str, str | None] = {"Cookie": cookie, "X-CSRF": "\xff\xfe"}
    assert await status(behind, f"/staff/sessions/{box.session}/open", b"", headers) == 403


async def test_a_request_that_fails_in_a_way_nobody_thought_of_gets_an_answer(
    box: OpenBox, newcomer: Newcomer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise TypeError("of no use to anybody")

    monkeypatch.setattr(box.relay, "request", fail)
    ada = newcomer()
    await wait_at_the_door(ada, box)
    await box.clinic.act(box.leader(), "open", box.session)
    await box.clinic.act(box.leader(), "admit", box.session, box.members[0])
    async with ada.socket("/join/ws") as socket:
        answer = await ask_media(socket)
    assert answer["fault"]["code"] == "internal"
