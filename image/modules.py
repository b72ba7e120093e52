"""Which kernel modules go where: what a list of patterns names, and what that needs. Pure, but for reading the lists.

The kernel's own files say it: `modules.dep` (needs), `modules.softdep` (wants first), `modules.alias` (which hardware).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

PACKED = re.compile(r"\.ko(\.(xz|zst|gz))?$")


def name(path: str) -> str:
    """What modprobe calls the module in a file: `kernel/fs/nls/nls_utf8.ko.xz` is `nls_utf8`."""
    return PACKED.sub("", path.rsplit("/", 1)[-1]).replace("-", "_")


def needs(dep: str) -> dict[str, tuple[str, ...]]:
    """`modules.dep`: path to the paths that must be loaded before it."""
    lines = (line.split(":", 1) for line in dep.splitlines() if ":" in line)
    return {path: tuple(rest.split()) for path, rest in lines}


def wishes(softdep: str) -> dict[str, tuple[str, ...]]:
    """`modules.softdep`: module name to the names (or aliases) that it wants before or after itself."""
    found: dict[str, tuple[str, ...]] = {}
    for line in softdep.splitlines():
        words = line.split()
        if len(words) > 2 and words[0] == "softdep":
            found[words[1].replace("-", "_")] = tuple(word for word in words[2:] if word not in ("pre:", "post:"))
    return found


def aliases(text: str) -> dict[str, list[str]]:
    """`modules.alias`: alias to module names."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) == 3 and words[0] == "alias":
            found.setdefault(words[1], []).append(words[2].replace("-", "_"))
    return found


def patterns(text: str) -> list[str]:
    """The lines of a list without comments; `!` before one takes out again what earlier lines named."""
    return [line.split("#")[0].strip() for line in text.splitlines() if line.split("#")[0].strip()]


def named(paths: Iterable[str], wanted: Iterable[str]) -> set[str]:
    """Paths that the last pattern fitting them wants. A pattern without `/` is a module's name, else a path's."""
    ordered = list(wanted)
    return {path for path in paths if _fits(path, ordered)}


def _fits(path: str, wanted: list[str]) -> bool:
    taken = False
    for pattern in wanted:
        bare = pattern.lstrip("!")
        if fnmatchcase(path, f"kernel/{bare}") if "/" in bare else fnmatchcase(name(path), bare.replace("-", "_")):
            taken = not pattern.startswith("!")
    return taken


def closure(
    chosen: Iterable[str],
    needed: dict[str, tuple[str, ...]],
    wished: dict[str, tuple[str, ...]],
    known: dict[str, list[str]],
) -> set[str]:
    """The chosen paths with all they need and wish for. A wish that no module fulfils is built in, and left out."""
    by_name = {name(path): path for path in needed}
    whole: set[str] = set()
    open_ends = list(chosen)
    while open_ends:
        path = open_ends.pop()
        if path in whole:
            continue
        whole.add(path)
        open_ends += needed.get(path, ())
        for wish in wished.get(name(path), ()):
            for one in (wish.replace("-", "_"), *known.get(wish, ())):
                open_ends += [by_name[one]] if one in by_name else []
    return whole


def dep_of(chosen: set[str], needed: dict[str, tuple[str, ...]]) -> str:
    """`modules.dep` for the chosen alone, their files unpacked."""
    return "".join(
        f"{unpacked(path)}:{''.join(' ' + unpacked(one) for one in needed[path])}\n" for path in sorted(chosen)
    )


def alias_of(chosen: set[str], text: str) -> str:
    """The lines of `modules.alias` (or `modules.softdep`) that speak of the chosen."""
    names = {name(path) for path in chosen}
    return "".join(f"{line}\n" for line in text.splitlines() if _speaks_of(line.split(), names))


def _speaks_of(words: list[str], names: set[str]) -> bool:
    if len(words) < 3:
        return False
    return (words[2] if words[0] == "alias" else words[1]).replace("-", "_") in names


def unpacked(path: str) -> str:
    return PACKED.sub(".ko", path)


def in_order(chosen: set[str], needed: dict[str, tuple[str, ...]]) -> Iterator[str]:
    """The chosen so that each comes after what it needs."""
    done: set[str] = set()

    def visit(path: str) -> Iterator[str]:
        if path not in done:
            done.add(path)
            for one in needed.get(path, ()):
                yield from visit(one)
            yield path

    for path in sorted(chosen):
        yield from visit(path)
