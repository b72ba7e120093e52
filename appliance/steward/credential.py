"""The errand `credential`: the machine keeps the secret of its own key slot, for the appliance to have at its start.

    what   {"do": "seal", "secret": base64 of 32 bytes, "tpm": whether somebody counts on a TPM} | {"do": "forget"}
    facts  {"tpm": whether a TPM is needed to open it} | {}

`/data/system/credstore.encrypted/hearth-slot` is whole at any moment: the old one or the new one. A secret that was to
be guarded by a TPM and was not is not kept. Who may ask is decided before, in the appliance; here a process that was
taken over, which has the store's key anyway, can keep or delete one file of this name and read none.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from appliance import sealing
from appliance.steward import errand
from appliance.steward.erasing import erase, overwrite, sync
from appliance.steward.errand import Refused, Tell

FOLDER = Path("/data/system/credstore.encrypted")
_SIZE = 32  # bytes of the secret
_TEXT = 44  # characters of it


def keeping(folder: Path) -> Callable[[dict[str, Any], Tell], dict[str, Any]]:
    """What the errand does. Refused: bad_request, machine_refused, home_read_only."""

    def do(what: dict[str, Any], _tell: Tell) -> dict[str, Any]:
        try:
            if what == {"do": "forget"}:
                return _forget(folder)
            return _seal(folder, *_asked(what))
        except OSError:
            raise Refused("home_read_only") from None

    return do


def _asked(what: dict[str, Any]) -> tuple[bytes, bool]:
    text, tpm = what.get("secret"), what.get("tpm")
    if set(what) != {"do", "secret", "tpm"} or what["do"] != "seal" or not isinstance(tpm, bool):
        raise Refused("bad_request")
    if not isinstance(text, str) or len(text) != _TEXT:
        raise Refused("bad_request")
    try:
        secret = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Refused("bad_request") from None
    if len(secret) != _SIZE:
        raise Refused("bad_request")
    return secret, tpm


def _seal(folder: Path, secret: bytes, counted_on: bool) -> dict[str, Any]:
    sealed = sealing.seal(secret)
    if sealed is None or (counted_on and not sealing.by_tpm(sealed)):
        raise Refused("machine_refused")
    _put(folder, sealed)
    return {"tpm": sealing.by_tpm(sealed)}


def _put(folder: Path, content: bytes) -> None:
    """In place of the one before, which is overwritten once the new one is there for good."""
    path, beside = folder / sealing.NAME, _beside(folder)
    erase(beside)  # of a start that was cut short
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    with contextlib.ExitStack() as stack:
        old = _opened(path)
        if old is not None:
            stack.callback(os.close, old)
        beside.replace(path)
        sync(folder)
        if old is not None:
            with contextlib.suppress(OSError):
                overwrite(old)


def _opened(path: Path) -> int | None:
    try:
        return os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None


def _forget(folder: Path) -> dict[str, Any]:
    for path in (folder / sealing.NAME, _beside(folder)):
        erase(path)
        if os.path.lexists(path):
            raise Refused("home_read_only")
    return {}


def _beside(folder: Path) -> Path:
    return folder / f".{sealing.NAME}.new"


def main(_arguments: list[str]) -> int:
    """The program. Exit code 0 or 1."""
    return errand.run("credential", keeping(FOLDER))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
