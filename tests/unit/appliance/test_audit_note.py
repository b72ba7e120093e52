from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from appliance.audit import note
from sync import suite

KEY = suite.SigningKey(bytes(range(32)))
HEAD = note.Signed(bytes(16), 1234, hashlib.sha256(b"root").digest(), 3, "2026-01-31T09:30:00Z")
NOTE = note.write(HEAD, KEY)


def test_what_was_signed_is_read_again() -> None:
    assert note.read(NOTE, KEY.public) == HEAD
    assert len(NOTE.encode()) <= note.MAX_NOTE


def test_a_stranger_checks_it_by_the_public_formats_alone() -> None:
    """C2SP signed-note and tlog-checkpoint, without any code of ours."""
    text, _, last = NOTE.rpartition("\n\n")
    signed = text.encode() + b"\n"
    mark, name, stamp = last.rstrip("\n").split(" ")
    raw = base64.b64decode(stamp)
    origin, size, root = text.split("\n")[:3]
    assert (mark, name) == ("—", origin)
    assert raw[:4] == hashlib.sha256(name.encode() + b"\n\x01" + KEY.public).digest()[:4]
    Ed25519PublicKey.from_public_bytes(KEY.public).verify(raw[4:], signed)
    assert (int(size), base64.b64decode(root)) == (HEAD.size, HEAD.root)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("1234", "1235"),
        lambda text: text.replace("number 3", "number 4"),
        lambda text: text.replace("2026-01-31", "2026-01-30"),
        lambda text: text.replace("0000", "0001", 1),
        lambda text: text + "\n",
        lambda text: text.replace("— ", "- "),
        lambda text: text.replace("\n1234", "\n01234"),
        lambda text: text[:-3],
        lambda text: "",
        lambda text: text * 9,
    ],
)
def test_a_changed_note_is_none(change: Callable[[str], str]) -> None:
    with pytest.raises(ValueError, match=r"check|signed"):
        note.read(change(NOTE), KEY.public)


def test_a_note_of_another_key_is_none() -> None:
    other = suite.SigningKey(bytes(32))
    with pytest.raises(ValueError, match="another key"):
        note.read(NOTE, other.public)
    with pytest.raises(ValueError, match="signed"):
        note.read(note.write(HEAD, other), KEY.public)


@given(st.text(max_size=400))
def test_whatever_comes_is_a_note_or_a_clear_no(text: str) -> None:
    with pytest.raises(ValueError, match="not a checkpoint"):
        note.parse(text)


@given(st.integers(0, 10**18), st.binary(min_size=32, max_size=32), st.integers(1, 10**9))
def test_every_head_has_one_text(size: int, root: bytes, number: int) -> None:
    head = replace(HEAD, size=size, root=root, number=number)
    assert note.read(note.write(head, KEY), KEY.public) == head


def test_nothing_else_that_the_box_signs_begins_like_a_checkpoint() -> None:
    root = Path(__file__).parents[3]
    sources = [path for package in ("sync", "appliance") for path in (root / package).glob("**/*.py")]
    labels = {
        line.split('b"', 1)[1].split('"')[0].split("\\0")[0]
        for path in sources
        if "webclient" not in path.parts
        for line in path.read_text().splitlines()
        if "hearth" in line and 'b"hearth' in line
    }
    assert len(labels) >= 3 and note.LABEL.decode() in labels
    ours = note.LABEL.decode()
    assert [label for label in labels - {ours} if label.startswith(ours) or ours.startswith(label)] == []
