"""Fuzz target: packets of members into a room, past SRTP. What comes out keeps the promises that receivers live on."""

from __future__ import annotations

from struct import unpack_from

from media.faults import MediaFault
from media.plane.interface import Out
from tests.fuzz.driver import Stage
from tests.fuzz.packets import chunks

# The first byte of a chunk chooses by these, the second is the time that passes, in 2 ms.
_UP, _UP_RTCP, _DOWN_RTCP = range(3)
# Stands in an input for the SSRC of the picture that b receives, which the relay chooses.
DOWN_SSRC = 0xD0D0D0D0
_DOWN = DOWN_SSRC.to_bytes(4, "big")


def room_packets(data: bytes) -> None:
    """a's RTP, a's RTCP and b's RTCP as the input has them. Each input begins with a room that nothing was sent in."""
    stage = Stage()
    relay = stage.relay
    ways = [relay.numbers[stage.up_of_a], relay.numbers[stage.up_of_a], relay.numbers[stage.ids[b"@receive"]]]
    meant = stage.down_ssrc.to_bytes(4, "big")
    seen: dict[tuple[int, int], bytes] = {}
    for chunk in chunks(data):
        if len(chunk) < 2:
            continue
        way = chunk[0] % 3
        relay.tick(chunk[1] / 500)
        try:
            if way == _UP:
                sent = relay.rooms.receive_rtp(ways[way], chunk[2:], relay.now)
            else:
                sent = relay.rooms.receive_rtcp(ways[way], chunk[2:].replace(_DOWN, meant), relay.now)
        except MediaFault:
            continue
        relay.drain()
        _promises(sent, ways[_DOWN_RTCP], seen)
    relay.check_bounds()


def _promises(sent: list[Out], receiver: int, seen: dict[tuple[int, int], bytes]) -> None:
    """Packets leave for who receives only, and never two different ones under one number: that is an AEAD nonce."""
    for out in sent:
        assert out.transport == receiver
        packet = bytes(out.head) + bytes(out.rest)
        number, _, ssrc = unpack_from("!HII", packet, 2)
        assert seen.setdefault((ssrc, number), packet) == packet
