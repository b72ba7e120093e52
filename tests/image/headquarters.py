"""Headquarters on this machine, which a box in a virtual machine reaches at 10.0.2.2."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.fakes.boxes import command, free_ports
from tests.image.machine import HOST


@dataclass(frozen=True, slots=True)
class Headquarters:
    folder: Path
    address: str
    code: str

    async def records(self) -> list[dict[str, Any]]:
        """What can be opened there, checkpoints of the audit left out."""
        found = [json.loads(line) for line in (await said("hq", "open", str(self.folder), "--json")).splitlines()]
        assert not [one for one in found if "trouble" in one], found
        return [one for one in found if "body" in one and one["class"] != "audit_checkpoint"]

    async def sessions(self) -> list[dict[str, Any]]:
        return [one for one in await self.records() if one["class"] == "session_ended"]


async def said(*arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(*command(*arguments), stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"hearth {' '.join(arguments)}: {output.decode()[-500:]}")
    return output.decode()


@asynccontextmanager
async def headquarters(folder: Path) -> AsyncIterator[Headquarters]:
    """A new one, serving on loopback, with a code for one box."""
    (port,) = free_ports(1)
    await said("hq", "init", str(folder), "--url", f"https://{HOST}:{port}")
    given = json.loads(await said("hq", "enroll", str(folder), "--name", "Riverbend", "--json"))
    log = (folder / "served").open("wb")
    arguments = command("hq", "serve", str(folder), "--host", "127.0.0.1", "--port", str(port))
    process = await asyncio.create_subprocess_exec(*arguments, stdout=log, stderr=log)
    try:
        yield Headquarters(folder, given["address"], given["code"])
    finally:
        process.terminate()
        await process.wait()
