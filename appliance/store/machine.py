"""The machine's own key slot: a box opens by itself after a power cut, because systemd-creds keeps 32 bytes for it.

With a TPM or a secure element those bytes are sealed to this machine. Without one they are sealed by a key that lies on
the same card: then this slot does NOT protect against somebody who takes the card. Whoever offers it says so
(`guarded`). Blocks: call from a thread.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from pathlib import Path

from appliance.faults import Fault
from appliance.store.files import write_atomically
from appliance.store.slots import public_of

NAME = "hearth-slot"  # of the credential; systemd-creds binds it into what it seals
CREDSTORE = Path("/etc/credstore.encrypted")  # where a unit's LoadCredentialEncrypted=hearth-slot looks
_SEED = 32  # bytes
_SECONDS = 30.0  # a TPM may be slow, but not so slow
_MAX = 64 * 1024  # bytes of a credential's file


def default_file(folder: Path) -> Path:
    """Where a new credential goes: root on a machine with systemd gives it to the unit, anybody else to the store."""
    by_systemd = os.geteuid() == 0 and Path("/run/systemd/system").exists()
    return CREDSTORE / NAME if by_systemd else folder / "machine.cred"


def guarded() -> bool:
    """Whether this machine has a TPM that systemd can use: only then does the slot stand up to theft of the card."""
    return _run(["has-tpm2"], b"", told_by_exit=True) is not None


def make(file: Path) -> bytes:
    """A fresh seed, handed to the machine and forgotten; the public key for its slot. Fault("machine_refused")."""
    seed = secrets.token_bytes(_SEED)
    sealed = _run(["encrypt", f"--name={NAME}", "-", "-"], seed)
    if sealed is None:
        raise Fault("machine_refused")
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_atomically(file, sealed)
    return public_of(seed)


def seed(folder: Path) -> bytes | None:
    """The seed that this machine keeps for the store in `folder`, None where it keeps none or will not give it."""
    given = os.environ.get("CREDENTIALS_DIRECTORY", "")
    found = _read(Path(given) / NAME) if given else None
    if found is None:
        sealed = _read(folder / "machine.cred")
        found = _run(["decrypt", f"--name={NAME}", "-", "-"], sealed) if sealed else None
    return found if found is not None and len(found) == _SEED else None


def _read(file: Path) -> bytes | None:
    try:
        with file.open("rb") as opened:
            return opened.read(_MAX)
    except OSError:
        return None


def _run(arguments: list[str], given: bytes, *, told_by_exit: bool = False) -> bytes | None:
    """What systemd-creds answers, None if it is not there or refuses. The secret goes through pipes only."""
    program = shutil.which("systemd-creds")
    if program is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603 - a fixed program and fixed words
            [program, *arguments], input=given, capture_output=True, check=False, timeout=_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode != 0:
        return None
    return done.stdout if done.stdout or told_by_exit else None
