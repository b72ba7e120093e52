"""The core takes time, randomness and I/O as arguments; README.md names what belongs to it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.fakes.waiting import there

MEDIA = Path(__file__).parents[3] / "media"
README = (MEDIA / "README.md").read_text()
PURE = there(re.search(r"Pure \(.*?\)[^:]*: `([^`]*)`", README, flags=re.DOTALL)).group(1).split()
WITH_IO = there(re.search(r"With I/O: `([^`]*)`", README)).group(1).split()
IMPURE = {
    "asyncio",
    "socket",
    "time",
    "datetime",
    "random",
    "secrets",
    "os",
    "pathlib",
    "logging",
    "threading",
    "uvloop",
}


PACKAGES = sorted(path for folder in ("room", "plane", "bandwidth") for path in (MEDIA / folder).glob("*.py"))


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{name.name}" for name in node.names}
    return names


@pytest.mark.parametrize("path", [*(MEDIA / f"{name}.py" for name in PURE), *PACKAGES], ids=lambda path: path.stem)
def test_the_core_imports_no_clock_no_socket_and_no_chance(path: Path) -> None:
    names = imported(path)
    assert not {item.split(".")[0] for item in names} & IMPURE
    assert not names & {f"media.{other}" for other in WITH_IO}


def test_every_file_is_named_as_pure_or_not() -> None:
    files = {path.stem for path in MEDIA.glob("*.py")} - {"__init__", "__main__"}
    assert sorted(PURE + WITH_IO) == sorted(files)


def test_nothing_of_the_relay_imports_the_bench() -> None:
    """It starts processes and writes files; it may, because the relay never holds it."""
    relay = [path for path in MEDIA.rglob("*.py") if path.parent.name != "bench" and path.name != "__main__.py"]
    assert relay
    assert [path.name for path in relay if any(name.startswith("media.bench") for name in imported(path))] == []
