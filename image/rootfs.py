"""The root of the box: Debian's files less what no box needs, Hearth in /opt/hearth, our units, `files/` over all.

The order matters: what a later step writes wins. Nothing of the box is started here but its Python, to compile modules.
"""

from __future__ import annotations

import shutil
import stat
from collections.abc import Callable
from pathlib import Path

from image import console, debian, modules, signing, wheels
from image.pi import board, bytecode
from image.targets import ARM64, PYTHON, Target
from image.tools import HERE, PROJECT, fresh, run

# Where a file of ../systemd goes, by the end of its name.
PLACES = {
    ".sysusers": "usr/lib/sysusers.d/{stem}.conf",
    ".tmpfiles": "usr/lib/tmpfiles.d/{stem}.conf",
    ".rules": "usr/lib/udev/rules.d/{name}",
    ".network": "usr/lib/systemd/network/{name}",
    ".preset": "usr/lib/systemd/system-preset/{name}",
    **dict.fromkeys(
        (".service", ".socket", ".timer", ".target", ".path", ".mount", ".slice"), "usr/lib/systemd/system/{name}"
    ),
}
# Mount points and empty folders, made here because nothing can be made on the box.
FOLDERS = ("data", "esp", "media", "mnt", "srv", "home", "root", "tmp", "run", "proc", "sys", "dev", "var", "boot")
LINKS = {
    "etc/resolv.conf": "/run/systemd/resolve/resolv.conf",
    "etc/localtime": "/data/system/localtime",
    "etc/credstore.encrypted": "/data/system/credstore.encrypted",
    "etc/mtab": "../proc/self/mounts",
    "etc/systemd/system/default.target": "/usr/lib/systemd/system/multi-user.target",
}
# Units of systemd that have nothing to do here, or cannot do it on a root that is read-only.
MASKED = (
    *("systemd-binfmt.service", "proc-sys-fs-binfmt_misc.automount", "proc-sys-fs-binfmt_misc.mount"),
    *("dev-hugepages.mount", "dev-mqueue.mount", "sys-kernel-debug.mount", "sys-kernel-tracing.mount"),
    "systemd-networkd-wait-online.service",  # nothing waits for a network; dnsmasq would, and with it the own Wi-Fi
    *("systemd-networkd-persistent-storage.service", "systemd-ask-password-console.path"),
    *("systemd-ask-password-wall.path", "systemd-sysext.socket", "systemd-hostnamed.socket", "systemd-initctl.socket"),
    *("modprobe@drm.service", "systemd-remount-fs.service", "systemd-hibernate-clear.service"),
    *("systemd-user-sessions.service", "systemd-tpm2-setup-early.service"),
    *("systemd-pcrphase-sysinit.service", "systemd-pcrphase.service", "rauc-mark-good.service"),
)
# Deliberately broken releases, for tests of the way back.
BROKEN: dict[str, Callable[[Path], object]] = {
    "portal": lambda root: (root / "opt/hearth/bin/hearth").write_text("#!/bin/sh\nexit 1\n"),
    "system": lambda root: (root / "usr/lib/systemd/systemd").unlink(),
}


def build(target: Target, version: str, epoch: int, root: Path, work: Path, broken: str = "") -> Path:
    """Make the root at `root`; return the busybox that was taken out of it for the initrd."""
    fresh(root)
    whole = ("--extract", "--numeric-owner", "--xattrs", "--xattrs-include=*")
    run("tar", *whole, "-f", debian.root_tar(target), "-C", root)
    busybox = Path(shutil.copy(root / "usr/bin/busybox", work / "busybox"))
    shutil.copy(root / "var/lib/dpkg/status", work / "packages.status")
    console.make(root)
    _prune(root, target)
    wheels.install(root, target, version, work)
    _units(root)
    _facts(root, target, version)
    _updates(root, target)
    shutil.copytree(HERE / "files", root, symlinks=True, dirs_exist_ok=True)
    if target == ARM64:
        board.dress(root, work)
    _accounts(root)
    _rights(root)
    _compile(root, target)
    if broken:
        BROKEN[broken](root)
    return busybox


def _prune(root: Path, target: Target) -> None:
    _, build_only = debian.wanted(target)
    for name in build_only:
        for listing in (*root.glob(f"var/lib/dpkg/info/{name}.list"), *root.glob(f"var/lib/dpkg/info/{name}:*.list")):
            for line in listing.read_text().splitlines():
                path = root / line.lstrip("/")
                if path.is_symlink() or path.is_file():
                    path.unlink()
    (kernel,) = (root / "usr/lib/modules").iterdir()
    (boot,) = (root / "boot").glob("vmlinuz-*")
    shutil.copy(boot, root.parent / "vmlinuz")
    _kernel(root, kernel, target)
    for pattern in modules.patterns((HERE / "removed.txt").read_text()):
        for path in root.glob(pattern):
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def _kernel(root: Path, kernel: Path, target: Target) -> None:
    """Only the modules of `modules.txt`, those of the initrd, and what they need; the lists made anew for them."""
    needed = modules.needs((kernel / "modules.dep").read_text())
    wished = modules.wishes((kernel / "modules.softdep").read_text())
    known = modules.aliases((kernel / "modules.alias").read_text())
    listed = set()
    for name in ("modules.txt", "initrd/modules.txt"):
        listed |= modules.named(needed, modules.patterns(target.listed(name)))
    kept = modules.closure(listed, needed, wished, known)
    for path in needed:
        if path not in kept:
            (kernel / path).unlink()
    run("depmod", "--basedir", root / "usr", kernel.name)


def _units(root: Path) -> None:
    for path in sorted((PROJECT / "systemd").rglob("*")):
        below = path.relative_to(PROJECT / "systemd")
        place = PLACES.get(path.suffix)
        if path.is_dir() or (place is None and path.suffix != ".conf"):
            continue
        # A folder `name.service.d` holds additions to a unit, as systemd reads them.
        target = root / (place.format(name=path.name, stem=path.stem) if place else f"usr/lib/systemd/system/{below}")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)


def _facts(root: Path, target: Target, version: str) -> None:
    for folder in FOLDERS:
        (root / folder).mkdir(exist_ok=True)
    (root / "tmp").chmod(0o1777)
    for name, to in LINKS.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).unlink(missing_ok=True)
        (root / name).symlink_to(to)
    (root / "etc/machine-id").write_text("")
    (root / "etc/hostname").write_text("hearth\n")
    (root / "etc/hosts").write_text("127.0.0.1 localhost hearth\n::1 localhost hearth\n")
    (root / "usr/lib/clock-epoch").write_text("")
    (root / "usr/lib/hearth").mkdir(exist_ok=True)
    (root / "usr/lib/hearth/release").write_text(f"{version}\n")
    (root / "etc/os-release").unlink(missing_ok=True)
    (root / "etc/os-release").symlink_to("../usr/lib/os-release")
    lines = ("ID=hearth", "ID_LIKE=debian", "NAME=Hearth", f'PRETTY_NAME="Hearth {version}"', f"VERSION_ID={version}")
    (root / "usr/lib/os-release").write_text("\n".join((*lines, f"IMAGE_ID={target.compatible}")) + "\n")


def _updates(root: Path, target: Target) -> None:
    """Whose releases this box takes, and how it is told which one to start."""
    config = (HERE / "rauc/system.conf").read_text().replace("@COMPATIBLE@", target.compatible)
    (root / "etc/rauc").mkdir(exist_ok=True)
    (root / "etc/rauc/system.conf").write_text(config)
    shutil.copy(signing.folder() / "ca.pem", root / "etc/rauc/keyring.pem")
    shutil.copy(HERE / f"rauc/boot-choice-{target.chooser}", root / "usr/lib/hearth/boot-choice")


def _accounts(root: Path) -> None:
    run("systemd-sysusers", f"--root={root}")
    for name in ("passwd-", "shadow-", "group-", "gshadow-", ".pwd.lock"):
        (root / "etc" / name).unlink(missing_ok=True)
    run("systemctl", f"--root={root}", "preset-all", "--preset-mode=full")
    run("systemctl", f"--root={root}", "mask", *MASKED)


def _rights(root: Path) -> None:
    """No file gives rights to whoever starts it: nobody logs in here, and every unit has what it needs."""
    for path in root.rglob("*"):
        if path.is_file() and not path.is_symlink() and path.stat().st_mode & (stat.S_ISUID | stat.S_ISGID):
            path.chmod(path.stat().st_mode & 0o777)


def _compile(root: Path, target: Target) -> None:
    """Compiled modules that are never looked at again, so that no start has to compile, and no clock matters."""
    for old in [*root.glob("usr/lib/python3/**/__pycache__"), *root.glob(f"usr/lib/python{PYTHON}/**/__pycache__")]:
        shutil.rmtree(old)
    places = ("/opt/hearth/lib", f"/usr/lib/python{PYTHON}", "/usr/lib/python3")
    there = [place for place in places if (root / place.lstrip("/")).exists()]
    flags = ("-m", "compileall", "-q", "-j", "2", "--invalidation-mode", "unchecked-hash")
    if target.under:
        bytecode.build(root, flags, there)
    else:
        # Its workers share a semaphore in /dev/shm.
        (root / "dev/shm").mkdir()
        run("chroot", root, f"/usr/bin/python{PYTHON}", "-B", *flags, *there)
    for name in ("dev", "proc"):
        fresh(root / name)


def squash(root: Path, made: Path, epoch: int) -> None:
    """Pack the root. Every time stamp is the release's, so that two builds of the same are the same."""
    made.unlink(missing_ok=True)
    stamps = ("-mkfs-time", str(epoch), "-all-time", str(epoch))
    packing = ("-comp", "zstd", "-Xcompression-level", "12", "-b", "1M", "-no-exports", "-no-progress", "-quiet")
    # mksquashfs refuses its flags and the environment's epoch together.
    run("env", "-u", "SOURCE_DATE_EPOCH", "mksquashfs", root, made, *stamps, *packing)
