"""Which layer of which picture each receiver gets, and what pages are told of it. In virtual time."""

from __future__ import annotations

import pytest

from media import limits, rtcp
from media.outputs import Tell
from media.rtp import read_header
from tests.fakes.sealed_frames import picture
from tests.fakes.stage import ABLE, LEADS, Stage

KEY, DELTA = b"\x10" + picture(key=True), b"\x10" + picture(key=False)
LARGE, MIDDLE, SMALL = (1280, 720), (640, 360), (160, 90)


class Cameras:
    """Anna sends three layers to Berta, who lies on a line as wide as the test says by REMB."""

    def __init__(self, stage: Stage, tile: tuple[int, int] = LARGE, layers: int = 3) -> None:
        self.stage, self.now = stage, 1.0
        self.track, self.ssrc = stage.send("anna", "video", layers)
        self.layers = layers
        self.down_ssrc = stage.watch("berta", self.track, self.now)
        self.down = stage.down("berta", self.track)
        stage.room.show_down_track("berta", self.down.id, *tile, self.now)
        self.sequence = 0
        self.line = 10_000_000

    def pass_time(self, seconds: float, *, sending: tuple[int, ...] | None = None, keys: bool = True) -> None:
        """Each 50 ms a packet of every layer that is sent, a key frame where one was asked for, and the line's REMB."""
        for _ in range(round(seconds / limits.PULSE)):
            self.now += limits.PULSE
            asked = set(self.stage.asked_of())
            self.stage.rtcp(self.stage.receives["berta"], rtcp.write_remb(1, self.line, [self.down_ssrc]), self.now)
            self.sequence += 1
            for layer in range(self.layers) if sending is None else sending:
                payload = KEY if keys and self.ssrc + layer in asked else DELTA
                self.stage.rtp("anna", self.ssrc + layer, self.sequence, payload, self.now)
            self.stage.rooms.tick(self.now)

    @property
    def flows(self) -> int | None:
        """The layer that Berta gets."""
        stream = self.stage.plane.flowing(self.down.number)
        return None if stream is None else self.stage.room.roster.streams[stream].index


@pytest.fixture
def stage() -> Stage:
    made = Stage()
    made.enter("anna")
    made.enter("berta")
    return made


@pytest.mark.parametrize(("tile", "layer"), [(SMALL, 0), (MIDDLE, 1), (LARGE, 2)])
def test_a_tile_gets_the_layer_that_it_has_use_for(stage: Stage, tile: tuple[int, int], layer: int) -> None:
    cameras = Cameras(stage, tile)
    cameras.pass_time(8)
    assert cameras.flows == layer


def test_the_first_picture_is_of_the_lowest_layer_for_nobody_knows_yet_what_comes(stage: Stage) -> None:
    stage.drain()
    cameras = Cameras(stage)
    assert stage.asked_of() == [cameras.ssrc]


def test_a_higher_layer_begins_with_its_own_key_frame_and_the_lower_goes_on_until_then(stage: Stage) -> None:
    cameras = Cameras(stage, SMALL)
    cameras.pass_time(5)
    stage.room.show_down_track("berta", cameras.down.id, *LARGE, cameras.now)
    cameras.pass_time(5, keys=False)
    assert cameras.flows == 0
    cameras.pass_time(2.5)
    assert cameras.flows == 2


def test_a_key_frame_is_asked_of_the_layer_that_is_wanted_and_of_no_other(stage: Stage) -> None:
    cameras = Cameras(stage, SMALL)
    cameras.pass_time(3)
    stage.drain()
    stage.rtcp(stage.receives["berta"], rtcp.write_picture_loss(1, cameras.down_ssrc), cameras.now + 1)
    assert stage.asked_of() == [cameras.ssrc]


def test_a_line_that_narrows_gets_less_at_once_and_waits_for_nothing(stage: Stage) -> None:
    cameras = Cameras(stage)
    cameras.pass_time(8)
    assert cameras.flows is not None
    up = stage.up(cameras.track)
    for layer in up.layers:
        layer.statistics.bps = 100_000.0 * 4**layer.index
    stage.rtcp(stage.receives["berta"], rtcp.write_remb(1, 300_000, [cameras.down_ssrc]), cameras.now)
    stage.drain()
    stage.room.conduct.settle(stage.transport(stage.receives["berta"]), cameras.now)
    assert stage.plane.flowing(cameras.down.number) is None, "nothing goes out until the lower layer's key frame"
    assert stage.asked_of() == [cameras.ssrc]


def test_a_tile_that_shrinks_keeps_its_picture_until_the_smaller_one_is_there(stage: Stage) -> None:
    cameras = Cameras(stage)
    cameras.pass_time(8)
    stage.room.show_down_track("berta", cameras.down.id, *SMALL, cameras.now)
    assert cameras.flows == 2
    cameras.pass_time(1)
    assert cameras.flows == 0


def test_two_requests_for_urgent_key_frames_are_a_little_apart(stage: Stage) -> None:
    cameras = Cameras(stage)
    asker = stage.up(cameras.track).layers[1].key_frames
    assert asker is not None
    asker.want(5.0, urgent=True)
    assert asker.due(5.0)
    asker.want(5.05, urgent=True)
    assert not asker.due(5.1)
    assert asker.due(5.0 + limits.KEY_FRAME_URGENT)


def test_a_line_without_room_gets_no_picture_and_the_page_is_told(stage: Stage) -> None:
    cameras = Cameras(stage, layers=1)
    cameras.pass_time(3)
    stage.up(cameras.track).layers[0].statistics.bps = 900_000.0
    cameras.line = 200_000
    cameras.pass_time(limits.SETTLE_INTERVAL + limits.PULSE, sending=())
    stage.drain()
    assert cameras.flows is None
    assert cameras.down.paused_for == "line"
    stage.up(cameras.track).layers[0].statistics.bps = 10_000.0
    cameras.line = 5_000_000
    told: list[str] = []
    for _ in range(12):
        cameras.pass_time(1)
        told += [item.event for item in stage.drain() if isinstance(item, Tell)]
    assert cameras.down.paused_for is None


def test_what_is_not_shown_is_not_sent_and_nobody_is_told(stage: Stage) -> None:
    cameras = Cameras(stage)
    cameras.pass_time(3)
    stage.drain()
    stage.room.show_down_track("berta", cameras.down.id, 0, 0, cameras.now)
    assert cameras.flows is None
    assert stage.told("berta") == []
    stage.room.show_down_track("berta", cameras.down.id, *MIDDLE, cameras.now)
    assert stage.asked() == 1


def test_a_sender_with_one_layer_is_all_that_is_needed(stage: Stage) -> None:
    cameras = Cameras(stage, layers=1)
    cameras.pass_time(3)
    assert cameras.flows == 0


def test_a_layer_that_ends_gives_way_to_one_that_comes(stage: Stage) -> None:
    cameras = Cameras(stage)
    cameras.pass_time(8)
    assert cameras.flows == 2
    cameras.pass_time(limits.LAYER_SILENT + 2, sending=(0,))
    assert cameras.flows == 0


def test_the_numbers_that_a_receiver_sees_have_no_gap_over_a_change_of_layer(stage: Stage) -> None:
    cameras = Cameras(stage, SMALL)
    numbers: list[int] = []
    receive = stage.rooms.receive_rtp

    def watched(transport: int, packet: bytes, now: float) -> object:
        sent = receive(transport, packet, now)
        numbers.extend(read_header(out.head + out.rest).sequence for out in sent)
        return sent

    stage.rooms.receive_rtp = watched  # type: ignore[method-assign,assignment]
    cameras.pass_time(3)
    for tile in (LARGE, SMALL, MIDDLE):
        stage.room.show_down_track("berta", cameras.down.id, *tile, cameras.now)
        cameras.pass_time(8)
    assert len(numbers) > 400
    assert numbers == [(numbers[0] + step) & 0xFFFF for step in range(len(numbers))]


# --- last-N --------------------------------------------------------------------------------------------------------


def test_a_receiver_gets_so_many_pictures_and_is_told_which_it_does_not_get() -> None:
    stage = Stage(last_n=2)
    stage.enter("berta")
    for member in ("anna", "carla", "dora"):
        stage.enter(member)
    tracks = {member: stage.send(member, "video")[0] for member in ("anna", "carla", "dora")}
    stage.drain()
    for track in tracks.values():
        stage.watch("berta", track)
    paused = [item.data for item in stage.drain() if isinstance(item, Tell) and item.event == "downTrackPaused"]
    (left_out,) = paused
    assert (left_out["track"], left_out["reason"]) == (tracks["dora"], "lastN")


def test_who_leads_is_never_left_out() -> None:
    stage = Stage(last_n=1)
    stage.enter("berta")
    for member in ("anna", "carla"):
        stage.enter(member)
    stage.enter("lea", LEADS)
    tracks = {member: stage.send(member, "video")[0] for member in ("anna", "carla", "lea")}
    for track in tracks.values():
        stage.watch("berta", track)
    assert stage.down("berta", tracks["lea"]).paused_for is None
    assert {stage.down("berta", tracks[member]).paused_for for member in ("anna", "carla")} == {"lastN"}


def test_no_picture_at_all_is_a_setting_and_sound_goes_on() -> None:
    stage = Stage(last_n=0)
    stage.enter("anna")
    stage.enter("berta")
    track, _ = stage.send("anna", "video")
    stage.watch("berta", track)
    assert stage.down("berta", track).paused_for == "lastN"


# --- what the machine carries --------------------------------------------------------------------------------------


def test_a_machine_without_room_lowers_layers_first_and_then_leaves_pictures_out(stage: Stage) -> None:
    cameras = Cameras(stage)
    cameras.pass_time(8)
    conduct = stage.room.conduct
    conduct.max_layer = 0
    cameras.pass_time(2)
    assert cameras.flows == 0
    conduct.max_pictures = 0
    stage.drain()
    conduct.settle_all(cameras.now)
    assert cameras.down.paused_for == "capacity"
    assert stage.told("berta") == ["downTrackPaused"]


def test_a_sender_of_one_layer_is_bound_by_remb_where_the_machine_has_no_room(stage: Stage) -> None:
    cameras = Cameras(stage, layers=1)
    for room_left, bound in ((2, False), (0, True)):
        stage.room.conduct.max_layer = room_left
        cameras.now += limits.REPORT_INTERVAL
        stage.drain()
        stage.rooms.tick(cameras.now)
        sent = [packet for packet in stage.sent_rtcp(stage.sends["anna"]) if isinstance(packet, rtcp.Remb)]
        assert [packet.ssrcs for packet in sent] == ([(cameras.ssrc,)] if bound else [])


# --- what senders are told -----------------------------------------------------------------------------------------


def wanted(stage: Stage) -> list[int]:
    return [item.data["layers"] for item in stage.drain() if isinstance(item, Tell) and item.event == "layersWanted"]


def test_a_sender_stops_what_nobody_looks_at_after_a_while_and_begins_again_at_once(stage: Stage) -> None:
    cameras = Cameras(stage, SMALL)
    told: list[int] = []

    def watch_for(seconds: float) -> None:
        for _ in range(round(seconds / limits.SETTLE_INTERVAL)):
            cameras.now += limits.SETTLE_INTERVAL
            stage.rooms.tick(cameras.now)
            told.extend(wanted(stage))

    watch_for(1)
    assert told == []
    watch_for(limits.FEWER_PATIENCE + 1)
    assert told == [1]
    stage.room.show_down_track("berta", cameras.down.id, *LARGE, cameras.now)
    watch_for(0.5)
    assert told == [1, 3]
    stage.room.show_down_track("berta", cameras.down.id, 0, 0, cameras.now)
    watch_for(limits.FEWER_PATIENCE + 1)
    assert told == [1, 3, 0]


def test_a_receiver_who_numbers_gets_numbers_and_one_who_does_not_gets_none(stage: Stage) -> None:
    stage.enter("carla")
    track, ssrc = stage.send("anna", "video")
    stage.watch("berta", track, capabilities=ABLE)
    stage.watch("carla", track)
    sent = {stage.goes_to(out): out for out in stage.rtp("anna", ssrc, 1, KEY)}
    assert sent[stage.receives["berta"]].head[12:16] == bytes.fromhex("bede0001")
    assert len(sent[stage.receives["carla"]].head) == 12


def test_a_page_that_was_away_is_told_what_rests_and_what_is_wanted_of_it(stage: Stage) -> None:
    cameras = Cameras(stage, SMALL)
    cameras.pass_time(5)
    (down,) = stage.room.resync("berta")["downTracks"]
    assert down == {"downTrack": cameras.down.id, "track": cameras.track, "paused": None}
    for layer in stage.up(cameras.track).layers:
        layer.statistics.bps = 900_000.0
    cameras.line = 200_000
    cameras.pass_time(limits.SETTLE_INTERVAL + limits.PULSE, sending=())
    assert stage.room.resync("berta")["downTracks"][0]["paused"] == "line"
    stage.drain()
    stage.room.resync("anna")
    wanted = Tell("room", "anna", "layersWanted", {"track": cameras.track, "layers": 1})
    assert wanted in stage.drain()
