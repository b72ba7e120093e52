"""What a relay needs of a VP8 payload: does a frame begin here, and is it a key frame? (RFC 7741 section 4.2 and 4.3)

Only the payload descriptor and the first bit of the frame are read. Both stay in clear when frames are sealed end to
end. A payload that cannot be read is "no key frame", never a fault.
"""

from __future__ import annotations

_EXTENDED = 0x80
_START_OF_PARTITION = 0x10
_PARTITION = 0x07
_PICTURE_ID = 0x80
_TL0PICIDX = 0x40
_TID_OR_KEYIDX = 0x30
_LONG_PICTURE_ID = 0x80
_DELTA = 0x01
# Bytes of a frame that sealing leaves in clear: the whole uncompressed header of a key frame (RFC 6386 section 9.1),
# and of the three-byte tag of a delta frame the first, with the bit that tells the two apart.
_CLEAR_OF_KEY_FRAME = 10
_CLEAR_OF_DELTA_FRAME = 1


def descriptor_length(payload: bytes) -> int | None:
    """Bytes before the frame's own data, or None if the payload ends inside the descriptor."""
    if not payload:
        return None
    if not payload[0] & _EXTENDED:
        return 1
    if len(payload) < 2:
        return None
    flags, length = payload[1], 2
    if flags & _PICTURE_ID:
        if len(payload) < 3:
            return None
        length += 2 if payload[2] & _LONG_PICTURE_ID else 1
    if flags & _TL0PICIDX:
        length += 1
    if flags & _TID_OR_KEYIDX:
        length += 1
    return length if len(payload) >= length else None


def starts_frame(payload: bytes) -> bool:
    """True for the first packet of a frame: S set and partition 0."""
    return bool(payload) and payload[0] & (_START_OF_PARTITION | _PARTITION) == _START_OF_PARTITION


def clear_length(first: int) -> int:
    """Bytes of a sealed frame before its SFrame header, by the frame's first byte."""
    return _CLEAR_OF_DELTA_FRAME if first & _DELTA else _CLEAR_OF_KEY_FRAME


def starts_key_frame(payload: bytes) -> bool:
    """True for the first packet of a key frame: the inverse key-frame bit P is clear."""
    if not starts_frame(payload):
        return False
    length = descriptor_length(payload)
    return length is not None and len(payload) > length and not payload[length] & _DELTA
