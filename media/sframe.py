"""The header of an SFrame ciphertext (RFC 9605 section 4.3), read strictly and written. No key and no cipher is here.

     0 1 2 3 4 5 6 7
    +-+-----+-+-----+--------+--------+
    |X|  K  |Y|  C  | KID …  | CTR …  |
    +-+-----+-+-----+--------+--------+

X = 0: K is the key id itself. X = 1: the key id follows in K + 1 bytes. Y and C say the same of the counter. The RFC
asks for the shortest encoding; here another one is a fault, so that every pair of numbers has one header only.
"""

from __future__ import annotations

from typing import NamedTuple

from media.faults import MediaFault

# Below this a number stands in the first byte. Both numbers have eight bytes at most.
_INLINE = 8


class Header(NamedTuple):
    """Key id, counter, and how many bytes the header takes."""

    kid: int
    ctr: int
    length: int


def read_header(data: bytes, start: int = 0) -> Header:
    """The header that begins at offset `start`. Raises MediaFault if it is cut short or not the shortest."""
    if start >= len(data):
        raise MediaFault("no SFrame header")
    first = data[start]
    kid, after = _read(data, start + 1, first >> 4)
    ctr, after = _read(data, after, first & 0x0F)
    return Header(kid, ctr, after - start)


def write_header(kid: int, ctr: int) -> bytes:
    """The shortest header for two numbers below 2**64."""
    kid_field, kid_bytes = _write(kid)
    ctr_field, ctr_bytes = _write(ctr)
    return bytes([kid_field << 4 | ctr_field]) + kid_bytes + ctr_bytes


def _read(data: bytes, position: int, field: int) -> tuple[int, int]:
    """The number that four bits of the first byte stand for, and where the next one begins."""
    if field < _INLINE:
        return field, position
    end = position + field - _INLINE + 1
    if end > len(data):
        raise MediaFault("SFrame header cut short")
    number = int.from_bytes(data[position:end], "big")
    if number < _INLINE or not data[position]:
        raise MediaFault("SFrame header longer than it need be")
    return number, end


def _write(number: int) -> tuple[int, bytes]:
    if number < _INLINE:
        return number, b""
    length = (number.bit_length() + 7) // 8
    return _INLINE + length - 1, number.to_bytes(length, "big")
