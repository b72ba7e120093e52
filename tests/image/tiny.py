"""A virtual machine without an image: Debian's kernel, a busybox, and this machine's own root to read. Up in seconds.

What it runs is this tree's Python, read-only over 9p; what it may write is one disk, at /mnt, held by an NBD server.
It says what it has to say on a line of its own (/dev/said in the guest), so nothing waits in a terminal's buffer.
"""

from __future__ import annotations

import asyncio
import lzma
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
OUT = ROOT / "tests" / "out" / "tiny"
MODULES = ("virtio_pci", "virtio_blk", "virtio_console", "9pnet_virtio", "9p", "ext4", "crc32c_generic")
MEMORY = 768  # MiB

INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
for module in $(cat /modules/order); do insmod /modules/$module; done
mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=262144 root /host || poweroff -f
mount -t ext4 /dev/vda /host/mnt || poweroff -f
mount -t proc proc /host/proc; mount -t devtmpfs dev /host/dev; mount -t tmpfs tmp /host/tmp
for try in 1 2 3 4 5; do ls /dev/vport*p1 && break; sleep 1; done
ln -s /dev/vport*p1 /dev/said
chroot /host $(cat /proc/cmdline | sed 's/.*run=//; s/+/ /g')
echo "the work ended: $?"
poweroff -f
"""


@dataclass(frozen=True, slots=True)
class Kernel:
    image: Path
    modules: Path


def kernel() -> Kernel:
    """Debian's kernel and modules, unpacked once (mmdebstrap, 10 s; needs Debian's archive)."""
    folder = OUT / "kernel"
    if not folder.exists():
        making = OUT / "kernel.new"
        shutil.rmtree(making, ignore_errors=True)
        OUT.mkdir(parents=True, exist_ok=True)
        asked = ["--variant=extract", "--mode=root", "--include=linux-image-amd64", "trixie"]
        subprocess.run(["mmdebstrap", "-q", *asked, str(making)], check=True)
        making.rename(folder)
    (image,) = (folder / "boot").glob("vmlinuz-*")
    return Kernel(image, folder / "usr/lib/modules")


def initrd(folder: Path, of: Kernel) -> Path:
    """Busybox, the modules that are needed in their order, and INIT."""
    root = folder / "initrd"
    for name in ("bin", "proc", "sys", "dev", "host", "modules"):
        (root / name).mkdir(parents=True, exist_ok=True)
    shutil.copy("/bin/busybox", root / "bin/busybox")
    (root / "init").write_text(INIT)
    (root / "init").chmod(0o755)
    names = order(of, MODULES, root / "modules")
    (root / "modules/order").write_text("\n".join(names))
    made = folder / "initrd.img"
    listed = "\n".join(str(path.relative_to(root)) for path in sorted(root.rglob("*"))).encode()
    with made.open("wb") as file:
        subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], cwd=root, input=listed, stdout=file, check=True)
    return made


def order(of: Kernel, wanted: tuple[str, ...], folder: Path) -> list[str]:
    """Unpack those modules and what they depend on into `folder`; their files in the order of loading."""
    known = {path.name.split(".")[0].replace("-", "_"): path for path in of.modules.rglob("*.ko*")}
    names: list[str] = []

    def take(module: str) -> None:
        path = known.get(module.replace("-", "_"))
        if path is None or f"{module}.ko" in names:  # built into the kernel, or taken already
            return
        content = lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()
        depends = re.search(rb"\0depends=([^\0]*)", content)
        for other in (depends[1].decode() if depends else "").split(","):
            take(other)
        (folder / f"{module}.ko").write_bytes(content)
        names.append(f"{module}.ko")

    for module in wanted:
        take(module)
    return names


async def start(folder: Path, disk: Path, said: Path, *work: str) -> asyncio.subprocess.Process:
    """Run `work` in the machine; `disk` is the NBD server's socket, `said` that of what it says. The caller ends it."""
    of = kernel()
    root = initrd(folder, of)
    run = "+".join((sys.executable, *work))
    command = [
        *("qemu-system-x86_64", "-accel", "tcg", "-M", "q35", "-cpu", "max", "-m", str(MEMORY), "-nodefaults"),
        *("-display", "none", "-no-reboot", "-serial", f"file:{folder / 'serial'}"),
        *("-kernel", str(of.image), "-initrd", str(root)),
        *("-append", f"console=ttyS0 quiet panic=-1 mitigations=off run={run}"),
        *("-blockdev", f"driver=nbd,node-name=disk,server.type=unix,server.path={disk}"),
        *("-device", "virtio-blk-pci,drive=disk,write-cache=on"),
        *("-fsdev", "local,id=root,path=/,security_model=none,readonly=on,multidevs=remap"),
        *("-device", "virtio-9p-pci,fsdev=root,mount_tag=root"),
        *("-device", "virtio-serial-pci", "-chardev", f"socket,id=said,path={said}"),
        *("-device", "virtserialport,chardev=said,name=said"),
    ]
    log = (folder / "qemu.log").open("wb")
    return await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)
