"""One row of the portal's route table. A route that names no action does not exist: default deny begins here. Pure."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from appliance.policy import Asks, is_named

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Route:
    """`asks` is what the matrix test compares with what really happens; "anyone" shows nothing of the store.

    Its first action is asked of the role before the handler runs (gate.py).
    """

    method: str
    path: str
    handler: Handler
    asks: Asks

    def __post_init__(self) -> None:
        if not is_named(self.asks):
            raise TypeError("a route names the actions it asks for")
