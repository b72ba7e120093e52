"""Lost packets on the way down (repair) and up (missing), and padding that measures a path."""

from __future__ import annotations

import pytest

from media import limits
from media.bandwidth.limits import MAX_FEEDBACK_PACKETS, SENT_KEPT
from media.bandwidth.twcc import read_feedback, write_feedback
from media.faults import MediaFault
from media.plane.interface import NOTHING_NEW, Departed, DownFormat, Event, Extensions, Plane
from tests.fakes.planes import (
    MS,
    SEALED_SOUND,
    SECOND,
    SEEN_RTX,
    SENT_RTX,
    WIDE,
    Seen,
    Stage,
    block,
    numbers,
    rtp,
    seen,
    vp8,
)

# --- down: repair ----------------------------------------------------------------------------------------------------


def test_without_rtx_a_packet_is_repeated_bit_for_bit(stage: Stage) -> None:
    down = stage.down(stage.stream("video"), "video", first=50)
    first = stage.plane.receive(1, rtp(10, 7, ssrc=100, payload=vp8(key=True, id=3), marker=True, padding=9), 0)
    again = stage.plane.repair(down, [50], stage.now)
    assert [out.head + out.rest for out in again] == [out.head + out.rest for out in first]


def test_with_rtx_a_packet_comes_again_in_a_stream_of_its_own(stage: Stage) -> None:
    """RFC 4588 section 4: own SSRC, type and numbers; timestamp and marker of the first; original number before it."""
    down = stage.down(stage.stream("video"), "video", first=0xFFFF, rtx=901)
    packets = stage.key_frame(10, 7) + stage.give(rtp(11, 7, ssrc=100, payload=vp8(begin=False), marker=True))
    again = stage.repair(down, 0, 0xFFFF)
    assert [(packet.ssrc, packet.payload_type, packet.sequence) for packet in again] == [
        (901, SEEN_RTX, 1),
        (901, SEEN_RTX, 2),
    ]
    assert [(packet.timestamp, packet.marker) for packet in again] == [(7, True), (7, False)]
    assert [packet.payload for packet in again] == [b"\0\0" + packets[1].payload, b"\xff\xff" + packets[0].payload]


def test_padding_that_came_with_a_packet_is_padding_of_its_repair(stage: Stage) -> None:
    down = stage.down(stage.stream(), first=50, rtx=901)
    stage.give(rtp(10, ssrc=100, payload=SEALED_SOUND, padding=5))
    (again,) = stage.repair(down, 50)
    assert (again.padding, again.payload) == (5, b"\0\x32" + SEALED_SOUND)


def test_what_came_as_a_repair_can_be_repaired(stage: Stage) -> None:
    down = stage.down(stage.stream(rtx=101), first=50)
    stage.sound(10), stage.sound(12)
    repaired = rtp(1, 960, ssrc=101, payload=b"\0\x0b" + SEALED_SOUND, payload_type=SENT_RTX, padding=3)
    assert stage.give(repaired) == stage.repair(down, 51)


def test_a_repair_that_has_to_differ_without_a_stream_of_its_own_is_not_sent(stage: Stage) -> None:
    """A transport-wide number is new each time: under the old RTP number it would be one nonce for two packets."""
    down = stage.down(stage.stream(), first=50, wide=True)
    assert len(stage.sound(10)) == 1
    assert stage.repair(down, 50) == []


def test_numbers_that_were_never_sent_bring_nothing(stage: Stage) -> None:
    stream = stage.stream()
    down = stage.down(stream, first=50)
    assert stage.repair(down, 50) == []
    stage.sound(10), stage.sound(12)
    assert stage.repair(down, 49, 51, 53, 50 + 0x8000) == []


def test_what_is_missed_from_before_a_hold_or_a_switch_is_found_for_a_while(stage: Stage) -> None:
    low, high = stage.stream("video", 100), stage.stream("video", 200)
    down = stage.down(low, "video", first=0)
    packets = []
    for turn in range(limits.MAX_SEGMENTS + 2):
        stage.plane.aim(down, (low, high)[turn % 2])
        stage.now += SECOND
        packets += stage.key_frame(2 * turn, id=turn, ssrc=(100, 200)[turn % 2])
    assert numbers(packets) == list(range(limits.MAX_SEGMENTS + 2))
    assert stage.repair(down, *numbers(packets)) == packets[1:], "one current, and MAX_SEGMENTS of the past"


@pytest.mark.parametrize("kind", ["audio", "video"])
def test_what_is_kept_is_bounded_in_packets(stage: Stage, kind: str) -> None:
    sound = kind == "audio"
    bound = limits.AUDIO_CACHE_PACKETS if sound else limits.VIDEO_CACHE_PACKETS
    down = stage.down(stage.stream("audio" if sound else "video"), "audio" if sound else "video", first=0)
    for sequence in range(bound + 2):
        assert len(stage.sound(sequence) if sound else stage.key_frame(sequence)) == 1
    assert stage.repair(down, 0, 1) == []
    assert numbers(stage.repair(down, 2, bound + 1)) == [2, bound + 1]


@pytest.mark.parametrize("bound", [limits.AUDIO_CACHE_BYTES, limits.VIDEO_CACHE_BYTES])
def test_what_is_kept_is_bounded_in_bytes(stage: Stage, bound: int) -> None:
    sound, size = bound == limits.AUDIO_CACHE_BYTES, 1024
    stream = stage.stream("audio" if sound else "video", sealed=False)
    down = stage.down(stream, "audio" if sound else "video", first=0)
    for sequence in range(bound // size + 1):
        packet = rtp(sequence, ssrc=100, payload=vp8(key=True).ljust(size - 24, b"x"), padding=24)
        assert len(stage.give(packet)) == 1
    assert numbers(stage.repair(down, 0, 1, bound // size)) == [1, bound // size], "padding takes room too"


def test_a_receiver_cannot_make_us_send_without_end(stage: Stage) -> None:
    down = stage.down(stage.stream(), first=50)
    stage.sound(10)
    assert len(stage.repair(down, *[50] * 1000)) == limits.RESEND_BURST
    stage.now += SECOND // 10
    assert len(stage.repair(down, *[50] * 1000)) == limits.RESENDS_PER_SECOND / 10
    stage.now += 100 * SECOND
    assert len(stage.repair(down, *[51, *[50] * 1000])) == limits.RESEND_BURST


# --- padding that measures -------------------------------------------------------------------------------------------


def test_a_probe_is_padding_in_the_repair_stream(stage: Stage) -> None:
    down = stage.down(stage.stream("video"), "video", rtx=901, distance=100, wide=True)
    stage.key_frame(1, 5000)
    stage.repair(down, 1000)
    outs = stage.plane.probe(down, 2, stage.now)
    assert [out.rest for out in outs] == [bytes(254) + b"\xff"] * 2
    probes = [Seen(down - 1, 255, False, SEEN_RTX, number, 5100, 901, number, b"") for number in (2, 3)]
    again = stage.plane.probe(down, 1, stage.now)
    assert [out.head[20:] for out in outs + again] == [b""] * 3
    assert [seen(out) for out in outs] == probes
    assert seen(again[0]).sequence == 4
    assert stage.count("sent") == [5]


def test_without_rtx_there_is_no_probe(stage: Stage) -> None:
    down = stage.down(stage.stream(), wide=True)
    stage.sound(1)
    assert stage.plane.probe(down, 5, stage.now) == []


# --- transport-wide numbers ------------------------------------------------------------------------------------------


def test_transport_wide_numbers_count_all_that_leaves_by_a_transport(plane: Plane) -> None:
    stage = Stage(plane)
    picture, voice = stage.stream("video"), stage.stream(ssrc=200)
    one = stage.down(picture, "video", ssrc=900, rtx=901, wide=True)
    transport = one - 1
    stage.down(voice, ssrc=910, rtx=911, wide=True, transport=transport)
    stage.down(voice, ssrc=920, transport=transport)
    packets = stage.key_frame(1) + stage.sound(1, ssrc=200)
    stage.now += MS
    packets += stage.repair(one, 1000) + stage.frame(2)
    assert [packet.wide for packet in packets] == [0, 1, None, 2, 3]
    assert {packet.transport for packet in packets} == {transport}
    sizes = [20 + len(packet.payload) for packet in packets if packet.wide is not None]
    assert plane.departed(transport) == Departed(sum(sizes), stage.now - MS, stage.now)
    assert plane.departed(transport) is None
    outcome = plane.answered(transport, write_feedback(0, 0, [4, None, 8, 12]))
    assert (outcome.came, outcome.octets, outcome.lost) == (3, sum(sizes) - sizes[1], 1)
    assert (outcome.sent, outcome.first, outcome.last) == (stage.now / 1e6, 1.0, 3.0)


def test_transport_wide_numbers_wrap(plane: Plane) -> None:
    stage = Stage(plane)
    down = stage.down(stage.stream("video"), "video", rtx=901, wide=True)
    stage.key_frame(1)
    plane.probe(down, 0x10000, 0)
    outcome = plane.answered(down - 1, write_feedback(0xFFFE, 0, [1, 2, 3, 4]))
    assert (outcome.came, outcome.lost) == (3, 0), "0 is the newest, 1 is long gone"


def test_what_was_sent_is_remembered_for_the_newest_packets(plane: Plane) -> None:
    stage = Stage(plane)
    down = stage.down(stage.stream("video"), "video", rtx=901, wide=True)
    stage.key_frame(1)
    plane.probe(down, 2 * SENT_KEPT - 1, 0)
    assert plane.answered(down - 1, write_feedback(0, 0, range(SENT_KEPT))).came == 0
    assert plane.answered(down - 1, write_feedback(SENT_KEPT, 0, range(SENT_KEPT))).came == SENT_KEPT


def test_feedback_that_cannot_be_read_is_a_fault_and_changes_nothing(plane: Plane) -> None:
    stage = Stage(plane)
    down = stage.down(stage.stream("video"), "video", rtx=901, wide=True)
    stage.key_frame(1)
    whole = write_feedback(0, 0, [1])
    too_many = b"\0\0\x10\1" + whole[4:8] + b"\x1f\xff"
    reserved = b"\0\0\0\1" + whole[4:8] + b"\x60\1\0\0"
    for broken in (b"", whole[:7], whole[:-1], too_many, reserved):
        with pytest.raises(MediaFault):
            plane.answered(down - 1, broken)
    assert plane.answered(down - 1, whole).came == 1
    assert plane.answered(down - 1, whole) == NOTHING_NEW


@pytest.mark.parametrize("leap", [1, 3, 511, 2048, 2049])
def test_feedback_stays_small_however_a_sender_numbers_its_packets(plane: Plane, leap: int) -> None:
    plane.add_transport(1)
    plane.set_extensions(1, Extensions(transport_sequence=WIDE))
    told = []
    for index in range(5000):
        wide = block((WIDE, (index * leap & 0xFFFF).to_bytes(2, "big")))
        plane.receive(1, rtp(index, ssrc=999, block=wide, payload=b"x"), index * MS)
        told += plane.feedback(1) if index % 1000 == 999 else []
    assert told
    assert max(len(fci) for fci in told) <= 1200 - 12
    assert sum(len(read_feedback(fci).arrivals) for fci in told) <= 5 * MAX_FEEDBACK_PACKETS


def test_a_down_without_the_extension_has_no_departures(plane: Plane) -> None:
    stage = Stage(plane)
    transport = stage.down(stage.stream()) - 1
    (packet,) = stage.sound(1)
    assert packet.wide is None
    assert plane.departed(transport) is None
    assert plane.answered(transport, write_feedback(0, 0, [1])) == NOTHING_NEW


def test_format_has_room_for_every_one_byte_id(plane: Plane) -> None:
    stage = Stage(plane)
    stream = stage.stream()
    plane.add_transport(50)
    plane.add_down(51, DownFormat(50, 900, "audio", 0, 0, 48_000, (901, 97), 14))
    plane.aim(51, stream)
    (out,) = plane.receive(1, rtp(1, ssrc=100, payload=SEALED_SOUND), 0)
    assert out.head[12:] == bytes.fromhex("bede0001e1000000")
    assert WIDE != 14


# --- up: missing -----------------------------------------------------------------------------------------------------


def asked(stage: Stage, after: int) -> list[int]:
    """16-bit numbers asked for at `after` nanoseconds from now, of the one stream."""
    stage.now += after
    return [number for _, numbers in stage.plane.missing(stage.now) for number in numbers]


def test_a_gap_is_told_once_and_asked_for_after_a_moment(stage: Stage) -> None:
    stream = stage.stream()
    stage.sound(10)
    assert not stage.plane.lacks()
    stage.sound(13)
    assert stage.plane.lacks()
    assert stage.events() == [Event("lacking", stream)]
    assert asked(stage, limits.LACK_PATIENCE - 1) == []
    stage.sound(15)
    assert stage.events() == [], "there was something before"
    assert stage.plane.missing(stage.now + 1) == [(stream, (11, 12))]
    assert stage.plane.missing(stage.now + limits.LACK_PATIENCE) == [(stream, (14,))]


def test_what_has_come_is_not_asked_for(stage: Stage) -> None:
    stage.stream(rtx=101)
    stage.sound(10), stage.sound(13), stage.sound(11)
    stage.give(rtp(1, ssrc=101, payload=b"\0\x0c" + SEALED_SOUND, payload_type=SENT_RTX))
    assert not stage.plane.lacks()
    stage.sound(15)
    assert [event.name for event in stage.events()] == ["lacking", "lacking"]


def test_padding_fills_a_gap_and_makes_one(stage: Stage) -> None:
    stage.stream()
    stage.sound(10), stage.sound(12), stage.pad(11)
    assert not stage.plane.lacks()
    stage.pad(14)
    assert asked(stage, limits.LACK_PATIENCE) == [13]


def test_one_packet_is_asked_for_again_after_a_while_and_only_so_often(stage: Stage) -> None:
    stage.stream()
    stage.sound(0xFFFF), stage.sound(1)
    assert asked(stage, limits.LACK_PATIENCE) == [0]
    for _ in range(limits.MAX_ASKS - 1):
        assert asked(stage, limits.LACK_AGAIN - 1) == []
        assert asked(stage, 1) == [0]
    for _ in range(20):
        assert asked(stage, limits.LACK_AGAIN) == []
    assert not stage.plane.lacks(), "it is older than LACK_AGE"


def test_nobody_asks_for_what_is_too_old(stage: Stage) -> None:
    stage.stream()
    stage.sound(10), stage.sound(12)
    assert asked(stage, limits.LACK_AGE) == []
    assert not stage.plane.lacks()


def test_a_jump_is_a_new_beginning_and_no_loss(stage: Stage) -> None:
    stage.stream()
    stage.sound(10), stage.sound(12)
    stage.sound(12 + limits.MAX_ASKED + 2)
    assert not stage.plane.lacks()
    stage.sound(12 + 2 * limits.MAX_ASKED + 3)
    assert len(asked(stage, limits.LACK_PATIENCE)) == limits.MAX_ASKED


def test_what_is_missing_is_bounded_to_the_newest(stage: Stage) -> None:
    stage.stream()
    for sequence in range(0, 4 * limits.MAX_ASKED, 2):
        stage.sound(sequence)
    newest = 4 * limits.MAX_ASKED - 3
    assert asked(stage, limits.LACK_PATIENCE) == list(range(newest - 2 * limits.MAX_ASKED + 2, newest + 1, 2))


def test_a_stream_without_nack_misses_nothing(stage: Stage) -> None:
    stage.stream(nack=False)
    stage.sound(10), stage.sound(13)
    assert not stage.plane.lacks()
    assert asked(stage, SECOND // 2) == []


def test_streams_miss_each_their_own(stage: Stage) -> None:
    one, other = stage.stream(ssrc=100), stage.stream(ssrc=200)
    for ssrc in (100, 200):
        stage.sound(10, ssrc=ssrc), stage.sound(12 + ssrc // 100, ssrc=ssrc)
    wanted = sorted(stage.plane.missing(stage.now + limits.LACK_PATIENCE))
    assert wanted == [(one, (11, 12)), (other, (11, 12, 13))]
