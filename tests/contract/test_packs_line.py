"""A pack all the way: from the publisher's command by HQ's server, a real courier and the box back into HQ's store."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from appliance.packs import rows
from sync import suite
from sync.__main__ import main
from sync.hq.objects import numbered_path
from sync.hq.opening import Opened, open_all
from tests.fakes.living import living_box, look_often
from tests.fakes.parties import make_hq, running_hq
from tests.fakes.waiting import until


async def _publish(hq: Path, *more: str | Path) -> None:
    command = ["hq", "publish", str(hq), "--to", "all", *map(str, more)]
    assert await asyncio.to_thread(main, command) == 0


def _answers(hq: Path) -> list[tuple[str, int, str]]:
    """(class, number, hash) of what boxes told HQ of their packs."""
    opened = (one.record for one in open_all(hq) if isinstance(one, Opened))
    told = [(one.record_class, msgspec.json.decode(one.body)) for one in opened if one.record_class.startswith("pack_")]
    return [(name, body["number"], body["hash"]) for name, body in told]


async def test_what_is_published_is_applied_by_the_box_and_answered_at_hq(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look_often(monkeypatch)
    hq, described = tmp_path / "hq", tmp_path / "calm.toml"
    make_hq(hq)
    described.write_text(
        'version = 1\nid = "calm"\ntitle = "Calm"\nkind = "audio"\nmedia_type = "audio/mpeg"\nfile = "calm.mp3"\n'
    )
    (tmp_path / "calm.mp3").write_bytes(sound := bytes(range(256)) * 800)
    async with running_hq(hq) as facts, living_box(tmp_path / "box", facts, hq) as box:
        await _publish(hq, "--resource", described)
        async with box.on_the_line():
            await until(lambda: len(_answers(hq)) == 3)
            found = await box.db.read(lambda tx: rows.resource(tx, "calm"))
            assert found is not None
            assert await box.db.read(lambda tx: rows.piece(tx, found, 0, found.size)) == sound
    packs = [(hq / "objects" / numbered_path("packs", box.id, number)).read_bytes() for number in (1, 2, 3)]
    assert _answers(hq) == [("pack_applied", number, suite.digest(raw).hex()) for number, raw in enumerate(packs, 1)]
