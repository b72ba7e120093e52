"""The room in virtual time: permissions, who receives whom, key frames, repair. No socket, no clock, no chance."""

from __future__ import annotations

import pytest

from media import limits, rtcp
from media.faults import Fault, MediaFault
from media.messages import Kind, Permission
from media.outputs import CloseTransport, SendRtcp, Tell
from media.plane.twin import Twin
from media.room.formats import LayerFormat, UpFormat
from media.room.rooms import Rooms
from media.room.signalling import RelayAddress, answer
from media.rtp import read_header, write_header
from tests.fakes.sealed_frames import picture, sealed
from tests.fakes.stage import ALL, CAPABILITIES, SeededDice, Stage

KEY, DELTA, REST = b"\x10" + picture(key=True), b"\x10" + picture(key=False), b"\x00rest"
SOUND = sealed("audio")


@pytest.fixture
def stage() -> Stage:
    made = Stage()
    made.enter("anna")
    made.enter("berta")
    return made


def test_a_packet_goes_to_everyone_who_receives_the_track_and_to_nobody_else(stage: Stage) -> None:
    stage.enter("carla")
    track, ssrc = stage.send("anna", "audio")
    down = stage.watch("berta", track)
    sent = stage.rtp("anna", ssrc, 5, SOUND)
    assert [(stage.goes_to(out), out.rest) for out in sent] == [(stage.receives["berta"], SOUND)]
    header = read_header(sent[0][1])
    assert (header.ssrc, header.payload_type) == (down, 111)


def test_a_track_nobody_announced_goes_nowhere(stage: Stage) -> None:
    track, ssrc = stage.send("anna", "audio")
    stage.watch("berta", track)
    assert stage.rtp("anna", ssrc + 1, 1, SOUND) == []
    packet = write_header(False, False, 101, 1, 1, ssrc) + SOUND
    assert stage.give("anna", packet, 0.0) == []


def test_a_down_track_is_held_until_it_is_resumed(stage: Stage) -> None:
    track, ssrc = stage.send("anna", "audio")
    stage.room.receive_track("berta", track, stage.receives["berta"], CAPABILITIES, 0.0)
    assert stage.rtp("anna", ssrc, 1, SOUND) == []


def test_a_picture_begins_with_a_key_frame(stage: Stage) -> None:
    track, ssrc = stage.send("anna", "video")
    stage.watch("berta", track)
    payloads = [DELTA, REST, KEY, REST, DELTA]
    sent = [stage.rtp("anna", ssrc, 10 + index, payload) for index, payload in enumerate(payloads)]
    assert [len(packets) for packets in sent] == [0, 0, 1, 1, 1]


def test_a_late_part_of_the_time_before_the_key_frame_is_not_forwarded(stage: Stage) -> None:
    track, ssrc = stage.send("anna", "video")
    stage.watch("berta", track)
    assert stage.rtp("anna", ssrc, 10, KEY)
    assert stage.rtp("anna", ssrc, 9, DELTA) == []


def test_a_key_frame_is_asked_for_at_once_then_each_second_and_not_for_ever(stage: Stage) -> None:
    stage.drain()
    track, _ssrc = stage.send("anna", "video")
    stage.watch("berta", track, now=1.0)
    assert stage.asked() == 1
    asked, now = 1, 1.0
    while (deadline := stage.rooms.deadline) is not None and now < 60:
        now = max(now, deadline)
        stage.rooms.tick(now)
        asked += stage.asked()
    assert asked == limits.MAX_KEY_FRAME_ASKS


def test_a_key_frame_ends_the_asking(stage: Stage) -> None:
    track, ssrc = stage.send("anna", "video")
    stage.watch("berta", track, now=1.0)
    stage.rtp("anna", ssrc, 1, KEY, now=1.2)
    stage.drain()
    stage.rooms.tick(2.1)
    assert stage.asked() == 0


def test_a_key_frame_that_began_before_somebody_came_does_not_end_the_asking_for_them(stage: Stage) -> None:
    """The wire in C tells of it a moment later."""
    stage.enter("carla")
    track, ssrc = stage.send("anna", "video")
    stage.watch("berta", track, now=1.0)
    sender = stage.transport(stage.sends["anna"]).number
    stage.plane.receive(sender, write_header(False, False, 100, 1, 3000, ssrc) + KEY, 1_100_000_000)
    stage.watch("carla", track, now=1.1)
    stage.drain()
    stage.rooms.take(1.11)
    stage.rooms.tick(1.5)
    assert stage.asked() == 1
    stage.rtp("anna", ssrc, 2, KEY, now=1.6)
    stage.rooms.tick(2.6)
    assert stage.asked() == 0


def test_wishes_within_half_a_second_are_one_request(stage: Stage) -> None:
    track, ssrc = stage.send("anna", "video")
    down = stage.watch("berta", track, now=1.0)
    stage.rtp("anna", ssrc, 1, KEY, now=1.1)
    stage.drain()
    for step in range(10):
        stage.rtcp(stage.receives["berta"], rtcp.write_picture_loss(1, down), 1.2 + step / 100)
    assert stage.asked() == 0
    stage.rooms.tick(1.5)
    assert stage.asked() == 1


def test_a_sender_who_has_paused_is_not_asked_and_the_driver_does_not_spin(stage: Stage) -> None:
    track, _ssrc = stage.send("anna", "video")
    stage.watch("berta", track, now=1.0)
    stage.room.pause_track("anna", track, True, 1.0)
    stage.drain()
    stage.rooms.tick(5.0)
    assert stage.asked() == 0
    assert stage.rooms.deadline is not None
    assert stage.rooms.deadline > 5.0


def test_a_nack_is_answered_from_the_cache_bit_for_bit(stage: Stage) -> None:
    track, ssrc = stage.send("anna", "video")
    down = stage.watch("berta", track)
    first = [stage.rtp("anna", ssrc, 65530 + index & 0xFFFF, KEY if index == 0 else REST)[0] for index in range(12)]
    lost = read_header(first[7][1]).sequence
    again = stage.rtcp(stage.receives["berta"], rtcp.write_nack(1, down, [lost]), 1.0)
    assert again == [first[7]]


def test_what_the_relay_misses_it_asks_for_itself_once_for_all_and_sends_it_on(stage: Stage) -> None:
    stage.enter("carla")
    track, ssrc = stage.send("anna", "audio")
    for member in ("berta", "carla"):
        stage.watch(member, track)
    for sequence in (7, 9):
        stage.rtp("anna", ssrc, sequence, SOUND, now=1.0)
    stage.drain()
    stage.rooms.tick(1.02)
    (asked,) = [packet for packet in stage.sent_rtcp(stage.sends["anna"]) if isinstance(packet, rtcp.Nack)]
    assert (asked.media, asked.lost) == (ssrc, (8,))
    assert len(stage.rtp("anna", ssrc, 8, SOUND, now=1.03)) == 2
    stage.rooms.tick(1.2)
    assert not [packet for packet in stage.sent_rtcp(stage.sends["anna"]) if isinstance(packet, rtcp.Nack)]


def test_a_gap_is_looked_at_soon_and_not_by_the_next_pulse(stage: Stage) -> None:
    _, ssrc = stage.send("anna", "audio")
    stage.rooms.tick(1.0)
    for sequence in (7, 9):
        stage.rtp("anna", ssrc, sequence, SOUND, now=1.001)
    assert stage.rooms.deadline is not None
    assert stage.rooms.deadline < 1.02


def test_what_one_receiver_can_have_sent_again_is_bounded(stage: Stage) -> None:
    track, ssrc = stage.send("anna", "audio")
    down = stage.watch("berta", track)
    sequence = read_header(stage.rtp("anna", ssrc, 1, SOUND)[0][1]).sequence
    again = sum(
        len(stage.rtcp(stage.receives["berta"], rtcp.write_nack(1, down, [sequence]), 1.0)) for _ in range(1000)
    )
    assert again == limits.RESEND_BURST


def test_nobody_can_nack_or_ask_for_a_track_of_somebody_else(stage: Stage) -> None:
    stage.enter("carla")
    track, ssrc = stage.send("anna", "video")
    down = stage.watch("berta", track)
    number = read_header(stage.rtp("anna", ssrc, 1, KEY)[0][1]).sequence
    stage.drain()
    stage.rooms.tick(1.0)
    stage.drain()
    for transport in (stage.receives["carla"], stage.sends["berta"]):
        wish = rtcp.write_nack(1, down, [number]) + rtcp.write_picture_loss(1, down)
        assert stage.rtcp(transport, wish, 9.0) == []
    assert stage.drain() == []


def test_a_track_known_by_its_mid_is_found_when_its_first_packet_comes(stage: Stage) -> None:
    track = stage.room.send_track(
        "anna", stage.sends["anna"], "audio", UpFormat((LayerFormat(None),), 100, None, b"0", 4)
    )
    stage.watch("berta", track)
    header = write_header(False, False, 100, 1, 1, 77)
    packet = bytes([header[0] | 0x10]) + header[1:] + bytes.fromhex("bede000140300000") + SOUND
    assert [payload for _, _, payload in stage.give("anna", packet, 0.0)] == [SOUND]
    assert len(stage.rtp("anna", 77, 2, SOUND)) == 1


# --- permissions ---------------------------------------------------------------------------------------------------


def test_a_removed_member_has_nothing_left_and_the_others_hear_of_it(stage: Stage) -> None:
    track, ssrc = stage.send("anna", "audio")
    stage.watch("berta", track)
    stage.drain()
    stage.room.remove("anna")
    outputs = stage.drain()
    assert {item.transport for item in outputs if isinstance(item, CloseTransport)} == {
        stage.sends["anna"],
        stage.receives["anna"],
    }
    assert Tell("room", "berta", "trackRemoved", {"track": track}) in outputs
    goodbye = [item for item in outputs if isinstance(item, SendRtcp)]
    assert [isinstance(packet, rtcp.Goodbye) for packet in rtcp.read_compound(goodbye[0].packet)] == [False, True]
    assert stage.rtp("anna", ssrc, 2, SOUND) == []
    assert (stage.room.roster.tracks, list(stage.room.members)) == ({}, ["berta"])
    assert not stage.room.members["berta"].downs


def test_a_removed_receiver_is_sent_nothing_more(stage: Stage) -> None:
    track, ssrc = stage.send("anna", "audio")
    stage.watch("berta", track)
    assert stage.rtp("anna", ssrc, 1, SOUND)
    stage.room.remove("berta")
    assert stage.rtp("anna", ssrc, 2, SOUND) == []


@pytest.mark.parametrize(
    ("permission", "audio", "video", "receives"),
    [
        (Permission(("audio", "video"), True), True, True, True),
        (Permission(("audio",), True), True, False, True),
        (Permission(("video",), True), False, True, True),
        (Permission((), True), False, False, True),
        (Permission(("audio", "video"), False), True, True, False),
        (Permission((), False), False, False, False),
    ],
)
def test_a_changed_permission_leaves_exactly_what_it_allows(
    stage: Stage, permission: Permission, audio: bool, video: bool, receives: bool
) -> None:
    sound, sound_ssrc = stage.send("anna", "audio")
    picture, picture_ssrc = stage.send("anna", "video")
    other, other_ssrc = stage.send("berta", "audio")
    for track in (sound, picture):
        stage.watch("berta", track)
    stage.watch("anna", other)
    stage.room.permit("anna", permission)
    assert bool(stage.rtp("anna", sound_ssrc, 1, SOUND)) is audio
    assert bool(stage.rtp("anna", picture_ssrc, 1, KEY)) is video
    assert bool(stage.rtp("berta", other_ssrc, 1, SOUND)) is receives
    kinds: list[tuple[Kind, bool]] = [("audio", audio), ("video", video)]
    for kind, allowed in kinds:
        if not allowed:
            with pytest.raises(Fault):
                stage.send("anna", kind)


def test_a_member_who_asks_without_end_is_told_so_and_may_ask_again_later(stage: Stage) -> None:
    address = RelayAddress(lambda: ["127.0.0.1"], 1, [])
    codes = []
    for _ in range(int(limits.REQUEST_BURST) + 5):
        try:
            answer(stage.room, "anna", "resync", {}, address, 1.0)
        except Fault as fault:
            codes.append(fault.code)
    assert codes == ["limit"] * 5
    answer(stage.room, "anna", "resync", {}, address, 2.0)
    answer(stage.room, "berta", "resync", {}, address, 1.0)


def test_who_loses_a_kind_hears_that_the_own_track_is_gone(stage: Stage) -> None:
    track, _ = stage.send("anna", "video")
    stage.drain()
    stage.room.permit("anna", Permission(("audio",), True))
    assert Tell("room", "anna", "trackRemoved", {"track": track}) in stage.drain()


def test_leaving_keeps_the_permission(stage: Stage) -> None:
    stage.room.leave("anna")
    assert stage.room.permissions["anna"] == ALL
    stage.room.join("anna")


def test_a_new_track_is_announced_to_the_others_and_not_to_its_sender(stage: Stage) -> None:
    stage.enter("deaf", Permission(("audio",), False))
    stage.drain()
    stage.send("anna", "audio")
    outputs = stage.drain()
    assert [item.member for item in outputs if isinstance(item, Tell)] == ["berta"]


def test_a_closed_transport_takes_its_tracks_along_and_says_so(stage: Stage) -> None:
    track, _ = stage.send("anna", "audio")
    stage.watch("berta", track)
    stage.drain()
    stage.room.transport_lost(stage.sends["anna"])
    assert stage.told("anna") == ["transportClosed"]
    stage.room.transport_lost(stage.sends["anna"])
    assert stage.drain() == []


def test_a_key_frame_is_asked_for_when_the_receivers_transport_becomes_ready(stage: Stage) -> None:
    track, ssrc = stage.send("anna", "video")
    stage.room.permit("carla", ALL)
    stage.room.join("carla")
    stage.receives["carla"] = stage.room.create_transport("carla", "receive").transport
    stage.watch("carla", track)
    stage.drain()
    assert stage.rtp("anna", ssrc, 1, KEY) == []
    stage.room.transport_ready(stage.receives["carla"], 3.0)
    assert stage.asked() == 1


def test_bytes_that_are_no_rtp_are_the_parsers_fault(stage: Stage) -> None:
    with pytest.raises(MediaFault):
        stage.give("anna", b"short")
    with pytest.raises(MediaFault):
        stage.rtcp(stage.sends["anna"], b"\x80\xc8\x00\x09", 0.0)


# --- rooms ---------------------------------------------------------------------------------------------------------


def test_the_whole_truth_closes_what_is_not_in_it_and_leaves_the_rest_undisturbed() -> None:
    rooms = Rooms(SeededDice(), Twin())
    rooms.admitted({"one": {"anna": ALL, "berta": ALL}, "two": {"carla": ALL}})
    kept = rooms.room("one")
    kept.join("anna")
    kept.join("berta")
    transport = kept.create_transport("anna", "send").transport
    rooms.admitted({"one": {"anna": ALL, "dora": ALL}, "three": {"emma": ALL}})
    assert rooms.room("one") is kept
    assert list(kept.members) == ["anna"]
    assert transport in kept.roster.transports
    assert set(kept.permissions) == {"anna", "dora"}
    with pytest.raises(Fault, match="not_admitted"):
        rooms.room("two")


def test_what_closes_in_a_room_that_ends_is_still_carried_out() -> None:
    rooms = Rooms(SeededDice(), Twin())
    rooms.permit("one", "anna", ALL)
    rooms.room("one").join("anna")
    transport = rooms.room("one").create_transport("anna", "send").transport
    rooms.drain()
    rooms.close_room("one")
    assert rooms.drain() == [CloseTransport(transport)]
    assert rooms.get("one") is None


def test_rooms_and_members_are_bounded_and_a_fault_keeps_what_fits() -> None:
    rooms = Rooms(SeededDice(), Twin())
    with pytest.raises(Fault, match="limit"):
        rooms.admitted({f"room{number}": {"anna": ALL} for number in range(limits.MAX_ROOMS + 5)})
    assert rooms.get(f"room{limits.MAX_ROOMS - 1}") is not None
    with pytest.raises(Fault, match="limit"):
        rooms.admitted({"room0": {f"member{number}": ALL for number in range(limits.MAX_MEMBERS_PER_ROOM + 5)}})
    assert len(rooms.room("room0").permissions) == limits.MAX_MEMBERS_PER_ROOM
