"""What an image consists of: Debian's packages and the wheels, as CycloneDX 1.6 and as a plain list.

Pure but for `write`.
"""

from __future__ import annotations

import dataclasses
import json
import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, order=True)
class Part:
    """`source` is `debian` or `pypi`; `hashes` are those that the lock file takes, as hexadecimal SHA-256."""

    source: str
    name: str
    version: str
    hashes: tuple[str, ...] = ()
    on_box: bool = True
    distro: str = "debian-13"

    @property
    def purl(self) -> str:
        """Package URL: what vulnerability scanners look up."""
        place = "deb/debian" if self.source == "debian" else "pypi"
        version = self.version.replace("+", "%2B").replace(":", "%3A")
        return f"pkg:{place}/{self.name}@{version}" + (f"?distro={self.distro}" if self.source == "debian" else "")


# Built with, taken out of the root, and on the box all the same: it is what the initrd runs.
IN_THE_INITRD = ("busybox-static",)
LOADER = "grub-efi-amd64-bin"  # of the machine that builds: what the `esp` starts


def debian(status: str, build_only: Iterable[str]) -> list[Part]:
    """Installed packages of a dpkg status file."""
    found = []
    left_out = set(build_only) - set(IN_THE_INITRD)
    for block in status.split("\n\n"):
        fields = dict(re.findall(r"(?m)^(Package|Version|Status): (.*)$", block))
        if fields.get("Status") in ("install ok installed", "install ok unpacked"):  # unpacked: image/pi/unpack
            name = fields["Package"]
            found.append(Part("debian", name, fields["Version"], on_box=name not in left_out))
    return sorted(found)


def loader(status: str, distro: str) -> list[Part]:
    """GRUB, of the dpkg status file of the machine that builds, which is a `distro`."""
    return [dataclasses.replace(one, distro=distro) for one in debian(status, ()) if one.name == LOADER]


def wheels(requirements: Iterable[str]) -> list[Part]:
    """`name==version --hash=sha256:…` lines."""
    parts = []
    for line in requirements:
        name, version = line.split()[0].split("==")
        parts.append(Part("pypi", name, version, tuple(sorted(re.findall(r"--hash=sha256:([0-9a-f]{64})", line)))))
    return sorted(parts)


def cyclonedx(parts: Iterable[Part], name: str, version: str, digest: str) -> dict[str, Any]:
    """The bill of materials as a JSON object; the same for the same parts. `digest` is the packed root's SHA-256."""
    serial = uuid.uuid5(uuid.NAMESPACE_OID, f"{name} {version} {digest}")
    return {
        **{"bomFormat": "CycloneDX", "specVersion": "1.6", "serialNumber": f"urn:uuid:{serial}", "version": 1},
        "metadata": {
            "component": {
                **{"type": "operating-system", "name": name, "version": version},
                "hashes": [{"alg": "SHA-256", "content": digest}],
            }
        },
        "components": [_component(part) for part in parts],
    }


def _component(part: Part) -> dict[str, Any]:
    about: dict[str, Any] = {"type": "library", "name": part.name, "version": part.version, "purl": part.purl}
    if not part.on_box:
        about["scope"] = "excluded"
    if part.hashes:
        # One of these is the file that was installed: the lock names those of every platform.
        about["properties"] = [{"name": "hearth:sha256", "value": digest} for digest in part.hashes]
    return about


def plain(parts: Iterable[Part]) -> str:
    return "".join(f"{part.source}\t{part.name}\t{part.version}\n" for part in parts if part.on_box)


def write(made: Path, parts: list[Part], name: str, version: str, digest: str) -> None:
    """`made` is the name without an ending; `digest` the packed root's SHA-256."""
    text = json.dumps(cyclonedx(parts, name, version, digest), indent=1, sort_keys=True) + "\n"
    made.with_name(f"{made.name}.sbom.json").write_text(text)
    made.with_name(f"{made.name}.sbom.txt").write_text(plain(parts))
