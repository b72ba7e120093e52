"""A box that was set up, signed in to and backed up onto a stick, as people do it, and a new one to take its place."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import psutil
import pytest

from appliance.copies import places
from appliance.store import birth
from tests.contract.test_setup import RUTH, Running
from tests.fakes import new_box


@dataclass
class Old:
    """Two backups on a stick, the newest, a recovery sheet's words, and the administrator's codes from the third on."""

    stick: Path
    copy: Path
    words: str
    codes: tuple[str, ...]


@asynccontextmanager
async def old_box() -> AsyncIterator[Old]:
    """It is switched off when this begins, and the stick is pulled."""
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory(prefix="hearth-") as folder:
        patch.setattr(birth.give_birth, "__defaults__", birth.give_birth.__defaults__)
        patch.setattr("appliance.identity.passwords._MEMORY_KIB", 64)
        new_box.cheap()
        stick = Path(folder) / "BLUE"
        stick.mkdir()
        box = Running(Path(folder) / "old")
        await box.box.start()
        try:
            words, codes = await _backed_up(box, stick)
        finally:
            await box.end()
        yield Old(stick, sorted(stick.iterdir())[-1], words, codes)


async def _backed_up(box: Running, stick: Path) -> tuple[str, tuple[str, ...]]:
    console = await box.to_the_end()
    codes = await console.codes_in_set_up("administrator")
    await console.confirm_codes_in_set_up("administrator", codes[0])
    sheet = await console.add_sheet("es")
    await console.try_key(sheet.id, " ".join(sheet.words))
    await console.finish_set_up()
    await console.sign_in("ruth", RUTH.password)
    await console.second_step(codes[1])
    for _ in range(2):
        await console.back_up(str(stick))
        await box.box.copier().finished()
    return " ".join(sheet.words), codes


def plugged_in(old: Old, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the stick, mounted below `folder`."""
    where = folder / "media"
    shutil.copytree(old.stick, where / "BLUE")
    monkeypatch.setattr(places, "MOUNTS", (f"{where}/",))
    mounted = [SimpleNamespace(mountpoint=str(where / "BLUE"))]
    monkeypatch.setattr(
        psutil, "disk_partitions", lambda all=False: [one for one in mounted if Path(one.mountpoint).exists()]
    )
    return where / "BLUE"
