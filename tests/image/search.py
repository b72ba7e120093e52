"""Look for planted words and keys in what a machine leaves behind: its memory as a file, its disks as they are.

Each is looked for as UTF-8 and UTF-16, in hexadecimal of either case, and in base64 at each of the three places it may
begin at. Base64 of a few letters is found by chance: words are at least six bytes, and their inner part is looked for.
"""

from __future__ import annotations

import base64
import mmap
from collections.abc import Iterator, Mapping
from pathlib import Path

CHUNK = 64 * 1024 * 1024


def forms(secret: bytes | str) -> dict[str, bytes]:
    """The forms of one word or key, by their names."""
    raw = secret.encode() if isinstance(secret, str) else secret
    if len(raw) < 6:
        raise ValueError("too short: it would be found by chance")
    found = {"as it is": raw, "hex": raw.hex().encode(), "HEX": raw.hex().upper().encode()}
    if isinstance(secret, str):
        found["utf-16"] = secret.encode("utf-16-le")
    for before in range(3):
        coded = base64.b64encode(bytes(before) + raw)
        start, end = -(-before * 4 // 3), (before + len(raw)) // 3 * 4
        found[f"base64 +{before}"] = coded[start:end]
    return found


def found_in(path: Path, planted: Mapping[str, bytes | str]) -> dict[str, list[tuple[str, int]]]:
    """By the name of what was planted: the forms in which it lies there, and where (the first place of each)."""
    looked = [(name, form, raw) for name, secret in planted.items() for form, raw in forms(secret).items()]
    longest, found = max(len(raw) for _, _, raw in looked), {}
    for start, chunk in _chunks(path, longest):
        for name, form, raw in looked:
            place = chunk.find(raw)
            if place >= 0 and (name, form) not in found:
                found[name, form] = start + place
    told: dict[str, list[tuple[str, int]]] = {}
    for (name, form), place in found.items():
        told.setdefault(name, []).append((form, place))
    return told


def _chunks(path: Path, overlap: int) -> Iterator[tuple[int, bytes]]:
    """All of the file but what is zeros, each chunk longer by what the next begins with."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for start in range(0, len(content), CHUNK):
            chunk = content[start : start + CHUNK + overlap]
            if chunk.strip(b"\0"):
                yield start, chunk
