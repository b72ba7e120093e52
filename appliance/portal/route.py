"""One row of the portal's route table. A route that names no action does not exist: default deny begins here. Pure."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from aiohttp import web

from appliance.policy import Action

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

# "anyone": shows nothing of the store. Otherwise the actions that the handler asks the policy for: all that it may ask.
Asks = Literal["anyone"] | tuple[Action, ...]


@dataclass(frozen=True, slots=True)
class Route:
    """`asks` is what the matrix test compares with what really happens."""

    method: str
    path: str
    handler: Handler
    asks: Asks
