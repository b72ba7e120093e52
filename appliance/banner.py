"""The block that `hearth up` prints: what to open, with a QR code. Pure."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import segno

from appliance.demo import Demo

WIDTH = 78


def block(clinic: str, urls: Sequence[str], facts: Demo | None, home: Path, *, locked: bool) -> str:
    """The text, at most WIDTH columns but for links that are longer. `locked`: nobody has given the passphrase yet."""
    lines = ["", "=" * WIDTH]
    if locked:
        lines += [f"  {clinic}: the box is running, but locked.", "  Unlock it at the console: hearth console"]
    else:
        lines += [f"  {clinic}: the box is running."]
    lines += ["", "  Portal"]
    lines += [f"    {url}" for url in urls]
    lines += ["", *(f"    {line}" for line in _qr(urls[0]))]
    lines += [
        "  The browser warns once: the certificate is from the box's own authority",
        f"  ({home / 'tls' / 'ca.pem'}). Go on, or install that file first.",
    ]
    if facts is not None:
        lines += _demo(urls[0], facts)
    lines += ["", "  Ctrl-C ends everything.", "=" * WIDTH, ""]
    return "\n".join(lines)


def _demo(url: str, facts: Demo) -> list[str]:
    lines = ["", "  A demo clinic with made-up people. Never put real ones here.", ""]
    lines += ["  Facilitators: sign in at " + url + "/staff/sign-in"]
    lines += [
        f"    name {facts.facilitator_username}   password {facts.facilitator_password}"
        f"    name {facts.cofacilitator_username}   password {facts.cofacilitator_password}"
    ]
    lines += ["  Front desk: the same page, or the console (hearth console)"]
    lines += [f"    name {facts.operator_username}   password {facts.operator_password}", "", "  Patients"]
    for ticket in facts.tickets:
        lines += [f"    {ticket.name:<16} PIN {ticket.pin}   {url}/join#{ticket.code}"]
    return lines


def _qr(text: str) -> list[str]:
    """A QR code in half blocks: two modules a character."""
    out = io.StringIO()
    segno.make(text, error="l").terminal(out, compact=True, border=2)
    return out.getvalue().splitlines()
