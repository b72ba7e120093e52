"""The partitions of a box: sizes add up, names say nothing, and the README tells the truth."""

from __future__ import annotations

import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from image import layout

README = Path(layout.__file__).parent / "README.md"


@given(st.lists(st.integers(1, 2**36), min_size=1, max_size=12))
def test_every_partition_fits_the_disk_on_whole_mebibytes(sizes: list[int]) -> None:
    table = tuple(layout.Partition(f"p{number}", size, "kind") for number, size in enumerate(sizes))
    end = layout.ALIGNMENT
    for part in table:
        end = -(-(end + part.size) // layout.ALIGNMENT) * layout.ALIGNMENT
    assert end + layout.ALIGNMENT <= layout.disk_size(table) < end + 2 * layout.ALIGNMENT


def test_both_slots_are_alike_and_the_second_is_empty() -> None:
    assert (layout.BOOT_A.size, layout.ROOT_A.size) == (layout.BOOT_B.size, layout.ROOT_B.size)
    assert [part.name for part in layout.TABLE if not part.filled] == ["boot-b", "root-b"]


def test_the_data_is_last_so_that_it_can_grow() -> None:
    assert layout.TABLE[-1] is layout.DATA


def test_identities_are_the_same_in_every_build_and_differ_from_each_other() -> None:
    assert len({part.uuid for part in layout.TABLE} | {layout.DISK}) == len(layout.TABLE) + 1
    assert layout.ESP.uuid == layout.Partition("esp", 1, "other").uuid


def test_only_what_has_something_in_it_is_written() -> None:
    config = layout.genimage("box.img")
    assert set(re.findall(r'image = "(.*)\.img"', config)) == {"esp", "boot-a", "root-a", "data"}


def test_the_readme_has_every_partition_with_its_size() -> None:
    rows = dict(re.findall(r"(?m)^\| `([a-z-]+)` \| (\d+) MiB", README.read_text()))
    assert {name: int(size) * layout.MIB for name, size in rows.items()} == {
        part.name: part.size for part in layout.TABLE
    }
