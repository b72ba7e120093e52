"""Where things lie under `$HEARTH_HOME`. Made with modes that keep other users of the machine out."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from appliance.faults import Fault
from appliance.store.files import fault_of_os, give_to_owner

SOCKET_PATH_LIMIT = 107  # bytes: sun_path of unix(7), less the closing zero


@dataclass(frozen=True, slots=True)
class Home:
    """The folder of one box."""

    root: Path

    @property
    def store(self) -> Path:
        return self.root / "store"

    @property
    def tls(self) -> Path:
        return self.root / "tls"

    @property
    def control_socket(self) -> Path:
        return self.root / "run" / "control.sock"

    @property
    def relay_socket(self) -> Path:
        return self.root / "run" / "relay.sock"

    @property
    def spool(self) -> Path:
        return self.root / "spool"

    @property
    def log(self) -> Path:
        return self.root / "log"

    @property
    def settings(self) -> Path:
        return self.root / "hearth.toml"

    @property
    def box_facts(self) -> Path:
        """The box's public facts, for `hearth hq enroll`."""
        return self.root / "box-public.json"

    @property
    def capacity(self) -> Path:
        """What `hearth doctor` measured."""
        return self.root / "capacity.json"

    @property
    def wall(self) -> Path:
        """The emergency contacts, for pages of a locked box."""
        return self.root / "contacts.json"

    @property
    def setup(self) -> Path:
        """How far the first set-up of the box is."""
        return self.root / "setup.json"

    @property
    def restart(self) -> Path:
        """The night for which a restart was promised."""
        return self.root / "restart.json"

    @property
    def witness(self) -> Path:
        """Beside the store (`store/witness.py`): a store was here."""
        return self.root / "store.witness"

    @property
    def recovery(self) -> Path:
        """The one-time key of a request for recovery by HQ, from the request to its answer."""
        return self.root / "recovery.key"

    @property
    def demo(self) -> Path:
        return self.root / "demo.json"

    @property
    def demo_hq(self) -> Path:
        return self.root / "demo-hq"

    def make(self) -> None:
        """Make the folders. Faults: home_not_writable, home_read_only, bad_settings (a path too long for a socket)."""
        if len(os.fsencode(self.control_socket)) > SOCKET_PATH_LIMIT:
            raise Fault(
                "bad_settings", "the path of HEARTH_HOME is too long for a Unix socket (107 bytes with its name)"
            )
        try:
            for folder in (self.root, self.store, self.tls, self.root / "run", self.spool, self.log):
                if not folder.is_dir():
                    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                    give_to_owner(folder, folder.parent)
            probe = self.root / ".writable"
            with _unless_full():
                probe.touch()
            probe.unlink(missing_ok=True)
        except OSError as problem:
            raise fault_of_os(problem) from None


@contextmanager
def _unless_full() -> Iterator[None]:
    """A full disk keeps no box from starting: what is there can be read, and somebody has to sign in to make room."""
    try:
        yield
    except OSError as problem:
        if problem.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise


def default_root() -> Path:
    """`$HEARTH_HOME`, or `./var` in a checkout, or `/var/lib/hearth`."""
    named = os.environ.get("HEARTH_HOME")
    if named:
        return Path(named).absolute()
    checkout = Path(__file__).resolve().parent.parent
    return checkout / "var" if (checkout / "pyproject.toml").exists() else Path("/var/lib/hearth")
