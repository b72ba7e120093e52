"""SFrame headers: the working group's own vectors, and that each pair of numbers has one header only."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.faults import MediaFault
from media.sframe import Header, read_header, write_header

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "sframe" / "headers.json").read_text())["header"]
u64 = st.integers(0, 2**64 - 1)


def test_the_published_headers_are_read_and_written_as_published() -> None:
    assert len(VECTORS) == 289
    for vector in VECTORS:
        encoded = bytes.fromhex(vector["encoded"])
        assert read_header(encoded) == Header(vector["kid"], vector["ctr"], len(encoded)), vector
        assert write_header(vector["kid"], vector["ctr"]) == encoded, vector


@given(u64, u64, st.binary(max_size=5), st.binary(max_size=20))
def test_a_header_that_was_written_reads_the_same_wherever_it_stands(
    kid: int, ctr: int, before: bytes, after: bytes
) -> None:
    header = write_header(kid, ctr)
    assert read_header(before + header + after, len(before)) == (kid, ctr, len(header))


@given(st.binary(max_size=20))
def test_bytes_are_the_one_header_of_their_numbers_or_a_fault(data: bytes) -> None:
    try:
        kid, ctr, length = read_header(data)
    except MediaFault:
        return
    assert write_header(kid, ctr) == data[:length]


@pytest.mark.parametrize("vector", [vector for vector in VECTORS if vector["kid"] > 7 or vector["ctr"] > 7][::7])
def test_a_header_cut_short_anywhere_is_a_fault(vector: dict[str, str]) -> None:
    encoded = bytes.fromhex(vector["encoded"])
    for length in range(len(encoded)):
        with pytest.raises(MediaFault):
            read_header(encoded[:length])


@pytest.mark.parametrize(
    "encoded",
    [
        "8007",  # key id 7 in a byte of its own
        "8000",
        "0807",  # counter 7 in a byte of its own
        "0900ff",  # two bytes where one does
        "90000a",
        "a0000102",  # Hearth's length of key id, but the first byte is 0
        "a801010000",
        "af0101000000000000000001",
    ],
)
def test_a_longer_header_than_need_be_is_a_fault(encoded: str) -> None:
    with pytest.raises(MediaFault):
        read_header(bytes.fromhex(encoded) + bytes(40))
