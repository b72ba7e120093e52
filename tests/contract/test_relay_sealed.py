"""A sealed room of the real relay: plaintext ends there and is counted, and the appliance asks for no other room."""

from __future__ import annotations

import ast
import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from media import limits
from media.client import Permission
from tests.fakes.participant import Participant, Received, Sent
from tests.fakes.relay_process import Clinic, clinic
from tests.fakes.sealed_frames import picture, sealed
from tests.fakes.waiting import until

APPLIANCE = Path(__file__).parents[2] / "appliance"
UNSEALED = Permission(("audio", "video"), True, sealed=False)
PLAIN = {
    "opus": ("audio", b"\x78" + bytes(range(80))),
    "opus silence, 1 byte": ("audio", b"\x78"),
    "opus silence, 2 bytes": ("audio", b"\x78\x00"),
    "opus silence, 3 bytes": ("audio", b"\xf8\xff\xfe"),
    "picture for sound": ("audio", sealed("video")),
    "leaf 64": ("audio", sealed("audio", leaf=64)),
    "longer header than need be": ("audio", b"\xa8\x01\x00\x01\x07" + bytes(40)),
    "no room for the tag": ("audio", sealed("audio", 15)),
    "header cut": ("audio", b"\xa9\x01\x00\x01\x01"),
    "vp8 key frame": ("video", bytes.fromhex("1010d0549d012a8002e001004708858588") + bytes(400)),
    "vp8 delta frame": ("video", bytes.fromhex("10b1290007103c0018001858") + bytes(200)),
    "sound for picture": ("video", b"\x10\x11" + sealed("audio")),
    "rest of a frame": ("video", b"\x00" + bytes(300)),
    "descriptor cut": ("video", b"\x90\x80"),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def relay() -> AsyncIterator[Clinic]:
    async with clinic() as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def box(relay: Clinic) -> AsyncIterator[Clinic]:
    yield relay
    await relay.clear()


async def not_sealed(box: Clinic) -> int:
    count: int = (await box.client.counts())["dropped"]["not_sealed"]
    return count


async def until_dropped(box: Clinic, count: int) -> None:
    """Every packet the test has sent has been looked at when the last of them is counted."""
    async with asyncio.timeout(20):
        while await not_sealed(box) < count:
            pass


async def pair(box: Clinic, kind: str) -> tuple[Participant, Sent, Participant, Received]:
    """Anna sends what the test makes her send; Berta has resumed the down track."""
    anna, berta = await box.enter("room", "anna"), await box.enter("room", "berta")
    sent = await anna.send(kind, frames=False)
    await until(lambda: berta.received)
    received = next(iter(berta.received.values()))
    await until(lambda: _heard(anna, sent, received))
    return anna, sent, berta, received


def _heard(anna: Participant, sent: Sent, received: Received) -> bool:
    anna.frame(sent)
    return received.packets > 0


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", PLAIN)
async def test_what_is_not_sealed_reaches_nobody_and_is_counted(box: Clinic, name: str) -> None:
    kind, payload = PLAIN[name]
    before = await not_sealed(box)
    anna, berta = await box.enter("room", "anna"), await box.enter("room", "berta")
    sent = await anna.send(kind, frames=False)
    await until(lambda: berta.received)
    for _ in range(5):
        anna.packet(sent, payload)
    await until_dropped(box, before + 5)
    received = next(iter(berta.received.values()))
    # What follows shows that the way to Berta is open, and that nothing came before it.
    await until(lambda: _heard(anna, sent, received))
    assert received.first_payload not in (payload, b"")


@pytest.mark.asyncio(loop_scope="module")
async def test_sealed_rooms_drop_nothing(box: Clinic) -> None:
    before = await not_sealed(box)
    anna, berta = await box.enter("room", "anna", "audio", "video"), await box.enter("room", "berta", "audio", "video")
    await until(lambda: all(len(page.received) == 2 for page in (anna, berta)))
    found = [*anna.received.values(), *berta.received.values()]
    await until(lambda: all(item.packets > 20 for item in found))
    assert await not_sealed(box) == before


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("kind", "plain"), [("audio", b"\x78" + bytes(60)), ("video", b"\x10\xb1" + bytes(60))], ids=["sound", "picture"]
)
async def test_a_sender_whose_sealing_ends_is_silent_and_is_heard_again_when_it_is_back(
    box: Clinic, kind: str, plain: bytes
) -> None:
    anna, sent, _berta, received = await pair(box, kind)
    before = await not_sealed(box)
    for _ in range(20):
        anna.packet(sent, plain)
    await until_dropped(box, before + 20)
    had = received.packets
    await until(lambda: _heard_more(anna, sent, received, had))
    doubted = await not_sealed(box) - before - 20
    assert doubted >= limits.SEALED_AGAIN


def _heard_more(anna: Participant, sent: Sent, received: Received, had: int) -> bool:
    anna.frame(sent)
    return received.packets > had


@pytest.mark.asyncio(loop_scope="module")
async def test_a_picture_in_parts_out_of_order_arrives_whole(box: Clinic) -> None:
    anna, sent, _berta, received = await pair(box, "video")
    frame = picture(900, key=False, counter=999)
    first, timestamp = sent.sequence, sent.timestamp
    for sequence, payload in ((first + 1, b"\x00" + frame[500:]), (first, b"\x10" + frame[:500])):
        sent.sequence, sent.timestamp = sequence, timestamp
        anna.packet(sent, payload)
    await until(lambda: [(a - b) & 0xFFFF for a, b in itertools.pairwise(received.sequences[-2:])] == [1])


@pytest.mark.asyncio(loop_scope="module")
async def test_a_room_turns_sealed_with_the_next_packet(box: Clinic) -> None:
    await box.admit("room", "anna", UNSEALED)
    anna = box.participant("room", "anna")
    await anna.join()
    sent, berta = await anna.send("audio", frames=False), await box.enter("room", "berta")
    await until(lambda: berta.received)
    received = next(iter(berta.received.values()))

    def plain_is_heard() -> bool:
        anna.packet(sent, b"\x78plain")
        return received.packets > 0

    await until(plain_is_heard)
    await box.admit("room", "anna")
    before, had = await not_sealed(box), received.packets
    anna.packet(sent, b"\x78plain")
    await until_dropped(box, before + 1)
    assert received.packets <= had + 1, "at most the one that was on its way already"


# --- the appliance -------------------------------------------------------------------------------------------------


def ways_round_sealing(source: str) -> Iterator[str]:
    """Every place in a source that could make a permission without sealing."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func).rpartition(".")[2]
            words = {word.arg for word in node.keywords}
            makes = called in ("Permission", "replace", "partial")  # other things of the box are called sealed, too
            if ("sealed" in words and makes) or (called == "Permission" and (len(node.args) > 2 or None in words)):
                yield ast.unparse(node)
            if called == "Permission" and any(isinstance(argument, ast.Starred) for argument in node.args):
                yield ast.unparse(node)
        elif isinstance(node, ast.ImportFrom) and any(name.name == "Permission" and name.asname for name in node.names):
            yield ast.unparse(node)


def test_the_appliance_never_asks_for_a_room_that_is_not_sealed() -> None:
    assert Permission(send=("audio", "video"), receive=True).sealed is True
    paths = [path for path in APPLIANCE.rglob("*.py") if "node_modules" not in path.parts]
    assert len(paths) > 50
    assert {path.name: found for path in paths if (found := list(ways_round_sealing(path.read_text())))} == {}


@pytest.mark.parametrize(
    "source",
    [
        "Permission(send=(), receive=True, sealed=False)",
        "media.client.Permission((), True, False)",
        "Permission(*three)",
        "Permission(**words)",
        "msgspec.structs.replace(permission, sealed=False)",
        "from media.client import Permission as Leave",
    ],
)
def test_the_check_finds_every_way_to_ask_for_one(source: str) -> None:
    assert list(ways_round_sealing(source))


def test_the_check_lets_the_two_fields_pass() -> None:
    assert not list(ways_round_sealing("Permission(send=(), receive=True)"))
