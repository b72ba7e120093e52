"""Picture id and TL0PICIDX of a VP8 payload descriptor: where they stand, and others in their place (RFC 7741 4.2).

 0 1 2 3 4 5 6 7
+-+-+-+-+-+-+-+-+
|X|R|N|S|R| PID |
|I|L|T|K| RSV   |   if X
|M| PictureID   |   if I; with M it goes on in a second byte: 15 bits instead of 7
|   TL0PICIDX   |   if L
|TID|Y| KEYIDX  |   if T or K; left alone
+-+-+-+-+-+-+-+-+
"""

from __future__ import annotations

from typing import NamedTuple

from media.vp8 import descriptor_length

_EXTENDED, _PICTURE, _LAYER0 = 0x80, 0x80, 0x40


class Numbers(NamedTuple):
    """Of one descriptor of `length` bytes. `picture` and `layer0` are -1 where absent; `mask` is 0x7F or 0x7FFF."""

    length: int
    picture: int
    mask: int
    layer0: int


def read_numbers(payload: bytes) -> Numbers | None:
    """None if the descriptor has neither, or is cut short."""
    if len(payload) < 3 or not payload[0] & _EXTENDED or not payload[1] & (_PICTURE | _LAYER0):
        return None
    length = descriptor_length(payload)
    if length is None:
        return None
    picture, mask, at = -1, 0, 2
    if payload[1] & _PICTURE:
        picture, mask, at = payload[2], 0x7F, 3
        if picture & 0x80:
            picture, mask, at = (picture & 0x7F) << 8 | payload[3], 0x7FFF, 4
    return Numbers(length, picture, mask, payload[at] if payload[1] & _LAYER0 else -1)


def write_numbers(payload: bytes, numbers: Numbers, picture: int, layer0: int) -> bytes:
    """The descriptor of `payload` with each number moved on by a distance, in its own width."""
    descriptor = bytearray(payload[: numbers.length])
    at = 2
    if numbers.mask == 0x7FFF:
        moved = numbers.picture + picture & 0x7FFF
        descriptor[2], descriptor[3] = 0x80 | moved >> 8, moved & 0xFF
        at = 4
    elif numbers.mask:
        descriptor[2] = numbers.picture + picture & 0x7F
        at = 3
    if numbers.layer0 >= 0:
        descriptor[at] = numbers.layer0 + layer0 & 0xFF
    return bytes(descriptor)
