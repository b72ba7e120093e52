"""Look for planted words and keys in what a machine leaves behind: its memory as a file, its disks as they are.

Each is looked for as UTF-8 and UTF-16, in hexadecimal of either case, and in base64 at each of the three places it may
begin at. Base64 of a few letters is found by chance: words are at least six bytes, and their inner part is looked for.
"""

from __future__ import annotations

import base64
import mmap
import subprocess
from collections.abc import Mapping
from pathlib import Path
from tempfile import NamedTemporaryFile


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
    """By the name of what was planted: the forms in which it lies there, and where (the first place of each).

    By grep, which looks for all of them in one go; but for what has a line's end in it, which would be two for grep.
    """
    looked = [(name, form, raw) for name, secret in planted.items() for form, raw in forms(secret).items()]
    first = _by_grep(path, [raw for _, _, raw in looked if b"\n" not in raw])
    first |= _one_by_one(path, [raw for _, _, raw in looked if b"\n" in raw])
    told: dict[str, list[tuple[str, int]]] = {}
    for name, form, raw in looked:
        if raw in first:
            told.setdefault(name, []).append((form, first[raw]))
    return told


def _by_grep(path: Path, wanted: list[bytes]) -> dict[bytes, int]:
    with NamedTemporaryFile() as file:
        file.write(b"\n".join(wanted) + b"\n")
        file.flush()
        command = ["grep", "-aobFf", file.name, str(path)]
        done = subprocess.run(command, capture_output=True, env={"LC_ALL": "C"}, check=False)
    if done.returncode > 1:
        raise OSError(done.stderr.decode())
    first: dict[bytes, int] = {}
    for line in done.stdout.split(b"\n")[:-1]:
        place, _, raw = line.partition(b":")
        for one in wanted:  # the longest was told; another may lie within it
            if one in raw:
                first.setdefault(one, int(place) + raw.index(one))
    return first


def _one_by_one(path: Path, wanted: list[bytes]) -> dict[bytes, int]:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return {raw: place for raw in wanted if (place := content.find(raw)) >= 0}
