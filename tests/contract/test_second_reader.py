"""A reader in TypeScript, made from FORMAT.md alone, comes to the same answer as ours for every vector."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.vectors.reading import read, vectors

ROOT = Path(__file__).parents[2]
OWN_NODE = ROOT / ".venv" / "bin" / "node"


@pytest.fixture(scope="module")
def answers() -> dict[str, dict[str, Any]]:
    """What the second reader says of each vector, all by one process."""
    node = str(OWN_NODE) if OWN_NODE.exists() else shutil.which("node") or ""
    able = 'process.exit(typeof crypto.decapsulate === "function" ? 0 : 1)'
    if (
        not node
        or subprocess.run([node, "-e", f"const crypto = require('node:crypto'); {able}"], check=False).returncode
    ):
        if os.environ.get("CI"):
            pytest.fail("the second reader needs Node.js 24.7 or newer: .ci/setup test")
        pytest.skip("this machine's Node.js has no ML-KEM: it takes 24.7 or newer")
    files = [str(path) for path in vectors()]
    done = subprocess.run(
        [node, "--no-warnings", str(ROOT / "tests" / "reader" / "main.ts"), *files], stdout=subprocess.PIPE, check=True
    )
    told = [json.loads(line) for line in done.stdout.splitlines()]
    return {one["file"]: one for one in told}


def test_a_reader_made_from_the_document_reads_and_refuses_the_same(answers: dict[str, dict[str, Any]]) -> None:
    wrong = {}
    for path in vectors():
        given, _ = read(path)
        answer = answers[str(path)]
        wanted = json.loads(given["result"]) if given["expect"] == "read" else None
        if (answer["expect"], answer.get("result")) != (given["expect"], wanted):
            wrong[f"{path.parent.name}/{path.stem}"] = (given["expect"], answer["expect"])
    assert wrong == {}


def test_the_second_reader_uses_nothing_of_ours_and_no_library() -> None:
    for path in (ROOT / "tests" / "reader").glob("*.ts"):
        taken = [
            line.split('"')[-2] for line in path.read_text().splitlines() if line.endswith('";') and "from " in line
        ]
        assert all(name.startswith(("node:", "./")) for name in taken), path.name
