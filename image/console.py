"""Keyboard maps and fonts of the box's own screen, made from Debian's for a console that knows neither.

`console-data` has brought the raw files into the root; the few that a box needs are made from them, and the rest goes.
"""

from __future__ import annotations

import gzip
import shutil
import struct
from dataclasses import dataclass
from pathlib import Path

from appliance.steward.keyboard import FONTS, LAYOUTS, MAPS
from image.tools import run

RAW = "usr/share/hearth-console"
SOURCES = ("Lat15-Fixed16.psf.gz", "Lat15-TerminusBold32x16.psf.gz")  # in the order of FONTS
# Keyboards of these have a key more than others (ISO 9995-3 and ABNT NBR 10346).
MODELS = {"br": "abnt2"}
# QR codes are drawn with half blocks, which no font of 256 signs for Latin letters has; nor is more than 256 an answer,
# since the screen then has half its colours.
HALVES = ("\N{UPPER HALF BLOCK}", "\N{LOWER HALF BLOCK}")
# What stays whatever is made room for: letters of Latin-1, and what the console draws with.
NEEDED = frozenset(
    {chr(code) for code in (*range(0x20, 0x7F), *range(0xA0, 0x100), 0xFFFD)} | set("€─│┌┐└┘├┤┬┴┼═║╔╗╚╝█▀▄•")
)
PSF1, PSF2 = b"\x36\x04", b"\x72\xb5\x4a\x86"


@dataclass(frozen=True)
class Font:
    """`head`: the file's own beginning; `glyphs`: a bitmap each; `signs`: what each of them is drawn for."""

    head: bytes
    height: int
    glyphs: tuple[bytes, ...]
    signs: tuple[frozenset[str], ...]


def make(root: Path) -> None:
    """The maps and fonts of a root into their places."""
    raw, maps = root / RAW, root / str(MAPS).lstrip("/")
    maps.mkdir(parents=True)
    for layout in LAYOUTS:
        model = ("-model", MODELS[layout]) if layout in MODELS else ()
        made = run("perl", raw / "ckbcomp", f"-I{raw / 'xkb'}", "-compact", *model, layout)
        (maps / f"{layout}.kmap").write_text(made)
    for (name, _), source in zip(FONTS, SOURCES, strict=True):
        (maps / name).write_bytes(written(with_halves(read(gzip.decompress((raw / source).read_bytes())))))
    shutil.rmtree(raw)


def read(content: bytes) -> Font:
    """A font of the console, in the older form (PSF1) or the newer (PSF2), with 256 signs."""
    if content[:2] == PSF1:
        height, size, begin = content[3], content[3], 4
        words = struct.unpack(f"<{(len(content) - begin - 256 * size) // 2}H", content[begin + 256 * size :])
        table = "".join(map(chr, words)).split("\uffff")[:256]
        signs = tuple(frozenset(one.partition("\ufffe")[0]) for one in table)
    else:
        _, _, begin, _, count, size, height, _ = struct.unpack("<8I", content[:32])
        if content[:4] != PSF2 or count != 256:
            raise ValueError("no font of 256 signs")
        rows = content[begin + 256 * size :].split(b"\xff")[:256]
        signs = tuple(frozenset(one.partition(b"\xfe")[0].decode()) for one in rows)
    glyphs = tuple(content[begin + at * size : begin + (at + 1) * size] for at in range(256))
    return Font(content[:begin], height, glyphs, signs)


def written(font: Font) -> bytes:
    """The file of a font: signs alone, no sequences of them."""
    table = b"".join(_row(font, one) for one in font.signs)
    return font.head + b"".join(font.glyphs) + table


def _row(font: Font, signs: frozenset[str]) -> bytes:
    text = "".join(sorted(signs))
    return text.encode("utf-16-le") + b"\xff\xff" if font.head[:2] == PSF1 else text.encode() + b"\xff"


def with_halves(font: Font) -> Font:
    """The same with both half blocks, in the places of two signs that nothing here needs."""
    glyphs, signs = list(font.glyphs), list(font.signs)
    spare = [at for at in range(len(signs) - 1, -1, -1) if signs[at] and not signs[at] & NEEDED]
    line = len(glyphs[0]) // font.height
    full, empty = b"\xff" * line * (font.height // 2), b"\x00" * line * (font.height // 2)
    for at, half, drawn in zip(spare, HALVES, (full + empty, empty + full), strict=False):
        glyphs[at], signs[at] = drawn, frozenset(half)
    return Font(font.head, font.height, tuple(glyphs), tuple(signs))
