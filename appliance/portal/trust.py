"""The page that says how a device of the clinic comes to trust the box, and the certificate in the forms they take.

For anyone, and on a locked box: what is handed out is public, and a device that does not trust the box yet reads this
page past its browser's warning. So the page alone proves nothing, and says so: the fingerprint is compared with the one
on the box's own screen. No script, nothing of the store.
"""

from __future__ import annotations

import asyncio
import plistlib
import uuid
from pathlib import Path
from typing import Any

import babel.dates
from aiohttp import web
from babel import Locale

from appliance.faults import Fault
from appliance.portal import certificates, pages
from appliance.portal.route import Route

CA_FILE = web.AppKey("ca_file", Path)
HOME = "/trust"
DEVICES = ("android", "iphone", "windows", "mac", "chromeos", "linux", "firefox")
_GROUP = 4  # pairs of digits that eyes take at once
_SPACE = uuid.UUID("6f0d8a0e-6f43-4b0e-9a53-3a2b5f7c1d20")  # made once; a profile's names are the certificate's own

# What a browser says of its device, first match first: an Android names Linux too, a Chromebook as well.
_TELLS: tuple[tuple[str, str], ...] = (
    ("iPhone", "iphone"),
    ("iPad", "iphone"),
    ("Android", "android"),
    ("CrOS", "chromeos"),
    ("Windows", "windows"),
    ("Macintosh", "mac"),
    ("Linux", "linux"),
)


def device(asked: str, agent: str) -> str:
    """Which device's steps to show: the one asked for, else the one that the browser says it is on."""
    if asked in DEVICES:
        return asked
    return next((which for tell, which in _TELLS if tell in agent), "windows")


def groups(fingerprint: str) -> list[str]:
    """A fingerprint in groups that can be read out."""
    pairs = fingerprint.split(":")
    return [" ".join(pairs[at : at + _GROUP]) for at in range(0, len(pairs), _GROUP)]


def profile(authority: certificates.Shown) -> bytes:
    """What an iPhone or iPad installs (Apple's configuration profile with one certificate), not signed."""
    inner, outer = (str(uuid.uuid5(_SPACE, part + authority.fingerprint)) for part in ("inner", "outer"))
    certificate = {
        "PayloadType": "com.apple.security.root",
        "PayloadVersion": 1,
        "PayloadIdentifier": f"local.hearth.{inner}",
        "PayloadUUID": inner,
        "PayloadDisplayName": authority.name,
        "PayloadCertificateFileName": "hearth.crt",
        "PayloadContent": authority.der,
    }
    return plistlib.dumps(
        {
            "PayloadType": "Configuration",
            "PayloadVersion": 1,
            "PayloadIdentifier": f"local.hearth.{outer}",
            "PayloadUUID": outer,
            "PayloadDisplayName": authority.name,
            "PayloadRemovalDisallowed": False,
            "PayloadContent": [certificate],
        }
    )


async def page(request: web.Request) -> web.StreamResponse:
    """The steps for one kind of device. Without a certificate yet it says when there will be one."""
    which = device(request.query.get("device", ""), request.headers.get("User-Agent", "")[:400])
    return pages.render(request, "trust.html", {"device": which, **_facts(request, await _found(request))})


def _facts(request: web.Request, found: certificates.Shown | None) -> dict[str, Any]:
    if found is None:
        return {"authority": None}
    ends = babel.dates.format_date(found.ends.astimezone(), "long", locale=Locale.parse(pages.language(request)))
    return {"authority": {"name": found.name, "groups": groups(found.fingerprint), "ends": ends}}


async def _found(request: web.Request) -> certificates.Shown | None:
    try:
        return certificates.shown(await asyncio.to_thread(request.app[CA_FILE].read_bytes))
    except (OSError, ValueError):
        return None


async def _certificate(request: web.Request) -> certificates.Shown:
    found = await _found(request)
    if found is None:
        raise Fault("not_found", "no authority yet")
    return found


async def pem(request: web.Request) -> web.StreamResponse:
    return _file((await _certificate(request)).pem, "application/x-x509-ca-cert", "hearth.pem")


async def der(request: web.Request) -> web.StreamResponse:
    """As Android and Windows take it."""
    return _file((await _certificate(request)).der, "application/x-x509-ca-cert", "hearth.crt")


async def mobileconfig(request: web.Request) -> web.StreamResponse:
    return _file(profile(await _certificate(request)), "application/x-apple-aspen-config", "hearth.mobileconfig")


def _file(content: bytes, kind: str, name: str) -> web.Response:
    named = {"Content-Disposition": f'attachment; filename="{name}"'}
    return web.Response(body=content, content_type=kind, headers=named)


ROUTES: tuple[Route, ...] = (
    Route("GET", HOME, page, "anyone"),
    Route("GET", "/ca.pem", pem, "anyone"),
    Route("GET", "/ca.crt", der, "anyone"),
    Route("GET", "/ca.mobileconfig", mobileconfig, "anyone"),
)
