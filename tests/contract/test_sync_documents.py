"""What sync's documents say is what its files do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sync import carriage, content, envelope, filling, pack, receipt, suite
from sync.faults import SENTENCES
from sync.hq import ingest

ROOT = Path(__file__).parents[2]
README = (ROOT / "sync" / "README.md").read_text()
FORMAT = (ROOT / "sync" / "FORMAT.md").read_text()
FOLDERS = ("sync", *(f"appliance/{name}" for name in ("outbox", "enrolment", "packs", "sticks")))
SOURCES = "".join(path.read_text() for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("code", SENTENCES)
def test_every_fault_is_raised_somewhere_and_told_in_the_readme(code: str) -> None:
    assert re.search(rf'(SyncFault\(|fault=)"{code}"|else "{code}"|else SyncFault\("{code}"\)|= "{code}"', SOURCES)
    assert f"`{code}`" in README


@pytest.mark.parametrize("code", ingest.STATUS)
def test_every_refusal_on_the_line_is_in_the_format(code: str) -> None:
    assert f"`{code}`" in FORMAT or (code.startswith("malformed_") and "`malformed_…`" in FORMAT)


def test_every_file_is_in_the_readme() -> None:
    for path in (ROOT / "sync").rglob("*.py"):
        name = path.relative_to(ROOT / "sync").as_posix()
        assert path.name == "__init__.py" or f"`{name}`" in README, name


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (envelope.MAX_ENVELOPE, "An envelope has at most {} bytes"),
        (content.MAX_CONTENT, "the records have at most {} bytes"),
        (content.MAX_BODY, "then at most {} bytes"),
        (suite.RECORD_KEY_SIZE, "(X-Wing public) is {}"),
        (suite.SEAL_OVERHEAD, "{} more than the plaintext"),
        (receipt.MAX_RECEIPT, "At most {} bytes"),
        (envelope.HEADER.size - 1, "The header is bytes 0–{}"),
    ],
)
def test_every_limit_of_the_format_is_the_code_s(number: int, words: str) -> None:
    assert words.format(f"{number:,}") in FORMAT


def test_the_largest_of_everything_fits_into_what_carries_it() -> None:
    assert content.padme(content.MAX_PADDED) + 84 + suite.SEAL_OVERHEAD + 64 <= envelope.MAX_ENVELOPE
    assert carriage.MAX_CARRIAGE == 2 + receipt.MAX_RECEIPT + envelope.MAX_ENVELOPE
    assert content.MAX_PADDED + pack.HEADER.size + suite.SEAL_OVERHEAD + 64 <= pack.MAX_PACK
    assert content.padme(content.MAX_CONTENT + 6) <= content.MAX_PADDED
    assert filling.SEGMENT_TARGET == content.padme(filling.SEGMENT_TARGET) == content.step_below(filling.SEGMENT_TARGET)
