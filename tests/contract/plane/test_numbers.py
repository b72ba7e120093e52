"""What leaves: numbers without gap or repeat, headers of the receiver's own, and who flows from what."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from media.faults import NotSealed
from media.messages import Kind
from media.plane.interface import Event, Plane, Sent
from tests.fakes.planes import (
    IMPLEMENTATIONS,
    SEALED_SOUND,
    SECOND,
    SEEN_TYPE,
    SENT_RTX,
    SENT_TYPE,
    Seen,
    Stage,
    numbers,
    rtp,
    vp8,
)

# --- the header ------------------------------------------------------------------------------------------------------


def test_a_receiver_gets_its_own_ssrc_numbers_timestamps_and_payload_type(stage: Stage) -> None:
    down = stage.down(stage.stream(), ssrc=4321, first=0xFFFF, distance=0xFFFFFFFF)
    transport = down - 1
    packets = stage.sound(10, 0) + stage.sound(11, 960)
    assert packets == [
        Seen(transport, 0, True, SEEN_TYPE, 0xFFFF, 0xFFFFFFFF, 4321, None, SEALED_SOUND),
        Seen(transport, 0, False, SEEN_TYPE, 0, 959, 4321, None, SEALED_SOUND),
    ]


def test_one_payload_is_one_object_for_all_who_get_the_same(plane: Plane) -> None:
    stage = Stage(plane)
    stream = stage.stream("video")
    for index in range(3):
        stage.down(stream, "video", ssrc=900 + index)
    outs = plane.receive(1, rtp(1, ssrc=100, payload=vp8(key=True, id=7)), 0)
    assert len({out.rest for out in outs}) == 1
    assert len({out.head for out in outs}) == 3


def test_marker_of_a_picture_and_of_sound_within_a_talkspurt_stay_as_they_came(stage: Stage) -> None:
    stage.down(stage.stream("video"), "video")
    (first,) = stage.give(rtp(1, ssrc=100, payload=vp8(key=True), marker=False))
    (last,) = stage.give(rtp(2, ssrc=100, payload=vp8(begin=False), marker=True))
    assert (first.marker, last.marker) == (False, True)


def test_sound_begins_each_talkspurt_with_the_marker_and_repeats_it_the_same(stage: Stage) -> None:
    """RFC 3551 section 4.1. A receiver's jitter buffer may adapt there."""
    stream = stage.stream()
    down = stage.down(stream, first=50)
    packets = stage.sound(10) + stage.sound(11) + stage.pad(12) + stage.sound(13)
    stage.plane.aim(down, None)
    stage.plane.aim(down, stream)
    packets += stage.sound(14) + stage.sound(15)
    assert [packet.marker for packet in packets] == [True, False, False, True, False]
    assert [packet.marker for packet in stage.repair(down, *numbers(packets))] == [True, False, False, True, False]


# --- held, waiting, flowing ------------------------------------------------------------------------------------------


def test_a_down_that_was_added_gets_nothing_before_it_is_aimed(stage: Stage) -> None:
    stream = stage.stream()
    down = stage.down()
    assert stage.sound(1) == []
    stage.plane.aim(down, stream)
    assert stage.plane.flowing(down) is None
    assert len(stage.sound(2)) == 1
    assert stage.plane.flowing(down) == stream
    assert stage.events() == [Event("switched", down, stream)]


def test_a_picture_flows_from_the_first_packet_of_a_key_frame_on(stage: Stage) -> None:
    stream = stage.stream("video")
    down = stage.down(stream, "video")
    assert stage.frame(1) + stage.give(rtp(2, ssrc=100, payload=vp8(begin=False))) == []
    assert stage.plane.flowing(down) is None
    assert numbers(stage.key_frame(3) + stage.frame(4)) == [1000, 1001]
    assert stage.events() == [Event("key_frame", stream), Event("switched", down, stream)]


def test_a_picture_goes_on_with_its_layer_until_a_key_frame_of_the_other(stage: Stage) -> None:
    low, high = stage.stream("video", 100), stage.stream("video", 200)
    down = stage.down(low, "video")
    packets = stage.key_frame(1, ssrc=100)
    stage.plane.aim(down, high)
    packets += stage.frame(1, ssrc=200) + stage.frame(2, ssrc=100)
    assert stage.plane.flowing(down) == low
    packets += stage.key_frame(2, ssrc=200) + stage.frame(3, ssrc=100) + stage.frame(3, ssrc=200)
    assert stage.plane.flowing(down) == high
    assert numbers(packets) == [1000, 1001, 1002, 1003]


def test_at_once_holds_until_the_key_frame(stage: Stage) -> None:
    low, high = stage.stream("video", 100), stage.stream("video", 200)
    down = stage.down(low, "video")
    stage.key_frame(1, ssrc=100)
    stage.plane.aim(down, high, at_once=True)
    assert stage.plane.flowing(down) is None
    assert stage.frame(2, ssrc=100) == []
    assert numbers(stage.key_frame(1, ssrc=200)) == [1001]


def test_sound_goes_over_with_the_next_packet(stage: Stage) -> None:
    one, other = stage.stream(ssrc=100), stage.stream(ssrc=200)
    down = stage.down(one)
    packets = stage.sound(1, ssrc=100)
    stage.plane.aim(down, other)
    packets += stage.sound(2, ssrc=100) + stage.sound(70, ssrc=200) + stage.sound(3, ssrc=100)
    assert numbers(packets) == [1000, 1001, 1002]
    assert stage.plane.flowing(down) == other


def test_a_wish_for_another_stream_is_forgotten_by_aiming_at_the_one_that_flows(stage: Stage) -> None:
    low, high = stage.stream("video", 100), stage.stream("video", 200)
    down = stage.down(low, "video")
    stage.key_frame(1, ssrc=100)
    stage.plane.aim(down, high)
    stage.plane.aim(down, low, at_once=True)
    assert stage.key_frame(1, ssrc=200) == []
    assert numbers(stage.frame(2, ssrc=100)) == [1001], "goes on; no key frame was needed"


def test_the_last_wish_counts(stage: Stage) -> None:
    streams = [stage.stream("video", ssrc) for ssrc in (100, 200, 300)]
    down = stage.down(streams[0], "video")
    stage.plane.aim(down, streams[1])
    stage.plane.aim(down, streams[2])
    assert stage.key_frame(1, ssrc=100) + stage.key_frame(1, ssrc=200) == []
    assert len(stage.key_frame(1, ssrc=300)) == 1


def test_aiming_at_nothing_holds_at_once_and_forgets_the_wish(stage: Stage) -> None:
    low, high = stage.stream("video", 100), stage.stream("video", 200)
    down = stage.down(low, "video")
    stage.key_frame(1, ssrc=100)
    stage.plane.aim(down, high)
    stage.plane.aim(down, None)
    assert stage.plane.flowing(down) is None
    assert stage.frame(2, ssrc=100) + stage.key_frame(1, ssrc=200) == []


# --- numbers ---------------------------------------------------------------------------------------------------------


def test_a_loss_stays_a_gap_and_a_late_packet_fills_it(stage: Stage) -> None:
    stage.down(stage.stream(), first=100)
    assert numbers(stage.sound(0) + stage.sound(1) + stage.sound(4) + stage.sound(2)) == [100, 101, 104, 102]


def test_a_hold_leaves_no_gap(stage: Stage) -> None:
    stream = stage.stream()
    down = stage.down(stream, first=17)
    packets, sequence = [], 0
    for held in (1, 2000, 7, 30_000, 1):
        packets += stage.sound(sequence, sequence * 960) + stage.sound(sequence + 1, sequence * 960 + 960)
        stage.plane.aim(down, None)
        assert stage.sound(sequence + 2) == []
        stage.plane.aim(down, stream)
        sequence += 2 + held
    assert numbers(packets) == list(range(17, 27))


def test_a_packet_from_before_the_switch_is_not_sent_after_it(stage: Stage) -> None:
    stream = stage.stream("video")
    down = stage.down(stream, "video", first=17)
    packets = stage.key_frame(1) + stage.frame(2)
    stage.plane.aim(down, None)
    stage.plane.aim(down, stream)
    packets += stage.key_frame(9) + stage.frame(8) + stage.frame(10)
    assert numbers(packets) == [17, 18, 19, 20]


def test_numbers_go_on_without_a_gap_where_both_sides_wrap(stage: Stage) -> None:
    stage.down(stage.stream(), first=0xFFF0)
    packets = [packet for sequence in range(0xFFFA, 0x1000A) for packet in stage.sound(sequence)]
    assert numbers(packets) == [0xFFF0 + index & 0xFFFF for index in range(16)]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.integers(0, 2), st.integers(-30, 60)),
        st.tuples(st.just("key"), st.integers(0, 2), st.integers(-3, 3)),
        st.tuples(st.just("pad"), st.integers(0, 2), st.integers(-3, 3)),
        st.tuples(st.just("rtx"), st.integers(0, 2), st.integers(-30, 3)),
        st.tuples(st.sampled_from(["aim", "at once"]), st.integers(0, 2), st.just(0)),
        st.tuples(st.just("hold"), st.just(0), st.just(0)),
        st.tuples(st.just("repair"), st.just(0), st.integers(-40, 3)),
    ),
    max_size=120,
)


@pytest.mark.parametrize("name", IMPLEMENTATIONS)
@pytest.mark.parametrize("kind", ["audio", "video"])
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=STEPS, first=st.integers(0, 0xFFFF), start=st.integers(0, 0xFFFF))
def test_no_two_packets_ever_leave_under_one_number(
    name: str, kind: Kind, steps: list[tuple[str, int, int]], first: int, start: int
) -> None:
    """Over switches, holds, padding, loss, repeats and repair: one nonce would serve two plaintexts otherwise."""
    stage = Stage(IMPLEMENTATIONS[name]())
    layers = [stage.stream(kind, 100 * (1 + layer), rtx=100 * (1 + layer) + 1, sealed=False) for layer in range(3)]
    down = stage.down(layers[0], kind, first=first)
    newest = [start, start, start]
    sent: dict[int, Seen] = {}
    last = first
    for serial, (step, layer, by) in enumerate(steps):
        stage.now += 10_000_000
        number, ssrc = newest[layer] + by, 100 * (1 + layer)
        packet = rtp(number, number * 50, ssrc=ssrc, payload=vp8(key=step == "key", id=serial) + bytes([serial]))
        if step in ("send", "key"):
            out = stage.give(packet)
        elif step == "pad":
            out = stage.pad(number, ssrc=ssrc)
        elif step == "rtx":
            original = (number & 0xFFFF).to_bytes(2, "big") + packet[12:]
            out = stage.give(rtp(serial, number * 50, ssrc=ssrc + 1, payload=original, payload_type=SENT_RTX))
        elif step == "repair":
            out = stage.repair(down, last + by & 0xFFFF)
        else:
            stage.plane.aim(down, None if step == "hold" else layers[layer], at_once=step == "at once")
            continue
        newest[layer] = max(newest[layer], number)
        for found in out:
            assert sent.setdefault(found.sequence, found) == found
            last = found.sequence


# --- reports and clocks ----------------------------------------------------------------------------------------------


def test_what_was_sent_is_counted_with_repairs_and_without_padding(stage: Stage) -> None:
    stream, other = stage.stream(), stage.stream(ssrc=200)
    down = stage.down(stream, first=50, distance=7)
    assert stage.plane.sent(down, stream, 1) is None
    stage.sound(10)
    stage.give(rtp(11, ssrc=100, payload=SEALED_SOUND, padding=100))
    stage.repair(down, 51)
    assert stage.plane.sent(down, stream, 0xFFFFFFFF) == Sent(6, 3, 3 * len(SEALED_SOUND))
    assert stage.plane.sent(down, other, 1) is None
    stage.plane.aim(down, None)
    assert stage.plane.sent(down, stream, 1) is None


def test_a_hold_keeps_the_senders_pace(stage: Stage) -> None:
    """Lip sync holds: sound and picture of one sender keep the distance they had."""
    stream = stage.stream()
    down = stage.down(stream, distance=1000)
    packets = stage.sound(1, 0)
    stage.plane.aim(down, None)
    stage.plane.aim(down, stream)
    stage.now += SECOND
    packets += stage.sound(500, 499 * 960)
    assert [packet.timestamp for packet in packets] == [1000, 1000 + 499 * 960]


NTP_SECOND = 1 << 32


def switched(stage: Stage, high_timestamp: int, after: int = SECOND) -> tuple[int, int]:
    """Timestamps of the last packet of the layer before, and of the first of the next."""
    low, high = stage.stream("video", 100), stage.stream("video", 200)
    down = stage.down(low, "video", distance=5_000)
    (old,) = stage.key_frame(1, 90_000, ssrc=100)
    stage.plane.set_clock(low, 1000 * NTP_SECOND, 90_000)
    stage.plane.set_clock(high, 1002 * NTP_SECOND, 3_000_000_000)
    stage.plane.aim(down, high)
    stage.now += after
    (new,) = stage.key_frame(1, high_timestamp, ssrc=200)
    return old.timestamp, new.timestamp


def test_a_switch_maps_the_clock_of_the_new_layer_to_the_old_one(stage: Stage) -> None:
    """The new one's frame is of 0.9 s after the old one's, by both clocks, though it took 1 s to come."""
    old, new = switched(stage, 3_000_000_000 - 2 * 90_000 + 81_000)
    assert new - old == 81_000


def test_clocks_that_lead_more_than_a_second_away_are_not_believed(stage: Stage) -> None:
    old, new = switched(stage, 3_000_000_000 + 90_000)
    assert new - old == 90_000, "by when they came"


def test_a_second_apart_is_still_believed(stage: Stage) -> None:
    old, new = switched(stage, 3_000_000_000)
    assert new - old == 180_000


def test_without_clocks_a_switch_goes_by_when_packets_came(stage: Stage) -> None:
    low, high = stage.stream("video", 100), stage.stream("video", 200)
    down = stage.down(low, "video", distance=5_000)
    (old,) = stage.key_frame(1, 0xFFFFFFFF - 100, ssrc=100)
    stage.plane.set_clock(high, NTP_SECOND, 0)
    stage.plane.aim(down, high)
    stage.now += SECOND // 3
    (new,) = stage.key_frame(1, 12, ssrc=200)
    assert new.timestamp - old.timestamp & 0xFFFFFFFF == 30_000 - 1
    (after,) = stage.frame(2, 3012, ssrc=200)
    assert after.timestamp - new.timestamp == 3000


@pytest.mark.parametrize("high_timestamp", [3_000_000_000 - 2 * 90_000, 3_000_000_000 - 2 * 90_000 - 9_000])
def test_time_never_stands_still_or_goes_back_at_a_switch(stage: Stage, high_timestamp: int) -> None:
    old, new = switched(stage, high_timestamp, after=1_000_000)
    assert new - old == 1


def test_a_late_packet_does_not_turn_the_highest_time_back(stage: Stage) -> None:
    low, high = stage.stream("video", 100), stage.stream("video", 200)
    down = stage.down(low, "video")
    stage.key_frame(1, 1000), stage.frame(3, 7000), stage.frame(2, 4000)
    stage.plane.aim(down, high)
    (new,) = stage.key_frame(1, 50, ssrc=200)
    assert new.timestamp == 7001


def test_a_clock_of_a_layer_that_has_ended_counts_no_more(stage: Stage) -> None:
    low, high = stage.stream("video", 100), stage.stream("video", 200)
    down = stage.down(low, "video")
    (old,) = stage.key_frame(1, 90_000, ssrc=100)
    stage.plane.set_clock(low, 1000 * NTP_SECOND, 90_000)
    stage.plane.set_clock(high, 1000 * NTP_SECOND, 90_000)
    stage.plane.remove_stream(low)
    stage.plane.aim(down, high)
    stage.now += SECOND // 10
    (new,) = stage.key_frame(1, 90_000 + 18_000, ssrc=200)
    assert new.timestamp - old.timestamp == 9_000, "by when they came"


# --- picture ids -----------------------------------------------------------------------------------------------------


def pictures(packets: list[Seen]) -> list[tuple[int | None, int | None]]:
    return [(packet.picture, packet.layer0) for packet in packets]


def test_picture_ids_stay_as_they_are_until_there_is_a_switch(stage: Stage) -> None:
    stage.down(stage.stream("video"), "video")
    packets = stage.key_frame(1, id=0x7FFF, layer0=255) + stage.frame(2, id=0, layer0=0) + stage.frame(3, id=7)
    assert pictures(packets) == [(0x7FFF, 255), (0, 0), (7, -1)]


@pytest.mark.parametrize(("wide", "top"), [(True, 0x7FFF), (False, 0x7F)])
def test_picture_ids_go_on_by_one_at_a_switch_in_the_senders_width(stage: Stage, wide: bool, top: int) -> None:
    low, high = stage.stream("video", 100), stage.stream("video", 200)
    down = stage.down(low, "video")

    def give(sequence: int, ssrc: int, id: int, layer0: int, key: bool = False) -> list[Seen]:
        return stage.give(
            rtp(sequence, sequence * 3000, ssrc=ssrc, payload=vp8(key=key, id=id, layer0=layer0, wide=wide))
        )

    packets = give(1, 100, top - 1, 254, key=True) + give(2, 100, top, 255)
    stage.plane.aim(down, high)
    packets += give(1, 200, 50, 9, key=True) + give(2, 200, 51, 9) + give(3, 200, 52, 10)
    stage.plane.aim(down, low)
    packets += give(9, 100, 3, 77, key=True)
    assert pictures(packets) == [(top - 1, 254), (top, 255), (0, 0), (1, 0), (2, 1), (3, 2)]
    assert [packet.payload[1:] for packet in stage.repair(down, *numbers(packets))] == [
        packet.payload[1:] for packet in packets
    ], "a repeat is the same bit for bit"


def test_a_hold_leaves_no_gap_in_picture_ids_either(stage: Stage) -> None:
    stream = stage.stream("video")
    down = stage.down(stream, "video")
    packets = stage.key_frame(1, id=100, layer0=1)
    stage.plane.aim(down, None)
    stage.plane.aim(down, stream)
    packets += stage.key_frame(50, 900, id=140, layer0=20) + stage.frame(51, 1800, id=141, layer0=21)
    assert pictures(packets) == [(100, 1), (101, 2), (102, 3)]


def test_a_late_picture_does_not_turn_the_highest_id_back(stage: Stage) -> None:
    low, high = stage.stream("video", 100), stage.stream("video", 200)
    down = stage.down(low, "video")
    stage.key_frame(1, id=10, layer0=4)
    stage.frame(3, id=12, layer0=6)
    stage.frame(2, id=11, layer0=5)
    stage.plane.aim(down, high)
    assert pictures(stage.key_frame(1, 9000, ssrc=200, id=500, layer0=99)) == [(13, 7)]


def test_ids_that_are_the_same_in_both_layers_are_noted_in_each(stage: Stage) -> None:
    """Layers of one picture often count alike."""
    streams = [stage.stream("video", ssrc) for ssrc in (100, 200)]
    down = stage.down(streams[0], "video")
    packets = stage.key_frame(1, ssrc=100, id=10, layer0=4)
    for turn in range(1, 4):
        stage.plane.aim(down, streams[turn % 2])
        packets += stage.key_frame(1 + turn, 9000 * turn, ssrc=(100, 200)[turn % 2], id=10, layer0=4)
    assert pictures(packets) == [(10, 4), (11, 5), (12, 6), (13, 7)]


def test_padding_after_a_switch_leaves_ids_and_time_as_the_switch_set_them(stage: Stage) -> None:
    low, high = stage.stream("video", 100), stage.stream("video", 200)
    down = stage.down(low, "video")
    packets = stage.key_frame(1, 0, id=10, layer0=4)
    stage.plane.aim(down, high)
    packets += stage.key_frame(1, 0, ssrc=200, id=70, layer0=44) + stage.pad(2, 0, ssrc=200)
    packets += stage.frame(3, 0, ssrc=200, id=70, layer0=44) + stage.frame(4, 3000, ssrc=200, id=71, layer0=45)
    assert pictures(packets) == [(10, 4), (11, 5), (11, 5), (12, 6)]
    assert [packet.timestamp for packet in packets] == [0, 1, 1, 3001]


def test_what_a_sender_does_not_write_is_not_made_up(stage: Stage) -> None:
    low, high = stage.stream("video", 100), stage.stream("video", 200)
    down = stage.down(low, "video")
    stage.key_frame(1, id=10, layer0=4)
    stage.plane.aim(down, high)
    (bare,) = stage.key_frame(1, 9000, ssrc=200)
    assert bare.payload == vp8(key=True)
    assert pictures(stage.frame(2, 9000, ssrc=200, id=77)) == [(77, -1)], "nothing was known at the switch"


def test_temporal_layer_and_key_index_are_left_alone(stage: Stage) -> None:
    stream = stage.stream("video", sealed=False)
    down = stage.down(stream, "video")
    stage.key_frame(1, id=10, layer0=4)
    stage.plane.aim(down, None)
    stage.plane.aim(down, stream)
    (packet,) = stage.give(rtp(5, 90, ssrc=100, payload=bytes.fromhex("90f0852a7ba5") + bytes(20)))
    assert packet.payload == bytes.fromhex("90f0800b05a5") + bytes(20)


def test_a_descriptor_cut_short_is_sent_as_it_came(stage: Stage) -> None:
    stream = stage.stream("video", sealed=False)
    down = stage.down(stream, "video")
    stage.key_frame(1, id=10, layer0=4)
    stage.plane.aim(down, None)
    stage.plane.aim(down, stream)
    stage.key_frame(3, 90, id=20, layer0=9)
    for sequence, cut in enumerate((b"\x80", b"\x80\xc0", b"\x80\xc0\x80", b"\x80\xc0\x80\x01"), start=4):
        (packet,) = stage.give(rtp(sequence, 90, ssrc=100, payload=cut))
        assert packet.payload == cut


def test_a_packet_that_is_refused_uses_no_number(stage: Stage) -> None:
    stage.down(stage.stream(), first=50)
    packets = stage.sound(10)
    with pytest.raises(NotSealed):
        stage.sound(11, payload=b"clear")
    assert stage.give(rtp(12, ssrc=100, payload=SEALED_SOUND, payload_type=SENT_TYPE + 2)) == []
    assert numbers(packets) == [50]
