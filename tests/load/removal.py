"""How long a removal takes, from the request to the moment when all who are left have other keys. Prints JSON.

    .venv/bin/python -m tests.load.removal [--rounds 5]

A real portal on a real store and a room of sixteen: members without browsers, in one Node process, each with a line
and an MLS group of its own (`webclient/test/crowd.ts`); no picture, no sound. One after the other is removed.
All of them share one core here, so each one's own work for a Commit adds up: in a clinic every device does its own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import statistics
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from appliance.portal import logins, tls
from appliance.portal.listener import PortalListener, application
from tests.fakes.box import OpenBox, open_box
from tests.fakes.portal import Behind, lead, show_ticket, sign_in
from tests.fakes.visitor import Visitor

CLIENT = Path(__file__).parents[2] / "appliance" / "webclient"
PATIENTS = [f"Patient {number}" for number in range(1, 16)]
SMALLEST = 8  # people left at the end of a round


async def bundle(folder: Path) -> Path:
    """The crowd's script."""
    script = folder / "crowd.mjs"
    words = ("test/crowd.ts", "--bundle", "--platform=node", "--format=esm", "--log-level=warning")
    esbuild = CLIENT / "node_modules" / ".bin" / "esbuild"
    made = await asyncio.create_subprocess_exec(esbuild, *words, f"--outfile={script}", cwd=CLIENT)
    assert await made.wait() == 0
    return script


@asynccontextmanager
async def portal(box: OpenBox, folder: Path) -> AsyncIterator[Behind]:
    """A portal in front of that box."""
    behind = Behind(box.clinic)
    (folder / "tls").mkdir()
    await tls.renew(box.clinic.db, folder / "tls", "hearth", ())
    listener = PortalListener(application(behind, ("Riverbend House", "555 0142"), folder / "tls" / tls.CA_FILE))
    port = await listener.start("127.0.0.1", 0, tls.context(folder / "tls"))
    behind.origin = f"https://127.0.0.1:{port}"
    try:
        yield behind
    finally:
        await listener.close()


async def people(box: OpenBox, origin: str, mara: Visitor) -> tuple[str, list[dict[str, Any]]]:
    """The page's credential key, and everybody with the cookie of their visit; all patients wait."""
    await sign_in(mara)
    page = f"/staff/sessions/{box.session}"
    key = re.search(r'data-credential-key="([\w-]+)"', (await mara.get(page)).text)
    assert key is not None
    place = {"member": await box.place_of("mara"), "facilitator": True, "path": f"{page}/ws"}
    everybody = [{**place, "cookie": f"{logins.LOGIN}={mara.cookie(logins.LOGIN)}"}]
    for number, member in enumerate(box.members):
        visitor = Visitor(origin)
        await show_ticket(visitor, box, number)
        await box.wait_at_the_door(number, f"P{number}")
        cookie = f"{logins.VISIT}={visitor.cookie(logins.VISIT)}"
        everybody.append({"member": member, "facilitator": False, "path": "/join/ws", "cookie": cookie})
        await visitor.close()
    return key[1], everybody


async def keys_of(crowd: asyncio.subprocess.Process, holders: int) -> float:
    """The wall clock, in milliseconds, when that many had the same keys."""
    assert crowd.stdout is not None
    while line := await crowd.stdout.readline():
        told = json.loads(line)
        if told["holders"] == holders:
            return float(told["at"])
    raise AssertionError("the crowd has ended")


async def one_round(script: Path) -> dict[int, float]:
    """People in the room before the removal, and the milliseconds that it took."""
    with TemporaryDirectory(prefix="hearth-") as name:
        async with open_box(Path(name), PATIENTS) as box, portal(box, Path(name)) as behind:
            mara = Visitor(behind.origin)
            key, everybody = await people(box, behind.origin, mara)
            crowd = await asyncio.create_subprocess_exec(
                *("node", "--no-warnings", str(script)),
                env={**os.environ, "NODE_TLS_REJECT_UNAUTHORIZED": "0"},
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
            assert crowd.stdin is not None
            room = {"origin": behind.origin, "session": box.session, "credentialKey": key, "people": everybody}
            crowd.stdin.write(json.dumps(room).encode() + b"\n")
            try:
                await lead(mara, box, "open")
                for member in box.members:
                    await box.clinic.act(box.leader(), "admit", box.session, member)
                await keys_of(crowd, len(everybody))
                return {left + 1: await removed(box, mara, crowd, left) for left in range(len(PATIENTS), SMALLEST, -1)}
            finally:
                crowd.stdin.close()
                await crowd.wait()
                await mara.close()


async def removed(box: OpenBox, mara: Visitor, crowd: asyncio.subprocess.Process, left: int) -> float:
    page = f"/staff/sessions/{box.session}"
    await mara.get(page)
    start = time.time() * 1000
    await mara.post(f"{page}/members/{box.members[left - 1]}/remove")
    return await keys_of(crowd, left) - start


async def measure(rounds: int) -> dict[str, dict[str, float]]:
    with TemporaryDirectory(prefix="hearth-") as name:
        script = await bundle(Path(name))
        times = [await one_round(script) for _ in range(rounds)]
    return {f"room_of_{size}_ms": _spread([one[size] for one in times]) for size in times[0]}


def _spread(values: list[float]) -> dict[str, float]:
    return {"median": round(statistics.median(values)), "min": round(min(values)), "max": round(max(values))}


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=5)
    sys.stdout.write(json.dumps(asyncio.run(measure(options.parse_args().rounds))) + "\n")
