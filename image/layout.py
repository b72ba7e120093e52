"""The partitions of every box: names, sizes, identities. Pure. The README's table is compared with this one.

Identities are fixed, so that two builds are the same: they tell one box from another as little as the file name does.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

MIB = 1024 * 1024
ALIGNMENT = MIB
_EFI, _LINUX = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b", "0fc63daf-8483-4772-8e79-3d69d8477de4"
_BASIC = "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7"


@dataclass(frozen=True)
class Partition:
    """`size` in bytes. `filled`: the fresh image has something in it."""

    name: str
    size: int
    kind: str
    filled: bool = True

    @property
    def uuid(self) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"partition {self.name}"))

    @property
    def volume(self) -> str:
        """A FAT file system's number, eight hexadecimal digits."""
        return self.uuid[:8]


ESP = Partition("esp", 64 * MIB, _EFI)
BOOT_A = Partition("boot-a", 128 * MIB, _BASIC)
BOOT_B = Partition("boot-b", 128 * MIB, _BASIC, filled=False)
ROOT_A = Partition("root-a", 768 * MIB, _LINUX)
ROOT_B = Partition("root-b", 768 * MIB, _LINUX, filled=False)
# Grown to the end of the disk at the first start.
DATA = Partition("data", 256 * MIB, _LINUX)
TABLE = (ESP, BOOT_A, BOOT_B, ROOT_A, ROOT_B, DATA)
DISK = str(uuid.uuid5(uuid.NAMESPACE_OID, "disk"))


def disk_size(table: tuple[Partition, ...] = TABLE) -> int:
    """Bytes of the whole image: the table at both ends, and every partition on a whole mebibyte."""
    return ALIGNMENT + sum(-(-part.size // ALIGNMENT) * ALIGNMENT for part in table) + ALIGNMENT


# A Raspberry Pi's firmware finds slots in an MBR alone (README.md). It has room for three, and for one around all
# others, so numbers are 1, 2, 3, 5, 6, 7; a disk of ours is known by its signature, "HTRH" on the disk.
MBR_SIGNATURE = 0x48525448
_MBR_KINDS = {_EFI: 0x0C, _BASIC: 0x0C, _LINUX: 0x83}


def genimage_mbr(image: str, table: tuple[Partition, ...] = TABLE) -> str:
    """As `genimage`, for firmware that reads the old table: the fourth and later ones lie in an extended one."""
    parts = "".join(_partition(part, [f"partition-type = {_MBR_KINDS[part.kind]:#04x}"]) for part in table)
    disk = f'partition-table-type = "mbr"\n    disk-signature = {MBR_SIGNATURE:#x}\n    extended-partition = 4'
    # Each partition in the extended one has its own little table before it.
    size = disk_size(table) + ALIGNMENT * (len(table) - 3)
    return f"image {image} {{\n  hdimage {{\n    {disk}\n    align = {ALIGNMENT}\n  }}\n  size = {size}\n{parts}}}\n"


def genimage(image: str, table: tuple[Partition, ...] = TABLE) -> str:
    """genimage's configuration; it finds `NAME.img` for each filled partition in its input folder."""
    kinds = {part: [f'partition-type-uuid = "{part.kind}"', f'partition-uuid = "{part.uuid}"'] for part in table}
    parts = "".join(_partition(part, kinds[part]) for part in table)
    disk = f'partition-table-type = "gpt"\n    disk-uuid = "{DISK}"\n    align = {ALIGNMENT}'
    return f"image {image} {{\n  hdimage {{\n    {disk}\n  }}\n  size = {disk_size(table)}\n{parts}}}\n"


def _partition(part: Partition, kind: list[str]) -> str:
    lines = [*kind, f"size = {part.size}"]
    if part.filled:
        lines.append(f'image = "{part.name}.img"')
    return f"  partition {part.name} {{\n" + "".join(f"    {line}\n" for line in lines) + "  }\n"
