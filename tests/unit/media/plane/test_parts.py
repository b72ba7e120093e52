"""Parts of the twin that are easier to try by themselves; tests/contract/plane holds the whole."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from media import limits
from media.plane.extensions import read_extensions
from media.plane.interface import Extensions
from media.plane.kept import Cache, Kept
from media.plane.lacking import Lacking
from media.plane.numbers import Reception, extend
from media.plane.pictures import read_numbers, write_numbers
from media.vp8 import descriptor_length

ext = st.integers(min_value=0x10000, max_value=1 << 40)


@given(ext, st.integers(min_value=-0x7FFF, max_value=0x8000))
def test_an_extended_number_is_the_nearest_with_those_sixteen_bits(highest: int, step: int) -> None:
    assert extend(highest, (highest + step) & 0xFFFF) == highest + step


@given(st.lists(st.integers(-1100, 1100), min_size=1, max_size=200), st.integers(0, 0xFFFF))
def test_a_number_is_taken_once_and_only_near_the_highest(steps: list[int], start: int) -> None:
    reception, taken, highest = Reception(48_000), set[int](), start + 0x10000
    for step in steps:
        number = highest + step
        found = reception.take(number & 0xFFFF, 1)
        if not taken:
            highest = found
            taken.add(found)
        elif number in taken or number <= highest - limits.SEEN_WINDOW:
            assert found == 0
        else:
            assert found == number
            taken.add(number)
            highest = max(highest, number)
    assert (reception.packets, reception.octets, reception.highest) == (len(taken), len(taken), highest)


@given(st.lists(st.integers(0, 1300), max_size=300))
def test_the_cache_never_grows_beyond_its_bounds_and_keeps_the_newest(sizes: list[int]) -> None:
    cache = Cache(50, 20_000)
    for number, size in enumerate(sizes):
        cache.put(number, Kept(0x80, 96, 0, bytes(size), size))
        assert len(cache) <= 50
        assert cache.size <= 20_000
    kept = [cache.get(number) for number in range(len(sizes))]
    assert sum(len(item.payload) for item in kept if item is not None) == cache.size
    there = [item is not None for item in kept]
    assert there == sorted(there)


@given(st.lists(st.tuples(st.integers(1, 400), st.integers(0, 10**9)), max_size=60))
def test_what_is_missing_is_bounded_and_never_asked_for_too_often(jumps: list[tuple[int, int]]) -> None:
    lacking, before, now = Lacking(), 0x10000, 0
    asked: dict[int, int] = {}
    for jump, wait in jumps:
        lacking.jump(before, before + jump, now)
        before, now = before + jump, now + wait
        assert len(lacking) <= limits.MAX_ASKED
        for number in lacking.ask(now):
            asked[number] = asked.get(number, 0) + 1
    assert all(times <= limits.MAX_ASKS for times in asked.values())


@given(st.binary(max_size=12), st.integers(0, 0x7FFF), st.integers(0, 0xFF))
def test_numbers_of_any_descriptor_are_moved_on_and_nothing_else_changes(
    payload: bytes, picture: int, layer0: int
) -> None:
    numbers = read_numbers(payload)
    if numbers is None:
        length = descriptor_length(payload)
        assert length is None or length == 1 or not payload[1] & 0xC0
        return
    moved = write_numbers(payload, numbers, picture, layer0)
    assert len(moved) == numbers.length == descriptor_length(payload)
    found = read_numbers(moved + payload[numbers.length :])
    assert found == numbers._replace(
        picture=numbers.picture + picture & numbers.mask if numbers.mask else -1,
        layer0=numbers.layer0 + layer0 & 0xFF if numbers.layer0 >= 0 else -1,
    )
    back = write_numbers(moved, found, -picture, -layer0)
    assert back == payload[: numbers.length]


@given(st.binary(min_size=4, max_size=60), st.binary(max_size=8), st.integers(0, 255), st.integers(0, 255))
def test_any_extension_block_is_read_within_its_bounds(block: bytes, behind: bytes, level: int, wide: int) -> None:
    for profile in (block[:2], b"\xbe\xde", b"\x10\x00"):
        whole = profile + block[2:]
        found = read_extensions(whole + behind, 0, len(whole), Extensions(level, wide))
        assert found == read_extensions(whole, 0, len(whole), Extensions(level, wide)), "what is behind is not read"
        assert -1 <= found[0] <= 0xFF
        assert -1 <= found[1] <= 0xFFFF
