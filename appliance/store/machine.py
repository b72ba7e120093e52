"""The machine's own key slot: a box opens by itself after a power cut, because systemd-creds keeps 32 bytes for it.

With a TPM or a secure element those bytes are sealed to this machine. Without one they are sealed by a key that lies on
the same card: then this slot does NOT protect against somebody who takes the card. Whoever offers it says so
(`guarded`). Blocks: call from a thread.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from appliance import sealing
from appliance.faults import Fault
from appliance.store.files import write_atomically
from appliance.store.slots import public_of

CREDSTORE = Path("/etc/credstore.encrypted")  # where a unit's LoadCredentialEncrypted=hearth-slot looks
SEED = 32  # bytes
guarded = sealing.guarded


def default_file(folder: Path) -> Path:
    """Where a new credential goes: root on a machine with systemd gives it to the unit, anybody else to the store."""
    by_systemd = os.geteuid() == 0 and Path("/run/systemd/system").exists()
    return CREDSTORE / sealing.NAME if by_systemd else folder / "machine.cred"


def make(file: Path) -> bytes:
    """A fresh seed, handed to the machine and forgotten; the public key for its slot. Fault("machine_refused")."""
    seed = secrets.token_bytes(SEED)
    sealed = sealing.seal(seed)
    if sealed is None:
        raise Fault("machine_refused")
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_atomically(file, sealed)
    return public_of(seed)


def given() -> bytes | None:
    """What systemd gave to this process as it started, None where it gave nothing that is a seed."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY", "")
    return _fit(_read(Path(folder) / sealing.NAME)) if folder else None


def seed(folder: Path) -> bytes | None:
    """The seed that this machine keeps for the store in `folder`, None where it keeps none or will not give it."""
    found = given()
    if found is None:
        sealed = _read(folder / "machine.cred")
        found = _fit(sealing.unseal(sealed)) if sealed else None
    return found


def _fit(found: bytes | None) -> bytes | None:
    return found if found is not None and len(found) == SEED else None


def _read(file: Path) -> bytes | None:
    try:
        with file.open("rb") as opened:
            return opened.read(sealing.MAX_SIZE)
    except OSError:
        return None
