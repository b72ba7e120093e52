"""The two header extensions that the plane reads, in one pass (RFC 8285 section 4.2 and 4.3)."""

from __future__ import annotations

from media.plane.interface import Extensions

_ONE_BYTE, _TWO_BYTE = 0xBEDE, 0x1000
_RESERVED = 15


def read_extensions(packet: bytes, start: int, end: int, wanted: Extensions) -> tuple[int, int]:
    """(level byte, transport-wide number) of the block at `start`, -1 for what is absent or has another length.

    Never raises: browsers may add what they like, and a stranger's mistake must not cost them their call. The first of
    two elements with one id counts; behind a broken element nothing is read.
    """
    level_id, sequence_id = wanted
    level = sequence = -2
    profile = packet[start] << 8 | packet[start + 1]
    two_byte = profile & 0xFFF0 == _TWO_BYTE
    position = start + 4 if two_byte or profile == _ONE_BYTE else end
    while position < end:
        found = packet[position]
        position += 1
        if not found:  # padding (RFC 8285 section 4.1.2)
            continue
        if two_byte:
            if position >= end:
                break
            length, position = packet[position], position + 1
        else:
            length, found = (found & 0x0F) + 1, found >> 4
            if found == _RESERVED:
                break
        after = position + length
        if after > end:
            break
        if found and found == level_id and level == -2:
            level = packet[position] if length == 1 else -1
        if found and found == sequence_id and sequence == -2:
            sequence = packet[position] << 8 | packet[position + 1] if length == 2 else -1
        position = after
    return max(level, -1), max(sequence, -1)
