"""One room: members, their transports and tracks, and who receives whom. No socket, no clock, no randomness of its own.

Two things rule everything: `permissions`, which only the appliance sets, and `members`, those who have joined. A
permission that is lowered takes away transports and tracks in the same call; whatever arrives for them later finds
nothing. Each method appends what has to happen outside to `outputs`; the driver drains it before the next input.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from media import limits
from media.capabilities import CODECS, DownAbility, down_ability, down_parameters, router_capabilities
from media.faults import Fault
from media.formats import UpFormat
from media.forward import DownTrack
from media.messages import Direction, DtlsParameters, Kind, Permission, RtpCapabilities
from media.outputs import CloseTransport, ConnectTransport, Dice, OpenTransport, Output, Packet, Tell
from media.packets import ask_key_frame, goodbye, receive_rtcp, receive_rtp, report
from media.repair import Allowance
from media.tracks import Receiver, Transport, UpTrack, new_up_track, require_sealed, settle

NOBODY = Permission(send=(), receive=False)


@dataclass(slots=True, eq=False)
class Member:
    """Someone who has joined. `cname` ties their sound to their picture at receivers (RFC 3550 section 6.5.1)."""

    id: str
    cname: str
    transports: dict[str, Transport] = field(default_factory=dict)
    ups: dict[str, UpTrack] = field(default_factory=dict)
    downs: dict[str, Receiver] = field(default_factory=dict)


class Room:
    """`deadline` is when `tick` has to be called next, in monotonic seconds; None for never."""

    def __init__(self, id: str, dice: Dice) -> None:
        self.id = id
        self.permissions: dict[str, Permission] = {}
        self.members: dict[str, Member] = {}
        self.transports: dict[str, Transport] = {}
        self.tracks: dict[str, UpTrack] = {}
        self.outputs: list[Output] = []
        self._dice = dice
        self._allowances: dict[str, Allowance] = {}
        self._report_at: float | None = None

    # --- what the appliance says ---------------------------------------------------------------------------------

    def permit(self, member: str, permission: Permission) -> None:
        """Add a member or change what they may do. What they may no longer do ends here."""
        before = self.permissions.get(member, NOBODY)
        if member not in self.permissions and len(self.permissions) >= limits.MAX_MEMBERS_PER_ROOM:
            raise Fault("limit")
        self.permissions[member] = permission
        self._allowances.setdefault(member, Allowance(limits.REQUESTS_PER_SECOND, limits.REQUEST_BURST, 0.0))
        joined = self.members.get(member)
        if joined is None:
            return
        self._restrict(joined, permission)
        if permission.receive and not before.receive:
            for up in self.tracks.values():
                if up.member != member:
                    self._tell(member, "trackAdded", _words(up))

    def _restrict(self, joined: Member, permission: Permission) -> None:
        """End what is no longer allowed; what goes on has to be sealed from the next packet on, if the rule is that."""
        for up in [up for up in joined.ups.values() if up.kind not in permission.send]:
            self._close_up(up)
            self._tell(joined.id, "trackRemoved", {"track": up.id})
        for up in joined.ups.values():
            require_sealed(up, permission.sealed)
        for transport in list(joined.transports.values()):
            if not (permission.send if transport.direction == "send" else permission.receive):
                self._close_transport(transport, tell=True)

    def remove(self, member: str) -> None:
        """Take the permission away and everything with it."""
        self.permissions.pop(member, None)
        self._allowances.pop(member, None)
        self.leave(member)

    def leave(self, member: str) -> None:
        """The member's page is gone: close all they had. They may join again while the permission stands."""
        joined = self.members.pop(member, None)
        if joined is not None:
            for transport in list(joined.transports.values()):
                self._close_transport(transport, tell=False)

    # --- what a member asks (the permission was checked to exist by signalling) -------------------------------------

    def may_ask(self, member: str, now: float) -> bool:
        """Counts one request of a member who has a permission; False beyond their allowance."""
        return self._allowances[member].take(now)

    def join(self, member: str) -> dict[str, Any]:
        self.leave(member)
        self.members[member] = Member(member, self._dice.token(16))
        return {"rtpCapabilities": router_capabilities(), "tracks": self._others(member)}

    def resync(self, member: str) -> dict[str, Any]:
        """What still stands, for a page whose signalling was away while its media went on."""
        joined = self._joined(member)
        return {
            "transports": list(joined.transports),
            "ownTracks": list(joined.ups),
            "downTracks": [{"downTrack": item.id, "track": item.up.id} for item in joined.downs.values()],
            "tracks": self._others(member),
        }

    def create_transport(self, member: str, direction: Direction) -> OpenTransport:
        joined = self._joined(member)
        permission = self.permissions[member]
        if not (permission.send if direction == "send" else permission.receive):
            raise Fault("not_permitted")
        if len(joined.transports) >= limits.MAX_TRANSPORTS_PER_MEMBER:
            raise Fault("limit")
        transport = Transport(self._dice.token(16), member, direction, self._ssrc(()), joined.cname)
        joined.transports[transport.id] = self.transports[transport.id] = transport
        opened = OpenTransport(
            self.id,
            transport.id,
            self._dice.token(limits.UFRAG_LENGTH).replace("-", "+").replace("_", "/"),
            self._dice.token(limits.PASSWORD_LENGTH).replace("-", "+").replace("_", "/"),
        )
        self.outputs.append(opened)
        return opened

    def connect_transport(self, member: str, id: str, parameters: DtlsParameters) -> None:
        transport = self._transport(member, id)
        if transport.state != "new":
            raise Fault("wrong_state")
        transport.state = "connecting"
        # RFC 8842 section 5.3: whoever leaves it open ("auto") is answered as the client, so we are the server.
        role = "client" if parameters.role == "server" else "server"
        fingerprints = tuple((item.algorithm, item.value) for item in parameters.fingerprints)
        self.outputs.append(ConnectTransport(id, role, fingerprints))

    def send_track(self, member: str, transport_id: str, kind: Kind, format: UpFormat) -> str:
        transport = self._transport(member, transport_id)
        joined = self._joined(member)
        permission = self.permissions[member]
        if kind not in permission.send:
            raise Fault("not_permitted")
        if transport.direction != "send":
            raise Fault("wrong_state")
        if sum(up.kind == kind for up in joined.ups.values()) >= limits.MAX_UP_TRACKS_PER_KIND:
            raise Fault("limit")
        if format.layers[0].ssrc in transport.ups or (
            format.layers[0].ssrc is None and format.mid in transport.unnamed
        ):
            raise Fault("bad_parameters")
        up = new_up_track(self._dice.token(16), kind, transport, format, joined.cname, permission.sealed)
        if format.layers[0].ssrc is None:
            transport.unnamed[format.mid] = up
        else:
            transport.ups[format.layers[0].ssrc] = up
        joined.ups[up.id] = self.tracks[up.id] = up
        self._tell_others(member, "trackAdded", _words(up))
        return up.id

    def receive_track(
        self, member: str, track: str, transport_id: str, capabilities: RtpCapabilities, now: float
    ) -> dict[str, Any]:
        joined = self._joined(member)
        transport = self._transport(member, transport_id)
        up = self.tracks.get(track)
        if up is None or up.member == member:
            raise Fault("unknown_track")
        if not self.permissions[member].receive:
            raise Fault("not_permitted")
        if transport.direction != "receive" or any(item.up is up for item in joined.downs.values()):
            raise Fault("wrong_state")
        if len(joined.downs) >= limits.MAX_DOWN_TRACKS_PER_MEMBER:
            raise Fault("limit")
        ssrc = self._ssrc(transport.downs)
        down_ability(up.kind, capabilities)
        parameters = down_parameters(up.kind, DownAbility(False, False), ssrc, 0, up.cname)
        down = DownTrack(
            ssrc,
            CODECS[up.kind].payload_type,
            needs_key_frame=up.key_frames is not None,
            # Below 2**15, so that losing the very first packets cannot be taken for a wrap (RFC 3711 section 3.3.1).
            first_sequence=self._dice.number(0x8000),
            timestamp_distance=self._dice.number(0x100000000),
            now=now,
        )
        receiver = Receiver(self._dice.token(16), up, transport, down)
        transport.downs[ssrc] = receiver
        joined.downs[receiver.id] = receiver
        up.receivers.append(receiver)
        return {"downTrack": receiver.id, **_words(up), "rtpParameters": parameters}

    def resume_down_track(self, member: str, id: str, now: float) -> None:
        receiver = self._down(member, id)
        receiver.resumed = True
        self._settle(receiver, now)

    def close_down_track(self, member: str, id: str) -> None:
        self._close_down(self._down(member, id))

    def pause_track(self, member: str, id: str, paused: bool, now: float) -> None:
        up = self._up(member, id)
        if up.paused == paused:
            return
        up.paused = paused
        for receiver in up.receivers:
            self._settle(receiver, now)
        self._tell_others(member, "trackPaused" if paused else "trackResumed", {"track": id})

    def close_track(self, member: str, id: str) -> None:
        self._close_up(self._up(member, id))

    # --- what the network says -------------------------------------------------------------------------------------

    def transport_ready(self, id: str, now: float) -> None:
        """DTLS is done: what was resumed may flow, and whoever waits for a key frame of this sender is heard."""
        transport = self.transports.get(id)
        if transport is None:
            return
        transport.state = "ready"
        for receiver in transport.downs.values():
            self._settle(receiver, now)
        for up in self._ups_of(transport):
            self.outputs += ask_key_frame(up, now)
        if self._report_at is None:
            self._report_at = now + limits.REPORT_INTERVAL

    def transport_lost(self, id: str) -> None:
        """Consent ended, or the other side closed DTLS, or the handshake failed."""
        transport = self.transports.get(id)
        if transport is not None:
            self._close_transport(transport, tell=True)

    def receive_rtp(self, transport: str, packet: bytes, now: float) -> list[Packet]:
        """Raises MediaFault. A transport that is closed already gives nothing."""
        known = self.transports.get(transport)
        return receive_rtp(known, packet, now) if known is not None else []

    def receive_rtcp(self, transport: str, datagram: bytes, now: float) -> list[Packet]:
        """Raises MediaFault. Resent packets are returned, RTCP goes to `outputs`."""
        known = self.transports.get(transport)
        if known is None:
            return []
        resent, outputs = receive_rtcp(known, datagram, now)
        self.outputs += outputs
        return resent

    @property
    def deadline(self) -> float | None:
        times = [] if self._report_at is None else [self._report_at]
        for up in self.tracks.values():
            if up.key_frames is not None and up.key_frames.deadline is not None and _may_be_asked(up):
                times.append(up.key_frames.deadline)
        return min(times, default=None)

    def tick(self, now: float) -> None:
        """Do what is due at `now`: key-frame requests and receiver reports."""
        for up in self.tracks.values():
            self.outputs += ask_key_frame(up, now)
        if self._report_at is not None and now >= self._report_at:
            for transport in self.transports.values():
                self.outputs += report(transport, now)
            self._report_at = now + limits.REPORT_INTERVAL if self.transports else None

    # --- inside ----------------------------------------------------------------------------------------------------

    def _settle(self, receiver: Receiver, now: float) -> None:
        settle(receiver, now)
        self.outputs += ask_key_frame(receiver.up, now)

    def _close_transport(self, transport: Transport, *, tell: bool) -> None:
        for up in self._ups_of(transport):
            self._close_up(up)
        for receiver in list(transport.downs.values()):
            self._close_down(receiver)
        self.transports.pop(transport.id, None)
        joined = self.members.get(transport.member)
        if joined is not None:
            joined.transports.pop(transport.id, None)
        self.outputs.append(CloseTransport(transport.id))
        if tell:
            self._tell(transport.member, "transportClosed", {"transport": transport.id})

    def _close_up(self, up: UpTrack) -> None:
        for receiver in list(up.receivers):
            self.outputs += goodbye(receiver)
            self._close_down(receiver)
        if up.ssrc is not None:
            up.transport.ups.pop(up.ssrc, None)
        else:
            up.transport.unnamed.pop(up.format.mid, None)
        self.tracks.pop(up.id, None)
        joined = self.members.get(up.member)
        if joined is not None:
            joined.ups.pop(up.id, None)
        self._tell_others(up.member, "trackRemoved", {"track": up.id})

    def _close_down(self, receiver: Receiver) -> None:
        receiver.track.hold()
        receiver.up.receivers.remove(receiver)
        receiver.transport.downs.pop(receiver.track.ssrc, None)
        joined = self.members.get(receiver.transport.member)
        if joined is not None:
            joined.downs.pop(receiver.id, None)

    def _ups_of(self, transport: Transport) -> list[UpTrack]:
        return [*transport.ups.values(), *transport.unnamed.values()]

    def _joined(self, member: str) -> Member:
        joined = self.members.get(member)
        if joined is None:
            raise Fault("not_joined")
        return joined

    def _transport(self, member: str, id: str) -> Transport:
        transport = self._joined(member).transports.get(id)
        if transport is None:
            raise Fault("unknown_transport")
        return transport

    def _up(self, member: str, id: str) -> UpTrack:
        up = self._joined(member).ups.get(id)
        if up is None:
            raise Fault("unknown_track")
        return up

    def _down(self, member: str, id: str) -> Receiver:
        receiver = self._joined(member).downs.get(id)
        if receiver is None:
            raise Fault("unknown_down_track")
        return receiver

    def _ssrc(self, taken: dict[int, Receiver] | tuple[()]) -> int:
        ssrc = 0
        while ssrc == 0 or ssrc in taken:
            ssrc = self._dice.number(0x100000000)
        return ssrc

    def _others(self, member: str) -> list[dict[str, Any]]:
        if not self.permissions[member].receive:
            return []
        return [_words(up) for up in self.tracks.values() if up.member != member]

    def _tell(self, member: str, event: str, data: dict[str, Any]) -> None:
        self.outputs.append(Tell(self.id, member, event, data))

    def _tell_others(self, member: str, event: str, data: dict[str, Any]) -> None:
        for other in self.members:
            if other != member and self.permissions.get(other, NOBODY).receive:
                self._tell(other, event, data)


def _may_be_asked(up: UpTrack) -> bool:
    return not up.paused and up.ssrc is not None and up.transport.state == "ready"


def _words(up: UpTrack) -> dict[str, Any]:
    return {"track": up.id, "member": up.member, "kind": up.kind, "paused": up.paused}
