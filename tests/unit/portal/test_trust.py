"""The page that makes a box known to a device, and the certificate in each form, over a real application."""

from __future__ import annotations

import plistlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from cryptography import x509

from appliance.contacts.wall import Wall
from appliance.portal import certificates, pages, trust

AUTHORITY = certificates.new_authority(["hearth.local"], ["192.168.1.5"], datetime(2031, 3, 4, tzinfo=UTC))
Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    app = web.Application()
    app[trust.CA_FILE], app[pages.CLINIC], app[pages.WALL] = (
        tmp_path / "ca.pem",
        ["Riverbend", ""],
        Wall(tmp_path / "w"),
    )
    for route in trust.ROUTES:
        app.router.add_route(route.method, route.path, route.handler)
    (tmp_path / "ca.pem").write_bytes(AUTHORITY.certificate)
    async with TestClient(TestServer(app)) as made:
        yield made


@pytest.mark.parametrize(
    ("agent", "which"),
    [
        ("Mozilla/5.0 (Linux; Android 14; Pixel 8) Chrome/131.0", "android"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Safari/604.1", "iphone"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Edg/131.0", "windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Safari/605.1.15", "mac"),
        ("Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) Chrome/131.0", "chromeos"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Firefox/128.0", "linux"),
        ("", "windows"),
    ],
)
async def test_each_device_gets_its_own_steps(client: Client, agent: str, which: str) -> None:
    assert trust.device("", agent) == which
    assert trust.device("firefox", agent) == "firefox" and trust.device("fridge", agent) == which
    text = await (await client.get("/trust", headers={"User-Agent": agent})).text()
    assert all((f"/trust?device={one}#steps" in text) == (one != which) for one in trust.DEVICES)


async def test_the_page_shows_the_digits_that_the_boxs_own_screen_shows(client: Client) -> None:
    text = await (await client.get("/trust")).text()
    shown = certificates.shown(AUTHORITY.certificate).fingerprint
    assert all(group in text for group in trust.groups(shown))
    assert " ".join(trust.groups(shown)) == shown.replace(":", " ") and len(trust.groups(shown)) == 8


async def test_the_certificate_comes_as_android_and_windows_take_it(client: Client) -> None:
    answer = await client.get("/ca.crt")
    assert answer.content_type == "application/x-x509-ca-cert" and "hearth.crt" in answer.headers["Content-Disposition"]
    found = x509.load_der_x509_certificate(await answer.read())
    assert found == x509.load_pem_x509_certificate(await (await client.get("/ca.pem")).read())


async def test_an_iphone_gets_a_profile_with_the_certificate_and_nothing_else(client: Client) -> None:
    answer = await client.get("/ca.mobileconfig")
    assert answer.content_type == "application/x-apple-aspen-config"
    told = plistlib.loads(await answer.read())
    (inner,) = told["PayloadContent"]
    assert (told["PayloadType"], inner["PayloadType"]) == ("Configuration", "com.apple.security.root")
    assert inner["PayloadContent"] == certificates.shown(AUTHORITY.certificate).der
    again = plistlib.loads(await (await client.get("/ca.mobileconfig")).read())
    assert again == told  # installed twice it is one


async def test_only_the_certificate_leaves_the_file(client: Client, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_bytes(AUTHORITY.certificate + AUTHORITY.key)
    for path in ("/ca.pem", "/ca.crt", "/ca.mobileconfig"):
        assert b"PRIVATE" not in await (await client.get(path)).read()


async def test_before_there_is_a_certificate_the_page_says_when(client: Client, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").unlink()
    answer = await client.get("/trust")
    assert answer.status == 200 and "no certificate of its own yet" in await answer.text()
