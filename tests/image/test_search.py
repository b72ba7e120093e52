"""The search finds what is there, in each form; and says nothing of what is not."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from tests.image import search

NAME = "Adelheid Brookhollow"
KEY = bytes(range(7, 39))  # with a line's end in it


@pytest.mark.parametrize(
    ("written", "form"),
    [
        (NAME.encode(), "as it is"),
        (NAME.encode("utf-16-le"), "utf-16"),
        (NAME.encode().hex().encode(), "hex"),
        (NAME.encode().hex().upper().encode(), "HEX"),
        *((base64.b64encode(b"x" * n + NAME.encode() + b"yz"), f"base64 +{n % 3}") for n in range(5)),
    ],
)
@pytest.mark.parametrize("place", [0, 1000, 4091])
def test_what_is_planted_is_found_in_each_form_wherever_it_lies(
    tmp_path: Path, written: bytes, form: str, place: int
) -> None:
    (tmp_path / "disk").write_bytes(b"\1" * place + written + bytes(9000))
    found = search.found_in(tmp_path / "disk", {"name": NAME, "key": KEY})
    assert list(found) == ["name"]
    assert form in [one for one, _ in found["name"]]


def test_a_key_is_found_as_bytes_and_as_text(tmp_path: Path) -> None:
    (tmp_path / "disk").write_bytes(b"--" + KEY + b"--" + KEY.hex().encode())
    assert dict(search.found_in(tmp_path / "disk", {"key": KEY, "name": NAME})["key"]) == {"as it is": 2, "hex": 36}


def test_a_word_that_would_be_found_by_chance_is_refused() -> None:
    with pytest.raises(ValueError, match="by chance"):
        search.forms("Anna")
