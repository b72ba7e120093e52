"""Does a payload begin a sealed frame of Hearth's shape (PROTOCOL.md section 9)? And what of a track may pass.

The relay has no key: it can tell that something has the shape of a sealed frame, not that it is one. This guards
against a browser that is honest but broken; a dishonest one gives its own words away however it likes.

A frame of sound is one packet. A frame of picture may be several, and only its first shows whether it is sealed. The
others, *continuations*, go the way of the first packet with the same RTP timestamp. One whose first packet has not come
(lost, or overtaken on the way) goes the way of the newest judged frame: to drop it would freeze a picture for good at
each such loss, since SRTP refuses the sender's repetition of what has come already (README decision 8).

After a frame that is not sealed everything of its track is dropped until `SEALED_AGAIN` sealed frames have come in a
row: what looks sealed only by chance, amid plaintext, then stays here too. README decision 15 has the arithmetic.
"""

from __future__ import annotations

from media import limits
from media.faults import MediaFault
from media.messages import Kind
from media.sframe import read_header
from media.vp8 import clear_length, descriptor_length, starts_frame

# The byte of the key id that says what is sealed: no frame of sound can be passed off as one of picture.
CONTEXTS: dict[Kind, int] = {"audio": 1, "video": 2}
# A room has 16 members and leaves of the group are used again (RFC 9420 section 7.7).
MAX_LEAF = 63
# Bytes of the AES_128_GCM_SHA256_128 tag (RFC 9605 section 4.5).
TAG_LENGTH = 16
_SOUND, _PICTURE = CONTEXTS["audio"], CONTEXTS["video"]


def key_id(kind: Kind, leaf: int, epoch: int) -> int:
    """RFC 9605 section 5.2 with eight bits of epoch and eight of leaf; the context is never 0, so it takes 3 bytes."""
    return CONTEXTS[kind] << 16 | leaf << 8 | epoch & 0xFF


def begins_sound(payload: bytes) -> bool:
    """True if this is a whole sealed frame of sound, as far as its shape goes."""
    return _sealed(payload, 0, _SOUND)


def begins_picture(payload: bytes) -> bool:
    """The same for the first packet of a picture's frame: descriptor, clear bytes, then the header."""
    descriptor = descriptor_length(payload)
    if descriptor is None or descriptor >= len(payload):
        return False
    return _sealed(payload, descriptor + clear_length(payload[descriptor]), _PICTURE)


def _sealed(payload: bytes, start: int, context: int) -> bool:
    try:
        header = read_header(payload, start)
    except MediaFault:
        return False
    room = len(payload) - start - header.length
    return header.kid >> 16 == context and header.kid >> 8 & 0xFF <= MAX_LEAF and room >= TAG_LENGTH


class Judge:
    """One up track. Remembers by RTP timestamp how the last frames were judged, MAX_JUDGED_FRAMES at most."""

    __slots__ = ("_doubt", "_frames", "_picture")

    def __init__(self, kind: Kind) -> None:
        self._picture = kind == "video"
        self._frames: dict[int, bool] = {}
        # Sealed frames that have to come before anything passes again.
        self._doubt = 0

    def passes(self, payload: bytes, timestamp: int) -> bool:
        """Judge one packet's payload without its padding. Padding alone never passes, and is no reason to doubt."""
        if not payload:
            return False
        if not self._picture:
            return self._frame(begins_sound(payload))
        if not starts_frame(payload):
            return self._frames.get(timestamp, bool(self._frames) and not self._doubt)
        passes = self._frame(begins_picture(payload))
        # Two frames of one timestamp are one to us: what one of them is denied, its continuations are.
        self._frames[timestamp] = passes and self._frames.pop(timestamp, True)
        if len(self._frames) > limits.MAX_JUDGED_FRAMES:
            del self._frames[next(iter(self._frames))]
        return passes

    def _frame(self, sealed: bool) -> bool:
        if not sealed:
            self._doubt = limits.SEALED_AGAIN
        elif self._doubt:
            self._doubt -= 1
        else:
            return True
        return False
