"""The first file system of the box: busybox, the modules that find the disk, `initrd/init`. The same each time."""

from __future__ import annotations

import lzma
import os
import shutil
from pathlib import Path

from image import modules
from image.targets import Target
from image.tools import HERE, fresh, run

# Loaded whatever the hardware is, in this order: file systems have no hardware that asks for them, and
# busybox's modprobe does not follow soft dependencies (ext4's checksums).
ALWAYS = (
    *("crc32c_generic", "crc32c_intel", "squashfs", "ext4"),
    *("vfat", "nls_cp437", "nls_ascii", "nls_iso8859_1", "nls_utf8", "sd_mod", "mmc_block"),
)


def build(root: Path, target: Target, busybox: Path, made: Path, work: Path, epoch: int) -> None:
    """Write the packed initrd to `made`. `root` must still have its kernel modules."""
    tree = fresh(work / "initrd")
    for folder in ("bin", "etc", "lib/modules"):
        (tree / folder).mkdir(parents=True)
    shutil.copy(busybox, tree / "bin/busybox")
    shutil.copy(HERE / "initrd/init", tree / "init")
    (tree / "init").chmod(0o755)
    (tree / "bin/busybox").chmod(0o755)
    (kernel,) = (root / "usr/lib/modules").iterdir()
    present = _modules(kernel, target, tree / "lib/modules" / kernel.name)
    (tree / "etc/always").write_text("".join(f"{one}\n" for one in ALWAYS if one in present))
    _pack(tree, made, epoch)


def _modules(kernel: Path, target: Target, made: Path) -> set[str]:
    """Copy what `initrd/modules.txt` names and what that needs, unpacked; return the names."""
    made.mkdir()
    needed = modules.needs((kernel / "modules.dep").read_text())
    soft, alias = (kernel / "modules.softdep").read_text(), (kernel / "modules.alias").read_text()
    listed = modules.named(needed, modules.patterns(target.listed("initrd/modules.txt")))
    chosen = modules.closure(listed, needed, modules.wishes(soft), modules.aliases(alias))
    for path in chosen:
        file = made / modules.unpacked(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        data = (kernel / path).read_bytes()
        file.write_bytes(lzma.decompress(data) if path.endswith(".xz") else data)
    (made / "modules.dep").write_text(modules.dep_of(chosen, needed))
    (made / "modules.alias").write_text(modules.alias_of(chosen, alias))
    (made / "modules.softdep").write_text(modules.alias_of(chosen, soft))
    return {modules.name(path) for path in chosen}


def _pack(tree: Path, made: Path, epoch: int) -> None:
    for path in (tree, *tree.rglob("*")):
        os.utime(path, (epoch, epoch), follow_symlinks=False)
    names = sorted(str(path.relative_to(tree)) for path in tree.rglob("*"))
    listing = made.with_suffix(".list")
    listing.write_text("\0".join([".", *names]) + "\0")
    cpio = made.with_suffix(".cpio")
    packed = ("--null", "--create", "--format=newc", "--reproducible", "--owner=0:0", "--quiet")
    run("sh", "-c", f'cpio {" ".join(packed)} <"$1" >"$2"', "sh", listing, cpio, cwd=tree)
    run("zstd", "--quiet", "--force", "-19", "--threads=1", cpio, "-o", made)
    cpio.unlink()
    listing.unlink()
