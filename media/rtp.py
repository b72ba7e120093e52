"""A view of only the RTP header fields a relay may read, and the header it writes instead (RFC 3550 section 5.1).

The payload is never looked into here, and never copied but to be sent. Header extensions and contributing sources are
left behind when a packet is forwarded; of the extensions only the MID can be read, to find the track of a new SSRC.
"""

from __future__ import annotations

from struct import Struct, unpack_from
from typing import NamedTuple

from media.faults import MediaFault

_FIXED = Struct("!BBHII")
HEADER_LENGTH = 12
VERSION = 0x80
PADDING = 0x20
EXTENSION = 0x10
MARKER = 0x80

# RFC 8285 section 4.2 and 4.3: the "defined by profile" word of one-byte and two-byte extension blocks.
_ONE_BYTE = 0xBEDE
_TWO_BYTE = 0x1000


class RtpHeader(NamedTuple):
    """Where things are in one packet. `extension` is the offset of the extension block, 0 if there is none."""

    padding: bool
    marker: bool
    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    extension: int
    payload: int


def read_header(packet: bytes) -> RtpHeader:
    """Raises MediaFault unless the packet is RTP version 2 with every length inside its bounds."""
    length = len(packet)
    if length < HEADER_LENGTH:
        raise MediaFault("RTP packet shorter than its fixed header")
    first, second, sequence, timestamp, ssrc = _FIXED.unpack_from(packet)
    if first & 0xC0 != VERSION:
        raise MediaFault("not RTP version 2")
    payload = HEADER_LENGTH + 4 * (first & 0x0F)
    extension = 0
    if first & EXTENSION:
        extension = payload
        if length < extension + 4:
            raise MediaFault("RTP header extension cut short")
        payload = extension + 4 + 4 * int.from_bytes(packet[extension + 2 : extension + 4], "big")
    if length < payload:
        raise MediaFault("RTP header cut short")
    padding = bool(first & PADDING)
    if padding and not 0 < packet[-1] <= length - payload:
        raise MediaFault("RTP padding longer than the payload")
    return RtpHeader(padding, second >= MARKER, second & 0x7F, sequence, timestamp, ssrc, extension, payload)


def write_header(padding: bool, marker: bool, payload_type: int, sequence: int, timestamp: int, ssrc: int) -> bytes:
    """A header with no extension and no contributing source, whatever the one that came had."""
    first = VERSION | PADDING if padding else VERSION
    return _FIXED.pack(first, MARKER | payload_type if marker else payload_type, sequence, timestamp, ssrc)


def extension_value(packet: bytes, header: RtpHeader, wanted: int) -> bytes | None:
    """The value of the header extension with id `wanted`, or None if it is absent or the block is malformed.

    Never raises: browsers may add what they like, and a stranger's mistake must not cost them their call.
    """
    if not header.extension:
        return None
    (profile,) = unpack_from("!H", packet, header.extension)
    position, end = header.extension + 4, header.payload
    two_byte = profile & 0xFFF0 == _TWO_BYTE
    if not two_byte and profile != _ONE_BYTE:
        return None
    while position < end:
        found = packet[position]
        if found == 0:  # padding (RFC 8285 section 4.1.2)
            position += 1
            continue
        if two_byte:
            if position + 2 > end:
                return None
            identifier, start = found, position + 2
            position = start + packet[position + 1]
        else:
            identifier, start = found >> 4, position + 1
            if identifier == 15:  # reserved: stop reading (RFC 8285 section 4.2)
                return None
            position = start + (found & 0x0F) + 1
        if identifier == wanted:
            return packet[start:position] if position <= end else None
    return None
