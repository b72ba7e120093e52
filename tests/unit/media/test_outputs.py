"""RTCP for one transport shares datagrams, and nothing else is moved."""

from __future__ import annotations

from media import limits
from media.outputs import CloseTransport, Output, RestartIce, SendRtcp, Tell, joined

TELL = Tell("room", "a", "speakers", {})


def test_rtcp_for_one_transport_is_one_datagram_in_its_order() -> None:
    outputs: list[Output] = [SendRtcp("a", b"1"), SendRtcp("b", b"2"), TELL, SendRtcp("a", b"3")]
    assert sorted(joined(outputs), key=str) == sorted([SendRtcp("a", b"13"), SendRtcp("b", b"2"), TELL], key=str)


def test_nothing_is_sent_before_or_after_its_place_among_what_opens_and_closes() -> None:
    outputs: list[Output] = [SendRtcp("a", b"1"), CloseTransport("a"), SendRtcp("a", b"2"), RestartIce("b", "u", "p")]
    assert joined(outputs) == outputs


def test_a_datagram_stays_under_its_bound() -> None:
    outputs: list[Output] = [SendRtcp("a", bytes([index]) * 500) for index in range(5)]
    found = [output.packet for output in joined(outputs) if isinstance(output, SendRtcp)]
    assert [len(packet) for packet in found] == [1000, 1000, 500]
    assert b"".join(found) == b"".join(bytes([index]) * 500 for index in range(5))
    assert joined([SendRtcp("a", bytes(limits.MAX_RTCP + 1))]) == [SendRtcp("a", bytes(limits.MAX_RTCP + 1))]
