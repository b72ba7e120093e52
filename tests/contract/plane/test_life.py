"""What is there and what is gone: removal in any state, numbers that are not there, counts of streams, bounds."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from media import limits
from media.faults import MediaFault
from media.plane.interface import DownFormat, Event, Extensions, Plane, Received, StreamFormat
from tests.fakes.planes import SEALED_SOUND, SEEN_TYPE, SENT_RTX, SENT_TYPE, Stage, block, rtp
from tests.fakes.waiting import there

FORMAT = StreamFormat("audio", 100, {SENT_TYPE: SEEN_TYPE}, 48_000, (101, SENT_RTX))
DOWN = DownFormat(9, 900, "audio", 0, 0, 48_000)
NOT_THERE: dict[str, Callable[[Plane], object]] = {
    "set_extensions": lambda plane: plane.set_extensions(9, Extensions()),
    "add_stream": lambda plane: plane.add_stream(2, 9, FORMAT),
    "set_rtx": lambda plane: plane.set_rtx(9, (1, 2)),
    "set_stream": lambda plane: plane.set_stream(9, forwarded=True, sealed=True),
    "set_clock": lambda plane: plane.set_clock(9, 1, 2),
    "add_down": lambda plane: plane.add_down(2, DOWN),
    "aim": lambda plane: plane.aim(9, None),
    "receive": lambda plane: plane.receive(9, rtp(1, ssrc=100, payload=SEALED_SOUND), 0),
    "repair": lambda plane: plane.repair(9, [1], 0),
    "probe": lambda plane: plane.probe(9, 1, 0),
    "flowing": lambda plane: plane.flowing(9),
    "received": lambda plane: plane.received(9),
    "sent": lambda plane: plane.sent(9, 9, 0),
    "feedback": lambda plane: plane.feedback(9),
    "departed": lambda plane: plane.departed(9),
    "answered": lambda plane: plane.answered(9, bytes(8)),
}


@pytest.mark.parametrize("name", NOT_THERE)
def test_a_number_that_is_not_there_is_a_key_error(plane: Plane, name: str) -> None:
    with pytest.raises(KeyError):
        NOT_THERE[name](plane)
    assert plane.counts()["received"] == 0


def test_removing_what_is_not_there_does_nothing(plane: Plane) -> None:
    plane.remove_transport(9)
    plane.remove_stream(9)
    plane.remove_down(9)


def test_aiming_at_what_is_not_there_changes_nothing(stage: Stage) -> None:
    stream = stage.stream()
    down = stage.down(stream)
    stage.sound(1)
    with pytest.raises(KeyError):
        stage.plane.aim(down, 999, at_once=True)
    assert stage.plane.flowing(down) == stream


def test_sent_of_a_stream_that_is_not_there_is_a_key_error(stage: Stage) -> None:
    down = stage.down()
    with pytest.raises(KeyError):
        stage.plane.sent(down, 999, 0)


# --- SSRCs -----------------------------------------------------------------------------------------------------------

TAKEN = {"media": (100, None), "media by repairs": (101, None), "repairs": (7, 101), "repairs by media": (7, 100)}


@pytest.mark.parametrize("name", TAKEN)
def test_an_ssrc_that_is_taken_on_a_transport_is_refused_there_only(plane: Plane, name: str) -> None:
    ssrc, rtx = TAKEN[name]
    format = FORMAT._replace(ssrc=ssrc, rtx=None if rtx is None else (rtx, SENT_RTX))
    plane.add_transport(1)
    plane.add_transport(2)
    plane.add_stream(10, 1, FORMAT)
    with pytest.raises(ValueError, match=r".+"):
        plane.add_stream(11, 1, format)
    with pytest.raises(KeyError):
        plane.received(11)
    plane.add_stream(12, 2, format)
    plane.remove_stream(10)
    plane.add_stream(13, 1, format)


def test_a_stream_is_not_its_own_repair(plane: Plane) -> None:
    plane.add_transport(1)
    with pytest.raises(ValueError, match=r".+"):
        plane.add_stream(10, 1, FORMAT._replace(rtx=(100, SENT_RTX)))


def test_a_repair_stream_can_be_named_later(stage: Stage) -> None:
    stage.stream(ssrc=300)
    stream = stage.stream()
    stage.down(stream)
    for taken in (100, 300):
        with pytest.raises(ValueError, match=r".+"):
            stage.plane.set_rtx(stream, (taken, SENT_RTX))
    repair = rtp(1, ssrc=101, payload=b"\0\x0b" + SEALED_SOUND, payload_type=SENT_RTX)
    assert stage.give(repair) == []
    stage.plane.set_rtx(stream, (101, SENT_RTX))
    assert len(stage.give(repair)) == 1
    stage.plane.remove_stream(stream)
    assert stage.give(repair) == []


def test_a_repair_stream_that_is_named_anew_is_no_longer_known_by_its_old_name(stage: Stage) -> None:
    stream = stage.stream(rtx=101)
    stage.plane.set_rtx(stream, (102, SENT_RTX))
    assert stage.give(rtp(1, ssrc=101, payload=b"\0\x0b" + SEALED_SOUND, payload_type=SENT_RTX)) == []
    assert stage.count("unknown") == [1]
    stage.stream(ssrc=101)


# --- removal ---------------------------------------------------------------------------------------------------------


def test_after_a_stream_was_removed_nothing_of_it_passes(stage: Stage) -> None:
    stream = stage.stream(rtx=101)
    down = stage.down(stream)
    stage.plane.set_extensions(1, Extensions(level=4))
    stage.sound(1)
    stage.give(rtp(3, ssrc=100, payload=SEALED_SOUND, block=block((4, b"\x80"))))
    stage.plane.remove_stream(stream)
    assert stage.plane.flowing(down) is None
    assert stage.sound(4) == []
    assert stage.repair(down, 1000) == []
    assert (stage.plane.levels(), stage.plane.lacks(), stage.plane.missing(stage.now)) == ([], False, [])
    with pytest.raises(KeyError):
        stage.plane.received(stream)


def test_downs_that_flow_from_or_aim_at_a_removed_stream_are_held(stage: Stage) -> None:
    low, high = stage.stream("video", 100), stage.stream("video", 200)
    waits, changes, goes = (stage.down(low, "video", ssrc=900 + index) for index in range(3))
    stage.plane.aim(waits, high)
    stage.key_frame(1, ssrc=100)
    stage.plane.aim(changes, high)
    stage.plane.remove_stream(high)
    assert [stage.plane.flowing(down) for down in (waits, changes, goes)] == [None, None, low]
    assert [packet.ssrc for packet in stage.key_frame(2, ssrc=100)] == [902]


def test_numbers_go_on_after_the_stream_was_removed_and_another_came(stage: Stage) -> None:
    down = stage.down(stage.stream(), first=50)
    packets = stage.sound(10) + stage.sound(11)
    stage.plane.remove_stream(down - 2)
    stage.plane.aim(down, stage.stream())
    packets += stage.sound(4000)
    assert [packet.sequence for packet in packets] == [50, 51, 52]


@pytest.mark.parametrize("state", ["held", "waiting", "flowing", "flowing and waiting"])
@pytest.mark.parametrize("what", ["down", "its transport", "the sender's transport", "stream", "other stream"])
def test_removal_in_any_state_leaves_a_plane_that_works(stage: Stage, state: str, what: str) -> None:
    low, high = stage.stream("video", 100), stage.stream("video", 200)
    other = stage.down(low, "video", ssrc=901)
    down = stage.down(None if state == "held" else low, "video")
    if state.startswith("flowing"):
        stage.key_frame(1, ssrc=100)
    if state.endswith("and waiting"):
        stage.plane.aim(down, high)
    plane = stage.plane
    {
        "down": lambda: plane.remove_down(down),
        "its transport": lambda: plane.remove_transport(down - 1),
        "the sender's transport": lambda: plane.remove_transport(1),
        "stream": lambda: plane.remove_stream(low),
        "other stream": lambda: plane.remove_stream(high),
    }[what]()
    if what == "the sender's transport":
        with pytest.raises(KeyError):
            stage.key_frame(9, ssrc=100)
        return
    outs = stage.key_frame(9, ssrc=100) + stage.key_frame(9, ssrc=200)
    if "down" in what or "its" in what:
        assert 900 not in [packet.ssrc for packet in outs]
        with pytest.raises(KeyError):
            plane.flowing(down)
    if what != "stream":
        assert 901 in [packet.ssrc for packet in outs]
        assert plane.flowing(other) == low


def test_a_transport_takes_its_streams_and_downs_along(stage: Stage) -> None:
    stream = stage.stream()
    down = stage.down(stream, transport=1)
    stage.plane.remove_transport(1)
    for gone in (lambda: stage.plane.received(stream), lambda: stage.plane.flowing(down)):
        with pytest.raises(KeyError):
            gone()


# --- received --------------------------------------------------------------------------------------------------------


def test_received_counts_from_one_cycle_up_and_without_padding(stage: Stage) -> None:
    stream = stage.stream(rtx=101)
    assert stage.plane.received(stream) is None
    for sequence in (0xFFFE, 0xFFFF, 0, 3, 0):
        stage.give(rtp(sequence, ssrc=100, payload=SEALED_SOUND, padding=9))
    stage.give(rtp(1, ssrc=101, payload=b"\0\1" + SEALED_SOUND, payload_type=SENT_RTX))
    assert stage.plane.received(stream) == Received(5, 5 * len(SEALED_SOUND), 0x1FFFE, 0x20003, 0)


def test_a_packet_from_before_the_first_has_a_number_too(stage: Stage) -> None:
    stream = stage.stream()
    assert len(stage.sound(0) + stage.sound(0xFFFF)) == 0
    received = there(stage.plane.received(stream))
    assert (received.packets, received.first, received.highest) == (2, 0x10000, 0x10000)


def test_jitter_is_small_for_an_even_pace_and_grows_with_unevenness(stage: Stage) -> None:
    """RFC 3550 A.8 at 48 kHz: packets of 20 ms that come by turns 10 ms late have about 480 ticks."""
    even, uneven = stage.stream(ssrc=100), stage.stream(ssrc=200)
    start = stage.now
    for step in range(200):
        stage.now = start + step * 20_000_000
        stage.sound(step, 0xFFFFF000 + 960 * step, ssrc=100)
        stage.now += 10_000_000 * (step % 2)
        stage.sound(step, 960 * step, ssrc=200)
    assert there(stage.plane.received(even)).jitter <= 1
    assert 300 < there(stage.plane.received(uneven)).jitter < 500


def test_jitter_takes_in_a_sixteenth_of_each_difference(stage: Stage) -> None:
    stream = stage.stream()
    stage.sound(1, 0)
    stage.now += 20_000_000
    stage.sound(2, 960 - 480)
    assert there(stage.plane.received(stream)).jitter == 480 // 16


def test_repairs_say_nothing_about_jitter(stage: Stage) -> None:
    stream = stage.stream(rtx=101)
    stage.sound(1, 0)
    for step in range(2, 100):
        stage.now += 500_000_000
        original = step.to_bytes(2, "big") + SEALED_SOUND
        stage.give(rtp(step, 960 * step, ssrc=101, payload=original, payload_type=SENT_RTX))
    assert there(stage.plane.received(stream)).jitter == 0


# --- events and counts -----------------------------------------------------------------------------------------------


def test_events_are_bounded_and_what_is_beyond_is_counted(stage: Stage) -> None:
    for sequence in range(limits.MAX_PLANE_EVENTS + 7):
        stage.sound(sequence, ssrc=0xDEAD)
    assert len(stage.events()) == limits.MAX_PLANE_EVENTS
    assert stage.count("events") == [7]
    stage.sound(9, ssrc=0xDEAD)
    assert len(stage.events()) == 1, "there is room again"


def test_events_come_in_the_order_of_the_rules(stage: Stage) -> None:
    stream = stage.stream("video")
    stage.frame(1)
    down = stage.down(stream, "video")
    stage.key_frame(3)
    assert stage.events() == [Event("lacking", stream), Event("key_frame", stream), Event("switched", down, stream)]


def test_counts_name_all_that_can_happen(stage: Stage) -> None:
    stream = stage.stream()
    for index in range(3):
        stage.down(stream, ssrc=900 + index)
    stage.sound(1), stage.sound(1), stage.pad(2), stage.sound(3, ssrc=4)
    with pytest.raises(MediaFault):
        stage.give(b"")
    assert stage.plane.counts() == {
        "received": 5,
        "sent": 3,
        "not_sealed": 0,
        "malformed": 1,
        "unknown": 1,
        "format": 0,
        "stale": 1,
        "padding": 1,
        "events": 0,
    }
