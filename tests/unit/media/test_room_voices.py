"""Whose sound is forwarded, who is told so, and what senders and receivers hear of each other's loss and clocks."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from media import limits, rtcp
from media.outputs import Tell
from media.rtp import read_header, write_header
from tests.fakes.sealed_frames import picture, sealed
from tests.fakes.stage import ALL, LEADS, LEVEL_ID, Stage

SOUND = sealed("audio")
KEY = b"\x10" + picture(key=True)
NAMES = ["anna", "berta", "carla", "dora", "emma"]


class Circle:
    """Five voices with levels, and one who only listens."""

    def __init__(self, leads: Sequence[str] = ()) -> None:
        self.stage, self.now, self.sequence = Stage(), 1.0, 0
        for name in NAMES:
            self.stage.enter(name, LEADS if name in leads else ALL)
        self.stage.enter("listener")
        self.tracks, self.ssrcs = {}, {}
        for name in NAMES:
            self.tracks[name], self.ssrcs[name] = self.stage.send(name, "audio", level=True)
            self.stage.watch("listener", self.tracks[name], self.now)

    def speak(self, seconds: float, *loud: str, quiet: int = 127) -> None:
        """`loud` ones at -20 dBov with the voice bit, the others silent, 50 packets a second each."""
        for _ in range(round(seconds / 0.02)):
            self.now += 0.02
            self.sequence += 1
            for name in NAMES:
                level = 0x80 | 20 if name in loud else quiet
                header = write_header(False, False, 100, self.sequence, 960 * self.sequence, self.ssrcs[name])
                extension = bytes.fromhex("bede0001") + bytes([LEVEL_ID << 4, level, 0, 0])
                self.stage.give(name, bytes([header[0] | 0x10]) + header[1:] + extension + SOUND, self.now)
            deadline = self.stage.rooms.deadline
            if deadline is not None and self.now >= deadline:
                self.stage.rooms.tick(self.now)

    def heard(self) -> set[str]:
        """Whom the listener hears now."""
        return {name for name in NAMES if self.stage.down("listener", self.tracks[name]).aimed is not None}

    def told(self, member: str, event: str) -> list[dict[str, object]]:
        found = [item for item in self.stage.drain() if isinstance(item, Tell)]
        return [item.data for item in found if item.member == member and item.event == event]


def test_no_more_than_three_are_forwarded_and_whoever_speaks_is_among_them() -> None:
    circle = Circle()
    circle.speak(2, "emma", "dora")
    assert {"emma", "dora"} <= circle.heard()
    assert len(circle.heard()) == 3


def test_who_leads_is_always_heard_and_takes_nobodys_place() -> None:
    circle = Circle(leads=["berta"])
    circle.speak(2, "anna", "carla", "dora")
    assert circle.heard() == {"anna", "berta", "carla", "dora"}


def test_who_begins_to_speak_is_heard_within_a_tenth_of_a_second() -> None:
    circle = Circle()
    circle.speak(2, "anna")
    silent = next(name for name in NAMES if name not in circle.heard())
    circle.speak(0.1, silent)
    assert silent in circle.heard()


def test_where_no_more_speak_than_are_forwarded_all_are_from_the_first_packet_on() -> None:
    stage = Stage()
    for name in ("anna", "berta", "carla"):
        stage.enter(name)
    track, ssrc = stage.send("anna", "audio", level=True)
    stage.watch("berta", track)
    assert len(stage.rtp("anna", ssrc, 1, SOUND)) == 1


def test_a_voice_without_level_is_always_forwarded() -> None:
    circle = Circle()
    circle.stage.enter("old")
    track, ssrc = circle.stage.send("old", "audio")
    circle.stage.watch("listener", track)
    circle.speak(2, "anna", "berta", "carla")
    assert len(circle.stage.rtp("old", ssrc, 1, SOUND, circle.now)) == 1


def test_the_numbers_of_a_voice_that_was_left_out_have_no_gap() -> None:
    circle = Circle()
    numbers: list[int] = []
    receive = circle.stage.rooms.receive_rtp
    mine = circle.stage.down("listener", circle.tracks["emma"]).ssrc

    def watched(transport: int, packet: bytes, now: float) -> object:
        sent = receive(transport, packet, now)
        headers = [read_header(out.head + out.rest) for out in sent]
        numbers.extend(header.sequence for header in headers if header.ssrc == mine)
        return sent

    circle.stage.rooms.receive_rtp = watched  # type: ignore[method-assign,assignment]
    circle.speak(1, "emma")
    circle.speak(2, "anna", "berta", "carla")
    assert "emma" not in circle.heard()
    circle.speak(2, "emma")
    assert len(numbers) > 100
    assert numbers == [(numbers[0] + step) & 0xFFFF for step in range(len(numbers))]


def test_everybody_is_told_who_speaks_when_it_changes_and_only_then() -> None:
    circle = Circle()
    circle.speak(2, "anna")
    assert circle.told("listener", "speakers")[-1] == {"speakers": ["anna"], "active": "anna"}
    circle.speak(2, "anna")
    assert circle.told("listener", "speakers") == []


def test_who_comes_later_is_told_who_speaks() -> None:
    circle = Circle()
    circle.speak(2, "anna")
    circle.stage.drain()
    circle.stage.enter("late")
    assert circle.told("late", "speakers") == [{"speakers": ["anna"], "active": "anna"}]


def test_talk_time_goes_to_those_who_lead_and_to_nobody_else() -> None:
    circle = Circle(leads=["berta"])
    circle.speak(limits.TALK_TIME_INTERVAL + 1, "anna")
    outputs = circle.stage.drain()
    told = [item for item in outputs if isinstance(item, Tell) and item.event == "talkTime"]
    assert {item.member for item in told} == {"berta"}
    assert 3 <= told[-1].data["seconds"]["anna"] <= 6


def test_a_muted_voice_is_not_counted_and_not_sent() -> None:
    circle = Circle()
    circle.stage.room.pause_track("anna", circle.tracks["anna"], True, circle.now)
    circle.speak(2, "anna")
    assert "anna" not in circle.heard()
    assert not circle.told("listener", "speakers")


# --- reports and clocks --------------------------------------------------------------------------------------------


@pytest.fixture
def pair() -> Stage:
    stage = Stage()
    stage.enter("anna")
    stage.enter("berta")
    return stage


def test_a_voice_hears_of_the_worst_receivers_loss_so_that_its_error_correction_adapts(pair: Stage) -> None:
    track, ssrc = pair.send("anna", "audio")
    down = pair.watch("berta", track)
    for sequence in range(1, 10):
        pair.rtp("anna", ssrc, sequence, SOUND, 1.0)
    block = rtcp.ReportBlock(down, 64, 10, 100, 0, 0, 0)
    pair.rtcp(pair.receives["berta"], rtcp.write_receiver_report(1, [block]), 1.5)
    pair.drain()
    pair.rooms.tick(2.1)
    (report,) = [packet for packet in pair.sent_rtcp(pair.sends["anna"]) if isinstance(packet, rtcp.ReceiverReport)]
    assert [item.fraction for item in report.blocks] == [64]


def test_a_picture_hears_of_its_own_hop_only(pair: Stage) -> None:
    track, ssrc = pair.send("anna", "video")
    down = pair.watch("berta", track)
    pair.rtp("anna", ssrc, 1, KEY, 1.0)
    block = rtcp.ReportBlock(down, 64, 10, 100, 0, 0, 0)
    pair.rtcp(pair.receives["berta"], rtcp.write_receiver_report(1, [block]), 1.5)
    pair.drain()
    pair.rooms.tick(2.1)
    (report,) = [packet for packet in pair.sent_rtcp(pair.sends["anna"]) if isinstance(packet, rtcp.ReceiverReport)]
    assert [item.fraction for item in report.blocks] == [0]


def clock(stage: Stage, ssrc: int, ntp: int, timestamp: int, now: float) -> list[rtcp.SenderReport]:
    """Anna's clock as Berta hears it."""
    stage.drain()
    report = rtcp.SenderReport(ssrc, ntp, timestamp & 0xFFFFFFFF, 1, 1)
    stage.rtcp(stage.sends["anna"], rtcp.write_sender_report(report), now)
    return [packet for packet in stage.sent_rtcp(stage.receives["berta"]) if isinstance(packet, rtcp.SenderReport)]


def test_the_clock_goes_on_over_a_change_of_layer_so_that_lips_and_voice_stay_together(pair: Stage) -> None:
    """Both layers show one instant under timestamps 1,000,000 apart; the receiver sees one clock."""
    track, ssrc = pair.send("anna", "video", 2)
    pair.watch("berta", track)
    down = pair.down("berta", track)
    pair.room.show_down_track("berta", down.id, 160, 90, 0.0)
    high = 1_000_000

    def give(layer: int, sequence: int, timestamp: int, payload: bytes, now: float) -> None:
        packet = write_header(False, False, 100, sequence, timestamp, ssrc + layer) + payload
        pair.give("anna", packet, now)

    give(0, 1, 0, KEY, 1.0)
    give(1, 1, high, KEY, 1.0)
    (before,) = clock(pair, ssrc, 100 << 32, 0, 1.1)
    assert clock(pair, ssrc + 1, 100 << 32, high, 1.1) == [], "of a layer that is not seen nothing is said"
    plane = pair.plane
    plane.aim(down.number, pair.up(track).layers[1].number)
    give(1, 2, high + 90_000, KEY, 2.0)
    (after,) = clock(pair, ssrc + 1, 101 << 32, high + 90_000, 2.1)
    assert (after.timestamp - before.timestamp) & 0xFFFFFFFF == 90_000
    assert before.ssrc == after.ssrc == down.ssrc


def test_the_round_trip_is_known_from_the_echo_of_the_clock(pair: Stage) -> None:
    track, ssrc = pair.send("anna", "audio")
    down_ssrc = pair.watch("berta", track)
    pair.rtp("anna", ssrc, 1, SOUND, 1.0)
    assert clock(pair, ssrc, 0x1234_5678_0000_0000, 0, 10.0)
    path = pair.transport(pair.receives["berta"]).path
    assert path is not None
    before = path.rtt
    for highest in range(100, 160):
        block = rtcp.ReportBlock(down_ssrc, 0, 0, highest, 0, 0x5678_0000, 65536 // 2)
        pair.rtcp(pair.receives["berta"], rtcp.write_receiver_report(1, [block]), 11.0)
    assert before < 0.2
    assert path.rtt == pytest.approx(0.5, abs=0.02)


def test_who_speaks_in_turn_is_no_flood_of_messages() -> None:
    circle = Circle()
    circle.speak(2, "anna", "berta")
    circle.told("listener", "speakers")
    for _ in range(20):
        circle.speak(0.5, "anna")
        circle.speak(0.5, "berta")
    told = circle.told("listener", "speakers")
    assert len(told) <= 20 / limits.ORDER_INTERVAL + 2
    circle.speak(0.3, "anna", "berta", "carla")
    assert "carla" in str(circle.told("listener", "speakers")), "who is new is named at once"
