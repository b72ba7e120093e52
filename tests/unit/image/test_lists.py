"""What goes into an image: Debian's packages, wheels by the lock's conditions, and the bill of it all."""

from __future__ import annotations

import json
import re

from image import debian, sbom, wheels
from image.targets import TARGETS
from image.tools import PROJECT

LOCK = f"""av==18.1.0 ; python_full_version < '3.12' \\
    --hash=sha256:{"a" * 64}
av==19.0.2 ; python_full_version >= '3.12' \\
    --hash=sha256:{"b" * 64} \\
    --hash=sha256:{"c" * 64}
Hatchling==1.0 \\
    --hash=sha256:{"d" * 64}
"""
STATUS = """Package: libc6
Status: install ok installed
Version: 2.41-12+deb13u4

Package: busybox-static
Status: install ok installed
Version: 1:1.37.0-6+b9

Package: gone
Status: deinstall ok config-files
Version: 1
"""


def test_a_lock_is_read_for_the_python_of_the_box_and_without_what_only_building_needs() -> None:
    assert wheels.wanted(LOCK, "x86_64") == {"av": f"av==19.0.2 --hash=sha256:{'b' * 64} --hash=sha256:{'c' * 64}"}


def test_every_entry_of_our_lock_is_understood() -> None:
    lock = (PROJECT / "requirements.lock").read_text()
    assert len(list(wheels.entries(lock))) == len(re.findall(r"(?m)^\S+==", lock))


def test_every_dependency_of_ours_is_on_every_box() -> None:
    lock = (PROJECT / "requirements.lock").read_text()
    project = (PROJECT / "pyproject.toml").read_text().split("[dependency-groups]")[0]
    named = set(re.findall(r'(?m)^  "([a-z0-9-]+)[>=]=', project))
    for target in TARGETS.values():
        assert named <= wheels.wanted(lock, target.machine).keys()


def test_a_package_for_building_is_not_of_the_box_and_another_machines_is_left_out() -> None:
    text = "a  # why\nbuild b\narm64 c\nbuild arm64 d\n# nothing\n"
    assert debian.packages(text, "amd64") == (["a"], ["b"])


def test_the_bill_names_what_is_installed_and_sets_apart_what_was_taken_out() -> None:
    parts = [*sbom.debian(STATUS, ["busybox-static"]), *sbom.wheels(wheels.wanted(LOCK, "x86_64").values())]
    assert sbom.plain(parts) == "debian\tlibc6\t2.41-12+deb13u4\npypi\tav\t19.0.2\n"
    bill = sbom.cyclonedx(parts, "hearth-amd64", "0.7.0", "e" * 64)
    assert bill == json.loads(json.dumps(bill))
    by_name = {one["name"]: one for one in bill["components"]}
    assert by_name["libc6"]["purl"] == "pkg:deb/debian/libc6@2.41-12%2Bdeb13u4?distro=debian-13"
    assert by_name["busybox-static"]["scope"] == "excluded"
    assert [one["value"] for one in by_name["av"]["properties"]] == ["b" * 64, "c" * 64]
    assert "gone" not in by_name


def test_the_same_parts_make_the_same_bill() -> None:
    parts = sbom.debian(STATUS, [])
    assert sbom.cyclonedx(parts, "x", "1", "f") == sbom.cyclonedx(parts, "x", "1", "f")


def test_every_user_and_group_of_ours_has_a_number_that_stays() -> None:
    ours = (PROJECT / "systemd/hearth.sysusers").read_text()
    fixed = (PROJECT / "image/files/usr/lib/sysusers.d/00-hearth-ids.conf").read_text()
    numbered = dict(re.findall(r"(?m)^[ug] (\S+)\s+([\d:]+)", fixed))
    assert set(re.findall(r"(?m)^[ug] (\S+)", ours)) == numbered.keys()
