"""Prints the figures of sync/README.md as JSON: `.venv/bin/python tests/load/sync_figures.py`. About 20 seconds.

Everything runs on this machine: seal in one process; one courier's way (TLS, conditional create, three fsyncs, signed
receipt) to one HQ process over the loopback, one envelope after another, as the courier carries them.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import aiohttp

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from sync import carriage, content, envelope, suite  # noqa: E402
from sync.content import Record  # noqa: E402
from sync.courier.run import Courier  # noqa: E402
from sync.hq import folder as hq_folder  # noqa: E402
from sync.keys import HqFacts  # noqa: E402
from sync.spool import Spool  # noqa: E402
from tests.fakes.parties import AT, SealingBox, client_context, enrol, hand_over, make_hq  # noqa: E402
from tests.fakes.waiting import until  # noqa: E402

SEALED, CARRIED, BOXES, EACH = 1000, 200, 16, 50


def session_record(number: int) -> Record:
    """What a session of eight leaves: about 1.5 KiB of JSON with pseudonyms that do not compress."""
    people = [
        {
            "person": suite.digest(b"%d %d" % (number, n)).hex()[:32],
            "present": [[AT, AT]],
            "agreement": 1,
            "removed": False,
        }
        for n in range(8)
    ]
    body = {"record": "session_ended", "session": suite.digest(b"%d" % number).hex()[:32], "attendees": people}
    return Record(number, "session_ended", AT, json.dumps(body).encode())


def sealed_size(records: list[Record], box: SealingBox) -> int:
    return len(
        envelope.seal(
            records,
            box=box.facts.box,
            sequence=1,
            previous=envelope.NO_PREVIOUS,
            record_key=box.hq.record_key,
            signing_key=box.key,
        )
    )


def seal_rate(box: SealingBox) -> float:
    started = time.perf_counter()
    for _ in range(SEALED):
        box.seal(bytes(1024))
    return SEALED / (time.perf_counter() - started)


async def carry_rate(box: SealingBox, spool: Spool) -> float:
    for sequence, raw in enumerate(box.sealed[:CARRIED], 1):
        spool.put_segment(sequence, raw)
    carrying = asyncio.create_task(Courier(spool).run())
    started = time.perf_counter()
    await until(lambda: spool.receipts()[-1:] == [CARRIED], 120)
    elapsed = time.perf_counter() - started
    carrying.cancel()
    return CARRIED / elapsed


async def ingest_rate(boxes: list[SealingBox], hq: HqFacts) -> float:
    """All boxes at once, each one envelope after another on its own kept connection."""
    for box in boxes:
        for _ in range(EACH):
            box.seal(bytes(1024))
    started = time.perf_counter()
    await asyncio.gather(*(send_all(box, hq) for box in boxes))
    return BOXES * EACH / (time.perf_counter() - started)


async def send_all(box: SealingBox, hq: HqFacts) -> None:
    context = client_context(hq, box.facts.box)
    handed = b""
    async with aiohttp.ClientSession() as session:
        for sequence, raw in enumerate(box.sealed, 1):
            url = f"{hq.url}/v1/boxes/{box.facts.box.hex()}/segments/{sequence}"
            async with session.post(url, data=carriage.pack(handed, raw), ssl=context) as answer:
                assert answer.status == 201
                handed = await answer.read()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        hq, spool = Path(folder) / "hq", Spool(Path(folder) / "spool")
        spool.prepare("in")
        port = 18444
        facts = make_hq(hq, f"https://127.0.0.1:{port}")
        box = SealingBox(facts)
        enrol(hq, box.facts)
        hand_over(spool, hq_folder.public(hq))
        sealing = seal_rate(box)
        serving = subprocess.Popen(
            [sys.executable, "-m", "sync", "hq", "serve", str(hq), "--port", str(port)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        try:
            assert serving.stdout is not None and serving.stdout.readline() == b"ready\n"
            carrying = asyncio.run(carry_rate(box, spool))
            boxes = [SealingBox(facts, bytes([n]) * 16) for n in range(BOXES)]
            for one in boxes:
                enrol(hq, one.facts)
            ingesting = asyncio.run(ingest_rate(boxes, facts))
        finally:
            serving.terminate()
            serving.wait()
        alone, many = [session_record(1)], [session_record(number) for number in range(1, 21)]
        framed = {len(batch): sum(map(content.framed_size, batch)) for batch in (alone, many)}
        figures = {
            "sealed_per_second": round(sealing),
            "carried_and_receipted_per_second": round(carrying),
            "ingested_per_second_from_16_boxes": round(ingesting),
            "record_bytes": framed[1],
            "one_record_envelope_bytes": sealed_size(alone, box),
            "twenty_records_bytes": framed[20],
            "twenty_records_envelope_bytes": sealed_size(many, box),
            "fixed_overhead_bytes": envelope.HEADER.size + suite.SEAL_OVERHEAD + suite.SIGNATURE_SIZE + 6,
        }
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
