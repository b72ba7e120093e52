"""Lost packets, key frames and clocks, through the real relay."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.fakes.participant import Participant, Received
from tests.fakes.relay_process import Clinic, clinic
from tests.fakes.waiting import there, until

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def relay() -> AsyncIterator[Clinic]:
    async with clinic() as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def box(relay: Clinic) -> AsyncIterator[Clinic]:
    yield relay
    await relay.clear()


async def until_it_has(page: Participant, more_than: int) -> Received:
    """What this participant receives, as soon as more packets than that have come."""
    await until(lambda: page.received and next(iter(page.received.values())).packets > more_than)
    return next(iter(page.received.values()))


async def pair(box: Clinic, kind: str) -> tuple[Participant, Participant, Received]:
    """Anna sends, Berta has received something of it."""
    anna, berta = await box.enter("room", "anna", kind), await box.enter("room", "berta")
    return anna, berta, await until_it_has(berta, 5)


async def test_every_new_receiver_makes_the_sender_give_a_key_frame(box: Clinic) -> None:
    anna, _berta, _received = await pair(box, "video")
    sent = next(iter(anna.sent.values()))
    for number in range(3):
        asked = sent.asked_for_key_frame
        guest = await box.enter("room", f"guest{number}")
        received = await until_it_has(guest, 3)
        assert sent.asked_for_key_frame > asked
        assert received.key_frames == 1
        assert received.first_payload[1] & 1 == 0


async def test_a_receiver_that_asks_for_a_key_frame_gets_one(box: Clinic) -> None:
    _anna, berta, received = await pair(box, "video")
    had = received.key_frames
    berta.ask_for_key_frame(received)
    await until(lambda: received.key_frames > had)


async def test_ten_wishes_for_a_key_frame_are_one_request(box: Clinic) -> None:
    anna, berta, received = await pair(box, "video")
    sent = next(iter(anna.sent.values()))
    asked, had = sent.asked_for_key_frame, received.key_frames
    for _ in range(10):
        berta.ask_for_key_frame(received)
    await until(lambda: received.key_frames > had)
    assert sent.asked_for_key_frame - asked <= 2


async def test_a_packet_lost_on_the_way_to_one_receiver_comes_from_the_relays_own_cache(box: Clinic) -> None:
    anna, berta, received = await pair(box, "video")
    dropped: list[int] = []

    def once(item: Received, sequence: int) -> bool:
        if not dropped and item is received:
            dropped.append(sequence)
            return True
        return False

    berta.drop_received = once
    await until(lambda: dropped and received.sequences[-1] != dropped[0])
    berta.nack(received, dropped)
    await until(lambda: dropped[0] in received.sequences)
    assert next(iter(anna.sent.values())).nacked == []


async def test_a_packet_lost_on_the_way_to_the_relay_is_asked_of_its_sender_by_the_relay(box: Clinic) -> None:
    anna, _berta, received = await pair(box, "video")
    sent = next(iter(anna.sent.values()))
    missing = (sent.sequence + 1) & 0xFFFF
    sent.lose.add(missing)
    had = received.packets
    await until(lambda: missing in sent.nacked and received.packets > had + 6)
    assert not _gaps(received)


def _gaps(received: Received) -> list[int]:
    return [
        (before + 1) & 0xFFFF
        for before, after in itertools.pairwise(received.sequences)
        if (after - before) & 0xFFFF == 2 and (before + 1) & 0xFFFF not in received.sequences
    ]


async def test_a_pause_leaves_no_gap_in_the_numbers_a_receiver_sees(box: Clinic) -> None:
    anna, berta, received = await pair(box, "video")
    track = next(iter(anna.sent))
    await anna.request("pauseTrack", {"track": track})
    await until(lambda: ("trackPaused", {"track": track}) in berta.events)
    held = received.packets
    frames = anna.sent[track].packets
    await until(lambda: anna.sent[track].packets > frames + 4)
    assert received.packets == held
    await anna.request("resumeTrack", {"track": track})
    await until(lambda: received.packets > held + 4)
    assert ("trackResumed", {"track": track}) in berta.events
    assert all((after - before) & 0xFFFF == 1 for before, after in itertools.pairwise(received.sequences))
    assert received.key_frames >= 2, "a picture goes on with a key frame"


async def test_the_senders_clock_reaches_a_receiver_in_the_receivers_own_timestamps(box: Clinic) -> None:
    anna, _berta, received = await pair(box, "audio")
    sent = next(iter(anna.sent.values()))
    ntp = 0x1234567800000000
    timestamp = sent.timestamp
    anna.report(sent, ntp)
    await until(lambda: received.clocks)
    clock = received.clocks[0]
    assert clock.ntp == ntp
    assert clock.packets > 0
    # One RTP packet carried that same instant; its rewritten timestamp and the report's must be the same.
    await until(lambda: clock.timestamp in received.timestamps or sent.timestamp > timestamp + 48000)
    assert clock.timestamp in received.timestamps


async def test_a_sender_hears_from_the_relay_how_its_packets_arrive(box: Clinic) -> None:
    anna, _berta, _received = await pair(box, "audio")
    sent = next(iter(anna.sent.values()))
    anna.report(sent, 0x1234567800000000)
    sent.answers = False
    sent.lose.update((sent.sequence + step) & 0xFFFF for step in range(2, 5))
    await until(lambda: any(block.lost == 3 and block.lsr == 0x56780000 for block in sent.reports))
    assert any(block.fraction > 0 for block in sent.reports)


async def test_a_participant_whose_address_changes_goes_on(box: Clinic) -> None:
    anna, berta, received = await pair(box, "audio")
    for endpoint in (berta.receiver, anna.sender):
        had = received.packets
        there(endpoint).move()
        await until_it_has(berta, had + 10)
