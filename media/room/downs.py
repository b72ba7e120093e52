"""Opens and closes down tracks, in the room's records and in the forwarding plane at once."""

from __future__ import annotations

from media import rtcp
from media.bandwidth.estimate import PathEstimate
from media.outputs import SendRtcp
from media.plane.interface import DownFormat
from media.room.capabilities import CODECS, RTX_PAYLOAD_TYPE, TRANSPORT_SEQUENCE_ID, DownAbility
from media.room.layers import Allocation
from media.room.roster import Roster
from media.room.tracks import DownTrack, Transport, UpTrack


def open_down(roster: Roster, transport: Transport, up: UpTrack, ability: DownAbility, now: float) -> DownTrack:
    """Held: `conduct.py` takes it to a layer when it was resumed."""
    taken = {transport.ssrc} | {number for other in transport.downs.values() for number in (other.ssrc, other.rtx_ssrc)}
    ssrc = roster.ssrc(*taken)
    rtx_ssrc = roster.ssrc(ssrc, *taken)
    down = DownTrack(roster.dice.token(16), roster.number(), up, transport, ssrc, rtx_ssrc, ability)
    roster.plane.add_down(down.number, _down_format(roster, down))
    if transport.path is None:
        transport.path, transport.allocation = PathEstimate(now), Allocation()
    if up.kind == "video" and not ability.transport_sequence:
        transport.path.trust()
    transport.downs[ssrc] = down
    roster.members[transport.member].downs[down.id] = down
    up.downs.append(down)
    return down


def _down_format(roster: Roster, down: DownTrack) -> DownFormat:
    return DownFormat(
        down.transport.number,
        down.ssrc,
        down.up.kind,
        # Below 2**15, so that losing the very first packets cannot be taken for a wrap (RFC 3711 section 3.3.1).
        roster.dice.number(0x8000),
        roster.dice.number(0x100000000),
        CODECS[down.up.kind].clock_rate,
        (down.rtx_ssrc, RTX_PAYLOAD_TYPE) if down.ability.rtx else None,
        TRANSPORT_SEQUENCE_ID if down.ability.transport_sequence else 0,
    )


def close_down(roster: Roster, down: DownTrack) -> None:
    roster.plane.remove_down(down.number)
    roster.numbers.give_back(down.number)
    down.up.downs.remove(down)
    down.transport.downs.pop(down.ssrc, None)
    joined = roster.members.get(down.transport.member)
    if joined is not None:
        joined.downs.pop(down.id, None)


def goodbye(roster: Roster, down: DownTrack) -> None:
    """BYE for a track whose source has ended, in a compound as RFC 3550 section 6.1 demands."""
    transport = down.transport
    if transport.state != "ready":
        return
    report = rtcp.write_receiver_report(transport.ssrc, ()) + rtcp.write_source_name(transport.ssrc, transport.cname)
    roster.outputs.append(SendRtcp(transport.id, report + rtcp.write_goodbye([down.ssrc])))
