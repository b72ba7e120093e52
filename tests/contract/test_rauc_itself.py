"""What the steward reads of RAUC, against RAUC itself where this machine has it: a bundle made, signed, looked at."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from appliance.steward.errand import Refused
from appliance.steward.rauc import Bundle, Rauc, code_of

MANIFEST = """[update]
compatible=hearth-box-amd64
version=0.7.1

[bundle]
format=verity

[image.rootfs]
filename=root.img
"""
SAID = (  # by rauc 1.8 and 1.13
    ("signature verification failed: Verify error: self-signed certificate", "update_unsigned"),
    ("Invalid bundle format: Signature size (2540777988719392099) exceeds bundle size", "update_damaged"),
    ("No such file: /b/none.raucb", "update_missing"),
    ("LastError: Failed mounting bundle: Failed to open /dev/mapper/control: No such file or directory", "other"),
    ("LastError: Compatible mismatch: Expected 'hearth-box-arm64' but bundle manifest has 'x'", "update_other_box"),
    ("rauc-Message: 20:21:59.961: Verifying bundle signature... \nError retrieving slot status via D-Bus", "other"),
    ("(rauc:7580): rauc-WARNING **: no signature at all", "other"),
    ("", "other"),
)


@pytest.mark.parametrize(("said", "code"), SAID)
def test_what_rauc_says_went_wrong_has_a_code(said: str, code: str) -> None:
    assert code_of(said, "other") == code


def test_a_rauc_that_is_not_there_is_a_fault_and_no_crash(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="update_failed"):
        Rauc(("/nowhere/rauc",)).info(tmp_path / "x.raucb")


def test_slots_are_read_as_rauc_tells_them(tmp_path: Path) -> None:
    """As rauc 1.13 printed them of two slots, the other one being next."""
    told = (
        '{"compatible":"hearth-box-amd64","variant":"","booted":"A","boot_primary":"rootfs.1","slots":['
        '{"boot.1":{"class":"boot","device":"/b","type":"raw","bootname":null,"state":"inactive","parent":"rootfs.1"}},'
        '{"rootfs.1":{"class":"rootfs","device":"/b/root-b","type":"raw","bootname":"B","state":"inactive","parent":null,'
        '"boot_status":"good","slot_status":{"bundle":{"compatible":"hearth-box-amd64","version":"0.7.1"}}}},'
        '{"rootfs.0":{"class":"rootfs","device":"/b/root-a","type":"raw","bootname":"A","state":"booted","parent":null,'
        '"boot_status":"good","slot_status":{"bundle":{"compatible":null}}}}],"artifact-repositories":[]}'
    )
    script = tmp_path / "rauc"
    script.write_text(f"#!/bin/sh\ncat <<'END'\n{told}\nEND\n")
    script.chmod(0o755)
    rauc = Rauc((str(script),))
    assert rauc.next_slot() == "b"
    assert rauc.installed_version() == "0.7.1"


def test_progress_is_told_and_a_failure_by_its_last_words(tmp_path: Path) -> None:
    script = tmp_path / "rauc"
    script.write_text(
        "#!/bin/sh\nprintf 'installing\\n  0%% Installing\\n 20%% Verifying signature done.\\n'\n"
        "printf ' 60%% Copying image to rootfs.1\\n'\n"
        "printf 'LastError: Failed: Input/output error\\nInstalling failed\\n'; exit 1\n"
    )
    script.chmod(0o755)
    percents: list[int] = []
    with pytest.raises(Refused, match="update_damaged"):
        Rauc((str(script),)).install(tmp_path / "x.raucb", percents.append)
    assert percents == [0, 20, 60]


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`good.raucb` and the keys `ours.pem`, `foreign.pem`."""
    if not all(map(shutil.which, ("rauc", "mksquashfs", "openssl"))) and not os.environ.get("CI"):
        pytest.skip("this machine has no rauc")
    folder = tmp_path_factory.mktemp("bundles")
    (folder / "in").mkdir()
    (folder / "in" / "root.img").write_bytes(random.Random(1).randbytes(200_000))  # noqa: S311 - squeezes to nothing else
    (folder / "in" / "manifest.raucm").write_text(MANIFEST)
    for name in ("ours", "foreign"):
        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}")
        _run("openssl", "req", "-x509", *key, "-keyout", f"{folder}/{name}.key", "-out", f"{folder}/{name}.pem")
    _run(
        "rauc",
        f"--cert={folder}/ours.pem",
        f"--key={folder}/ours.key",
        "bundle",
        f"{folder}/in",
        f"{folder}/good.raucb",
    )
    return folder


def test_rauc_itself_tells_of_a_bundle_what_we_read(bundles: Path) -> None:
    ours = Rauc(("rauc", f"--keyring={bundles}/ours.pem"))
    assert ours.info(bundles / "good.raucb") == Bundle(compatible="hearth-box-amd64", version="0.7.1")


def test_rauc_itself_refuses_what_another_signed_and_what_is_damaged(bundles: Path) -> None:
    for name, keys, code in (
        ("good", "foreign", "update_unsigned"),
        ("short", "ours", "update_damaged"),
        ("text", "ours", "update_damaged"),
        ("none", "ours", "update_missing"),
        ("signature", "ours", "update_unsigned or update_damaged"),  # by which of its bytes that one is
    ):
        raw = bytearray((bundles / "good.raucb").read_bytes())
        if name == "signature":
            raw[-200] ^= 1
        content = {"short": raw[: len(raw) // 2], "text": b"a letter", "signature": raw}.get(name)
        if content is not None:
            (bundles / f"{name}.raucb").write_bytes(bytes(content))
        with pytest.raises(Refused) as caught:
            Rauc(("rauc", f"--keyring={bundles}/{keys}.pem")).info(bundles / f"{name}.raucb")
        assert caught.value.code in code.split(" or "), name


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
