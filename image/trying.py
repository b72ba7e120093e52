"""`make try-image`: the image in a virtual machine on this one, its console in this terminal.

What is set up stays in `image/out/trying`, so a second start goes on with it; the image itself is not written to. The
machine reaches what this one reaches; from here the portal is https://localhost:8443, plain http://localhost:8080.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from image.tools import OUT, Failed, say

FIRMWARE, VARIABLES = (Path("/usr/share/OVMF") / name for name in ("OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd"))
SIZE = "8G"  # of its disk
MEMORY = "1024"  # MiB, as the smallest Raspberry Pi 4
# The relay tells browsers the port that it has itself, so outside it must be the same.
PORTS = "hostfwd=tcp:127.0.0.1:8443-:443,hostfwd=tcp:127.0.0.1:8080-:80,hostfwd=udp:127.0.0.1:8443-:8443"


def disk(image: Path, folder: Path) -> Path:
    """What is written on top of the image; another image begins anew, since nothing fits underneath it any more."""
    top, of = folder / "disk.qcow2", folder / "of"
    is_of = f"{image.name} {image.stat().st_mtime_ns}"
    if not top.exists() or not of.exists() or of.read_text() != is_of:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        base = str(image.resolve())
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", base, str(top), SIZE], check=True)
        shutil.copy(VARIABLES, folder / "vars.fd")
        of.write_text(is_of)
    return top


def command(image: Path, folder: Path, sticks: Sequence[Path] = ()) -> list[str]:
    """QEMU's words. The processor's own help is used where it can be, which is twenty times as fast."""
    words = ["qemu-system-x86_64", "-machine", "q35", "-smp", "2", "-m", MEMORY, "-display", "none"]
    words += ["-accel", os.environ.get("ACCEL") or "tcg", "-cpu", "max"]
    words += ["-drive", f"if=pflash,format=raw,readonly=on,file={FIRMWARE}"]
    words += ["-drive", f"if=pflash,format=raw,file={folder / 'vars.fd'}"]
    words += ["-drive", f"if=virtio,format=qcow2,file={disk(image, folder)}"]
    words += ["-netdev", f"user,id=net,{PORTS}", "-device", "virtio-net-pci,netdev=net", "-device", "virtio-rng-pci"]
    words += ["-serial", "mon:stdio", "-device", "qemu-xhci"]
    for number, stick in enumerate(sticks):
        words += ["-drive", f"if=none,id=stick{number},format=raw,file={stick}"]
        words += ["-device", f"usb-storage,drive=stick{number}"]
    return words


def run(release: str, sticks: Sequence[Path] = ()) -> int:
    """Until it is switched off (Ctrl-A, then X). Failed where there is no image."""
    image = OUT / f"hearth-{release}-amd64.img"
    if not image.exists():
        raise Failed(f"There is no {image.name} yet: make image")
    words = command(image, OUT / "trying", sticks)
    say("It starts in one to two minutes: wait for the console in this terminal. Ctrl-A, then X, pulls its plug.")
    say("The portal: https://localhost:8443. The address that its console shows is one inside the virtual machine.")
    if not (sys.stdin.isatty() and os.get_terminal_size().lines >= 24):
        say("The console wants a terminal of 80 columns and 24 lines.")
    return subprocess.run(words, check=False).returncode
