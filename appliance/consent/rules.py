"""Which agreement version counts, and what a signature must be. Pure."""

from __future__ import annotations

import hashlib

from appliance.faults import Fault

MAX_SIGNATURE = 80  # characters


def digest(title: str, body: str) -> str:
    """SHA-256, hex, of the text as it was shown: what the signature stands for."""
    return hashlib.sha256(f"{title}\n{body}".encode()).hexdigest()


def signature(text: str, agreed: bool) -> str:
    """The typed name, as kept. Fault("bad_request") without the tick or without a name."""
    name = " ".join(text.split())
    if not agreed or not 2 <= len(name) <= MAX_SIGNATURE or not name.isprintable():
        raise Fault("bad_request", "signature")
    return name
