"""What goes into an image: Debian's packages, wheels by the lock's conditions, and the bill of it all."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree

import pytest

from image import debian, sbom, wheels
from image.targets import TARGETS
from image.tools import HERE, PROJECT

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
    assert [one.split("\t")[1] for one in sbom.plain(parts).splitlines()] == ["busybox-static", "libc6", "av"]
    bill = sbom.cyclonedx(parts, "hearth-amd64", "0.7.0", "e" * 64)
    assert bill == json.loads(json.dumps(bill))
    by_name = {one["name"]: one for one in bill["components"]}
    assert by_name["libc6"]["purl"] == "pkg:deb/debian/libc6@2.41-12%2Bdeb13u4?distro=debian-13"
    assert "scope" not in by_name["busybox-static"]  # taken out of the root, and what the initrd runs
    assert [one["value"] for one in by_name["av"]["properties"]] == ["b" * 64, "c" * 64]
    assert "gone" not in by_name
    assert [one.on_box for one in sbom.debian(STATUS, ["libc6"])] == [True, False]


def test_the_boot_loader_is_on_the_bill_as_a_package_of_the_machine_that_builds() -> None:
    (grub,) = sbom.loader(STATUS.replace("Package: libc6", f"Package: {sbom.LOADER}"), "debian-12")
    assert (grub.name, grub.on_box) == (sbom.LOADER, True)
    assert grub.purl.endswith("?distro=debian-12")


def test_the_same_parts_make_the_same_bill() -> None:
    parts = sbom.debian(STATUS, [])
    assert sbom.cyclonedx(parts, "x", "1", "f") == sbom.cyclonedx(parts, "x", "1", "f")


def test_every_user_and_group_of_ours_has_a_number_that_stays() -> None:
    ours = (PROJECT / "systemd/hearth.sysusers").read_text()
    fixed = (PROJECT / "image/files/usr/lib/sysusers.d/00-hearth-ids.conf").read_text()
    numbered = dict(re.findall(r"(?m)^[ug] (\S+)\s+([\d:]+)", fixed))
    assert set(re.findall(r"(?m)^[ug] (\S+)", ours)) == numbered.keys()


def test_root_alone_asks_for_a_release_to_be_installed() -> None:
    """RAUC's own file lets everybody; of two rules for the same the one in /etc is read later and counts."""
    policies = ElementTree.parse(HERE / "files/etc/dbus-1/system.d/hearth-rauc.conf").getroot().findall("policy")  # noqa: S314 - ours
    rules = {one.get("context") or one.get("user"): [(rule.tag, rule.attrib) for rule in one] for one in policies}
    rauc = {"send_destination": "de.pengutronix.rauc"}
    assert rules == {"default": [("deny", rauc)], "root": [("allow", rauc)]}


def test_no_program_of_the_box_asks_for_a_login() -> None:
    """Not on another terminal (Alt+F2), which systemd-logind would open one on, and not at a start that failed."""
    removed = set((HERE / "removed.txt").read_text().split())
    assert {
        "usr/sbin/agetty",
        "usr/lib/systemd/system/autovt@.service",
        "usr/lib/systemd/system/debug-shell.service",
    } <= removed
    logind = (HERE / "files/usr/lib/systemd/logind.conf.d/hearth.conf").read_text()
    assert "\nNAutoVTs=0\nReserveVT=0\n" in logind


def test_a_stick_brings_no_links_and_no_file_system_of_which_the_kernel_believes_much() -> None:
    rules = (HERE / "files/usr/lib/udev/rules.d/80-hearth-stick.rules").read_text()
    mounts = [line for line in rules.splitlines() if "systemd-mount" in line and not line.startswith("#")]
    assert mounts and all('ENV{ID_FS_TYPE}=="vfat|exfat"' in line for line in mounts)
    assert all("--options=nosuid,nodev,noexec,nosymfollow," in line for line in mounts)


def test_a_stick_cannot_take_the_place_of_a_partition_of_the_box() -> None:
    rules = (HERE / "files/usr/lib/udev/rules.d/80-hearth-stick.rules").read_text()
    usb, priority, usage = (
        rules.index('ID_BUS}!="usb"'),
        rules.index('"link_priority=-100"'),
        rules.index("ID_FS_USAGE"),
    )
    assert usb < priority < usage


def test_links_in_shared_folders_lead_nobody_astray_and_no_memory_is_dumped() -> None:
    """Debian's own list of these is a package that the box has not."""
    said = (HERE / "files/usr/lib/sysctl.d/90-hearth.conf").read_text()
    found = dict(re.findall(r"(?m)^(\S+) = (.*)$", said))
    assert {found[f"fs.protected_{one}"] for one in ("hardlinks", "symlinks", "regular", "fifos")} == {"1", "2"}
    assert (found["kernel.core_pattern"], found["kernel.sysrq"]) == ("|/bin/false", "0")
    assert found["kernel.kexec_load_disabled"] == found["kernel.dmesg_restrict"] == "1"


@pytest.mark.parametrize("file", ["grub/options.txt", "pi/boot/cmdline.txt"])
def test_both_kernels_wipe_what_is_freed_keep_pages_small_and_start_again_when_they_stop(file: str) -> None:
    options = (HERE / file).read_text().split()
    assert {"ro", "init_on_free=1", "transparent_hugepage=never", "panic=10"} <= set(options)
