"""Under which name this browser reached the portal, and whether passkeys can work there."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from appliance.faults import Fault
from appliance.identity.passkeys import rules
from appliance.identity.passkeys.rules import Site
from appliance.portal.state import BOX


def here(request: web.Request) -> Site:
    """The site that a passkey is made for. Fault("passkey_address") under an address in figures."""
    found = rules.site(request.host)
    if found is None:
        raise Fault("passkey_address")
    return found


def facts(request: web.Request) -> dict[str, Any]:
    """For the pages: `passkey_site`, whether passkeys can work here, and `named`, the portal's address by its name."""
    addresses = request.app[BOX].addresses()
    named = next((one for one in addresses if rules.site(one.removeprefix("https://")) is not None), "")
    return {"passkey_site": rules.site(request.host) is not None, "named": named}
