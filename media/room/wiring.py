"""Opens and closes transports, in the room's records and in the forwarding plane at once.

`ups.py` and `downs.py` do the same for tracks.

After each function the two agree: what is closed here can neither send nor be sent to, before anything else happens.
"""

from __future__ import annotations

from media import limits
from media.messages import Direction
from media.outputs import CloseTransport, OpenTransport, RestartIce
from media.room.downs import close_down
from media.room.roster import Member, Roster
from media.room.tracks import Transport
from media.room.ups import close_up


def credentials(roster: Roster) -> tuple[str, str]:
    """ICE username fragment and password, of RFC 8445's ice-chars."""
    name, password = roster.dice.token(limits.UFRAG_LENGTH), roster.dice.token(limits.PASSWORD_LENGTH)
    return name.replace("-", "+").replace("_", "/"), password.replace("-", "+").replace("_", "/")


def open_transport(roster: Roster, joined: Member, direction: Direction) -> OpenTransport:
    id = roster.dice.token(16)
    transport = Transport(id, roster.number(), joined.id, direction, roster.ssrc(), joined.cname)
    joined.transports[id] = roster.transports[id] = roster.paths[transport.number] = transport
    roster.plane.add_transport(transport.number)
    opened = OpenTransport(roster.room, id, *credentials(roster), transport.number)
    roster.outputs.append(opened)
    return opened


def restart_ice(roster: Roster, transport: Transport) -> RestartIce:
    restarted = RestartIce(transport.id, *credentials(roster))
    roster.outputs.append(restarted)
    return restarted


def close_transport(roster: Roster, transport: Transport, *, tell: bool) -> None:
    for up in list(transport.ups.values()):
        close_up(roster, up)
    for down in list(transport.downs.values()):
        close_down(roster, down)
    roster.plane.remove_transport(transport.number)
    roster.numbers.give_back(transport.number)
    roster.transports.pop(transport.id, None)
    roster.paths.pop(transport.number, None)
    joined = roster.members.get(transport.member)
    if joined is not None:
        joined.transports.pop(transport.id, None)
    roster.outputs.append(CloseTransport(transport.id))
    if tell:
        roster.tell(transport.member, "transportClosed", {"transport": transport.id})
