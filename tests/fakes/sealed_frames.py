"""Frames with the shape of sealed ones (PROTOCOL.md section 9), and chance where ciphertext would be"""

from __future__ import annotations

import random

from media.messages import Kind
from media.sealed import key_id
from media.sframe import write_header

# What stays in clear of a sealed picture: a key frame's 10 bytes (RFC 6386 section 9.1: its tag, the start code, 640 by
# 480), and one of a delta frame. Bit 0 of the first tells them apart.
CLEAR_KEY_FRAME = bytes.fromhex("1002009d012a8002e001")
CLEAR_DELTA_FRAME = b"\x11"


def sealed(kind: Kind, size: int = 40, *, leaf: int = 0, epoch: int = 1, counter: int = 0) -> bytes:
    """A header, then `size` bytes of ciphertext and tag."""
    return write_header(key_id(kind, leaf, epoch), counter) + random.Random(counter).randbytes(size)  # noqa: S311


def picture(size: int = 40, *, key: bool, leaf: int = 0, epoch: int = 1, counter: int = 0) -> bytes:
    """A frame of picture, not yet split into packets."""
    clear = CLEAR_KEY_FRAME if key else CLEAR_DELTA_FRAME
    return clear + sealed("video", size, leaf=leaf, epoch=epoch, counter=counter)
