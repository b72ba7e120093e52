"""The steward has the machine keep a secret: what it takes, what lies on the disk at any moment, what is left."""

from __future__ import annotations

import base64
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance import sealing
from appliance.steward import credential, erasing
from appliance.steward.errand import Refused
from tests.fakes.slots import PowerCut

SECRET, OTHER = bytes(range(32)), bytes(range(32, 64))
TPM = bytes.fromhex("93a894094874449090caf2fc93cab553")
HOST = bytes.fromhex("5a1c6a86df9d4096b1d5a65e0862f19a")
BESIDE = ".hearth-slot.new"
# As systemd-creds: what seals, then the content, in base64 with lines. It notes how it was called.
CREDS = """#!{python}
import base64, os, sys
open("{log}", "a").write(repr(sys.argv[1:]) + "\\n")
if sys.argv[1:] == ["encrypt", "--name=hearth-slot", "-", "-"]:
    sys.stdout.buffer.write(base64.encodebytes(bytes.fromhex("{kind}") + sys.stdin.buffer.read()[::-1]))
else:
    sys.exit(1)
"""


def tell(_percent: int, _facts: dict[str, Any]) -> None: ...


def asked(secret: bytes = SECRET, *, tpm: bool = False) -> dict[str, Any]:
    return {"do": "seal", "secret": base64.b64encode(secret).decode(), "tpm": tpm}


def sealed(secret: bytes, kind: bytes = HOST) -> bytes:
    return base64.encodebytes(kind + secret[::-1])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where it is kept, on a machine without a TPM whose systemd-creds is a function."""
    monkeypatch.setattr(sealing, "seal", sealed)
    made = tmp_path / "credstore"
    made.mkdir()
    return made


def do(folder: Path, what: dict[str, Any]) -> dict[str, Any]:
    return credential.keeping(folder)(what, tell)


def kept(folder: Path) -> bytes | None:
    try:
        return (folder / "hearth-slot").read_bytes()
    except FileNotFoundError:
        return None


# -- the program of systemd ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [HOST, TPM])
def test_the_secret_goes_to_systemd_creds_by_a_pipe_and_what_sealed_it_is_read_in_what_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: bytes
) -> None:
    program, log = tmp_path / "systemd-creds", tmp_path / "log"
    program.write_text(CREDS.format(python=sys.executable, log=log, kind=kind.hex()))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert do(tmp_path, asked()) == {"tpm": kind == TPM}
    assert kept(tmp_path) == sealed(SECRET, kind)
    assert (tmp_path / "hearth-slot").stat().st_mode & 0o777 == 0o600
    assert log.read_text() == "['encrypt', '--name=hearth-slot', '-', '-']\n"


def test_a_machine_without_it_keeps_nothing_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Refused, match="machine_refused"):
        do(tmp_path, asked())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "guarded"),
    [(sealed(SECRET, TPM), True), (sealed(SECRET), False), (b"", False), (b"\xff\x00", False), (b"AAA", False)],
)
def test_only_what_is_known_to_need_a_tpm_counts_as_guarded(content: bytes, guarded: bool) -> None:
    assert sealing.by_tpm(content) is guarded


# -- what is taken -----------------------------------------------------------------------------------------------------


def test_who_counts_on_a_tpm_gets_none_without_one_and_keeps_what_was_there(folder: Path) -> None:
    do(folder, asked(OTHER))
    with pytest.raises(Refused, match="machine_refused"):
        do(folder, asked(tpm=True))
    assert kept(folder) == sealed(OTHER)


@pytest.mark.parametrize("size", [0, 1, 31, 33, 64, 4096])
def test_a_secret_of_another_size_is_none(folder: Path, size: int) -> None:
    with pytest.raises(Refused, match="bad_request"):
        do(folder, asked(bytes(size)))
    assert list(folder.iterdir()) == []


ANY = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=50), st.lists(st.text(), max_size=2))


@settings(deadline=None, max_examples=50)
@given(st.dictionaries(st.sampled_from(["do", "secret", "tpm", "path"]), ANY))
def test_whatever_else_is_asked_changes_nothing(what: dict[str, Any]) -> None:
    with pytest.raises(Refused, match="bad_request"):
        do(Path("/nowhere"), what)


@pytest.mark.parametrize("secret", ["é" * 44, "=" * 44, "A" * 43 + "\n", ["A"] * 44, None, 44])
def test_what_is_no_base64_is_refused(folder: Path, secret: object) -> None:
    with pytest.raises(Refused, match="bad_request"):
        do(folder, {"do": "seal", "secret": secret, "tpm": False})


def test_a_disk_that_takes_nothing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "seal", sealed)
    with pytest.raises(Refused, match="home_read_only"):
        do(tmp_path / "none", asked())


# -- what lies there ---------------------------------------------------------------------------------------------------


def cut_at(step: int, monkeypatch: pytest.MonkeyPatch, work: Callable[[], object]) -> bool:
    """Do it until that call to the disk, where the power goes; whether it came so far."""
    left = [step]

    def cutting(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            if left[0] == 0:
                raise PowerCut
            left[0] -= 1
            return real(*arguments, **named)

        return call

    with monkeypatch.context() as patch:
        for name in ("fsync", "pwrite", "ftruncate"):
            patch.setattr(os, name, cutting(getattr(os, name)))
        for name in ("replace", "unlink"):
            patch.setattr(Path, name, cutting(getattr(Path, name)))
        with suppress(PowerCut):
            work()
            return False
    return True


def test_wherever_the_power_goes_the_old_one_or_the_new_one_is_whole(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = 0
    while True:
        do(folder, asked(OTHER))
        cut = cut_at(step, monkeypatch, lambda: do(folder, asked()))
        assert kept(folder) in (sealed(OTHER), sealed(SECRET))
        if not cut:
            break
        step += 1
    assert step > 5
    assert kept(folder) == sealed(SECRET)
    assert [path.name for path in folder.iterdir()] == ["hearth-slot"]


def test_wherever_the_power_goes_while_it_is_forgotten_the_next_time_ends_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = 0
    while True:
        do(folder, asked())
        (folder / BESIDE).write_bytes(sealed(OTHER))  # of a sealing that was cut short
        cut = cut_at(step, monkeypatch, lambda: do(folder, {"do": "forget"}))
        assert do(folder, {"do": "forget"}) == {}
        assert list(folder.iterdir()) == []
        if not cut:
            break
        step += 1
    assert step > 5


def test_the_old_one_is_overwritten_once_the_new_one_has_its_place(folder: Path) -> None:
    do(folder, asked(OTHER))
    (folder.parent / "seen").hardlink_to(folder / "hearth-slot")
    do(folder, asked())
    assert (folder.parent / "seen").read_bytes() == b""
    assert kept(folder) == sealed(SECRET)


def test_what_is_forgotten_is_overwritten_and_a_link_is_not_followed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = folder.parent / "elsewhere"
    elsewhere.write_bytes(b"of somebody else")
    do(folder, asked())
    (folder / BESIDE).symlink_to(elsewhere)
    over: list[int] = []
    real = erasing.overwrite

    def overwrite(handle: int) -> None:
        real(handle)
        over.append(os.fstat(handle).st_size)

    monkeypatch.setattr(erasing, "overwrite", overwrite)
    do(folder, {"do": "forget"})
    assert over == [0] and list(folder.iterdir()) == []
    assert elsewhere.read_bytes() == b"of somebody else"


def test_what_cannot_be_deleted_is_not_called_forgotten(folder: Path) -> None:
    (folder / "hearth-slot").mkdir()
    with pytest.raises(Refused, match="home_read_only"):
        do(folder, {"do": "forget"})
