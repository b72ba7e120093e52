"""A relay without a socket for fuzz targets: its rooms, its forwarding plane in Python, every handshake done at once.

Chance is a counter, so that an input means the same each time.
"""

from __future__ import annotations

import itertools
from typing import Any

from media import limits, messages
from media.outputs import ConnectTransport, OpenTransport, Tell
from media.plane.twin import Twin
from media.room.rooms import Rooms
from media.room.signalling import RelayAddress, answer

_ADDRESS = RelayAddress(lambda: ("192.0.2.1",), 8443, (("sha-256", "00:11"),))
DTLS = {"role": "client", "fingerprints": [{"algorithm": "sha-256", "value": "00"}]}
_FEEDBACK = [{"type": "nack"}, {"type": "transport-cc"}]
OPUS: dict[str, Any] = {"mimeType": "audio/opus", "clockRate": 48000, "payloadType": 111, "channels": 2}
VP8: dict[str, Any] = {"mimeType": "video/VP8", "clockRate": 90000, "payloadType": 96, "rtcpFeedback": _FEEDBACK}
RTX: dict[str, Any] = {"mimeType": "video/rtx", "clockRate": 90000, "payloadType": 97, "parameters": {"apt": 96}}
_URIS = {
    1: "urn:ietf:params:rtp-hdrext:sdes:mid",
    2: "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
    3: "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
    4: "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    5: "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
}
EXTENSIONS = [{"uri": uri, "id": number, "preferredId": number} for number, uri in _URIS.items()]


class Count:
    """In place of chance: 1, 2, 3 and so on."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def token(self, length: int) -> str:
        return str(next(self._numbers))

    def number(self, below: int) -> int:
        return next(self._numbers) % below


class FuzzedRelay:
    """Requests in virtual time. `numbers`: of the plane, by the transport's id. `told`: how many events left."""

    def __init__(self) -> None:
        self.rooms = Rooms(Count(), Twin())
        self.now = 0.0
        self.told = 0
        self.numbers: dict[str, int] = {}

    def request(self, room: str, member: str, method: str, data: dict[str, Any]) -> dict[str, Any]:
        return answer(self.rooms.room(room), member, method, data, _ADDRESS, self.now)

    def counts(self) -> dict[str, Any]:
        return {}

    def drain(self) -> None:
        for output in self.rooms.drain():
            if isinstance(output, ConnectTransport):
                for room in self.rooms._rooms.values():
                    if output.transport in room.roster.transports:
                        room.transport_ready(output.transport, self.now)
            elif isinstance(output, OpenTransport):
                self.numbers[output.transport] = output.number
            elif isinstance(output, Tell):
                self.told += 1

    def tick(self, seconds: float) -> None:
        self.now += seconds
        self.rooms.tick(self.now)
        self.drain()

    def check_bounds(self) -> None:
        """What any peer can make grow is inside its limit."""
        assert len(self.rooms._rooms) <= limits.MAX_ROOMS
        for room in self.rooms._rooms.values():
            members = len(room.permissions)
            assert 0 < members <= limits.MAX_MEMBERS_PER_ROOM
            assert len(room.roster.transports) <= members * limits.MAX_TRANSPORTS_PER_MEMBER
            assert len(room.roster.tracks) <= members * 2 * limits.MAX_UP_TRACKS_PER_KIND


class Stage:
    """Two members in a room: a sends sound and picture, b receives both. `ids` by what a corpus calls them.

    a's SSRCs are 1 (sound), 2 and for repair 3 (picture); payload types are those of the relay's own capabilities.
    """

    def __init__(self) -> None:
        self.relay = FuzzedRelay()
        for member in ("a", "b"):
            self.relay.rooms.permit("r", member, messages.Permission(("audio", "video"), True))
            self.ask(member, "join", {})
        self.up_of_a = self._transport("a", "send")
        sound = self._send([OPUS], {"ssrc": 1})
        picture = self._send([VP8, RTX], {"ssrc": 2, "rtx": {"ssrc": 3}})
        send, receive = self._transport("b", "send"), self._transport("b", "receive")
        self._watch(sound, receive)
        down = self._watch(picture, receive)
        self.ids = {b"@up": send, b"@receive": receive, b"@track": picture, b"@down": down}

    def _transport(self, member: str, direction: str) -> str:
        made: str = self.ask(member, "createTransport", {"direction": direction})["transport"]
        self.ask(member, "connectTransport", {"transport": made, "dtlsParameters": DTLS})
        return made

    def _send(self, codecs: list[dict[str, Any]], encoding: dict[str, Any]) -> str:
        kind = codecs[0]["mimeType"].split("/")[0]
        sent = {"codecs": codecs, "encodings": [encoding], "headerExtensions": EXTENSIONS}
        wanted = {"transport": self.up_of_a, "kind": kind, "rtpParameters": sent}
        return str(self.ask("a", "sendTrack", wanted)["track"])

    def _watch(self, track: str, transport: str) -> str:
        able = {"codecs": [OPUS, VP8, RTX], "headerExtensions": EXTENSIONS}
        wanted = {"track": track, "transport": transport, "rtpCapabilities": able}
        answered = self.ask("b", "receiveTrack", wanted)
        down = str(answered["downTrack"])
        self.down_ssrc: int = answered["rtpParameters"]["encodings"][0]["ssrc"]
        self.ask("b", "resumeDownTrack", {"downTrack": down})
        return down

    def ask(self, member: str, method: str, data: dict[str, Any]) -> dict[str, Any]:
        self.relay.now += 0.1
        try:
            return self.relay.request("r", member, method, data)
        finally:
            self.relay.drain()
