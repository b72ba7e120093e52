"""Passkeys (W3C Web Authentication level 3): where they work, how many, what a challenge is good for. Pure.

The portal's host name is the relying party's id (section 5.1.2): a passkey made at `hearth.local` is offered by the
browser there and nowhere else, which is what makes it worthless to a page that imitates ours. An address in figures is
no name, and browsers make no passkey for one.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Literal

from appliance.faults import Fault

MOST = 10  # of one person; nobody carries more keys and devices than that
MAX_LABEL = 40  # characters
MAX_ANSWER = 16 * 1024  # characters of a browser's answer; with an attestation that nobody asked for about 6,000
CHALLENGE_BYTES = 32  # section 13.4.3 asks for 16 at least
CHALLENGE_SECONDS = 300.0  # to find the key and touch it; a browser's own limit is 5 minutes at most
CHALLENGES = 256  # remembered at once; the oldest gives way

Purpose = Literal["register", "sign_in"]


@dataclass(frozen=True, slots=True)
class Site:
    """Where the person's browser is: the name of the portal and its origin, as the browser will sign them."""

    host: str
    origin: str


def site(authority: str) -> Site | None:
    """The site of a request's Host, "hearth.local:8443"; None for an address in figures, where no passkey can be."""
    host = authority.rsplit(":", 1)[0] if authority.rpartition(":")[2].isdecimal() else authority
    host = host.lower()
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return Site(host, f"https://{authority.lower()}") if host else None
    return None


def label(text: str, count: int) -> str:
    """What its owner calls a passkey; a number where nothing was typed. Fault("bad_request")."""
    name = " ".join(text.split())
    if len(name) > MAX_LABEL or not name.isprintable():
        raise Fault("bad_request", "label")
    return name or str(count + 1)


def user_handle(person: str) -> bytes:
    """What an authenticator keeps of the person (section 14.6.1: nothing that tells who it is)."""
    return hashlib.sha256(f"hearth passkey\x00{person}".encode()).digest()


@dataclass(frozen=True, slots=True)
class _Given:
    purpose: Purpose
    challenge: bytes
    site: Site
    until: float


@dataclass(slots=True)
class Challenges:
    """What was asked of whom: bound to a token's hash, good once, for one purpose and site, for a short time.

    In memory only: after a restart the person presses the button again.
    """

    _given: OrderedDict[bytes, _Given] = field(default_factory=OrderedDict)

    def give(self, holder: bytes, purpose: Purpose, challenge: bytes, at: Site, now: float) -> None:
        """Remember a new challenge; the holder's older one is void. `now` in monotonic seconds."""
        self._given.pop(holder, None)
        self._given[holder] = _Given(purpose, challenge, at, now + CHALLENGE_SECONDS)
        while len(self._given) > CHALLENGES:
            self._given.popitem(last=False)

    def take(self, holder: bytes, purpose: Purpose, at: Site, now: float) -> bytes:
        """The challenge, which is used up. Fault("wrong_passkey") where there is none that fits."""
        given = self._given.pop(holder, None)
        if given is None or given.purpose != purpose or given.site != at or given.until < now:
            raise Fault("wrong_passkey", "no such challenge")
        return given.challenge
