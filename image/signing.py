"""Whose releases a box takes: a certificate authority that is in the image, and a key below it that signs bundles.

`HEARTH_SIGNING` names a folder with `ca.pem`, `release.pem` and `release.key`. Without it a pair is made once in
`image/out/signing`, for trying only: whoever can read this folder can make releases for boxes built with it.
"""

from __future__ import annotations

import os
from pathlib import Path

from image.tools import OUT, Failed, run, say

NAMES = ("ca.pem", "release.pem", "release.key")
# Long enough for a box in a cupboard; rauc looks at the day of signing, not at today.
DAYS = "7300"


def folder() -> Path:
    """The folder with the three files. Raises Failed when one is missing."""
    given = os.environ.get("HEARTH_SIGNING")
    if given:
        missing = [name for name in NAMES if not (Path(given) / name).is_file()]
        if missing:
            raise Failed(f"HEARTH_SIGNING has no {', '.join(missing)}.")
        return Path(given)
    made = OUT / "signing"
    if not (made / "release.pem").exists():
        make(made, "for trying only")
    say("SIGNED FOR TRYING ONLY, with the key in image/out/signing. Clinics need HEARTH_SIGNING: image/README.md.")
    return made


def make(into: Path, whose: str) -> None:
    """A new authority and a release key below it. The authority's own key lies beside them: keep it off machines."""
    into.mkdir(parents=True, exist_ok=True)
    into.chmod(0o700)
    new = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-days", DAYS)
    authority = ("-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    run(
        "openssl",
        *new,
        "-subj",
        f"/CN=Releases, {whose}",
        *authority,
        "-keyout",
        into / "ca.key",
        "-out",
        into / "ca.pem",
    )
    release = (
        *("-addext", "basicConstraints=critical,CA:FALSE", "-addext", "keyUsage=critical,digitalSignature"),
        *("-addext", "extendedKeyUsage=critical,codeSigning"),
    )
    below = ("-CA", into / "ca.pem", "-CAkey", into / "ca.key")
    names = ("-subj", f"/CN=Release key, {whose}", "-keyout", into / "release.key", "-out", into / "release.pem")
    run("openssl", *new, *names, *below, *release)
    for key in ("ca.key", "release.key"):
        (into / key).chmod(0o600)
