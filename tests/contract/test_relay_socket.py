"""relay.sock and the UDP port: reconnecting, nonsense from all sides, and how the process starts and ends."""

from __future__ import annotations

import asyncio
import os
import random
import socket
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import pytest

from media import control
from media.client import Permission, RelayFault
from media.relay import Relay
from tests.fakes.participant import Participant
from tests.fakes.relay_process import EVERYTHING, Clinic, clinic
from tests.fakes.waiting import there, until

ROOT = Path(__file__).parents[2]


@pytest.fixture
async def box() -> AsyncIterator[Clinic]:
    async with clinic() as made:
        yield made


def packets(page: Participant) -> int:
    return sum(item.packets for item in page.received.values())


async def test_media_goes_on_while_the_appliance_is_away_and_the_truth_is_reconciled_after(box: Clinic) -> None:
    await box.enter("room", "anna", "audio")
    berta, carla = await box.enter("room", "berta"), await box.enter("room", "carla", "audio")
    await until(lambda: packets(berta) > 10)
    await box.disconnect()
    had = packets(berta)
    await until(lambda: packets(berta) > had + 50)
    with pytest.raises(RelayFault) as away:
        await carla.request("join", {})
    assert away.value.code == "away"
    del box.truth["room"]["carla"]
    box.truth["room"]["dora"] = EVERYTHING
    await box.connect()
    gone = there(berta.from_member("carla", "audio"))
    await until(lambda: gone.goodbye)
    had = packets(berta)
    await until(lambda: packets(berta) > had + 10)
    with pytest.raises(RelayFault) as refused:
        await carla.request("join", {})
    assert refused.value.code == "not_admitted"
    dora = box.participant("room", "dora")
    await dora.join()
    await until(lambda: packets(dora) > 5)


async def test_a_page_catches_up_after_its_signalling_was_away(box: Clinic) -> None:
    anna, berta = await box.enter("room", "anna", "audio"), await box.enter("room", "berta", "audio")
    await until(lambda: packets(anna) > 2 and packets(berta) > 2)
    state = await berta.request("resync", {})
    assert state["ownTracks"] == list(berta.sent)
    assert set(state["transports"]) == {there(berta.sender).transport, there(berta.receiver).transport}
    assert [item["track"] for item in state["tracks"]] == list(anna.sent)
    assert [item["downTrack"] for item in state["downTracks"]] == [item.down_track for item in berta.received.values()]


async def test_a_newer_appliance_replaces_the_older(box: Clinic) -> None:
    older = box.client
    running = there(box._running)
    await box.connect()
    await until(lambda: not older.connected or older.instance == box.client.instance)
    await box.admit("room", "anna")
    assert (await box.client.counts())["transports"] == 0
    running.cancel()


async def test_a_change_that_is_made_while_the_truth_is_read_is_not_lost(box: Clinic) -> None:
    await box.enter("room", "anna", "audio")
    await box.disconnect()
    reading, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> dict[str, dict[str, Permission]]:
        before = {"room": {"anna": EVERYTHING}}
        reading.set()
        await go_on.wait()
        return before

    box.client = box._new_client()
    box.client._admitted = slow
    box._running = asyncio.create_task(box.client.run())
    await reading.wait()
    await box.client.remove("room", "anna")
    go_on.set()
    await until(lambda: box.client.connected)
    with pytest.raises(RelayFault) as refused:
        await box.client.request("room", "anna", "resync", {})
    assert refused.value.code == "not_admitted"


async def test_the_socket_is_for_its_owner_and_group_only(box: Clinic) -> None:
    assert stat.S_IMODE(box.socket.stat().st_mode) == 0o660


async def test_nonsense_on_the_udp_port_disturbs_nobody(box: Clinic) -> None:
    _anna, berta = await box.enter("room", "anna", "audio"), await box.enter("room", "berta")
    await until(lambda: packets(berta) > 5)
    receiver = there(berta.receiver)
    chance = random.Random(7)  # noqa: S311  seeded on purpose
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for first in range(256):
            stranger.sendto(bytes([first]) + chance.randbytes(chance.randrange(200)), receiver._address)
        stranger.sendto(b"", receiver._address)
        stranger.sendto(b"\0\1\0\0\x21\x12\xa4\x42" + bytes(12), receiver._address)
    # The same from an address the relay knows: DTLS alerts, SRTP that is not authentic, broken STUN.
    for first in range(256):
        receiver.send_raw(bytes([first]) + chance.randbytes(chance.randrange(200)))
    for size in range(0, 40):
        receiver.send_rtcp(bytes([0x80 | size & 0x1F, 200 + size % 8, 0, max(0, size - 1)]) + bytes(4 * size + 4))
    had = packets(berta)
    await until(lambda: packets(berta) > had + 10)
    dropped = (await box.client.counts())["dropped"]
    assert dropped["malformed or unauthentic"] > 10
    assert dropped["unknown kind or source"] > 10


async def test_a_packet_that_breaks_the_senders_own_header_is_dropped_alone(box: Clinic) -> None:
    anna, berta = await box.enter("room", "anna", "audio"), await box.enter("room", "berta")
    await until(lambda: packets(berta) > 5)
    sent = next(iter(anna.sent.values()))
    good = sent.unsent()
    # libsrtp itself refuses most of these; what it lets through must not disturb the relay either.
    for packet in (good, good[:12], bytes([0xA0]) + good[1:-1] + b"\xff", bytes([0x8F]) + good[1:]):
        try:
            there(anna.sender).send_rtp(packet)
        except ValueError:
            continue
    had = packets(berta)
    await until(lambda: packets(berta) > had + 10)


@pytest.mark.parametrize(
    "line",
    [b"\n", b"nonsense\n", b"[]\n", b'{"type":"hello","version":2}\n', b'{"type":"admitted","rooms":{}}\n'],
)
async def test_a_connection_that_does_not_greet_is_refused(box: Clinic, line: bytes) -> None:
    reader, writer = await asyncio.open_unix_connection(box.socket)
    writer.write(line)
    assert b'"bad_message"' in await reader.read()
    writer.close()
    assert box.client.connected


async def test_wrong_requests_are_faults_and_nothing_more(box: Clinic) -> None:
    anna = await box.enter("room", "anna", "audio")
    transport = there(anna.sender).transport
    codec = {"mimeType": "video/H264", "payloadType": 96, "clockRate": 90000}
    wrong: list[tuple[str, dict[str, Any], str]] = [
        ("nothing", {}, "bad_method"),
        ("createTransport", {}, "bad_parameters"),
        ("createTransport", {"direction": "sideways"}, "bad_parameters"),
        ("connectTransport", {"transport": "nope", "dtlsParameters": {"fingerprints": []}}, "bad_parameters"),
        ("connectTransport", _connect("nope"), "unknown_transport"),
        ("connectTransport", _connect(transport), "wrong_state"),
        ("sendTrack", {"transport": transport, "kind": "video", "rtpParameters": {"codecs": []}}, "bad_parameters"),
        ("sendTrack", _send(transport, [codec], [{"ssrc": 1}]), "unsupported_codec"),
        ("sendTrack", _send(transport, [{**codec, "mimeType": "video/VP8"}], []), "bad_parameters"),
        (
            "sendTrack",
            _send(transport, [{**codec, "mimeType": "video/VP8", "payloadType": 72}], [{"ssrc": 1}]),
            "bad_parameters",
        ),
        ("receiveTrack", {"track": "nope", "transport": transport}, "unknown_track"),
        ("receiveTrack", {"track": next(iter(anna.sent)), "transport": transport}, "unknown_track"),
        ("resumeDownTrack", {"downTrack": "nope"}, "unknown_down_track"),
        ("pauseTrack", {"track": "nope"}, "unknown_track"),
        ("closeTrack", {"track": 7}, "bad_parameters"),
        ("closeTrack", {"track": "ä" * 99}, "bad_parameters"),
    ]
    for method, data, code in wrong:
        with pytest.raises(RelayFault) as fault:
            await anna.request(method, data)
        assert fault.value.code == code, (method, data)


def _connect(transport: str) -> dict[str, Any]:
    return {"transport": transport, "dtlsParameters": {"fingerprints": [{"algorithm": "sha-256", "value": "00"}]}}


def _send(transport: str, codecs: list[dict[str, Any]], encodings: list[dict[str, int]]) -> dict[str, Any]:
    return {
        "transport": transport,
        "kind": "video",
        "rtpParameters": {"codecs": codecs, "encodings": encodings},
    }


async def test_what_one_member_can_make_grow_is_bounded(box: Clinic) -> None:
    anna = await box.enter("room", "anna", "audio")
    with pytest.raises(RelayFault) as fault:
        for _ in range(100):
            await anna.request("createTransport", {"direction": "send"})
    assert fault.value.code == "limit"
    with pytest.raises(RelayFault) as fault:
        for _ in range(100):
            await anna.send("video", frames=False)
    assert fault.value.code == "limit"
    with pytest.raises(RelayFault) as fault:
        await anna.request("join", {"x": "y" * 70_000})
    assert fault.value.code == "limit"


async def test_a_peer_with_another_certificate_than_it_announced_gets_no_keys(box: Clinic) -> None:
    await box.admit("room", "mallory")
    mallory = box.participant("room", "mallory")
    ask = mallory.request

    async def lie(method: str, data: dict[str, Any]) -> dict[str, Any]:
        if method == "connectTransport":
            data["dtlsParameters"]["fingerprints"] = [{"algorithm": "sha-256", "value": ":".join(["00"] * 32)}]
        return await ask(method, data)

    mallory.request = lie
    created = asyncio.create_task(mallory.join())
    await until(lambda: any(event == "transportClosed" for event, _ in mallory.events))
    created.cancel()
    assert (await box.client.counts())["transports"] == 0


async def _run(*arguments: str) -> tuple[int | None, bytes, bytes]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "media", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    out, err = await asyncio.wait_for(process.communicate(), 20)
    return process.returncode, out, err


async def test_a_taken_port_is_one_clear_sentence_and_exit_code_one(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("0.0.0.0", 0))  # noqa: S104
        port = str(taken.getsockname()[1])
        code, out, err = await _run("--socket", f"{tmp_path}/r", "--udp-port", port, "--address", "127.0.0.1")
    assert (code, out) == (1, b"")
    assert err == f"Port {port}/udp is already in use. Choose another one in the settings.\n".encode()


async def test_a_taken_socket_is_one_clear_sentence_and_exit_code_one(box: Clinic) -> None:
    code, out, err = await _run("--socket", str(box.socket), "--udp-port", "0", "--address", "127.0.0.1")
    assert (code, out) == (1, b"")
    assert err.count(b"\n") == 1
    assert box.client.connected


async def test_bad_usage_is_exit_code_two(tmp_path: Path) -> None:
    code, out, _ = await _run("--socket", f"{tmp_path}/r", "--udp-port", "70000", "--address", "127.0.0.1")
    assert (code, out) == (2, b"")


async def test_the_socket_of_a_killed_relay_does_not_stop_the_next_one(box: Clinic) -> None:
    relay = there(box.process)
    relay.kill()
    await relay.wait()
    await until(lambda: not box.client.connected)
    first = box.client.instance
    await box.start_relay()
    await until(lambda: box.client.connected)
    assert box.client.instance != first


async def test_a_relay_that_is_told_to_end_ends_cleanly_and_takes_its_socket_away(box: Clinic) -> None:
    await box.enter("room", "anna", "audio")
    relay = there(box.process)
    relay.terminate()
    assert await asyncio.wait_for(relay.wait(), 5) == 0
    assert not box.socket.exists()


async def test_another_users_process_is_no_appliance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Console and timers may write in the sockets' folder too; who speaks here lets people into rooms."""
    listening = control.Control(tmp_path / "relay.sock")
    await listening.start(cast(Relay, None))
    monkeypatch.setattr(control, "_peer_uid", lambda _: os.getuid() + 1)
    reader, writer = await asyncio.open_unix_connection(tmp_path / "relay.sock")
    writer.write(b'{"type":"hello","version":1}\n')
    with suppress(ConnectionResetError):  # as good an end
        assert await asyncio.wait_for(reader.read(1), 5) == b""
    writer.close()
    await listening.stop()
