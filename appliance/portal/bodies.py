"""Untrusted forms and socket frames to dataclasses, or a fault. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from appliance.consent.rules import Signing
from appliance.faults import Fault
from appliance.fitting import Beyond

MAX_FIELD = 2000  # characters of one field; the longest is a password
MAX_FRAME = 144 * 1024  # bytes of one socket frame; a group's commit has three parts of 32 KiB, in base64url
MAX_MEDIA_FRAME = 64 * 1024  # of one for the relay; an SDP-free signalling request is under 8 KiB


class Request(msgspec.Struct, frozen=True, tag="request", tag_field="type"):
    """One request on the room's socket (media/PROTOCOL.md)."""

    id: int
    method: str
    data: dict[str, Any]


def field(form: Mapping[str, Any], name: str) -> str:
    """One text field, "" where it is missing. Fault("bad_request") for a file or for too much."""
    value = form.get(name, "")
    if not isinstance(value, str) or len(value) > MAX_FIELD:
        raise Fault("bad_request", name)
    return value


def fields(form: Mapping[str, Any], name: str, most: int) -> list[str]:
    """All text fields of one name, in their order. Fault("bad_request") for a file or for too much."""
    getall = getattr(form, "getall", None)  # a form that could not be read as one is an empty mapping
    values = list(getall(name, [])) if getall else []
    if len(values) > most or not all(isinstance(one, str) and len(one) <= MAX_FIELD for one in values):
        raise Fault("bad_request", name)
    return values


def long_field(form: Mapping[str, Any], name: str, most: int = 16 * 1024) -> str:
    """As `field`, for what a script sends and nobody types. `most` in characters."""
    value = form.get(name, "")
    if not isinstance(value, str) or len(value) > most:
        raise Fault("bad_request", name)
    return value


def beyond(form: Mapping[str, Any]) -> Beyond:
    """How to admit where the box is at its limit, "" for: ask first. Fault("bad_request")."""
    match field(form, "beyond"):
        case "":
            return ""
        case "fewer":
            return "fewer"
        case "anyway":
            return "anyway"
        case _:
            raise Fault("bad_request", "beyond")


def signing(form: Mapping[str, Any]) -> Signing:
    """What came back from the agreement's page."""
    agreed, limits, risks = (field(form, name) == "yes" for name in ("agree", "limits", "risks"))
    return Signing(field(form, "shown"), field(form, "signature"), agreed, limits, risks)


def socket_request(frame: str) -> Request:
    """A request from a socket's text frame, or Fault("bad_request")."""
    try:
        request = msgspec.json.decode(frame, type=Request)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        raise Fault("bad_request", "frame") from None
    if not 0 <= request.id < 2**53 or len(request.method) > 64:
        raise Fault("bad_request", "frame")
    return request


def local_path(text: str) -> str:
    """A path of this site to go back to; "/" for anything that could lead elsewhere."""
    safe = text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable() and len(text) <= 200
    return text if safe and "\\" not in text else "/"
