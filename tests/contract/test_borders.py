"""The borders between the packages, proved in a running interpreter: what is not loaded cannot be taken over."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("appliance", "media", "sync", "tui")
STORE = ("sqlcipher3", "appliance.store", "appliance.policy")

# Who may not have loaded what. The first of each is what a process or another package starts from.
NOT_LOADED = [
    ("appliance.control.client", STORE),
    ("appliance.control.types", STORE),
    ("tui.__main__", (*STORE, "media", "sync", "aiortc", "cryptography")),
    ("media.client", (*STORE, "aiortc", "av", "sync")),
    ("media.messages", (*STORE, "aiortc", "av", "sync")),
    ("media.relay", (*STORE, "sync", "tui")),
    ("sync.__main__", (*STORE, "media", "tui", "aiortc")),
    ("appliance.assemble", ("aiortc", "av", "tui", "sync.courier", "sync.hq", "media.relay")),
]


@pytest.mark.parametrize(("module", "others"), NOT_LOADED)
def test_a_module_does_not_bring_what_its_process_must_not_hold(module: str, others: tuple[str, ...]) -> None:
    script = f"import sys, {module}; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    names = set(loaded.stdout.split())
    assert module in names
    assert names.isdisjoint(others)


def test_packages_hold_no_code_in_their_init_files() -> None:
    """Importing any module runs them: the console must not load the store by accident."""
    full = [path for package in PACKAGES for path in (ROOT / package).rglob("__init__.py") if path.read_text().strip()]
    assert [path for path in full if "node_modules" not in path.parts] == []


def test_sql_is_in_the_store_and_in_rows_only() -> None:
    statement = re.compile(r"\s*(SELECT .+ FROM|INSERT INTO|UPDATE \w+ SET|DELETE FROM|PRAGMA \w+)\b", re.DOTALL)
    found = []
    for path in (ROOT / "appliance").rglob("*.py"):
        if path.name == "rows.py" or {"store", "bench", "node_modules"} & set(
            path.parts
        ):  # the bench measures the store
            continue
        texts = (node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant))
        found += [(path.name, text) for text in texts if isinstance(text, str) and statement.match(text)]
    assert found == []


def test_each_dependency_says_why_it_is_here() -> None:
    content = (ROOT / "pyproject.toml").read_text()
    project = tomllib.loads(content)
    groups = project["dependency-groups"].values()
    named = [*project["project"]["dependencies"], *(entry for group in groups for entry in group)]
    reasons = dict(re.findall(r'^  "([^"]+)",? +# (.+)$', content, re.MULTILINE))
    assert [entry for entry in named if isinstance(entry, str) and len(reasons.get(entry, "")) < 10] == []


def test_each_border_says_why_it_is_there() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    for contract in contracts:
        assert len(contract["name"].split(":")) > 1, contract["name"]


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock", "requirements-node.lock"])
def test_a_lock_names_hashes_and_no_place_to_fetch_from(lock: str) -> None:
    lines = (ROOT / lock).read_text().splitlines()
    assert lines
    for line in lines:
        assert line.startswith("    --hash=sha256:") or re.match(r"[a-z0-9][a-z0-9._-]*==\S+( ;.*)? \\$", line), line


def test_the_locks_have_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    locked = {line.split("==")[0] for line in (ROOT / "requirements.lock").read_text().splitlines()}
    asked = {re.split(r"[<>=;~! ]", entry)[0] for entry in project["project"]["dependencies"]}
    assert asked <= locked
