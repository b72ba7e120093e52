"""Fonts of the box's own screen: what the console draws is in them, whatever had to make room."""

from __future__ import annotations

import struct

import pytest

from image.console import HALVES, NEEDED, PSF1, PSF2, Font, read, with_halves, written

SIGNS = tuple(map(frozenset, (sorted(NEEDED - {*HALVES}) + ["\N{CYRILLIC SMALL LETTER ZHE}"] * 256)[:256]))


def made(kind: bytes) -> Font:
    """A font of that kind without half blocks, each glyph with its own number."""
    height, size = (16, 16) if kind == PSF1 else (32, 64)
    head = PSF1 + bytes((2, 16)) if kind == PSF1 else struct.pack("<4s7I", PSF2, 0, 32, 1, 256, size, height, 16)
    return Font(head, height, tuple(bytes([number]) * size for number in range(256)), SIGNS)


@pytest.mark.parametrize("kind", [PSF1, PSF2])
def test_a_font_is_written_as_it_was_read(kind: bytes) -> None:
    assert read(written(made(kind))) == made(kind)


@pytest.mark.parametrize("kind", [PSF1, PSF2])
def test_half_blocks_take_the_places_of_signs_that_nobody_needs(kind: bytes) -> None:
    before = made(kind)
    after = read(written(with_halves(before)))
    assert frozenset().union(*after.signs) >= NEEDED
    upper, lower = (after.glyphs[after.signs.index(frozenset(half))] for half in HALVES)
    middle = len(upper) // 2
    assert (upper[:middle], upper[middle:]) == (lower[middle:], lower[:middle]) == (b"\xff" * middle, bytes(middle))
    changed = [at for at in range(256) if before.signs[at] != after.signs[at]]
    assert len(changed) == 2 and not any(before.signs[at] & NEEDED for at in changed)


def test_a_font_of_more_signs_is_refused() -> None:
    with pytest.raises(ValueError, match="256"):
        read(struct.pack("<4s7I", PSF2, 0, 32, 1, 512, 64, 32, 16) + bytes(64))
