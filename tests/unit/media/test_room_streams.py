"""Streams that show themselves only by their packets, repair streams, numbers of the whole transport, and new ways."""

from __future__ import annotations

import itertools

import pytest

from media import limits, rtcp
from media.bandwidth.twcc import read_feedback
from media.faults import Fault
from media.outputs import RestartIce
from media.plane.interface import Extensions
from media.room.formats import LayerFormat, UpFormat
from media.room.signalling import RelayAddress, answer
from media.rtp import read_header, write_header
from tests.fakes.sealed_frames import picture
from tests.fakes.stage import ABLE, NUMBER_ID, Stage

KEY, DELTA = b"\x10" + picture(key=True), b"\x10" + picture(key=False)
MID, RID, REPAIRED = 1, 2, 3
RIDS = (b"r0", b"r1", b"r2")
BY_RID = UpFormat(
    tuple(LayerFormat(None, rid=rid) for rid in RIDS), 100, 101, b"0", MID, RID, REPAIRED, Extensions(0, NUMBER_ID)
)


@pytest.fixture
def stage() -> Stage:
    made = Stage()
    made.enter("anna")
    made.enter("berta")
    return made


def packet(ssrc: int, sequence: int, payload: bytes, payload_type: int = 100, /, **named: bytes) -> bytes:
    """With header extensions: `mid`, `rid`, `repaired`, `number`."""
    ids = {"mid": MID, "rid": RID, "repaired": REPAIRED, "number": NUMBER_ID}
    block = b"".join(bytes([ids[name] << 4 | len(value) - 1]) + value for name, value in named.items())
    block += bytes(-len(block) % 4)
    header = write_header(False, False, payload_type, sequence, 3000 * sequence, ssrc)
    words = (len(block) // 4).to_bytes(2, "big")
    return bytes([header[0] | 0x10]) + header[1:] + b"\xbe\xde" + words + block + payload


def send(stage: Stage, format: UpFormat = BY_RID) -> str:
    track = stage.room.send_track("anna", stage.sends["anna"], "video", format)
    stage.watch("berta", track, capabilities=ABLE)
    return track


def test_each_layer_is_found_by_its_rid_and_then_known_by_its_ssrc(stage: Stage) -> None:
    track = send(stage)
    for index, rid in enumerate(RIDS):
        stage.give("anna", packet(500 + index, 1, KEY, mid=b"0", rid=rid), 1.0)
    assert [layer.ssrc for layer in stage.up(track).layers] == [500, 501, 502]
    stage.give("anna", packet(500, 2, DELTA), 1.1)
    received = stage.received(track)
    assert received is not None
    assert received.packets == 2


def test_the_first_packet_of_a_layer_is_not_lost(stage: Stage) -> None:
    send(stage)
    assert len(stage.give("anna", packet(500, 1, KEY, mid=b"0", rid=b"r0"), 1.0)) == 1


@pytest.mark.parametrize(
    "named",
    [{}, {"mid": b"0"}, {"rid": b"r0"}, {"mid": b"1", "rid": b"r0"}, {"mid": b"0", "rid": b"r9"}],
)
def test_who_does_not_name_both_media_section_and_layer_gets_in_nowhere(stage: Stage, named: dict[str, bytes]) -> None:
    track = send(stage)
    assert stage.give("anna", packet(500, 1, KEY, **named)) == []
    assert [layer.ssrc for layer in stage.up(track).layers] == [None, None, None]


def test_packets_that_came_before_the_first_was_looked_at_pass_too(stage: Stage) -> None:
    """The plane in C forwards by itself: the room sees its events some packets later."""
    send(stage)
    number = stage.transport(stage.sends["anna"]).number
    for sequence in (1, 2, 3):
        named = packet(500, sequence, KEY if sequence == 1 else DELTA, mid=b"0", rid=b"r0")
        assert stage.plane.receive(number, named, 10**9) == []
    assert len(stage.rooms.take(1.0)) == 3
    assert stage.rooms.take(1.0) == []


def test_a_layer_is_of_one_ssrc_and_another_cannot_take_it_over(stage: Stage) -> None:
    track = send(stage)
    stage.give("anna", packet(500, 1, KEY, mid=b"0", rid=b"r0"))
    assert stage.give("anna", packet(600, 1, KEY, mid=b"0", rid=b"r0")) == []
    assert stage.up(track).layers[0].ssrc == 500


def test_a_repair_stream_is_found_by_the_rid_it_repairs(stage: Stage) -> None:
    track = send(stage)
    stage.give("anna", packet(500, 1, KEY, mid=b"0", rid=b"r0"), 1.0)
    stage.give("anna", packet(500, 3, DELTA), 1.0)
    repeated = packet(700, 1, (2).to_bytes(2, "big") + DELTA, 101, mid=b"0", repaired=b"r0")
    assert len(stage.give("anna", repeated, 1.1)) == 1
    assert stage.up(track).layers[0].rtx_ssrc == 700
    assert len(stage.give("anna", packet(700, 2, (4).to_bytes(2, "big") + DELTA, 101), 1.1)) == 1


def test_a_repair_stream_that_comes_first_waits_for_its_layer(stage: Stage) -> None:
    track = send(stage)
    repair = packet(700, 1, (9).to_bytes(2, "big") + DELTA, 101, mid=b"0", repaired=b"r1")
    assert stage.give("anna", repair) == []
    assert stage.give("anna", repair) == []
    stage.give("anna", packet(501, 8, KEY, mid=b"0", rid=b"r1"))
    assert (stage.up(track).layers[1].ssrc, stage.up(track).layers[1].rtx_ssrc) == (501, 700)
    before = stage.received(track, 1)
    stage.give("anna", repair)
    after = stage.received(track, 1)
    assert before is not None
    assert after is not None
    assert (before.packets, after.packets) == (1, 2)


def test_one_ssrc_cannot_be_layer_and_repair_at_once(stage: Stage) -> None:
    track = send(stage)
    stage.give("anna", packet(700, 1, b"\0\1" + DELTA, 101, mid=b"0", repaired=b"r0"))
    assert stage.give("anna", packet(700, 1, KEY, mid=b"0", rid=b"r1")) == []
    assert [layer.ssrc for layer in stage.up(track).layers] == [None, None, None]


def test_a_repair_that_was_not_announced_belongs_to_the_only_layer_of_its_media_section(stage: Stage) -> None:
    format = UpFormat((LayerFormat(500),), 100, 101, b"0", MID)
    track = send(stage, format)
    stage.give("anna", packet(500, 1, KEY), 1.0)
    stage.give("anna", packet(500, 3, DELTA), 1.0)
    assert len(stage.give("anna", packet(700, 1, b"\0\2" + DELTA, 101, mid=b"0"), 1.0)) == 1
    assert stage.up(track).layers[0].rtx_ssrc == 700


def test_two_tracks_cannot_claim_one_ssrc_or_one_media_section(stage: Stage) -> None:
    send(stage)
    for format in (BY_RID, UpFormat((LayerFormat(5, 5),), 100, 101)):
        with pytest.raises((Fault, ValueError)):
            stage.room.send_track("anna", stage.sends["anna"], "video", format)


def test_what_was_closed_is_gone_and_its_ssrcs_are_free_again(stage: Stage) -> None:
    track = send(stage)
    stage.give("anna", packet(500, 1, KEY, mid=b"0", rid=b"r0"))
    stage.room.close_track("anna", track)
    assert stage.transport(stage.sends["anna"]).layers == {}
    assert stage.give("anna", packet(500, 2, KEY, mid=b"0", rid=b"r0")) == []
    again = send(stage)
    assert len(stage.give("anna", packet(500, 3, KEY, mid=b"0", rid=b"r0"))) == 1
    assert stage.up(again).layers[0].ssrc == 500


def test_a_lost_packet_goes_to_an_able_receiver_as_repair_with_its_own_number(stage: Stage) -> None:
    track = send(stage)
    first = [
        stage.give("anna", packet(500, number, KEY if number == 1 else DELTA, mid=b"0", rid=b"r0"), 1.0)[0]
        for number in range(1, 6)
    ]
    down = stage.down("berta", track)
    lost = read_header(first[2].head + first[2].rest).sequence
    (again,) = stage.rtcp(stage.receives["berta"], rtcp.write_nack(1, down.ssrc, [lost]), 1.1)
    header = read_header(again.head + again.rest)
    assert (header.ssrc, header.payload_type) == (down.rtx_ssrc, 97)
    assert (again.head + again.rest)[header.payload :] == lost.to_bytes(2, "big") + first[2].rest


# --- transport-wide numbers ----------------------------------------------------------------------------------------


def test_a_sender_that_numbers_is_told_ten_times_a_second_what_came(stage: Stage) -> None:
    send(stage)
    for number in (1, 2, 4):
        stage.give("anna", packet(500, number, KEY, mid=b"0", rid=b"r0", number=number.to_bytes(2, "big")), 1.0)
    stage.drain()
    stage.rooms.tick(1.1)
    (told,) = [item for item in stage.sent_rtcp(stage.sends["anna"]) if isinstance(item, rtcp.TransportFeedback)]
    assert told.media == 500
    feedback = read_feedback(told.fci)
    arrived = [feedback.base + index for index, at in enumerate(feedback.arrivals) if at is not None]
    assert arrived == [1, 2, 4]
    stage.give("anna", packet(500, 5, KEY, number=b"\0\5"), 1.15)
    for now, feedbacks in ((1.16, 0), (1.21, 1)):
        stage.rooms.tick(now)
        again = stage.sent_rtcp(stage.sends["anna"])
        assert sum(isinstance(item, rtcp.TransportFeedback) for item in again) == feedbacks


def test_a_receivers_line_is_probed_with_padding_that_is_no_picture(stage: Stage) -> None:
    """Three layers would take more than is known of the line at first."""
    track = send(stage)
    down = stage.down("berta", track)
    stage.room.show_down_track("berta", down.id, 1280, 720, 1.0)
    probes, now = [], 1.0
    for number in itertools.count(1):
        now += 0.02
        for index, rid in enumerate(RIDS):
            stage.give("anna", packet(500 + index, number, KEY + bytes(800), mid=b"0", rid=rid), now)
        probes += stage.rooms.tick(now)
        if probes or number > 500:
            break
    assert probes
    assert {read_header(out.head + out.rest).ssrc for out in probes} == {down.rtx_ssrc}
    assert all(set((out.head + out.rest)[-255:-1]) == {0} for out in probes)


# --- a new way -----------------------------------------------------------------------------------------------------


def test_new_ice_credentials_are_others_and_the_tracks_stay(stage: Stage) -> None:
    track = send(stage)
    stage.drain()
    address = RelayAddress(lambda: ["127.0.0.1"], 1, [])
    transport = stage.sends["anna"]
    told = [answer(stage.room, "anna", "restartIce", {"transport": transport}, address, 1.0) for _ in range(2)]
    first, second = (item["iceParameters"] for item in told)
    assert first["usernameFragment"] != second["usernameFragment"]
    assert first["password"] != second["password"]
    restarts = [item for item in stage.drain() if isinstance(item, RestartIce)]
    assert [item.username for item in restarts] == [first["usernameFragment"], second["usernameFragment"]]
    assert stage.up(track).transport.state == "ready"


def test_nobody_can_restart_another_members_transport(stage: Stage) -> None:
    address = RelayAddress(lambda: ["127.0.0.1"], 1, [])
    with pytest.raises(Fault, match="unknown_transport"):
        answer(stage.room, "berta", "restartIce", {"transport": stage.sends["anna"]}, address, 1.0)


# --- the whole relay -----------------------------------------------------------------------------------------------


def test_numbers_are_given_back_when_everything_is_closed(stage: Stage) -> None:
    send(stage)
    for member in ("anna", "berta", "nobody"):
        stage.room.remove(member)
    assert len(stage.room.roster.numbers) == 0
    assert stage.room.roster.streams == {}
    assert stage.room.roster.paths == {}


def test_a_relay_where_nothing_flows_needs_no_time(stage: Stage) -> None:
    assert stage.rooms.deadline is not None
    for member in ("anna", "berta"):
        stage.room.leave(member)
    assert stage.rooms.deadline is None


def test_a_pulse_comes_twenty_times_a_second_and_no_more_often_while_nothing_is_missing(stage: Stage) -> None:
    send(stage)
    now, pulses = 1.0, 0
    while now < 2.0:
        stage.rooms.tick(now)
        assert stage.rooms.deadline is not None
        now, pulses = max(now, stage.rooms.deadline), pulses + 1
    assert pulses == pytest.approx(1 / limits.PULSE, abs=2)
