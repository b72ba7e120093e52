"""The memory of a running process, for a test that looks for what must not be there (proc(5): maps, mem).

Read is what the process has for itself and could read: heap, stacks, its own data and its libraries'. The process goes
on meanwhile; whoever needs a still picture stops it first. Needs the right to trace it: root, or one's own child.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

# Bytes read at once; and of one process in all, beyond which a test is to fail rather than to take for ever.
CHUNK = 1024 * 1024
MOST = 4 * 1024 * 1024 * 1024
# The kernel's own pages: they are mapped, and hold nothing of the process.
_OF_THE_KERNEL = ("[vvar]", "[vvar_vclock]", "[vsyscall]", "[vdso]")


def regions(pid: int) -> Iterator[tuple[int, int]]:
    """Start and end of each mapping that is readable and private."""
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        addresses, permissions, *_rest = fields = line.split(maxsplit=5)
        if permissions[0] == "r" and permissions[3] == "p" and fields[-1] not in _OF_THE_KERNEL:
            start, _, end = addresses.partition("-")
            yield int(start, 16), int(end, 16)


def chunks(pid: int, overlap: int, size: int = CHUNK) -> Iterator[bytes]:
    """All of that memory; each chunk repeats the last `overlap` bytes before it, so that nothing is cut in two."""
    read = 0
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for start, end in regions(pid):
            tail = b""
            for position in range(start, end, size):
                try:
                    new = os.pread(memory.fileno(), min(size, end - position), position)
                except OSError:  # given back since the list was made
                    break
                read += len(new)
                if read > MOST:
                    raise MemoryError("more memory than is looked through")
                yield tail + new
                tail = (tail + new)[-overlap:] if overlap else b""


def found_in(pid: int, secrets: Mapping[str, bytes], size: int = CHUNK) -> set[str]:
    """Names of the secrets that lie anywhere in the memory of the process."""
    overlap = max(map(len, secrets.values()), default=1) - 1
    found: set[str] = set()
    for chunk in chunks(pid, overlap, size):
        found |= {name for name, secret in secrets.items() if secret in chunk}
    return found
