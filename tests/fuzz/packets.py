"""Fuzz targets: what reads datagrams and payloads. Each gives a value or raises the parser's own fault, nothing else.

A target takes any bytes and returns; whatever it raises is a find. It also holds what a value has to keep: offsets
inside the packet, lists inside `limits`, and that what was read and can be written is read the same again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from media import ice, limits, rtcp, rtp, sframe, vp8
from media.bandwidth import twcc
from media.bandwidth.limits import MAX_FEEDBACK_PACKETS
from media.faults import MediaFault
from media.sealed import Judge, begins_picture, begins_sound

PASSWORD = "p" * limits.PASSWORD_LENGTH
# Ids as browsers choose them, and one that only the two-byte form has.
IDS = (1, 5, 16)


def chunks(data: bytes) -> Iterator[bytes]:
    """Several packets out of one input: each with its length in one byte before it, the last as long as there is."""
    position = 0
    while position < len(data):
        end = position + 1 + data[position]
        yield data[position + 1 : end]
        position = end


def rtp_header(data: bytes) -> None:
    try:
        header = rtp.read_header(data)
    except MediaFault:
        return
    assert rtp.HEADER_LENGTH <= header.payload <= len(data)
    assert 0 <= header.extension <= header.payload
    assert not header.padding or 0 < data[-1] <= len(data) - header.payload
    written = rtp.write_header(
        False, header.marker, header.payload_type, header.sequence, header.timestamp, header.ssrc
    )
    assert rtp.read_header(written)[1:6] == header[1:6]


def rtp_extensions(data: bytes) -> None:
    """The input is the extension block and what follows: the header before it is always right."""
    packet = b"\x90\x60" + bytes(10) + data
    try:
        header = rtp.read_header(packet)
    except MediaFault:
        return
    for wanted in IDS:
        value = rtp.extension_value(packet, header, wanted)
        assert value is None or (len(value) < 256 and value in packet[header.extension : header.payload])


def rtcp_compound(data: bytes) -> None:
    try:
        found = rtcp.read_compound(data)
    except MediaFault:
        return
    assert sum(len(packet.lost) for packet in found if isinstance(packet, rtcp.Nack)) <= limits.MAX_NACKED_PER_DATAGRAM
    for packet in found:
        _same_again(packet)


def _same_again(packet: rtcp.Rtcp) -> None:
    match packet:
        case rtcp.SenderReport():
            assert packet in rtcp.read_compound(rtcp.write_sender_report(packet))
        case rtcp.ReceiverReport(ssrc, blocks):
            assert rtcp.read_compound(rtcp.write_receiver_report(ssrc, blocks)) == [packet]
        case rtcp.Goodbye(sources):
            assert rtcp.read_compound(rtcp.write_goodbye(sources)) == [packet]
        case rtcp.Nack(ssrc, media, lost):
            (again,) = rtcp.read_compound(rtcp.write_nack(ssrc, media, lost))
            assert isinstance(again, rtcp.Nack) and set(again.lost) == set(lost)
        case rtcp.Remb(ssrc, bps, ssrcs):
            assert rtcp.read_compound(rtcp.write_remb(ssrc, bps, ssrcs)) == [packet]
        case rtcp.TransportFeedback(ssrc, media, fci):
            assert packet in rtcp.read_compound(rtcp.write_transport_feedback(ssrc, media, fci))


def transport_feedback(data: bytes) -> None:
    """The part of transport-wide feedback that RTCP leaves raw."""
    try:
        found = twcc.read_feedback(data)
    except MediaFault:
        return
    assert len(found.arrivals) <= MAX_FEEDBACK_PACKETS
    if any(tick is not None for tick in found.arrivals):
        again = twcc.read_feedback(twcc.write_feedback(found.base, found.number, found.arrivals))
        first = next(tick for tick in found.arrivals if tick is not None)
        moved = next(tick for tick in again.arrivals if tick is not None) - first
        assert [tick if tick is None else tick - moved for tick in again.arrivals] == found.arrivals


def stun_check(data: bytes) -> None:
    """A datagram from a stranger; of the corpus some know the password."""
    if not ice.is_stun(data):
        return
    path = ice.IceLite("ours", PASSWORD)
    try:
        message = ice.read_request(data)
        ice.username_of(message)
        answer = path.check(message, ("192.0.2.1", 40000), 1.0)
    except MediaFault:
        return
    assert (answer is None) == (path.consent_at is None)


def vp8_payload(data: bytes) -> None:
    length = vp8.descriptor_length(data)
    assert length is None or 0 < length <= len(data)
    if vp8.starts_key_frame(data):
        assert vp8.starts_frame(data) and length is not None and length < len(data)


def sframe_header(data: bytes) -> None:
    """The first byte says where the header is to begin."""
    start = data[0] if data else 0
    with suppress(MediaFault):
        header = sframe.read_header(data, start)
        assert sframe.write_header(header.kid, header.ctr) == data[start : start + header.length]


def sealed_frames(data: bytes) -> None:
    """Two tracks judge the same payloads; of each the first byte is its RTP timestamp."""
    picture, sound = Judge("video"), Judge("audio")
    for chunk in chunks(data):
        timestamp, payload = chunk[0] if chunk else 0, chunk[1:]
        if picture.passes(payload, timestamp) and vp8.starts_frame(payload):
            assert begins_picture(payload)
        if sound.passes(payload, timestamp):
            assert begins_sound(payload)
    assert len(picture._frames) <= limits.MAX_JUDGED_FRAMES and not sound._frames
