"""What a care group may be called. Pure."""

from __future__ import annotations

from appliance.faults import Fault

MAX_NAME = 120  # characters, as of a session's title


def group_name(text: str) -> str:
    """The name as it is kept: one line, no control characters. Fault("bad_request") if nothing is left of it."""
    name = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    if not 1 <= len(name) <= MAX_NAME:
        raise Fault("bad_request", "name of a care group")
    return name
