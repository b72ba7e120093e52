"""Packs a root and its boot partition into a signed bundle (rauc, verity format) for a box's other slot."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from image import signing
from image.targets import Target
from image.tools import HERE, fresh, run

MANIFEST = """[update]
compatible={compatible}
version={version}

[bundle]
format=verity

[image.rootfs]
filename=rootfs.img

[image.boot]
filename=boot.img
"""
# For a machine with a `bundle-hook`: what is to be done to the partition after it was written.
HOOK = "hooks=post-install\n\n[hooks]\nfilename=hook\n"


def pack(parts: Path, target: Target, version: str, made: Path, work: Path, epoch: int) -> None:
    """`parts` holds `root-a.img` and `boot-a.img`; the same go into either slot."""
    content = fresh(work / "bundle")
    manifest = MANIFEST.format(compatible=target.compatible, version=version)
    hook = HERE / target.folder / "bundle-hook"
    if target.folder and hook.exists():
        manifest += HOOK
        shutil.copy(hook, content / "hook")
    (content / "manifest.raucm").write_text(manifest)
    os.link(parts / "root-a.img", content / "rootfs.img")
    os.link(parts / "boot-a.img", content / "boot.img")
    for path in content.iterdir():
        os.utime(path, (epoch, epoch))
    keys = signing.folder()
    made.unlink(missing_ok=True)
    signed = (f"--cert={keys / 'release.pem'}", f"--key={keys / 'release.key'}", f"--keyring={keys / 'ca.pem'}")
    # What is inside is packed already.
    packing = "--mksquashfs-args=-comp zstd -Xcompression-level 3 -no-progress"
    run("rauc", *signed, packing, f"--conf={_config(work, keys)}", "bundle", content, made, epoch=epoch)


def _config(work: Path, keys: Path) -> Path:
    """rauc checks what it signed as a box would."""
    config = work / "rauc.conf"
    text = f"[system]\ncompatible=none\nbootloader=noop\n[keyring]\npath={keys / 'ca.pem'}\ncheck-purpose=codesign\n"
    config.write_text(text)
    return config
