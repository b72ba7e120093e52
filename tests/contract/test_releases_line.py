"""A release on the line: kept by a real HQ in parts, brought by a real courier, behind everything else."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from sync import items, releases
from sync.courier import fetching, run
from sync.courier.purse import Purse
from sync.courier.run import Courier
from sync.faults import SyncFault
from sync.hq import publish
from sync.hq.objects import open_objects
from sync.hq.releases import from_fields, keep, part_path
from sync.keys import HqFacts
from sync.releases import PART, Fetching, Wanted
from sync.spool import Spool, write_whole
from tests.fakes.parties import SealingBox, enrolled_box, hand_over, make_hq, running_hq
from tests.fakes.waiting import until

KIND = "hearth-box-amd64"
CONTENT = bytes(range(256)) * 4096 + b"second part" * 60_000 + b"the last one"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@dataclass
class Line:
    """An HQ with a release, and a box's spool that wants it."""

    hq: HqFacts
    folder: Path
    spool: Spool
    box: SealingBox
    item: items.Update

    @property
    def update(self) -> Path:
        return self.spool.root / "update"

    @property
    def came(self) -> Path:
        return self.update / f"{DIGEST}.raucb"

    @property
    def partial(self) -> Path:
        return self.update / f"{DIGEST}.part"

    def told(self) -> Fetching:
        try:
            return msgspec.json.decode((self.update / "told.json").read_bytes(), type=Fetching)
        except FileNotFoundError:
            return Fetching()

    def want(self, compatible: str = KIND, digest: str = "") -> None:
        wanted = Wanted(
            release=self.item.release,
            digest=digest or self.item.digest,
            size=self.item.size,
            compatible=compatible,
        )
        self.update.mkdir(exist_ok=True)
        write_whole(self.update / "wanted.json", msgspec.json.encode(wanted))

    @asynccontextmanager
    async def carried(self) -> AsyncIterator[None]:
        """While a courier runs over the spool."""
        hand_over(self.spool, self.hq)
        task = asyncio.create_task(Courier(self.spool, purse=Purse(self.spool.root)).run())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def described(folder: Path, text: str) -> Path:
    path = folder / "update.toml"
    path.write_text(f'version = 1\nrelease = "0.7.1"\nsince = "2026-11-22"\n{text}')
    (folder / "amd64.raucb").write_bytes(CONTENT)
    (folder / "arm64.raucb").write_bytes(b"for another box")
    return path


@pytest.fixture
async def line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Line]:
    for module in (run, fetching):
        monkeypatch.setattr(module, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(fetching, "RESERVE", 0)
    monkeypatch.setattr(fetching, "AGAIN_SECONDS", 0.02)
    folder = tmp_path / "hq"
    make_hq(folder)
    path = described(
        tmp_path,
        'files = [{ file = "amd64.raucb", compatible = "hearth-box-amd64" },'
        ' { file = "arm64.raucb", compatible = "hearth-box-arm64" }]',
    )
    (ready,) = publish.update(path)
    found = from_fields(path, publish._fields(path))
    assert found is not None
    await keep(open_objects(folder), *found)
    assert isinstance(ready.item, items.Update)
    async with running_hq(folder) as hq:
        spool = Spool(tmp_path / "spool")
        spool.prepare("out")
        yield Line(hq, folder, spool, enrolled_box(folder), ready.item)


async def test_a_release_comes_whole_and_is_told_of(line: Line) -> None:
    line.want()
    async with line.carried():
        await until(lambda: line.told().state == "here")
    assert line.came.read_bytes() == CONTENT
    assert (line.told().have, line.told().size) == (len(CONTENT), len(CONTENT))
    assert not line.partial.exists()


async def test_what_lies_there_already_is_not_fetched_again(line: Line) -> None:
    """After a cut of line or power: parts that HQ has no more show that nobody asked for them."""
    for number in (0,):
        (line.folder / "objects" / part_path(DIGEST, number)).unlink()
    line.update.mkdir()
    line.partial.write_bytes(CONTENT[: PART + 1000])
    line.want()
    async with line.carried():
        await until(line.came.exists)
    assert line.came.read_bytes() == CONTENT


@pytest.mark.parametrize("at", [10, PART + 10])
async def test_a_damaged_part_is_fetched_again_and_the_others_are_not(line: Line, at: int) -> None:
    damaged = bytearray(CONTENT[: PART + 1000])
    damaged[at] ^= 1
    line.update.mkdir()
    line.partial.write_bytes(damaged)
    line.want()
    async with line.carried():
        await until(line.came.exists)
    assert line.came.read_bytes() == CONTENT


async def test_what_is_not_what_the_list_says_is_never_taken(line: Line) -> None:
    torn = line.folder / "objects" / part_path(DIGEST, 1)
    torn.write_bytes(b"x" * len(torn.read_bytes()))
    line.want()
    async with line.carried():
        await until(lambda: line.told().fault == "hq_failed")
    assert not line.came.exists()
    assert line.partial.stat().st_size <= len(CONTENT)


async def test_a_box_of_a_kind_that_the_release_is_not_for_gets_nothing(line: Line) -> None:
    line.want("hearth-box-riscv")
    async with line.carried():
        await until(lambda: line.told().state == "none")
    assert not list(line.update.glob("*.raucb"))


async def test_an_older_release_goes_when_another_one_is_wanted_and_all_when_none_is(line: Line) -> None:
    line.update.mkdir()
    older = line.update / f"{'a' * 64}.part"
    older.write_bytes(b"half of an older one")
    line.want()
    async with line.carried():
        await until(line.came.exists)
        assert not older.exists()
        (line.update / "wanted.json").unlink()
        await until(lambda: not line.came.exists())


async def test_records_and_budget_go_first(line: Line) -> None:
    write_whole(line.spool.root / "limits.json", b'{"bytes_per_day": 20000}')
    line.want()
    async with line.carried():
        await until(lambda: line.told().state == "waiting" and line.told().size > 0)
        line.box.spool(line.spool, 1)
        await until(lambda: line.spool.receipts() == [1])
    assert not line.partial.exists()


async def test_a_full_disk_is_left_alone(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "RESERVE", 2**60)
    line.want()
    async with line.carried():
        await until(lambda: line.told().state == "no_room")
    assert not line.partial.exists()


async def test_a_digest_names_no_other_object(line: Line) -> None:
    line.want(digest="../../cards")
    async with line.carried():
        await asyncio.sleep(0)
        await until(lambda: line.spool.status().state == "idle")
    assert line.told() == Fetching()


# -- the list, and what HQ is given


def test_a_list_is_as_it_is_written_or_refused(tmp_path: Path) -> None:
    bundle = releases.described(KIND, DIGEST, len(CONTENT), [b"h" * 32] * 2)
    good = releases.List(release="0.7.1", files=(bundle,))
    assert releases.from_json(releases.to_json(good)) == good
    changed = msgspec.structs.replace
    for bad in (
        b"",
        b"{}",
        b'{"format":1}',
        msgspec.json.encode(changed(good, files=())),
        msgspec.json.encode(changed(good, files=(bundle, bundle))),
        msgspec.json.encode(changed(good, files=(changed(bundle, parts="AAAA"),))),
        msgspec.json.encode(changed(good, files=(changed(bundle, parts="é"),))),
        msgspec.json.encode(changed(good, files=(changed(bundle, size=0),))),
        msgspec.json.encode(changed(good, files=(changed(bundle, digest="x"),))),
        msgspec.json.encode(changed(good, files=(changed(bundle, compatible="../x"),))),
    ):
        with pytest.raises(SyncFault, match="malformed_item"):
            releases.from_json(bad)
    with pytest.raises(SyncFault, match="unsupported_version"):
        releases.from_json(b'{"format":2,"anything":true}')


@pytest.mark.parametrize(
    "text",
    [
        'file = "amd64.raucb"',
        'file = "none.raucb"\ncompatible = "x"',
        'files = [{ file = "amd64.raucb" }]',
        "files = [1]",
    ],
)
def test_a_description_that_names_no_file_is_told_what_is_missing(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError, match=r"file"):
        publish.update(described(tmp_path, text))


def test_a_description_without_files_is_told_as_before(tmp_path: Path) -> None:
    (ready,) = publish.update(described(tmp_path, ""))
    assert isinstance(ready.item, items.Update)
    assert (ready.item.digest, ready.item.size) == ("", 0)
