"""What is not sealed leaves no trace in a room: not forwarded, not kept, not counted as received. In virtual time."""

from __future__ import annotations

import msgspec
import pytest

from media import limits, rtcp
from media.faults import NotSealed
from media.messages import Admitted, Kind, Permission, Permit, ToRelay
from media.outputs import SendRtcp
from media.plane.interface import Out
from media.room.formats import LayerFormat, UpFormat
from media.rtp import read_header, write_header
from tests.fakes.sealed_frames import picture, sealed
from tests.fakes.stage import ALL, CAPABILITIES, Stage

KEY, DELTA, REST = b"\x10" + picture(key=True), b"\x10" + picture(key=False), b"\x00rest"
SOUND = sealed("audio")
PLAIN: dict[Kind, bytes] = {"audio": b"\x78" + bytes(60), "video": b"\x10" + bytes(60)}
UNSEALED = Permission(("audio", "video"), True, sealed=False)


@pytest.fixture
def stage() -> Stage:
    made = Stage()
    made.enter("anna")
    made.enter("berta")
    return made


def dropped(stage: Stage, ssrc: int, sequence: int, payload: bytes) -> bool:
    try:
        return stage.rtp("anna", ssrc, sequence, payload) == []
    except NotSealed:
        return True


@pytest.mark.parametrize("kind", ["audio", "video"])
def test_what_is_not_sealed_is_not_forwarded_kept_or_counted(stage: Stage, kind: Kind) -> None:
    track, ssrc = stage.send("anna", kind)
    stage.watch("berta", track)
    with pytest.raises(NotSealed):
        stage.rtp("anna", ssrc, 1, PLAIN[kind])
    assert stage.received(track) is None


def test_a_key_frame_that_is_not_sealed_does_not_end_the_asking_for_one(stage: Stage) -> None:
    track, ssrc = stage.send("anna", "video")
    stage.watch("berta", track, now=1.0)
    with pytest.raises(NotSealed):
        stage.rtp("anna", ssrc, 1, PLAIN["video"], now=1.2)
    stage.drain()
    stage.rooms.tick(2.1)
    assert stage.asked() == 1


def test_a_nack_never_brings_what_was_not_sealed(stage: Stage) -> None:
    track, ssrc = stage.send("anna", "audio")
    down = stage.watch("berta", track)
    (packet,) = stage.rtp("anna", ssrc, 1, SOUND)
    with pytest.raises(NotSealed):
        stage.rtp("anna", ssrc, 2, PLAIN["audio"])
    missing = (read_header(packet[1]).sequence + 1) & 0xFFFF
    for sequence in range(3, 4 + limits.SEALED_AGAIN):
        dropped(stage, ssrc, sequence, SOUND)
    assert stage.rtp("anna", ssrc, 20, SOUND)
    assert stage.rtcp(stage.receives["berta"], rtcp.write_nack(1, down, [missing]), 1.0) == []


def test_a_sender_whose_sealing_ends_in_mid_stream_is_silent_from_that_packet_on(stage: Stage) -> None:
    track, ssrc = stage.send("anna", "video")
    stage.watch("berta", track)
    sent = [dropped(stage, ssrc, 10 + index, payload) for index, payload in enumerate([KEY, REST, DELTA, REST])]
    assert sent == [False] * 4
    assert all(dropped(stage, ssrc, 14 + index, payload) for index, payload in enumerate([PLAIN["video"], REST] * 20))


def test_packets_out_of_order_are_forwarded_with_their_frame(stage: Stage) -> None:
    track, ssrc = stage.send("anna", "video")
    stage.watch("berta", track)

    def part(sequence: int, frame: int, payload: bytes) -> list[Out]:
        packet = write_header(False, False, 100, sequence, frame * 3000, ssrc) + payload
        return stage.give("anna", packet, 0.0)

    order = [(10, 1, KEY), (13, 2, REST), (12, 2, DELTA), (11, 1, REST), (15, 3, REST), (14, 3, DELTA)]
    assert [len(part(*packet)) for packet in order] == [1] * 6


def test_a_track_known_by_its_mid_has_to_be_sealed_from_its_first_packet_on(stage: Stage) -> None:
    track = stage.room.send_track(
        "anna", stage.sends["anna"], "audio", UpFormat((LayerFormat(None),), 100, None, b"0", 4)
    )
    stage.watch("berta", track)
    header = write_header(False, False, 100, 1, 1, 77)
    packet = bytes([header[0] | 0x10]) + header[1:] + bytes.fromhex("bede000140300000") + PLAIN["audio"]
    assert stage.give("anna", packet) == []
    assert stage.plane.counts()["not_sealed"] == 1


@pytest.mark.parametrize("padding", [1, 2, 255])
def test_padding_is_not_taken_for_the_tag(stage: Stage, padding: int) -> None:
    track, ssrc = stage.send("anna", "audio")
    stage.watch("berta", track)
    header = write_header(True, False, 100, 1, 1, ssrc)
    tail = bytes(padding - 1) + bytes([padding])
    with pytest.raises(NotSealed):
        stage.give("anna", header + sealed("audio", 15) + tail, 0.0)
    assert stage.give("anna", header + tail) == []
    stage.room.permit("anna", UNSEALED)
    stage.room.permit("anna", ALL)
    next_header = write_header(True, False, 100, 2, 1, 1000)
    assert stage.give("anna", next_header + sealed("audio", 16) + tail, 0.0)


def test_a_paused_track_has_to_be_sealed_too(stage: Stage) -> None:
    track, ssrc = stage.send("anna", "audio")
    stage.room.pause_track("anna", track, True, 0.0)
    assert stage.rtp("anna", ssrc, 1, SOUND) == []
    with pytest.raises(NotSealed):
        stage.rtp("anna", ssrc, 2, PLAIN["audio"])


# --- the permission ------------------------------------------------------------------------------------------------


def test_a_permission_that_says_nothing_of_it_means_sealed() -> None:
    lines = [
        b'{"type":"permit","id":1,"room":"r","member":"m","permission":{"send":["audio"],"receive":true}}',
        b'{"type":"admitted","rooms":{"r":{"m":{"send":["audio"],"receive":true}}}}',
    ]
    permit, admitted = (msgspec.json.decode(line, type=ToRelay) for line in lines)
    assert isinstance(permit, Permit) and permit.permission.sealed
    assert isinstance(admitted, Admitted) and admitted.rooms["r"]["m"].sealed
    assert Permission((), False).sealed


@pytest.mark.parametrize("value", ["null", "0", '"no"', "[]"])
def test_a_permission_that_says_it_in_other_words_is_no_permission(value: str) -> None:
    permission = '{"send":[],"receive":true,"sealed":%s}' % value  # noqa: UP031  braces
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(permission, type=Permission)


@pytest.mark.parametrize("kind", ["audio", "video"])
def test_a_member_who_need_not_seal_is_forwarded_as_ever(stage: Stage, kind: Kind) -> None:
    stage.room.permit("anna", UNSEALED)
    track, ssrc = stage.send("anna", kind)
    stage.watch("berta", track)
    assert len(stage.rtp("anna", ssrc, 1, PLAIN[kind])) == 1


def test_a_permission_that_changes_to_sealed_counts_from_the_next_packet_on_and_empties_the_cache(stage: Stage) -> None:
    stage.room.permit("anna", UNSEALED)
    track, ssrc = stage.send("anna", "audio")
    down = stage.watch("berta", track)
    (packet,) = stage.rtp("anna", ssrc, 1, PLAIN["audio"])
    stage.room.permit("anna", ALL)
    lost = rtcp.write_nack(1, down, [read_header(packet[1]).sequence])
    assert stage.rtcp(stage.receives["berta"], lost, 1.0) == []
    with pytest.raises(NotSealed):
        stage.rtp("anna", ssrc, 2, PLAIN["audio"])


def test_a_permission_that_is_said_again_forgets_nothing(stage: Stage) -> None:
    track, ssrc = stage.send("anna", "video")
    down = stage.watch("berta", track)
    (packet,) = stage.rtp("anna", ssrc, 1, KEY)
    with pytest.raises(NotSealed):
        stage.rtp("anna", ssrc, 2, PLAIN["video"])
    stage.room.permit("anna", ALL)
    assert dropped(stage, ssrc, 3, DELTA), "the doubt is still there"
    lost = rtcp.write_nack(1, down, [read_header(packet[1]).sequence])
    assert stage.rtcp(stage.receives["berta"], lost, 1.0) == [packet]


def test_what_one_member_need_not_seal_another_must(stage: Stage) -> None:
    stage.room.permit("anna", UNSEALED)
    track, ssrc = stage.send("berta", "audio")
    stage.room.receive_track("anna", track, stage.receives["anna"], CAPABILITIES, 0.0)
    with pytest.raises(NotSealed):
        stage.rtp("berta", ssrc, 1, PLAIN["audio"])
    assert [item for item in stage.drain() if isinstance(item, SendRtcp)] == []
