"""Fuzz targets: what reads words of the appliance and of a browser, down to what a room makes of them.

As in `packets.py`: an answer or the protocol's own fault, and bounds that hold afterwards. Chance is a counter here, so
that a corpus can name the transports and tracks that its own requests make.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any, cast

import msgspec

from appliance.faults import Fault as PortalFault
from appliance.portal import bodies
from media import limits, messages
from media.control import Control
from media.faults import Fault
from media.outputs import ConnectTransport, OpenTransport
from media.relay import Relay
from media.rooms import Rooms
from media.signalling import RelayAddress, answer

_ADDRESS = RelayAddress(lambda: ("192.0.2.1",), 8443, (("sha-256", "00:11"),))
_FROM_RELAY = msgspec.json.Decoder(messages.FromRelay)
MOST_LINES = 32


class _Count:
    """In place of chance: 1, 2, 3 and so on."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def token(self, length: int) -> str:
        return str(next(self._numbers))

    def number(self, below: int) -> int:
        return next(self._numbers) % below


class _Relay:
    """The driver without a socket: every handshake is done at once."""

    def __init__(self) -> None:
        self.rooms = Rooms(_Count())
        self.now = 0.0

    def request(self, room: str, member: str, method: str, data: dict[str, Any]) -> dict[str, Any]:
        return answer(self.rooms.room(room), member, method, data, _ADDRESS, self.now)

    def counts(self) -> dict[str, Any]:
        return {}

    def drain(self) -> None:
        for output in self.rooms.drain():
            if isinstance(output, ConnectTransport):
                for room in self.rooms._rooms.values():
                    room.transport_ready(output.transport, self.now)
            elif isinstance(output, OpenTransport):
                assert len(output.transport) <= limits.MAX_ID_LENGTH


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
    relay, wire, control = _Relay(), cast(Any, _Wire()), Control(Path("relay.sock"))
    control.relay = cast(Relay, relay)
    for line in data.split(b"\n")[:MOST_LINES]:
        control._line(line, wire)
        relay.now += 0.1
        relay.rooms.tick(relay.now)
        relay.drain()
    _bounded(relay.rooms)


def _bounded(rooms: Rooms) -> None:
    assert len(rooms._rooms) <= limits.MAX_ROOMS
    for room in rooms._rooms.values():
        members = len(room.permissions)
        assert 0 < members <= limits.MAX_MEMBERS_PER_ROOM
        assert len(room.transports) <= members * limits.MAX_TRANSPORTS_PER_MEMBER
        assert len(room.tracks) <= members * 2 * limits.MAX_UP_TRACKS_PER_KIND


class _Stage:
    """Two members in a room: a sends sound and picture, b receives the picture. `ids` by what a corpus calls them."""

    def __init__(self) -> None:
        self.relay = _Relay()
        for member in ("a", "b"):
            self.relay.rooms.permit("r", member, messages.Permission(("audio", "video"), True))
            self.ask(member, "join", {})
        up = self._transport("a", "send")
        for kind, codec, ssrc in (("audio", _OPUS, 1), ("video", _VP8, 2)):
            sent = {"codecs": [codec], "encodings": [{"ssrc": ssrc}]}
            track = self.ask("a", "sendTrack", {"transport": up, "kind": kind, "rtpParameters": sent})["track"]
        send, receive = self._transport("b", "send"), self._transport("b", "receive")
        wanted = {"track": track, "transport": receive, "rtpCapabilities": {"codecs": [_VP8]}}
        down = self.ask("b", "receiveTrack", wanted)["downTrack"]
        self.ids = {b"@up": send, b"@receive": receive, b"@track": track, b"@down": down}

    def _transport(self, member: str, direction: str) -> str:
        made: str = self.ask(member, "createTransport", {"direction": direction})["transport"]
        self.ask(member, "connectTransport", {"transport": made, "dtlsParameters": _DTLS})
        return made

    def ask(self, member: str, method: str, data: dict[str, Any]) -> dict[str, Any]:
        self.relay.now += 0.1
        try:
            return self.relay.request("r", member, method, data)
        finally:
            self.relay.drain()


_METHODS = [
    *("createTransport", "connectTransport", "sendTrack", "receiveTrack", "resumeDownTrack", "closeDownTrack"),
    *("pauseTrack", "resumeTrack", "closeTrack", "join", "resync", "showDownTrack", "restartIce"),
]
_DTLS = {"role": "client", "fingerprints": [{"algorithm": "sha-256", "value": "00"}]}
_OPUS = {"mimeType": "audio/opus", "clockRate": 48000, "payloadType": 111, "channels": 2}
_VP8 = {"mimeType": "video/VP8", "clockRate": 90000, "payloadType": 96}
_stages: list[_Stage] = []


def browser_request(data: bytes) -> None:
    """One request of b's: the first byte chooses the method, the rest is its data with `@up` and the like in it.

    What is refused changes nothing, so the stage is kept until a request was answered.
    """
    stage = _stages.pop() if _stages else _Stage()
    for name, number in stage.ids.items():
        data = data.replace(name, number.encode())
    method = _METHODS[data[0] % len(_METHODS)] if data else "join"
    try:
        answered = stage.ask("b", method, msgspec.json.decode(data[1:], type=dict[str, Any]))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, Fault):
        _stages.append(stage)
    else:
        msgspec.json.encode(answered)
        _bounded(stage.relay.rooms)


def portal_frame(data: bytes) -> None:
    """A text frame of a page, as the portal takes it before anything is passed on."""
    try:
        asked = bodies.socket_request(data.decode("utf-8", "surrogatepass"))
    except (UnicodeDecodeError, PortalFault):
        return
    assert 0 <= asked.id < 2**53 and len(asked.method) <= limits.MAX_ID_LENGTH
