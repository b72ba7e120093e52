"""The streamed request over real HTTPS: order, receipts, refusals, bounds; and who is let in at all."""

from __future__ import annotations

import asyncio
import json
import logging
import random
import socket
import ssl
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp import web

from sync import frames, pack, receipt, suite
from sync.checkpoint import EMPTY, extend_all
from sync.content import Record
from sync.hq import callers, intake, listening, serve, stream
from sync.hq import folder as hq_folder
from sync.hq.objects import numbered_path, open_objects
from sync.keys import HqFacts
from tests.fakes.parties import AT, SealingBox, client_context, enrol, enrolled_box, make_hq, objects, running_hq
from tests.fakes.streaming import HELLO, streaming
from tests.fakes.waiting import until


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_hq(tmp_path / "hq")
    return tmp_path / "hq"


@pytest.fixture
def box(folder: Path) -> SealingBox:
    return enrolled_box(folder)


def sealed(box: SealingBox, count: int) -> list[bytes]:
    return [box.seal() for _ in range(count)]


async def ask(hq: HqFacts, path: str, box: bytes | None) -> tuple[int, bytes]:
    async with aiohttp.ClientSession() as session, session.get(hq.url + path, ssl=client_context(hq, box)) as answer:
        return answer.status, await answer.read()


async def test_each_segment_of_a_stream_gets_its_receipt_in_order(folder: Path, box: SealingBox) -> None:
    raws = sealed(box, 20)
    async with running_hq(folder) as hq, streaming(hq, box.facts.box) as line:
        line.send(raws)
        got = [receipt.parse(raw) for raw in await line.receipts(20)]
    assert [(one.size, one.last) for one in got] == [(n + 1, suite.digest(raw)) for n, raw in enumerate(raws)]
    assert got[-1].checkpoint == extend_all(EMPTY, map(suite.digest, raws))
    assert [path.read_bytes() for path in objects(folder)] == raws


async def test_the_same_segments_again_are_the_same_success(folder: Path, box: SealingBox) -> None:
    raws = sealed(box, 4)
    async with running_hq(folder) as hq:
        for _ in range(2):
            async with streaming(hq, box.facts.box) as line:
                line.send(raws)
                assert [receipt.parse(raw).size for raw in await line.receipts(4)] == [1, 2, 3, 4]
        async with streaming(hq, box.facts.box) as line:
            line.send(raws[:2])
            line.send(raws[:2])
            assert [receipt.parse(raw).size for raw in await line.receipts(4)] == [1, 2, 1, 2]
    assert len(objects(folder)) == 4


async def test_a_segment_waits_for_the_one_before_that_comes_over_another_line(folder: Path, box: SealingBox) -> None:
    raws = sealed(box, 4)
    async with (
        running_hq(folder) as one,
        running_hq(folder) as two,
        streaming(one, box.facts.box) as early,
        streaming(two, box.facts.box) as late,
    ):
        early.send(raws[2:])
        await until(lambda: early.status == 200)
        late.send(raws[:2])
        assert [receipt.parse(raw).size for raw in await late.receipts(2)] == [1, 2]
        assert [receipt.parse(raw).size for raw in await early.receipts(2)] == [3, 4]


async def test_a_gap_that_nobody_fills_is_told(folder: Path, box: SealingBox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "GAP_SECONDS", 0.3)
    raws = sealed(box, 3)
    async with running_hq(folder) as hq, streaming(hq, box.facts.box) as line:
        line.send([raws[0], raws[2]])
        await line.receipts(1)
        told = await line.refusal()
        assert (told["code"], told["next_wanted"]) == ("gap", 2)
        assert await line.hear() is None
    assert len(objects(folder)) == 1


async def test_nothing_goes_on_top_of_what_was_refused(
    folder: Path, box: SealingBox, caplog: pytest.LogCaptureFixture
) -> None:
    twin = SealingBox(box.hq)
    twin.key = box.key
    async with running_hq(folder) as hq:
        async with streaming(hq, box.facts.box) as line:
            line.send(sealed(box, 1))
            await line.receipts(1)
        async with streaming(hq, box.facts.box) as line:
            line.send(sealed(twin, 5))
            assert (await line.refusal())["code"] == "fork"
    assert [path.read_bytes() for path in objects(folder)] == box.sealed
    (alarm,) = (folder / "objects" / "alarms" / box.facts.box.hex()).iterdir()
    told = json.loads(alarm.read_bytes())
    assert (told["code"], told["sequence"], told["stored"]) == ("fork", 1, suite.digest(box.sealed[0]).hex())
    assert any(entry.levelno == logging.ERROR and "fork" in entry.message for entry in caplog.records)
    assert not any(box.facts.box.hex() in entry.getMessage() for entry in caplog.records)


@pytest.mark.parametrize(
    "said",
    [
        frames.pack(frames.SEGMENT, b"x"),
        frames.pack(frames.HELLO, b"{"),
        frames.pack(frames.HELLO, b"[]"),
        b"\x33\x00\x00\x00\x00",
        b"\x03\xff\xff\xff\xff",
        frames.pack(frames.PULSE),
        frames.pack(frames.HELLO, HELLO) + 1000 * frames.pack(frames.BEAT),
        frames.pack(frames.HELLO, HELLO) + 80_000 * b"\x41\x00\x00\x00\x00",
    ],
    ids=[
        "segment_first",
        "half_hello",
        "other_hello",
        "unknown_kind",
        "huge_length",
        "ours",
        "beats_without_end",
        "newer_frames_without_end",
    ],
)
async def test_nonsense_ends_a_stream_with_a_word(folder: Path, box: SealingBox, said: bytes) -> None:
    async with running_hq(folder) as hq, streaming(hq, box.facts.box, hello=False) as line:
        line.say_raw(said)
        assert (await line.refusal())["code"] in ("malformed_carriage", "too_large")
    assert objects(folder) == []


async def test_a_forged_envelope_and_a_foreign_receipt_are_refused(folder: Path, box: SealingBox) -> None:
    forged = SealingBox(box.hq)
    async with running_hq(folder) as hq:
        async with streaming(hq, box.facts.box) as line:
            line.send(sealed(forged, 1))
            assert (await line.refusal())["code"] == "bad_signature"
        async with streaming(hq, box.facts.box, handed=b"nonsense") as line:
            assert (await line.refusal())["code"] == "malformed_receipt"


async def test_only_the_box_of_the_certificate_comes_in(folder: Path, box: SealingBox) -> None:
    other = SealingBox(box.hq, b"O" * 16)
    path = f"/v1/boxes/{box.facts.box.hex()}/head"
    async with running_hq(folder) as hq:
        for shown, code in ((None, "no_certificate"), (other.facts.box, "other_certificate")):
            status, body = await ask(hq, path, shown)
            assert (status, json.loads(body)["code"]) == (403, code)
        status, body = await ask(hq, f"/v1/boxes/{other.facts.box.hex()}/head", other.facts.box)
        assert (status, json.loads(body)["code"]) == (403, "unknown_box")
        async with streaming(hq, other.facts.box) as line:
            await until(lambda: line.status == 403)


async def test_a_revoked_box_is_shut_out_and_its_stream_ends(
    folder: Path, box: SealingBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callers, "CARD_SECONDS", 0.0)
    monkeypatch.setattr(stream, "CHECK_SECONDS", 0.1)
    async with running_hq(folder) as hq, streaming(hq, box.facts.box) as line:
        line.send(sealed(box, 1))
        await line.receipts(1)
        cards = hq_folder.cards(folder)
        card = await cards.get(box.facts.box)
        assert card is not None
        await cards.put(replace(card, revoked="2026-01-02T03:04:05Z"))
        assert (await line.refusal())["code"] == "box_revoked"
        status, body = await ask(hq, f"/v1/boxes/{box.facts.box.hex()}/head", box.facts.box)
        assert (status, json.loads(body)["code"]) == (403, "box_revoked")


async def test_what_a_box_says_of_itself_is_kept_and_packs_are_told(folder: Path, box: SealingBox) -> None:
    held = open_objects(folder)
    given = pack.seal(
        [Record(1, "item", AT, b"{}")],
        kind=pack.ITEMS,
        box=box.facts.box,
        number=10,
        previous=b"\x01" * 32,
        inbox_key=box.hq.record_key,
        signing_key=hq_folder.pack_signing_key(folder),
        at=0,
    )
    await held.create(numbered_path("packs", box.facts.box, 3), given[:700])  # what a power cut tore is given to nobody
    await held.create(numbered_path("packs", box.facts.box, 10), given)
    async with running_hq(folder) as hq:
        async with streaming(hq, box.facts.box) as line:
            line.send(sealed(box, 1))
            await line.receipts(1)
            assert [json.loads(frame.payload) for frame in line.news if frame.payload] == [{"packs": 10}]
        path = f"/v1/boxes/{box.facts.box.hex()}/packs"
        assert await ask(hq, f"{path}/10", box.facts.box) == (200, given)
        assert [(await ask(hq, f"{path}/{n}", box.facts.box))[0] for n in ("3", "0", "x")] == [404] * 3
    seen = json.loads(await held.get(f"seen/{box.facts.box.hex()}.json") or b"")
    assert (seen["version"], seen["queued"], seen["at"][-1]) == ("0.5.0", 1, "Z")


async def test_the_head_is_the_newest_receipt_wherever_the_walk_starts(folder: Path, box: SealingBox) -> None:
    path, raws = f"/v1/boxes/{box.facts.box.hex()}/head", sealed(box, 5)
    async with running_hq(folder) as hq:
        assert await ask(hq, path, box.facts.box) == (204, b"")
        for upto in (3, 5):  # the second time from where the first stream ended
            async with streaming(hq, box.facts.box) as line:
                line.send(raws[:upto])
                await line.receipts(upto)
            status, body = await ask(hq, path, box.facts.box)
            assert (status, receipt.parse(body).checkpoint) == (200, extend_all(EMPTY, map(suite.digest, raws[:upto])))
        (folder / "objects" / "heads" / box.facts.box.hex()).write_bytes(b"damaged")
        assert receipt.parse((await ask(hq, path, box.facts.box))[1]).size == 5


async def test_overload_loses_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Six boxes, room for one stream: each is told when to come back, and in the end all is there."""
    monkeypatch.setattr(serve, "STREAMS", 1)
    boxes = [SealingBox(hq_folder.public(folder), bytes([n]) * 16) for n in range(6)]
    for one in boxes:
        await asyncio.to_thread(enrol, folder, one.facts)
        sealed(one, 4)
    refused: list[str] = []

    async def carry(hq: HqFacts, one: SealingBox) -> None:
        while True:
            async with streaming(hq, one.facts.box) as line:
                line.send(one.sealed)
                await until(lambda: bool(line.status))
                if line.status == 200:
                    await line.receipts(4)
                    return
                await until(lambda: bool(line.body))
                assert (line.status, json.loads(line.body)["code"]) == (503, "busy")
                refused.append(line.headers["Retry-After"])

    async with running_hq(folder) as hq:
        monkeypatch.setattr(callers, "REQUESTS_PER_BOX", 10**6)
        await asyncio.gather(*(carry(hq, one) for one in boxes))
    assert len(objects(folder)) == 24
    assert refused
    assert all(2 <= int(seconds) <= 10 for seconds in refused)


async def test_a_box_that_asks_without_end_is_slowed_down(
    folder: Path, box: SealingBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callers, "REQUESTS_PER_BOX", 3)
    path = f"/v1/boxes/{box.facts.box.hex()}/head"
    async with running_hq(folder) as hq:
        assert [(await ask(hq, path, box.facts.box))[0] for _ in range(5)] == [204] * 3 + [503] * 2


async def test_the_oldest_stream_of_a_box_makes_room(
    folder: Path, box: SealingBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callers, "STREAMS_PER_BOX", 1)
    async with running_hq(folder) as hq, streaming(hq, box.facts.box) as old:
        await until(lambda: old.status == 200)
        async with streaming(hq, box.facts.box) as new:
            assert (await old.refusal())["code"] == "busy"
            new.send(sealed(box, 1))
            await new.receipts(1)


async def test_a_server_that_stops_finishes_what_it_took_and_sends_the_courier_elsewhere(
    folder: Path, box: SealingBox
) -> None:
    raws = sealed(box, 3)
    stop, ready = asyncio.Event(), asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve.serve(folder, "127.0.0.1", 0, ready.set_result, stop))
    hq = replace(hq_folder.public(folder), url=f"https://127.0.0.1:{await ready}")
    assert await ask(hq, "/healthz", None) == (200, b"ok\n")
    async with streaming(hq, box.facts.box) as line:
        line.send(raws)
        await line.receipts(3)
        stop.set()
        told = await line.refusal()
        assert told["code"] == "busy"
        assert 2 <= told["retry_after"] <= 10
        assert await line.hear() is None
    await serving


async def test_a_silent_box_loses_its_line(folder: Path, box: SealingBox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "SILENT_SECONDS", 0.2)
    async with running_hq(folder) as hq, streaming(hq, box.facts.box) as line:
        assert await line.hear() is None


async def test_who_never_ends_a_request_s_head_is_hung_up_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "HEAD_SECONDS", 0.2)
    monkeypatch.setattr(listening, "SWEEP_SECONDS", 0.05)
    async with running_hq(folder) as hq:
        port = int(hq.url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client_context(hq, None))
        writer.write(b"POST /v1/enrolments HTTP/1.1\r\nHost: h\r\n")
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError, ssl.SSLError)):
            assert await reader.readexactly(1)
        writer.close()


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (b"POST /v1/enrolments HTTP/1.1\r\nHost: x\r\nX: %s\r\n\r\n" % (b"secret" * 2000), 400),
        (b"POST /v1/enrolments HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nsecret", 400),
        (b"POST /v1/boxes/%s/stream HTTP/1.0\r\n\r\nsecret", 400),
        (b"GET /healthz?secret HTTP/1.1\r\nHost: x\r\n\r\n", 500),
    ],
    ids=["long_header", "two_lengths", "old_http", "our_mistake"],
)
async def test_nothing_that_a_peer_sends_gets_into_the_log(
    folder: Path,
    box: SealingBox,
    said: bytes,
    status: int,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def breaks(self: serve.Hq, request: web.Request) -> web.Response:
        raise RuntimeError(request.query_string)

    monkeypatch.setattr(serve.Hq, "_health", breaks)
    said = said.replace(b"%s", box.facts.box.hex().encode())
    async with running_hq(folder) as hq:
        context = client_context(hq, box.facts.box)
        reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(hq.url).port, ssl=context)
        writer.write(said)
        assert int((await reader.readline()).split()[1]) == status
        writer.close()
    assert "secret" not in caplog.text and "Traceback" not in caplog.text


async def test_more_connections_than_the_bound_are_hung_up_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "CONNECTIONS", 2)
    async with running_hq(folder) as hq:
        port = int(hq.url.rpartition(":")[2])
        held = [socket.create_connection(("127.0.0.1", port)) for _ in range(2)]
        with pytest.raises(aiohttp.ClientError):
            await ask(hq, "/healthz", None)
        for one in held:
            one.close()


async def test_a_box_that_takes_no_receipts_makes_headquarters_wait_not_grow(
    folder: Path, box: SealingBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is taken of a box whose envelopes cannot be flushed is bounded: the rest stays on the line."""
    raws, gate = sealed(box, 60), asyncio.Event()
    held = intake.Chain._flush

    async def waits(self: intake.Chain, numbers: list[int]) -> None:
        await gate.wait()
        await held(self, numbers)

    monkeypatch.setattr(intake.Chain, "_flush", waits)
    bound = stream.UNFLUSHED + 2  # one in hand at either end of the queue
    async with running_hq(folder) as hq, streaming(hq, box.facts.box) as line:
        line.send(raws)
        await until(lambda: len(objects(folder)) >= bound)
        pulses = len(line.news)
        await until(lambda: len(objects(folder)) == bound and line.heard.qsize() + len(line.news) >= pulses)
        gate.set()
        await line.receipts(60)
    assert len(objects(folder)) == 60


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_the_order_over_several_lines_each_number_is_kept_once(
    folder: Path, box: SealingBox, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(seed)  # noqa: S311 - a seed, so that it can be repeated
    monkeypatch.setattr(intake, "LOOK_SECONDS", 0.005)
    raws = sealed(box, 16)
    lanes: list[list[bytes]] = [[], [], []]
    for raw in raws:
        chosen = chance.sample(lanes, chance.randint(1, 3))  # the same one over several lines, too
        for lane in chosen:
            lane.append(raw)
    async with running_hq(folder) as one, running_hq(folder) as two:

        async def carry(hq: HqFacts, lane: list[bytes]) -> list[int]:
            async with streaming(hq, box.facts.box) as line:
                line.send(lane)
                return [receipt.parse(raw).size for raw in await line.receipts(len(lane))]

        sizes = await asyncio.gather(*(carry((one, two, one)[n], lane) for n, lane in enumerate(lanes)))
    assert sizes == [[raws.index(raw) + 1 for raw in lane] for lane in lanes]
    assert [path.read_bytes() for path in objects(folder)] == raws
