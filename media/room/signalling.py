"""One member's requests: method and data in, answer out, or Fault. PROTOCOL.md describes every one of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec

from media import messages
from media.faults import Fault
from media.outputs import OpenTransport, RestartIce
from media.room.formats import up_format
from media.room.room import Room


class RelayAddress(NamedTuple):
    """Where browsers find the relay, and the certificate they will meet. `fingerprints`: (algorithm, value).

    `hosts` is asked for each transport: a machine's addresses change.
    """

    hosts: Callable[[], Sequence[str]]
    port: int
    fingerprints: Sequence[tuple[str, str]]


T = TypeVar("T")
Data = dict[str, Any]
Handler = Callable[[Room, str, Data, RelayAddress, float], Data]


def answer(room: Room, member: str, method: str, data: Data, address: RelayAddress, now: float) -> Data:
    """Raises Fault. A member without a permission is refused whatever the method is."""
    if member not in room.permissions:
        raise Fault("not_admitted")
    if not room.may_ask(member, now):
        raise Fault("limit")
    handler = METHODS.get(method)
    if handler is None:
        raise Fault("bad_method")
    return handler(room, member, data, address, now)


def _read(data: Data, shape: type[T]) -> T:
    try:
        return msgspec.convert(data, shape)
    except (msgspec.ValidationError, RecursionError) as error:
        raise Fault("bad_parameters") from error


def _join(room: Room, member: str, data: Data, address: RelayAddress, now: float) -> Data:
    _read(data, messages.Nothing)
    return room.join(member)


def _resync(room: Room, member: str, data: Data, address: RelayAddress, now: float) -> Data:
    _read(data, messages.Nothing)
    return room.resync(member)


def _create_transport(room: Room, member: str, data: Data, address: RelayAddress, now: float) -> Data:
    opened = room.create_transport(member, _read(data, messages.CreateTransport).direction)
    return {
        "transport": opened.transport,
        "iceParameters": _ice_parameters(opened),
        "iceCandidates": candidates(address),
        "dtlsParameters": {
            "role": "auto",
            "fingerprints": [{"algorithm": name, "value": value} for name, value in address.fingerprints],
        },
    }


def _ice_parameters(opened: OpenTransport | RestartIce) -> Data:
    return {"usernameFragment": opened.username, "password": opened.password, "iceLite": True}


def candidates(address: RelayAddress) -> list[Data]:
    """Host candidates in the order given, with RFC 8445 section 5.1.2.1 priorities: the first is preferred."""
    return [
        {
            "foundation": f"host{index}",
            "component": 1,
            "priority": (126 << 24) | ((65_535 - index) << 8) | 255,
            "address": host,
            "ip": host,
            "protocol": "udp",
            "port": address.port,
            "type": "host",
        }
        for index, host in enumerate(address.hosts())
    ]


def _connect_transport(room: Room, member: str, data: Data, address: RelayAddress, now: float) -> Data:
    wanted = _read(data, messages.ConnectTransport)
    room.connect_transport(member, wanted.transport, wanted.dtls_parameters)
    return {}


def _restart_ice(room: Room, member: str, data: Data, address: RelayAddress, now: float) -> Data:
    return {"iceParameters": _ice_parameters(room.restart_ice(member, _read(data, messages.RestartIce).transport))}


def _send_track(room: Room, member: str, data: Data, address: RelayAddress, now: float) -> Data:
    wanted = _read(data, messages.SendTrack)
    format = up_format(wanted.kind, wanted.rtp_parameters)
    return {"track": room.send_track(member, wanted.transport, wanted.kind, format)}


def _receive_track(room: Room, member: str, data: Data, address: RelayAddress, now: float) -> Data:
    wanted = _read(data, messages.ReceiveTrack)
    return room.receive_track(member, wanted.track, wanted.transport, wanted.rtp_capabilities, now)


def _resume_down_track(room: Room, member: str, data: Data, address: RelayAddress, now: float) -> Data:
    room.resume_down_track(member, _read(data, messages.OwnDownTrack).down_track, now)
    return {}


def _show_down_track(room: Room, member: str, data: Data, address: RelayAddress, now: float) -> Data:
    tile = _read(data, messages.ShowDownTrack)
    room.show_down_track(member, tile.down_track, tile.width, tile.height, now)
    return {}


def _close_down_track(room: Room, member: str, data: Data, address: RelayAddress, now: float) -> Data:
    room.close_down_track(member, _read(data, messages.OwnDownTrack).down_track)
    return {}


def _pause_track(room: Room, member: str, data: Data, address: RelayAddress, now: float) -> Data:
    room.pause_track(member, _read(data, messages.OwnTrack).track, True, now)
    return {}


def _resume_track(room: Room, member: str, data: Data, address: RelayAddress, now: float) -> Data:
    room.pause_track(member, _read(data, messages.OwnTrack).track, False, now)
    return {}


def _close_track(room: Room, member: str, data: Data, address: RelayAddress, now: float) -> Data:
    room.close_track(member, _read(data, messages.OwnTrack).track)
    return {}


METHODS: dict[str, Handler] = {
    "join": _join,
    "resync": _resync,
    "createTransport": _create_transport,
    "connectTransport": _connect_transport,
    "restartIce": _restart_ice,
    "sendTrack": _send_track,
    "receiveTrack": _receive_track,
    "resumeDownTrack": _resume_down_track,
    "showDownTrack": _show_down_track,
    "closeDownTrack": _close_down_track,
    "pauseTrack": _pause_track,
    "resumeTrack": _resume_track,
    "closeTrack": _close_track,
}
