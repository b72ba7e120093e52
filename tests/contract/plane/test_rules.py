"""The rules of `receive` in their order (media/plane/intake.py): who is refused, and what is counted."""

from __future__ import annotations

import pytest

from media import limits
from media.bandwidth.twcc import read_feedback
from media.faults import MediaFault, NotSealed
from media.plane.interface import Event, Extensions, Level
from tests.fakes.planes import LEVEL, SEALED_SOUND, SECOND, SEEN_TYPE, SENT_RTX, WIDE, Stage, block, rtp, vp8
from tests.fakes.waiting import there

# A transport-wide feedback's unit of time, in nanoseconds.
TICK = 250_000

# --- 1: the header ---------------------------------------------------------------------------------------------------

NO_RTP = {
    "nothing": b"",
    "a byte too few": rtp(1, ssrc=100)[:-1],
    "version 1": b"\x40" + rtp(1, ssrc=100)[1:],
    "contributing sources cut short": b"\x82" + rtp(1, ssrc=100, payload=b"1234")[1:],
    "extension cut short": b"\x90" + rtp(1, ssrc=100, payload=b"12")[1:],
    "extension longer than the packet": b"\x90" + rtp(1, ssrc=100, payload=b"\xbe\xde\x00\x09" + bytes(8))[1:],
    "padding of no bytes": b"\xa0" + rtp(1, ssrc=100, payload=bytes(8))[1:],
    "padding longer than the payload": b"\xa0" + rtp(1, ssrc=100, payload=b"\x09" * 8)[1:],
}


@pytest.mark.parametrize("name", NO_RTP)
def test_what_is_no_rtp_is_refused_and_counted(stage: Stage, name: str) -> None:
    stream = stage.stream()
    with pytest.raises(MediaFault):
        stage.give(NO_RTP[name])
    assert stage.count("received", "malformed") == [1, 1]
    assert stage.plane.received(stream) is None
    assert stage.events() == []


def test_contributing_sources_and_extensions_are_left_behind(stage: Stage) -> None:
    stage.down(stage.stream())
    sources = b"\x92" + rtp(7, ssrc=100)[1:] + bytes(8) + block((3, b"name")) + SEALED_SOUND
    (packet,) = stage.give(sources)
    assert packet.payload == SEALED_SOUND


BROKEN = {
    "an element longer than the block": b"\xbe\xde\x00\x01\x4f\x85\x00\x00",
    "a two-byte element without a length": b"\x10\x00\x00\x01\x00\x00\x00\x04",
    "a two-byte element longer than the block": b"\x10\x00\x00\x01\x04\x09\x85\x00",
    "the reserved id": b"\xbe\xde\x00\x01\xf0\x00\x40\x85",
    "a profile nobody knows": b"\x12\x34\x00\x01\x40\x85\x00\x00",
    "no element": b"\xbe\xde\x00\x00",
    "an element that ends behind the block": b"\xbe\xde\x00\x01\x00\x00\x00\x40",
    "an element of another length": b"\xbe\xde\x00\x01\x41\x85\x85\x00",
    "a transport-wide number of one byte": b"\xbe\xde\x00\x01\x50\x07\x00\x00",
}


@pytest.mark.parametrize("name", BROKEN)
def test_an_extension_that_cannot_be_read_is_none_and_never_a_fault(stage: Stage, name: str) -> None:
    stage.down(stage.stream())
    stage.plane.set_extensions(1, Extensions(LEVEL, WIDE))
    assert len(stage.give(rtp(7, ssrc=100, block=BROKEN[name], payload=SEALED_SOUND))) == 1
    assert stage.plane.levels() == []
    assert stage.plane.feedback(1) == []


# --- 2: arrivals -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("two_byte", [False, True])
def test_a_transport_wide_number_is_noted_with_its_time_whatever_becomes_of_the_packet(
    stage: Stage, two_byte: bool
) -> None:
    stage.stream()
    stage.plane.set_extensions(1, Extensions(transport_sequence=WIDE))
    for wide, packet in enumerate([SEALED_SOUND, b"not sealed", SEALED_SOUND], start=0xFFFE):
        found = block((9, b"abc"), (WIDE, (wide & 0xFFFF).to_bytes(2, "big")), two_byte=two_byte)
        try:
            stage.give(rtp(wide, ssrc=100 if wide < 0x10000 else 999, block=found, payload=packet))
        except NotSealed:
            assert packet == b"not sealed"
        stage.now += TICK
    (told,) = map(read_feedback, stage.plane.feedback(1))
    assert (told.base, told.reference + (told.arrivals[0] or 0)) == (0xFFFE, 5 * SECOND // TICK)
    assert [at and at - (told.arrivals[0] or 0) for at in told.arrivals] == [0, 1, 2]
    assert stage.plane.feedback(1) == [], "told once"


def test_arrivals_are_noted_only_where_the_extension_was_agreed(stage: Stage) -> None:
    stage.stream()
    stage.give(rtp(1, ssrc=100, block=block((WIDE, b"\0\1")), payload=SEALED_SOUND))
    assert stage.plane.feedback(1) == []


# --- 3 to 5: size, SSRC, payload type --------------------------------------------------------------------------------


def test_a_packet_that_is_too_long_to_be_sealed_again_is_dropped(stage: Stage) -> None:
    stage.down(stage.stream(sealed=False))
    assert len(stage.sound(1, payload=bytes(limits.MAX_RTP - 12))) == 1
    assert stage.sound(2, payload=bytes(limits.MAX_RTP - 11)) == []
    assert stage.count("format") == [1]


def test_an_unknown_ssrc_is_told_with_its_packet_and_time(stage: Stage) -> None:
    packet = rtp(1, ssrc=555, payload=SEALED_SOUND)
    assert stage.give(packet) == []
    assert stage.events() == [Event("unknown", 1, packet=packet, now=stage.now)]
    assert stage.count("unknown") == [1]
    stage.down(stage.stream(ssrc=555))
    assert len(stage.give(packet)) == 1, "given in again, by whoever added the stream"


def test_nobody_sends_in_the_name_of_another_transport(stage: Stage) -> None:
    stage.down(stage.stream())
    stage.plane.add_transport(77)
    assert stage.plane.receive(77, rtp(1, ssrc=100, payload=SEALED_SOUND), 0) == []
    assert [event.name for event in stage.events()] == ["unknown"]


def test_a_payload_type_that_was_not_agreed_is_dropped(stage: Stage) -> None:
    stream = stage.stream(rtx=101)
    stage.down(stream)
    assert stage.give(rtp(1, ssrc=100, payload=SEALED_SOUND, payload_type=119)) == []
    assert stage.give(rtp(1, ssrc=100, payload=SEALED_SOUND, payload_type=SENT_RTX)) == []
    assert stage.give(rtp(1, ssrc=101, payload=b"\0\1" + SEALED_SOUND)) == []
    assert stage.count("format") == [3]
    assert stage.plane.received(stream) is None


def test_a_repair_has_its_own_number_the_first_payload_type_and_no_padding(stage: Stage) -> None:
    stage.down(stage.stream(rtx=101), first=50)
    stage.sound(10)
    repair = rtp(4000, 960, ssrc=101, payload=b"\0\x0b" + SEALED_SOUND, payload_type=SENT_RTX, marker=True, padding=7)
    (packet,) = stage.give(repair)
    assert packet == packet._replace(
        sequence=51, timestamp=960, payload_type=SEEN_TYPE, marker=True, padding=0, payload=SEALED_SOUND, ssrc=900
    )


@pytest.mark.parametrize("payload", [b"", b"\0", b"\0\x0b"])
def test_a_repair_of_nothing_is_padding_and_counts_for_no_stream(stage: Stage, payload: bytes) -> None:
    stream = stage.stream(rtx=101)
    assert stage.give(rtp(1, ssrc=101, payload=payload, payload_type=SENT_RTX, padding=200)) == []
    assert stage.count("padding") == [1]
    assert stage.plane.received(stream) is None


# --- 6: padding alone ------------------------------------------------------------------------------------------------


def test_padding_alone_is_counted_and_not_sent_on_and_leaves_no_gap(stage: Stage) -> None:
    stream = stage.stream()
    stage.down(stream, first=50)
    sent = stage.sound(10) + stage.pad(11) + stage.pad(12) + stage.sound(13)
    assert [packet.sequence for packet in sent] == [50, 51]
    assert stage.count("padding", "stale") == [2, 0]
    received = there(stage.plane.received(stream))
    assert (received.packets, received.octets, received.highest) == (4, 2 * len(SEALED_SOUND), 0x10000 + 13)


def test_padding_that_came_before_counts_as_padding_and_closes_nothing(stage: Stage) -> None:
    stream = stage.stream()
    stage.down(stream, first=50)
    sent = stage.sound(10) + stage.pad(11) + stage.sound(12) + stage.pad(11) + stage.sound(13)
    assert [packet.sequence for packet in sent] == [50, 51, 52]
    assert there(stage.plane.received(stream)).packets == 4


def test_padding_behind_the_newest_packet_stays_a_gap(stage: Stage) -> None:
    stage.down(stage.stream(), first=50)
    sent = stage.sound(10) + stage.sound(12) + stage.pad(11) + stage.sound(13)
    assert [packet.sequence for packet in sent] == [50, 52, 53]


def test_padding_of_a_stream_that_does_not_flow_closes_nothing(stage: Stage) -> None:
    stream, other = stage.stream("video"), stage.stream("video", 200)
    down = stage.down(stream, "video", first=50)
    packets = stage.key_frame(10)
    stage.plane.aim(down, other)
    stage.pad(500, ssrc=200)
    packets += stage.frame(11) + stage.frame(13)
    assert [packet.sequence for packet in packets] == [50, 51, 53]


def test_padding_that_goes_on_does_not_push_out_what_can_be_repaired(stage: Stage) -> None:
    down = stage.down(stage.stream(), first=50)
    stage.sound(10)
    for sequence in range(11, 11 + 2 * limits.MAX_SEGMENTS):
        stage.pad(sequence)
    assert len(stage.repair(down, 50)) == 1


def test_padding_of_a_stream_that_must_be_sealed_raises_no_doubt(stage: Stage) -> None:
    stage.down(stage.stream())
    assert len(stage.sound(10) + stage.pad(11) + stage.sound(12)) == 2


def test_padding_at_the_end_of_a_packet_stays_as_it_came(stage: Stage) -> None:
    stage.down(stage.stream())
    (packet,) = stage.give(rtp(10, ssrc=100, payload=SEALED_SOUND, padding=9))
    assert (packet.padding, packet.payload) == (9, SEALED_SOUND)


# --- 7: sealed -------------------------------------------------------------------------------------------------------


def test_what_is_not_sealed_is_refused_and_changes_nothing_but_the_judge(stage: Stage) -> None:
    stream = stage.stream()
    down = stage.down(stream)
    stage.sound(10)
    before = stage.plane.received(stream)
    with pytest.raises(NotSealed):
        stage.sound(11, payload=b"what anybody could read")
    assert stage.count("not_sealed", "sent") == [1, 1]
    assert stage.plane.received(stream) == before
    for sequence in range(12, 12 + limits.SEALED_AGAIN):
        with pytest.raises(NotSealed):
            stage.sound(sequence)
    assert len(stage.sound(20)) == 1, "eight sealed ones in a row have come"
    assert stage.repair(down, 1001) == []


def test_repairs_are_judged_too(stage: Stage) -> None:
    stage.down(stage.stream(rtx=101))
    stage.sound(10)
    with pytest.raises(NotSealed):
        stage.give(rtp(1, ssrc=101, payload=b"\0\x0bclear as day", payload_type=SENT_RTX))


def test_padding_is_no_room_for_the_tag_of_a_sealed_frame(stage: Stage) -> None:
    stage.down(stage.stream())
    with pytest.raises(NotSealed):
        stage.give(rtp(10, ssrc=100, payload=SEALED_SOUND[:8], padding=100))


def test_a_stream_that_need_not_be_sealed_passes_anything(stage: Stage) -> None:
    stage.down(stage.stream(sealed=False))
    assert [packet.payload for packet in stage.sound(10, payload=b"as it is")] == [b"as it is"]


def test_the_judge_begins_anew_and_what_was_kept_is_forgotten_when_the_rule_changes(stage: Stage) -> None:
    stream = stage.stream(sealed=False)
    down = stage.down(stream, first=50)
    stage.sound(10, payload=b"as it is")
    stage.plane.set_stream(stream, forwarded=True, sealed=False)
    assert len(stage.repair(down, 50)) == 1, "nothing has changed"
    stage.plane.set_stream(stream, forwarded=True, sealed=True)
    assert stage.repair(down, 50) == []
    with pytest.raises(NotSealed):
        stage.sound(11, payload=b"as it is")
    stage.plane.set_stream(stream, forwarded=True, sealed=False)
    assert len(stage.sound(12)) == 1
    stage.plane.set_stream(stream, forwarded=True, sealed=True)
    assert len(stage.sound(13)) == 1, "the doubt of before is forgotten"


# --- 8: once only ----------------------------------------------------------------------------------------------------


def test_a_packet_that_came_before_is_dropped(stage: Stage) -> None:
    stage.down(stage.stream(rtx=101))
    assert len(stage.sound(10) + stage.sound(11)) == 2
    assert stage.sound(10) + stage.sound(11) == []
    assert stage.give(rtp(1, ssrc=101, payload=b"\0\x0b" + SEALED_SOUND, payload_type=SENT_RTX)) == []
    assert stage.count("stale") == [3]


def test_a_packet_older_than_the_window_is_dropped(stage: Stage) -> None:
    stage.down(stage.stream())
    newest = 3000
    stage.sound(100), stage.sound(newest)
    assert stage.sound(newest - limits.SEEN_WINDOW) == []
    assert len(stage.sound(newest - limits.SEEN_WINDOW + 1)) == 1
    assert stage.sound(newest - limits.SEEN_WINDOW + 1) == []


def test_a_number_that_was_jumped_over_counts_as_not_seen(stage: Stage) -> None:
    """One slot serves many numbers: what was in it a window ago must not stand for the new one."""
    stage.down(stage.stream())
    for sequence in range(0, 5 * limits.SEEN_WINDOW, 2):
        assert len(stage.sound(sequence)) == 1
    for sequence in range(4 * limits.SEEN_WINDOW + 1, 5 * limits.SEEN_WINDOW, 2):
        assert len(stage.sound(sequence)) == 1
        assert stage.sound(sequence) == []


# --- 9 to 13 ---------------------------------------------------------------------------------------------------------


def test_levels_of_sound_are_summed_up_until_somebody_looks(stage: Stage) -> None:
    quiet, loud = stage.stream(), stage.stream(ssrc=200)
    stage.stream("video", ssrc=300)
    stage.plane.set_extensions(1, Extensions(level=LEVEL))
    for sequence, (ssrc, level) in enumerate([(100, 0x7F), (200, 0x80), (200, 0x85), (100, 0x1E)]):
        stage.give(rtp(sequence, ssrc=ssrc, payload=SEALED_SOUND, block=block((LEVEL, bytes([level])))))
    stage.give(rtp(9, ssrc=300, payload=vp8(key=True), block=block((LEVEL, b"\x80"))))
    assert sorted(stage.plane.levels()) == [Level(quiet, 2, 0, 97), Level(loud, 2, 2, 127 + 122)]
    assert stage.plane.levels() == []


def test_levels_of_repairs_and_of_what_is_dropped_do_not_count(stage: Stage) -> None:
    stage.stream(rtx=101)
    stage.plane.set_extensions(1, Extensions(level=LEVEL))
    level = block((LEVEL, b"\x80"))
    stage.give(rtp(1, ssrc=101, payload=b"\0\x0b" + SEALED_SOUND, payload_type=SENT_RTX, block=level))
    stage.give(rtp(11, ssrc=100, payload=SEALED_SOUND, block=level))
    with pytest.raises(NotSealed):
        stage.give(rtp(12, ssrc=100, payload=b"clear", block=level))
    assert stage.plane.levels() == []


def test_the_first_packet_of_a_key_frame_is_told(stage: Stage) -> None:
    stream = stage.stream("video")
    stage.frame(1), stage.key_frame(2)
    stage.give(rtp(3, ssrc=100, payload=vp8(begin=False)))
    stage.key_frame(2)
    assert stage.events() == [Event("key_frame", stream)]


def test_a_stream_that_is_not_forwarded_is_still_counted_and_listened_to(stage: Stage) -> None:
    stream = stage.stream()
    down = stage.down(stream, first=50)
    stage.plane.set_extensions(1, Extensions(level=LEVEL))
    stage.plane.set_stream(stream, forwarded=False, sealed=True)
    assert stage.give(rtp(10, ssrc=100, payload=SEALED_SOUND, block=block((LEVEL, b"\x80")))) == []
    with pytest.raises(NotSealed):
        stage.sound(11, payload=b"clear")
    assert there(stage.plane.received(stream)).packets == 1
    assert stage.plane.levels() == [Level(stream, 1, 1, 127)]
    assert stage.plane.flowing(down) is None


def test_receivers_are_served_in_the_order_in_which_they_began(stage: Stage) -> None:
    stream = stage.stream()
    downs = [stage.down(stream, ssrc=900 + index) for index in range(5)]
    stage.plane.aim(downs[1], None)
    stage.plane.aim(downs[1], stream)
    stage.plane.aim(downs[2], stream)
    assert [packet.ssrc for packet in stage.sound(1)] == [900, 902, 903, 904, 901]


def test_what_nobody_was_sent_is_not_kept(stage: Stage) -> None:
    """It would push out what somebody may miss: here a picture that a receiver waits to see, and one it has seen."""
    low, high = stage.stream("video", 100), stage.stream("video", 200)
    down = stage.down(low, "video", first=50)
    stage.key_frame(10, ssrc=100)
    stage.plane.aim(down, high, at_once=True)
    stage.plane.aim(down, low, at_once=True)
    for sequence in range(11, 11 + limits.VIDEO_CACHE_PACKETS):
        assert stage.frame(sequence, ssrc=100) == []
    assert len(stage.repair(down, 50)) == 1
