"""Fuzz targets: what reads words of the appliance and of a browser, down to what a room makes of them.

As in `packets.py`: an answer or the protocol's own fault, and bounds that hold afterwards.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import msgspec

from appliance.faults import Fault as PortalFault
from appliance.portal import bodies
from media import limits, messages
from media.control import Control
from media.faults import Fault
from media.relay import Relay
from tests.fuzz.driver import FuzzedRelay, Stage

_FROM_RELAY = msgspec.json.Decoder(messages.FromRelay)
MOST_LINES = 32


class _Wire:
    """The appliance's end: what the relay writes has to be of the protocol."""

    class _Transport:
        @staticmethod
        def get_write_buffer_size() -> int:
            return 0

    transport = _Transport()

    def is_closing(self) -> bool:
        return False

    def write(self, line: bytes) -> None:
        assert line.endswith(b"\n")
        _FROM_RELAY.decode(line)


def relay_lines(data: bytes) -> None:
    """Lines on relay.sock after the greeting; requests of browsers are among them."""
    relay, wire, control = FuzzedRelay(), cast(Any, _Wire()), Control(Path("relay.sock"))
    control.relay = cast(Relay, relay)
    for line in data.split(b"\n")[:MOST_LINES]:
        control._line(line, wire)
        relay.tick(0.1)
    relay.check_bounds()


_METHODS = [
    *("createTransport", "connectTransport", "sendTrack", "receiveTrack", "resumeDownTrack", "closeDownTrack"),
    *("pauseTrack", "resumeTrack", "closeTrack", "join", "resync", "showDownTrack", "restartIce"),
]
_stages: list[Stage] = []


def browser_request(data: bytes) -> None:
    """One request of b's: the first byte chooses the method, the rest is its data with `@up` and the like in it.

    What is refused changes nothing, so the stage is kept until a request was answered.
    """
    stage = _stages.pop() if _stages else Stage()
    for name, number in stage.ids.items():
        data = data.replace(name, number.encode())
    method = _METHODS[data[0] % len(_METHODS)] if data else "join"
    try:
        answered = stage.ask("b", method, msgspec.json.decode(data[1:], type=dict[str, Any]))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, Fault):
        _stages.append(stage)
    else:
        msgspec.json.encode(answered)
        stage.relay.check_bounds()


def portal_frame(data: bytes) -> None:
    """A text frame of a page, as the portal takes it before anything is passed on."""
    try:
        asked = bodies.socket_request(data.decode("utf-8", "surrogatepass"))
    except (UnicodeDecodeError, PortalFault):
        return
    assert 0 <= asked.id < 2**53 and len(asked.method) <= limits.MAX_ID_LENGTH
