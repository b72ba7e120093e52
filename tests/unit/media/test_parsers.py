"""Every parser of bytes from the network: a value, or MediaFault. Nothing else, whatever the bytes are."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from media import ice, limits, rtcp
from media.faults import MediaFault
from media.rtp import extension_value, read_header, write_header
from media.vp8 import descriptor_length, starts_key_frame

u32 = st.integers(min_value=0, max_value=0xFFFFFFFF)
u16 = st.integers(min_value=0, max_value=0xFFFF)


@given(st.binary(max_size=100), st.integers(min_value=0, max_value=255))
@example(b"\x90\x00\x00\x01" + bytes(8) + b"\xbe\xde\x00\x01\x1f\x00\x00\x00", 1)
def test_rtp_is_a_header_with_every_offset_inside_the_packet_or_a_fault(packet: bytes, wanted: int) -> None:
    try:
        header = read_header(packet)
    except MediaFault:
        return
    assert 12 <= header.payload <= len(packet)
    value = extension_value(packet, header, wanted)
    assert value is None or len(value) <= 255


@given(st.booleans(), st.booleans(), st.integers(0, 127), u16, u32, u32, st.binary(max_size=50))
def test_a_header_that_was_written_reads_the_same(
    padding: bool, marker: bool, kind: int, sequence: int, timestamp: int, ssrc: int, payload: bytes
) -> None:
    packet = write_header(padding, marker, kind, sequence, timestamp, ssrc) + payload + (b"\x01" if padding else b"")
    header = read_header(packet)
    assert header == (padding, marker, kind, sequence, timestamp, ssrc, 0, 12)


@pytest.mark.parametrize(
    ("block", "wanted", "value"),
    [
        ("bede000110410000", 1, b"\x41"),
        ("bede000100104100", 1, b"\x41"),  # padding first
        ("bede000110412261", 2, None),  # the second one runs over the end
        ("bede00021041216162000000", 2, b"\x61\x62"),
        ("bede0001f0104100", 1, None),  # id 15: stop reading
        ("1000000101014100", 1, b"\x41"),
        ("1000000100000001", 1, None),  # a length is missing
        ("abcd000110410000", 1, None),  # another profile
        ("bede0000", 1, None),
    ],
)
def test_a_header_extension_is_found_or_absent_and_never_a_fault(block: str, wanted: int, value: bytes | None) -> None:
    packet = b"\x90" + bytes(11) + bytes.fromhex(block) + b"payload"
    header = read_header(packet)
    assert packet[header.payload :] == b"payload"
    assert extension_value(packet, header, wanted) == value


@given(st.binary(max_size=200))
def test_rtcp_is_a_list_or_a_fault(datagram: bytes) -> None:
    try:
        packets = rtcp.read_compound(datagram)
    except MediaFault:
        return
    assert len(packets) <= limits.MAX_RTCP_PACKETS * 64


@given(st.sampled_from([205, 206]), st.binary(max_size=60))
def test_feedback_of_format_15_is_a_list_or_a_fault(kind: int, rest: bytes) -> None:
    body = bytes(8) + b"REMB" * (kind == 206) + rest
    body += bytes(-len(body) % 4)
    try:
        rtcp.read_compound(bytes([0x8F, kind, 0, len(body) // 4]) + body)
    except MediaFault:
        return


@given(st.integers(0, 31), st.sampled_from([200, 201, 202, 203, 205, 206, 207]), st.binary(max_size=120))
def test_rtcp_with_a_true_length_is_a_list_or_a_fault(count: int, kind: int, body: bytes) -> None:
    body += bytes(-len(body) % 4)
    try:
        rtcp.read_compound(bytes([0x80 | count, kind, 0, len(body) // 4]) + body)
    except MediaFault:
        return


blocks = st.builds(rtcp.ReportBlock, u32, st.integers(0, 255), st.integers(-0x800000, 0x7FFFFF), u32, u32, u32, u32)


@given(u32, st.integers(0, 2**64 - 1), u32, u32, u32, st.lists(blocks, max_size=31))
def test_reports_that_were_written_read_the_same(
    ssrc: int, ntp: int, timestamp: int, packets: int, octets: int, found: list[rtcp.ReportBlock]
) -> None:
    report = rtcp.SenderReport(ssrc, ntp, timestamp, packets, octets, tuple(found))
    compound = rtcp.write_sender_report(report) + rtcp.write_source_name(ssrc, "abc")
    compound += rtcp.write_receiver_report(ssrc, found) + rtcp.write_goodbye([ssrc, 1])
    received = rtcp.ReceiverReport(ssrc, tuple(found))
    again = [received] if found else []
    assert rtcp.read_compound(compound) == [report, *again, received, rtcp.Goodbye((ssrc, 1))]


@given(u32, u32, st.lists(u16, min_size=1, max_size=60, unique=True))
def test_a_nack_names_exactly_what_was_lost(ssrc: int, media: int, lost: list[int]) -> None:
    (nack,) = rtcp.read_compound(rtcp.write_nack(ssrc, media, lost))
    assert isinstance(nack, rtcp.Nack)
    assert (nack.ssrc, nack.media) == (ssrc, media)
    assert sorted(set(nack.lost)) == sorted(lost)


def test_a_datagram_full_of_nacks_is_read_up_to_the_limit() -> None:
    datagram = b"".join(rtcp.write_nack(1, 2, range(index * 400, index * 400 + 400)) for index in range(4))
    packets = rtcp.read_compound(datagram)
    nacks = [packet for packet in packets if isinstance(packet, rtcp.Nack)]
    assert nacks == packets
    assert sum(len(nack.lost) for nack in nacks) == limits.MAX_NACKED_PER_DATAGRAM


def test_pli_and_fir_both_ask_for_a_key_frame() -> None:
    fir = bytes.fromhex("84ce000400000001000000000000002a07000000")
    assert rtcp.read_compound(rtcp.write_picture_loss(1, 42)) == [rtcp.KeyFrameRequest(42)]
    assert rtcp.read_compound(fir) == [rtcp.KeyFrameRequest(42)]


def test_kinds_of_rtcp_nobody_needs_are_skipped() -> None:
    other = bytes.fromhex("8fce0005000000010000000052454d410103f0000000002a")
    xr = bytes.fromhex("80cf000100000001")
    tmmbr = bytes.fromhex("83cd0003000000010000002a00000000")
    assert rtcp.read_compound(other + xr + tmmbr) == []


def test_what_a_path_carries_is_read_and_written_as_the_draft_has_it() -> None:
    # draft-alvestrand-rmcat-remb-03 section 2.2: mantissa 0x3f000 shifted once is 516,096.
    remb = bytes.fromhex("8fce0005000000010000000052454d420107f0000000002a")
    assert rtcp.read_compound(remb) == [rtcp.Remb(1, 0x3F000 << 1, (42,))]
    assert rtcp.read_compound(rtcp.write_remb(1, 516_096, [42])) == [rtcp.Remb(1, 516_096, (42,))]


@given(u32, st.integers(0, 2**64), st.lists(u32, max_size=255))
def test_a_bit_rate_that_was_written_reads_no_higher_and_hardly_lower(ssrc: int, bps: int, ssrcs: list[int]) -> None:
    (remb,) = rtcp.read_compound(rtcp.write_remb(ssrc, bps, ssrcs))
    assert isinstance(remb, rtcp.Remb)
    assert (remb.ssrc, remb.ssrcs) == (ssrc, tuple(ssrcs))
    assert bps - (bps >> 17) <= remb.bps <= bps


def test_a_bit_rate_for_more_streams_than_there_are_is_a_fault() -> None:
    with pytest.raises(MediaFault):
        rtcp.read_compound(bytes.fromhex("8fce0005000000010000000052454d420207f0000000002a"))


@given(u32, u32, st.binary(max_size=100))
def test_transport_feedback_is_handed_on_as_it_came(ssrc: int, media: int, fci: bytes) -> None:
    written = rtcp.write_transport_feedback(ssrc, media, fci)
    assert len(written) % 4 == 0
    assert rtcp.read_compound(written) == [rtcp.TransportFeedback(ssrc, media, fci)]


@given(st.binary(max_size=40))
def test_a_vp8_payload_starts_a_key_frame_or_does_not(payload: bytes) -> None:
    length = descriptor_length(payload)
    assert length is None or 1 <= length <= len(payload)
    assert starts_key_frame(payload) in (True, False)


@pytest.mark.parametrize(
    ("payload", "starts"),
    [
        ("1000", True),  # S, partition 0, P clear
        ("1001", False),  # P set: delta frame
        ("0000", False),  # not the start of a partition
        ("1100", False),  # partition 1
        ("10", False),  # nothing after the descriptor
        ("9080810100", True),  # 15-bit picture id
        ("90800100", True),  # 7-bit picture id
        ("90f08101000500", True),  # picture id, TL0PICIDX, TID
        ("90f081010005", False),  # the frame's first byte is missing
        ("", False),
    ],
)
def test_a_key_frame_is_known_by_the_descriptor_and_one_bit(payload: str, starts: bool) -> None:
    assert starts_key_frame(bytes.fromhex(payload)) is starts


@given(st.binary(max_size=120))
def test_stun_is_a_request_or_a_fault(datagram: bytes) -> None:
    try:
        ice.read_request(b"\0\1" + len(datagram).to_bytes(2, "big") + b"\x21\x12\xa4\x42" + bytes(12) + datagram)
    except MediaFault:
        return
