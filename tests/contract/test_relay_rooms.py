"""The relay as a process: who hears and sees whom, and who does not."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from media.client import Permission, RelayFault
from tests.fakes.participant import Participant
from tests.fakes.relay_process import EVERYTHING, Clinic, clinic
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


def hears(page: Participant, member: str, kind: str, packets: int = 10) -> bool:
    received = page.from_member(member, kind)
    return received is not None and received.packets >= packets


async def until_it_hears(page: Participant, member: str, kind: str, packets: int = 10) -> None:
    await until(lambda: hears(page, member, kind, packets))


async def test_eight_people_all_receive_the_sound_and_the_picture_of_all_others(box: Clinic) -> None:
    names = [f"member{number}" for number in range(8)]
    pages = {name: await box.enter("room", name, "audio", "video") for name in names}
    for name, page in pages.items():
        for other in names:
            if other != name:
                await until_it_hears(page, other, "audio")
                await until_it_hears(page, other, "video")
        assert {item.member for item in page.received.values()} == set(names) - {name}
        video = next(item for item in page.received.values() if item.kind == "video")
        assert video.first_payload[1] & 1 == 0, "the first packet of a picture begins a key frame"


async def test_nobody_hears_another_room(box: Clinic) -> None:
    here, there = await box.enter("here", "anna", "audio"), await box.enter("there", "berta", "audio")
    friend = await box.enter("there", "carla", "audio")
    await until_it_hears(friend, "berta", "audio")
    assert not here.received
    assert {item.member for item in there.received.values()} == {"carla"}


async def test_who_was_not_admitted_is_refused_whatever_the_browser_asks(box: Clinic) -> None:
    anna = await box.enter("room", "anna", "audio")
    stranger = box.participant("room", "stranger")
    for method in ("join", "createTransport", "sendTrack", "receiveTrack", "resync", "no such method"):
        with pytest.raises(RelayFault) as refused:
            await stranger.request(method, {})
        assert refused.value.code == "not_admitted"
    assert not anna.received


async def test_who_may_only_listen_can_send_nothing(box: Clinic) -> None:
    anna = await box.enter("room", "anna", "audio")
    await box.admit("room", "guest", Permission((), True))
    guest = box.participant("room", "guest")
    await guest.join()
    with pytest.raises(RelayFault) as refused:
        await guest.send("audio")
    assert refused.value.code == "not_permitted"
    await until_it_hears(guest, "anna", "audio")
    assert not anna.received


async def test_who_may_not_receive_gets_no_packet_and_no_event(box: Clinic) -> None:
    await box.admit("room", "mute", Permission(("audio",), False))
    mute = box.participant("room", "mute", receives=False)
    await mute.join()
    await mute.send("audio")
    anna = await box.enter("room", "anna", "audio")
    with pytest.raises(RelayFault) as refused:
        await mute.request("createTransport", {"direction": "receive"})
    assert refused.value.code == "not_permitted"
    await until_it_hears(anna, "mute", "audio")
    assert mute.events == []


async def test_a_removed_member_hears_nothing_more_and_the_others_go_on(box: Clinic) -> None:
    anna, berta = await box.enter("room", "anna", "audio", "video"), await box.enter("room", "berta", "audio", "video")
    carla = await box.enter("room", "carla", "audio", "video")
    await until(
        lambda: hears(berta, "anna", "video") and hears(carla, "berta", "video") and hears(anna, "carla", "video")
    )
    sealed = there(berta.sender).seal_rtp(next(iter(berta.sent.values())).unsent())
    await box.remove("room", "berta")
    there(berta.sender).send_raw(sealed)
    gone = [item for item in carla.received.values() if item.member == "berta"]
    await until(lambda: all(item.goodbye for item in gone))
    at_berta = sum(item.packets for item in berta.received.values())
    at_carla = sum(item.packets for item in gone)
    before = there(carla.from_member("anna", "audio")).packets
    await until_it_hears(carla, "anna", "audio", before + 25)
    # What was already on its way when the relay closed the transport may have arrived; nothing that was sent later.
    later = sum(item.packets for item in berta.received.values())
    assert later - at_berta <= 4
    assert sum(item.packets for item in gone) == at_carla
    assert {data["track"] for event, data in carla.events if event == "trackRemoved"} == {item.track for item in gone}
    assert (await box.client.counts())["dropped"]["no transport"] >= 1
    with pytest.raises(RelayFault) as refused:
        await berta.request("join", {})
    assert refused.value.code == "not_admitted"


async def test_a_lowered_permission_takes_the_picture_away_and_leaves_the_sound(box: Clinic) -> None:
    anna, berta = await box.enter("room", "anna", "audio", "video"), await box.enter("room", "berta")
    await until(lambda: hears(berta, "anna", "video") and hears(berta, "anna", "audio"))
    picture, sound = there(berta.from_member("anna", "video")), there(berta.from_member("anna", "audio"))
    await box.admit("room", "anna", Permission(("audio",), True))
    await until(lambda: picture.goodbye)
    pictures, sounds = picture.packets, sound.packets
    await until(lambda: sound.packets >= sounds + 10)
    assert picture.packets == pictures
    assert ("trackRemoved", {"track": picture.track}) in anna.events
    with pytest.raises(RelayFault) as refused:
        await anna.send("video")
    assert refused.value.code == "not_permitted"


async def test_a_raised_permission_announces_what_is_there(box: Clinic) -> None:
    await box.admit("room", "mute", Permission(("audio",), False))
    mute = box.participant("room", "mute", receives=False)
    await mute.join()
    anna = await box.enter("room", "anna", "audio")
    await box.admit("room", "mute", EVERYTHING)
    track = next(iter(anna.sent))
    await until(
        lambda: ("trackAdded", {"track": track, "member": "anna", "kind": "audio", "paused": False}) in mute.events
    )


async def test_who_comes_and_goes_freezes_nobody(box: Clinic) -> None:
    await box.enter("room", "anna", "video")
    berta = await box.enter("room", "berta", "video")
    await until_it_hears(berta, "anna", "video")
    for visit in range(3):
        guest = await box.enter("room", "guest", "video")
        await until_it_hears(guest, "anna", "video", 4)
        await until_it_hears(guest, "berta", "video", 4)
        if visit % 2:
            guest.vanish()
            await box.client.leave("room", "guest")
        else:
            await box.remove("room", "guest")
            guest.vanish()
        await until_it_hears(berta, "anna", "video", there(berta.from_member("anna", "video")).packets + 8)
    sequences = there(berta.from_member("anna", "video")).sequences
    assert all((after - first) & 0xFFFF == 1 for first, after in itertools.pairwise(sequences))


async def test_joining_again_closes_what_the_earlier_page_had(box: Clinic) -> None:
    anna, berta = await box.enter("room", "anna", "audio"), await box.enter("room", "berta", "audio")
    await until_it_hears(anna, "berta", "audio")
    first = next(iter(berta.sent))
    again = box.participant("room", "berta")
    await again.join()
    await again.send("audio")
    await until(lambda: ("trackRemoved", {"track": first}) in anna.events)
    second = next(iter(again.sent))
    await until(lambda: second in anna.received and anna.received[second].packets > 5)
    berta.vanish()
