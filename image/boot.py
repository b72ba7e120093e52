"""How a PC starts: its EFI partition with GRUB and the note of which slot is good, and a boot partition a slot."""

from __future__ import annotations

from pathlib import Path

from image import modules
from image.layout import ESP, Partition
from image.tools import HERE, fresh, run

# What grub.cfg uses, and what finds it.
GRUB_MODULES = (
    *("part_gpt", "fat", "normal", "linux", "loadenv", "test", "regexp", "sleep", "reboot", "configfile", "echo"),
    *("efi_gop", "efi_uga", "all_video", "gzio", "minicmd"),
)
GRUBENV = b"# GRUB Environment Block\nslot=a\ntry=\n"


def fat(made: Path, partition: Partition, files: dict[str, Path], epoch: int) -> None:
    """A FAT file system with these files in it, the same each time. Keys are paths; folders are made."""
    made.unlink(missing_ok=True)
    with made.open("wb") as file:
        file.truncate(partition.size)
    label = partition.name.upper()
    run("mkfs.vfat", "--invariant", "-F", "32", "-n", label, "-i", partition.volume, made, epoch=epoch)
    folders: set[str] = set()
    for path, source in sorted(files.items()):
        parents = path.split("/")[:-1]
        for depth in range(1, len(parents) + 1):
            folder = "/".join(parents[:depth])
            if folder not in folders:
                folders.add(folder)
                run("mmd", "-i", made, f"::{folder}", epoch=epoch)
        run("mcopy", "-i", made, source, f"::{path}", epoch=epoch)


def grub_cfg(template: str, options: str) -> str:
    """GRUB's script with the kernel's options in it."""
    return template.replace("@OPTIONS@", " ".join(modules.patterns(options)))


def esp(made: Path, work: Path, epoch: int) -> None:
    folder = fresh(work / "esp")
    flags = ("-O", "x86_64-efi", "-p", "/EFI/BOOT", "-o", folder / "BOOTX64.EFI")
    run("grub-mkimage", *flags, *GRUB_MODULES)
    (folder / "grubenv").write_bytes(GRUBENV.ljust(1024, b"#"))
    (folder / "grub.cfg").write_text(
        grub_cfg((HERE / "grub/grub.cfg").read_text(), (HERE / "grub/options.txt").read_text())
    )
    files = {
        "EFI/BOOT/BOOTX64.EFI": folder / "BOOTX64.EFI",
        "EFI/BOOT/grub.cfg": folder / "grub.cfg",
        "EFI/hearth/grubenv": folder / "grubenv",
    }
    fat(made, ESP, files, epoch)


def slot(made: Path, partition: Partition, kernel: Path, initrd: Path, epoch: int) -> None:
    fat(made, partition, {"vmlinuz": kernel, "initrd.img": initrd}, epoch)
