"""Puts the partitions together into one file that is written to a disk or card as it is. Without loop devices."""

from __future__ import annotations

import os
from pathlib import Path

from image import layout
from image.tools import fresh, run


def data(made: Path, work: Path, epoch: int) -> None:
    """The data partition's empty file system, ready to be grown a thousandfold."""
    made.unlink(missing_ok=True)
    folder = fresh(work / "data")
    os.utime(folder, (epoch, epoch))
    seed = layout.DATA.uuid
    # 32 MiB of journal, as much as a large disk would get: it cannot be grown later. Room to grow to 2 TiB.
    options = f"hash_seed={seed},lazy_itable_init=1,lazy_journal_init=0,root_owner=0:0,resize={2 * 2**40 // 4096}"
    flags = ("-q", "-t", "ext4", "-b", "4096", "-J", "size=32", "-m", "1", "-L", "data", "-U", seed, "-E", options)
    blocks = str(layout.DATA.size // 4096)
    run("mke2fs", *flags, "-d", folder, made, blocks, epoch=epoch, E2FSPROGS_FAKE_TIME=str(epoch))


def join(parts: Path, made: Path, work: Path, config: str) -> None:
    """`parts` holds `NAME.img` for each filled partition; `config`: genimage's, of `layout`."""
    (work / "genimage.cfg").write_text(config)
    empty, temporary = fresh(work / "genimage.root"), work / "genimage.tmp"
    if temporary.exists():
        fresh(temporary).rmdir()
    where = ("--rootpath", empty, "--tmppath", temporary, "--inputpath", parts, "--outputpath", made.parent)
    run("genimage", "--config", work / "genimage.cfg", *where)
    run("fallocate", "--dig-holes", made)
