"""systemd-creds, as the box uses it: 32 bytes that this machine keeps, and gives to the appliance when it starts.

With a TPM they are sealed to this machine. Without one the key that seals them lies on the same disk. Which of the two
it was is in what comes out (`by_tpm`): nothing that was said before is believed. Used by the appliance and by the
steward, so it knows neither. A secret goes through pipes only. Blocks: call from a thread.
"""

from __future__ import annotations

import base64
import binascii
import shutil
import subprocess

NAME = "hearth-slot"  # of the credential; systemd-creds binds it into what it seals
SECONDS = 20.0  # a TPM may be slow, but not so slow
MAX_SIZE = 64 * 1024  # bytes of a credential
_KIND = 16  # bytes that say what a credential is sealed with
# systemd's creds-util.h: by a TPM, by the host's key and a TPM, and the two of them with a signed policy of the boot.
_BY_TPM = frozenset(
    map(
        bytes.fromhex,
        (
            "0c7cc07b117645919c4b0bea08bc20fe",
            "93a894094874449090caf2fc93cab553",
            "faf7eb9341e3412ca1a436f95a29362f",
            "af4950a849134eb1a73846304ff30c05",
        ),
    )
)


def guarded() -> bool:
    """Whether this machine has a TPM that systemd can use: only then does the slot stand up to theft of the card."""
    return _run(["has-tpm2"], b"") is not None


def seal(secret: bytes) -> bytes | None:
    """The credential that holds the secret, None where this machine makes none."""
    sealed = _run(["encrypt", f"--name={NAME}", "-", "-"], secret)
    return sealed if sealed and len(sealed) <= MAX_SIZE else None


def unseal(sealed: bytes) -> bytes | None:
    """What a credential holds, None if it is not this machine's."""
    return _run(["decrypt", f"--name={NAME}", "-", "-"], sealed) or None


def by_tpm(sealed: bytes) -> bool:
    """Whether a TPM is needed to open that credential. What is not known counts as no."""
    try:
        content = base64.b64decode(b"".join(sealed.split()), validate=True)
    except binascii.Error:
        return False
    return content[:_KIND] in _BY_TPM


def _run(arguments: list[str], given: bytes) -> bytes | None:
    """What systemd-creds answers, None if it is not there or refuses."""
    program = shutil.which("systemd-creds")
    if program is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603 - a fixed program and fixed words
            [program, *arguments], input=given, capture_output=True, check=False, timeout=SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
