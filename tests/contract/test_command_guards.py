"""`hearth` commands that act on a box: through its control socket with a login, or with its lock and a secret."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance import __main__ as hearth
from appliance.commands import COMMANDS
from appliance.home import Home
from appliance.store import birth
from appliance.store.files import HomeLock
from tests.fakes.box import CHEAP, PASSPHRASE

# How each comes to the store, or why it need not be asked who it is.
GUARDS = {
    "backup": "a login where the box runs, else lock and secret",
    "sync": "a login where the box runs, else lock and secret; status and now tell and move nothing of a person",
    "enroll": "a login",
    "keys": "a login where the box runs, else lock and secret",
    "audit": "a login where the box runs, else lock and secret",
    "accept-rollback": "lock and secret, and through the socket the secret too",
    "ticket": "a login",
    "restore": "an empty home, and a secret of the copy",
    "init": "an empty home",
    "up": "starts the box, which stays locked without its secret",
    "appliance": "starts the box, which stays locked without its secret",
    "console": "signs in by itself",
    "status": "what the box says to whoever may connect, without names",
    "doctor": "the machine, not the store",
    "settings": "text of the program",
    "hq": "no store of a box",
    "bench": "stores that it makes itself",
}
SECRET = ("--passphrase-file", "{secret}")
ACTING = (
    ("backup", "--to", "{folder}", *SECRET),
    ("sync", "export", "{folder}", *SECRET),
    ("sync", "import", "{folder}", *SECRET),
    ("sync", "adopt", "--reason", "the box was restored", *SECRET),
    ("sync", "returned", *SECRET),
    ("keys", "list", *SECRET),
    ("keys", "add", "passphrase", *SECRET),
    ("keys", "rekey", "--yes", *SECRET),
    ("audit", "verify", *SECRET),
    ("audit", "prove", "1", *SECRET),
    ("audit", "export", *SECRET),
    ("accept-rollback", "--reason", "the disk was put back", *SECRET),
    ("ticket", "list"),
    ("enroll",),
    ("enroll", "--code", "--url", "https://hq.example.org"),
    ("restore", "{folder}", *SECRET),
    ("init", *SECRET),
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("box")

    async def make() -> None:
        await (await birth.give_birth(Home(root).store, PASSPHRASE, CHEAP)).close()

    asyncio.run(make())
    return root


@pytest.fixture
def nobody_there(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whoever is asked a question has no answer."""

    def ask(*_: object) -> str:
        raise EOFError

    monkeypatch.setattr("getpass.getpass", ask)
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    yield


def run(asked: tuple[str, ...], root: Path, folder: Path, secret: str) -> int:
    (folder / "secret").write_text(secret + "\n")
    argv = [part.format(secret=folder / "secret", folder=folder) for part in asked]
    return hearth.main([argv[0], "--home", str(root), *argv[1:]])


def bytes_of(root: Path) -> dict[str, bytes]:
    kept = [path for path in root.rglob("*") if path.is_file() and path.name != "lock"]
    return {str(path): path.read_bytes() for path in kept}


def test_no_command_takes_a_secret_on_its_line() -> None:
    """Everybody on the machine can read a line; what is asked for or in a file only its owner can."""
    for secret in ("--passphrase", "--password", "--pin", "--code"):
        found = [how for one in COMMANDS for option, how in (*one.arguments, *one.one_of) if option == secret]
        assert all(how.get("action") == "store_true" for how in found), secret


def test_every_command_has_its_guard() -> None:
    assert {command.name for command in COMMANDS} == set(GUARDS)


@pytest.mark.usefixtures("nobody_there")
@pytest.mark.parametrize("asked", ACTING, ids=lambda asked: " ".join(asked[:2]))
def test_without_its_secret_a_command_does_nothing(asked: tuple[str, ...], store: Path, tmp_path: Path) -> None:
    before = bytes_of(store)
    assert run(asked, store, tmp_path, "not the passphrase") in (1, 2)
    assert bytes_of(store) == before


@pytest.mark.usefixtures("nobody_there")
@pytest.mark.parametrize("asked", ACTING, ids=lambda asked: " ".join(asked[:2]))
def test_where_a_box_runs_its_secret_is_no_way_round_a_login(
    asked: tuple[str, ...], store: Path, tmp_path: Path
) -> None:
    before = bytes_of(store)
    with HomeLock.take(store):
        assert run(asked, store, tmp_path, PASSPHRASE) in (1, 2)
    assert bytes_of(store) == before


@pytest.mark.usefixtures("nobody_there")
def test_with_its_secret_a_command_at_a_box_at_rest_gets_in(store: Path, tmp_path: Path) -> None:
    """Else the tests above could not fail."""
    assert run(("keys", "list", *SECRET), store, tmp_path, PASSPHRASE) == 0
