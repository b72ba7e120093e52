"""One room: what the appliance says, what its members ask, what the network says. No socket, no clock, no chance.

Two things rule everything: `permissions`, which only the appliance sets, and `members`, those who have joined. A
permission that is lowered takes away transports and tracks in the same call; whatever arrives for them later finds
nothing. Each method appends what has to happen outside to `roster.outputs`; the driver drains it before the next input.

    room.py ──▶ roster.py (who and what is there)   wiring.py ups.py downs.py (open and close)   duties.py (time)
                conduct.py floor.py (who gets what)   feedback.py upward.py (RTCP in, RTCP to senders)
"""

from __future__ import annotations

from typing import Any

from media import limits
from media.faults import Fault
from media.messages import Direction, DtlsParameters, Kind, Permission, RtpCapabilities
from media.outputs import ConnectTransport, Dice, OpenTransport, RestartIce
from media.plane.interface import Plane
from media.room.allowance import Allowance
from media.room.capabilities import down_ability, down_parameters, router_capabilities
from media.room.capacity import Demand
from media.room.conduct import Conduct
from media.room.downs import close_down, open_down
from media.room.duties import Duties
from media.room.floor import Floor
from media.room.formats import UpFormat
from media.room.offers import tell_again, tell_wanted
from media.room.roster import Member, Numbers, Roster, words
from media.room.ups import close_up, open_up, require_sealed
from media.room.upward import ask_key_frame
from media.room.wiring import close_transport, open_transport, restart_ice


class Room:
    def __init__(self, id: str, dice: Dice, plane: Plane, numbers: Numbers, last_n: int = limits.LAST_N) -> None:
        self.id = id
        self.roster = Roster(id, dice, plane, numbers)
        self.floor = Floor(self.roster)
        self.conduct = Conduct(self.roster, self.floor, last_n)
        self.duties = Duties(self.roster, self.conduct, self.floor)
        self._allowances: dict[str, Allowance] = {}

    @property
    def active(self) -> bool:
        """Whether anything can flow: then time matters."""
        return any(transport.state == "ready" for transport in self.roster.transports.values())

    def demand(self) -> Demand:
        return self.conduct.wishes.demand(self.conduct.last_n)

    @property
    def permissions(self) -> dict[str, Permission]:
        return self.roster.permissions

    @property
    def members(self) -> dict[str, Member]:
        return self.roster.members

    # --- what the appliance says ---------------------------------------------------------------------------------

    def permit(self, member: str, permission: Permission) -> None:
        """Add a member or change what they may do. What they may no longer do ends here."""
        before = self.roster.permission(member)
        if member not in self.permissions and len(self.permissions) >= limits.MAX_MEMBERS_PER_ROOM:
            raise Fault("limit")
        self.permissions[member] = permission
        self._allowances.setdefault(member, Allowance(limits.REQUESTS_PER_SECOND, limits.REQUEST_BURST, 0.0))
        self.floor.lead(member, permission.leads)
        joined = self.members.get(member)
        if joined is None:
            return
        self._restrict(joined, permission)
        if permission.receive and not before.receive:
            for track in self.roster.others(member):
                self.roster.tell(member, "trackAdded", track)

    def _restrict(self, joined: Member, permission: Permission) -> None:
        """End what is no longer allowed; what goes on has to be sealed from the next packet on, if the rule is that."""
        for up in [up for up in joined.ups.values() if up.kind not in permission.send]:
            close_up(self.roster, up)
            self.roster.tell(joined.id, "trackRemoved", {"track": up.id})
        for up in joined.ups.values():
            require_sealed(self.roster, up, permission.sealed)
        for transport in list(joined.transports.values()):
            if not (permission.send if transport.direction == "send" else permission.receive):
                close_transport(self.roster, transport, tell=True)

    def remove(self, member: str) -> None:
        """Take the permission away and everything with it."""
        self.permissions.pop(member, None)
        self._allowances.pop(member, None)
        self.leave(member)
        self.floor.remove(member)

    def leave(self, member: str) -> None:
        """The member's page is gone: close all they had. They may join again while the permission stands."""
        joined = self.members.pop(member, None)
        if joined is not None:
            self.floor.leave(member)
            for transport in list(joined.transports.values()):
                close_transport(self.roster, transport, tell=False)

    # --- what a member asks (the permission was checked to exist by signalling) -------------------------------------

    def may_ask(self, member: str, now: float) -> bool:
        """Counts one request of a member who has a permission; False beyond their allowance."""
        return self._allowances[member].take(now)

    def join(self, member: str) -> dict[str, Any]:
        self.leave(member)
        self.members[member] = Member(member, self.roster.dice.token(16))
        if self.roster.permission(member).receive:
            self.floor.tell_one(member)
        return {"rtpCapabilities": router_capabilities(), "tracks": self.roster.others(member)}

    def resync(self, member: str) -> dict[str, Any]:
        """What still stands, for a page whose line was away while its media went on. It also hears what is wanted."""
        joined = self.roster.joined(member)
        tell_again(self.roster, joined.ups.values())
        if self.roster.permission(member).receive:
            self.floor.tell_one(member)
        return {
            "transports": list(joined.transports),
            "ownTracks": list(joined.ups),
            "downTracks": [
                {"downTrack": down.id, "track": down.up.id, "paused": down.paused_for} for down in joined.downs.values()
            ],
            "tracks": self.roster.others(member),
        }

    def create_transport(self, member: str, direction: Direction) -> OpenTransport:
        joined = self.roster.joined(member)
        permission = self.permissions[member]
        if not (permission.send if direction == "send" else permission.receive):
            raise Fault("not_permitted")
        if len(joined.transports) >= limits.MAX_TRANSPORTS_PER_MEMBER:
            raise Fault("limit")
        return open_transport(self.roster, joined, direction)

    def connect_transport(self, member: str, id: str, parameters: DtlsParameters) -> None:
        transport = self.roster.transport(member, id)
        if transport.state != "new":
            raise Fault("wrong_state")
        transport.state = "connecting"
        # RFC 8842 section 5.3: whoever leaves it open ("auto") is answered as the client, so we are the server.
        role = "client" if parameters.role == "server" else "server"
        fingerprints = tuple((item.algorithm, item.value) for item in parameters.fingerprints)
        self.roster.outputs.append(ConnectTransport(id, role, fingerprints))

    def restart_ice(self, member: str, id: str) -> RestartIce:
        return restart_ice(self.roster, self.roster.transport(member, id))

    def send_track(self, member: str, transport_id: str, kind: Kind, format: UpFormat) -> str:
        transport = self.roster.transport(member, transport_id)
        joined = self.roster.joined(member)
        permission = self.permissions[member]
        if kind not in permission.send:
            raise Fault("not_permitted")
        if transport.direction != "send":
            raise Fault("wrong_state")
        if sum(up.kind == kind for up in joined.ups.values()) >= limits.MAX_UP_TRACKS_PER_KIND:
            raise Fault("limit")
        up = open_up(self.roster, transport, kind, format, sealed=permission.sealed)
        self.roster.tell_others(member, "trackAdded", words(up))
        return up.id

    def receive_track(
        self, member: str, track: str, transport_id: str, capabilities: RtpCapabilities, now: float
    ) -> dict[str, Any]:
        joined = self.roster.joined(member)
        transport = self.roster.transport(member, transport_id)
        up = self.roster.tracks.get(track)
        if up is None or up.member == member:
            raise Fault("unknown_track")
        if not self.permissions[member].receive:
            raise Fault("not_permitted")
        if transport.direction != "receive" or any(down.up is up for down in joined.downs.values()):
            raise Fault("wrong_state")
        if len(joined.downs) >= limits.MAX_DOWN_TRACKS_PER_MEMBER:
            raise Fault("limit")
        down = open_down(self.roster, transport, up, down_ability(up.kind, capabilities), now)
        parameters = down_parameters(up.kind, down.ability, down.ssrc, down.rtx_ssrc, up.cname)
        return {"downTrack": down.id, **words(up), "rtpParameters": parameters}

    def resume_down_track(self, member: str, id: str, now: float) -> None:
        down = self.roster.down(member, id)
        down.resumed = True
        self.conduct.settle(down.transport, now)

    def show_down_track(self, member: str, id: str, width: int, height: int, now: float) -> None:
        down = self.roster.down(member, id)
        down.width, down.height = width, height
        self.conduct.settle(down.transport, now)
        tell_wanted(self.roster, self.conduct.max_layer, now)

    def close_down_track(self, member: str, id: str) -> None:
        close_down(self.roster, self.roster.down(member, id))

    def pause_track(self, member: str, id: str, paused: bool, now: float) -> None:
        up = self.roster.up(member, id)
        if up.paused == paused:
            return
        up.paused = paused
        self.conduct.settle_up(up, now)
        self.roster.tell_others(member, "trackPaused" if paused else "trackResumed", {"track": id})

    def close_track(self, member: str, id: str) -> None:
        close_up(self.roster, self.roster.up(member, id))

    # --- what the network says -------------------------------------------------------------------------------------

    def transport_ready(self, id: str, now: float) -> None:
        """DTLS is done: what was resumed may flow, and whoever waits for a key frame of this sender is heard."""
        transport = self.roster.transports.get(id)
        if transport is None:
            return
        transport.state = "ready"
        self.conduct.settle(transport, now)
        for layer in transport.layers.values():
            ask_key_frame(self.roster, layer, now)

    def transport_lost(self, id: str) -> None:
        """Consent ended, or the other side closed DTLS, or the handshake failed."""
        transport = self.roster.transports.get(id)
        if transport is not None:
            close_transport(self.roster, transport, tell=True)
