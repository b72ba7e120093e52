"""How large and how plain a reader wants the pages: two cookies that hold a word each, for every page. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol

import msgspec

TEXT, CONTRAST = "look_text", "look_contrast"  # the room's script sets the same two


class Look(msgspec.Struct, frozen=True):
    """Attributes of <html>: "" is the usual."""

    text: Literal["", "large"] = ""
    contrast: Literal["", "more"] = ""


class Cookies(Protocol):
    """What is asked of a request."""

    @property
    def cookies(self) -> Mapping[str, str]: ...


def look_of(request: Cookies) -> Look:
    """What the cookies say; a word that is not ours is the usual look."""
    found = request.cookies
    return Look(
        "large" if found.get(TEXT) == "large" else "",
        "more" if found.get(CONTRAST) == "more" else "",
    )
