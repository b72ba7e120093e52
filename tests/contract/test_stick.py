"""Rules of the folder on a stick: whole or not at all, nothing foreign touched, links and pipes passed over."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from sync import bundle, stick
from sync.bundle import Part
from sync.faults import SyncFault
from sync.stick import Stick

BOX, OTHER = bytes(range(16)), bytes(16)
RAW = bundle.pack(bundle.UP, BOX, [Part(bundle.HELLO, b"{}")])


def test_what_was_written_is_read_and_listed(tmp_path: Path) -> None:
    on = Stick(tmp_path)
    on.write("up", BOX, "hello.hsb", RAW)
    on.write("up", BOX, stick.name_of(7), RAW)
    assert on.boxes("up") == [BOX] and on.boxes("down") == []
    assert on.names("up", BOX) == ["0000000000000007.hsb", "hello.hsb"]
    assert on.read("up", BOX, "hello.hsb").of(bundle.HELLO) == (b"{}",)
    on.drop("up", BOX, "hello.hsb")
    on.drop("up", BOX, "hello.hsb")
    assert on.names("up", BOX) == ["0000000000000007.hsb"]


def test_names_are_those_that_every_fat_keeps(tmp_path: Path) -> None:
    on = Stick(tmp_path)
    on.write("up", BOX, stick.name_of(10**16 - 1), RAW)
    on.write("up", BOX, stick.HELLO, RAW)
    for path in tmp_path.rglob("*"):
        assert path.name == path.name.lower()
        assert set(path.name) <= set("abcdefghijklmnopqrstuvwxyz0123456789.")


def test_a_name_that_is_taken_gets_a_letter_and_there_is_an_end() -> None:
    taken: set[str] = set()
    for _ in range(27):
        taken.add(stick.name_of(3, frozenset(taken)))
    assert len(taken) == 27 and all(stick.numbered(name) == 3 for name in taken)
    with pytest.raises(SyncFault, match="stick_full"):
        stick.name_of(3, frozenset(taken))


def test_a_half_written_file_is_written_over_and_never_listed(tmp_path: Path) -> None:
    on = Stick(tmp_path)
    on.write("up", BOX, "hello.hsb", RAW)
    folder = tmp_path / "hearth" / "up" / BOX.hex()
    (folder / "0000000000000001.hsb.part").write_bytes(RAW[:9])
    (folder / "0000000000000001.hsb").write_bytes(RAW[:30])
    with pytest.raises(SyncFault, match="bundle_damaged"):
        on.read("up", BOX, "0000000000000001.hsb")
    on.write("up", BOX, "0000000000000001.hsb", RAW)
    assert on.read("up", BOX, "0000000000000001.hsb").box == BOX
    assert sorted(path.name for path in folder.iterdir()) == ["0000000000000001.hsb", "hello.hsb"]


def test_a_bundle_in_another_box_s_folder_or_of_the_other_direction_is_refused(tmp_path: Path) -> None:
    on = Stick(tmp_path)
    on.write("up", OTHER, "hello.hsb", RAW)
    on.write("down", BOX, "head.hsb", RAW)
    for way, box, name in (("up", OTHER, "hello.hsb"), ("down", BOX, "head.hsb")):
        with pytest.raises(SyncFault, match="bundle_other_box"):
            on.read(way, box, name)  # type: ignore[arg-type]


def test_links_and_pipes_are_neither_followed_nor_waited_for(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "hello.hsb").write_bytes(RAW)
    on = Stick(tmp_path / "stick")
    folder = tmp_path / "stick" / "hearth" / "up"
    folder.mkdir(parents=True)
    (folder / BOX.hex()).symlink_to(secret)
    assert on.boxes("up") == []
    for attempt in (lambda: on.names("up", BOX), lambda: on.write("up", BOX, "hello.hsb", RAW)):
        with pytest.raises(SyncFault, match="stick_failed"):
            attempt()
    (folder / OTHER.hex()).mkdir()
    (folder / OTHER.hex() / "0000000000000001.hsb").symlink_to(secret / "hello.hsb")
    os.mkfifo(folder / OTHER.hex() / "hello.hsb")
    assert on.names("up", OTHER) == []
    for name in ("0000000000000001.hsb", "hello.hsb"):
        with pytest.raises(SyncFault):
            on.read("up", OTHER, name)


def test_a_link_in_the_place_of_the_part_is_not_written_through(tmp_path: Path) -> None:
    on = Stick(tmp_path)
    on.write("up", BOX, stick.name_of(1), RAW)
    victim = tmp_path / "victim"
    victim.write_bytes(b"mine")
    (tmp_path / "hearth" / "up" / BOX.hex() / "hello.hsb.part").symlink_to(victim)
    on.write("up", BOX, "hello.hsb", RAW)
    assert victim.read_bytes() == b"mine"


def test_a_stick_that_is_not_there_says_so_and_nothing_is_made_in_its_place(tmp_path: Path) -> None:
    on = Stick(tmp_path / "gone")
    for attempt in (on.look, lambda: on.boxes("up"), lambda: on.write("up", BOX, "hello.hsb", RAW)):
        with pytest.raises(SyncFault, match="stick_missing"):
            attempt()
    assert not (tmp_path / "gone").exists()


def test_a_full_stick_keeps_what_was_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on = Stick(tmp_path)
    on.write("up", BOX, stick.name_of(1), RAW)
    _fail(monkeypatch, 28)
    with pytest.raises(SyncFault, match="stick_full"):
        on.write("up", BOX, stick.name_of(2), RAW)
    assert on.names("up", BOX) == [stick.name_of(1)]
    assert not list(tmp_path.rglob("*.part"))


def test_a_stick_that_is_write_protected_or_pulled_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on = Stick(tmp_path)
    for number in (30, 5, 19):  # EROFS, EIO, ENODEV
        _fail(monkeypatch, number)
        with pytest.raises(SyncFault, match="stick_failed"):
            on.write("up", BOX, stick.name_of(2), RAW)
        monkeypatch.undo()


def _fail(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def fsync(handle: int) -> None:
        raise OSError(number, "as the machine says")

    monkeypatch.setattr(os, "fsync", fsync)


def test_on_a_stick_with_little_room_as_much_as_fits_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on, room = Stick(tmp_path), 100_000
    real = stick._write

    def write(part: Path, raw: bytes) -> None:
        if sum(path.stat().st_size for path in tmp_path.rglob("*.hsb")) + len(raw) > room:
            raise OSError(28, "no space")
        real(part, raw)

    monkeypatch.setattr(stick, "_write", write)
    due = [(number, bytes([number]) * 9_000) for number in range(1, 31)]
    written: list[int] = []
    with pytest.raises(SyncFault, match="stick_full"):
        for one in on.renew("up", BOX, kind=bundle.ENVELOPE, head=(), due=due, over=lambda _: False):
            written += one.numbers
    assert len(written) >= 10 and written == list(range(1, len(written) + 1))
    there = [raw for name in on.names("up", BOX) for raw in on.read("up", BOX, name).of(bundle.ENVELOPE)]
    assert there == [raw for _, raw in due[: len(written)]]


def test_the_folder_that_an_unmounted_stick_leaves_behind_is_not_taken_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on = Stick(tmp_path)
    on.write("up", BOX, stick.HELLO, RAW)
    monkeypatch.setattr(on, "_device", -1)
    with pytest.raises(SyncFault, match="stick_failed"):
        on.write("up", BOX, stick.name_of(1), RAW)


def test_a_worn_place_costs_its_bundle_and_a_stick_that_is_gone_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on = Stick(tmp_path)
    names = [stick.name_of(number) for number in range(1, 7)]
    for name in names:
        on.write("up", BOX, name, bundle.pack(bundle.UP, BOX, []))
    worn = {names[1], names[2]}
    real = os.open

    def opened(path: str, flags: int, mode: int = 0o777) -> int:
        if Path(path).name in worn:
            raise OSError(errno.EIO, "worn out")
        return real(path, flags, mode)

    monkeypatch.setattr(os, "open", opened)

    def read(name: str) -> str:
        try:
            on.read("up", BOX, name)
        except SyncFault as fault:
            return fault.code
        return ""

    assert [read(name) for name in names] == ["", "bundle_damaged", "bundle_damaged", "", "", ""]
    worn.update(names)
    assert [read(name) for name in names[:3]] == ["bundle_damaged", "bundle_damaged", "stick_failed"]
