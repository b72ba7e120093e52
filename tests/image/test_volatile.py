"""The disk with a volatile cache, against a model that keeps for each sector what a power cut may leave there."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.image.volatile import MODES, SECTOR, Cut, Entry, Mode, Volatile, draw, said

SECTORS = 6


@dataclass
class Model:
    """For each sector: all that was ever written (the first is zeros), and the earliest that may still come back."""

    written: list[list[int]] = field(default_factory=lambda: [[0] for _ in range(SECTORS)])
    sure: list[int] = field(default_factory=lambda: [0] * SECTORS)
    number: list[list[int]] = field(default_factory=lambda: [[0] for _ in range(SECTORS)])

    def write(self, number: int, first: int, count: int) -> None:
        for sector in range(first, first + count):
            self.written[sector].append(number)

    def cover(self, answered: set[int]) -> None:
        for sector, numbers in enumerate(self.written):
            covered = [index for index, number in enumerate(numbers) if number in answered]
            self.sure[sector] = max([self.sure[sector], *covered])

    def may(self, sector: int) -> set[int]:
        return set(self.written[sector][self.sure[sector] :])


Step = tuple[str, int, int, bool]
steps = st.lists(
    st.tuples(
        st.sampled_from(["write", "write", "write", "done", "flush"]),
        st.integers(0, SECTORS - 1),
        st.integers(1, 3),
        st.booleans(),
    ),
    max_size=40,
)


def sectors(number: int, count: int) -> bytes:
    return bytes([number]) * SECTOR * count


def run(disk: Volatile, taken: list[Step]) -> Model:
    """Do the steps on both. `done` answers the oldest write that is still open."""
    model, open_writes, answered, through, number = Model(), [], set(), set(), 0
    for kind, first, count, fua in taken:
        if kind == "write":
            number, count = number + 1, min(count, SECTORS - first)
            disk.write(number, first * SECTOR, sectors(number, count), through=fua)
            model.write(number, first, count)
            open_writes.append(number)
            if fua:
                through.add(number)
        elif kind == "done" and open_writes:
            disk.done(one := open_writes.pop(0))
            answered.add(one)
            if one in through:
                model.cover({one})
        elif kind == "flush":
            disk.flush()
            model.cover(answered)
    return model


def made(folder: Path, log: list[Entry] | None = None) -> Volatile:
    path = folder / "disk"
    path.write_bytes(bytes(SECTORS * SECTOR))
    return Volatile(path, log)


@settings(deadline=None, max_examples=50)
@given(steps, st.sampled_from(MODES), st.integers(0, 2**16))
def test_after_a_cut_each_sector_holds_what_was_flushed_last_or_something_newer(
    tmp_path_factory: pytest.TempPathFactory, taken: list[Step], mode: Mode, seed: int
) -> None:
    disk = made(tmp_path_factory.mktemp("disk"))
    model = run(disk, taken)
    newest = [numbers[-1] for numbers in model.written]
    assert disk.read(0, disk.size) == b"".join(sectors(number, 1) for number in newest)
    disk.cut(mode, seed)
    kept = disk.read(0, disk.size)
    found = [kept[sector * SECTOR] for sector in range(SECTORS)]
    assert kept == b"".join(sectors(number, 1) for number in found)  # no sector is half one and half another
    assert all(found[sector] in model.may(sector) for sector in range(SECTORS))
    if mode == "none":
        assert found == [numbers[sure] for numbers, sure in zip(model.written, model.sure, strict=True)]
    if mode == "all":
        assert found == newest
    if mode == "torn":  # the last write alone is in parts
        last = max(newest)
        before = [[number for number in numbers if number != last or not number][-1] for numbers in model.written]
        assert all(one in (new, old) for one, new, old in zip(found, newest, before, strict=True))
    disk.close()


def test_each_mode_but_all_loses_what_was_not_flushed_and_none_of_it_what_was(tmp_path: Path) -> None:
    lost = dict.fromkeys(MODES, 0)
    for seed in range(40):
        for mode in MODES:
            disk = made(tmp_path)
            disk.write(1, 0, sectors(1, SECTORS))
            disk.done(1)
            disk.flush()
            disk.write(2, 0, sectors(2, 4))
            disk.done(2)
            disk.cut(mode, seed)
            kept = disk.read(0, disk.size)
            assert kept[4 * SECTOR :] == sectors(1, 2)
            lost[mode] += kept[: 4 * SECTOR].count(b"\1") // SECTOR
            disk.close()
    assert lost["all"] == 0 and lost["none"] == 40 * 4
    assert 0 < lost["some"] < 40 * 4 and 0 < lost["torn"] < 40 * 4


def test_a_write_that_was_under_way_is_not_covered_by_a_flush(tmp_path: Path) -> None:
    disk = made(tmp_path)
    disk.write(1, 0, sectors(1, 1))
    disk.flush()
    disk.done(1)
    disk.cut("none", 1)
    assert disk.read(0, SECTOR) == bytes(SECTOR)
    disk.close()


@settings(deadline=None, max_examples=50)
@given(steps, st.integers(0, 2**16))
def test_a_log_done_again_gives_the_same_disk(
    tmp_path_factory: pytest.TempPathFactory, taken: list[Step], seed: int
) -> None:
    log: list[Entry] = []
    first, second = made(tmp_path_factory.mktemp("one"), log), made(tmp_path_factory.mktemp("two"))
    run(first, taken)
    for entry in log:
        second.do(entry)
    assert first.cut("some", seed) == second.cut("some", seed)
    assert first.read(0, first.size) == second.read(0, second.size)
    first.close()
    second.close()


def test_cuts_fall_behind_writes_in_the_order_of_time_and_know_what_was_said_by_then(tmp_path: Path) -> None:
    log: list[Entry] = []
    disk = made(tmp_path, log)
    for number in range(1, 20):
        disk.write(number, 0, sectors(number, 1))
        disk.done(number)
        disk.flush()
        disk.note(number)
    cuts = list(draw(log, 12, seed=3, first=8))
    assert cuts == sorted(cuts, key=lambda cut: cut.at) == list(draw(log, 12, seed=3, first=8))
    assert {cut.mode for cut in cuts} == set(MODES)
    assert all(isinstance(cut, Cut) and cut.at > 8 and log[cut.at - 1].kind == "write" for cut in cuts)
    assert all(said(log, cut.at) == set(range(1, log[cut.at - 1].number)) for cut in cuts)
    disk.close()


@pytest.mark.parametrize(("place", "size"), [(1, SECTOR), (0, 5), (-SECTOR, SECTOR), (SECTORS * SECTOR, SECTOR)])
def test_only_whole_sectors_of_the_disk_are_written(tmp_path: Path, place: int, size: int) -> None:
    disk = made(tmp_path)
    with pytest.raises(ValueError, match="whole sectors"):
        disk.write(1, place, bytes(size))
    disk.close()
