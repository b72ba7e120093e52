"""What the portal's handlers find on the application: the box behind it, locked or not."""

from __future__ import annotations

from typing import Protocol

from aiohttp import web

from appliance.clinic import Clinic


class Box(Protocol):
    """The part of the appliance that the portal needs."""

    def clinic(self) -> Clinic: ...
    def addresses(self) -> tuple[str, ...]: ...


BOX = web.AppKey("box", Box)


def clinic_of(request: web.Request) -> Clinic:
    """The open clinic, or Fault("box_locked")."""
    return request.app[BOX].clinic()
