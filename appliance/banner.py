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
    lines += [f"  Staff sign in at {url}/staff/sign-in or the console"]
    lines += _staff(facts)
    lines += ["", "  Patients"]
    for ticket in facts.tickets:
        lines += [f"    {ticket.name:<16} PIN {ticket.pin}   {url}/join#{ticket.code}"]
    return lines


def _staff(facts: Demo) -> list[str]:
    """Two columns, so that all of it stays on a screen of 24 lines."""
    everybody = [
        ("facilitator", facts.facilitator_username, facts.facilitator_password),
        ("facilitator", facts.cofacilitator_username, facts.cofacilitator_password),
        ("front desk", facts.operator_username, facts.operator_password),
        *((one.role.replace("_", " "), one.username, one.password) for one in facts.others),
    ]
    cells = [f"{role:<13} {name:<5} {password:<13}" for role, name, password in everybody]
    rows = (cells[at : at + 2] for at in range(0, len(cells), 2))
    return ["    " + "  ".join(row).rstrip() for row in rows]


def _qr(text: str) -> list[str]:
    """A QR code in half blocks: two modules a character."""
    out = io.StringIO()
    segno.make(text, error="l").terminal(out, compact=True, border=2)
    return out.getvalue().splitlines()
