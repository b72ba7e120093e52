"""How many of the waiting records one segment takes: as many as fill it to just under a step of its padding. Pure.

What travels is compressed and padded, so that is what is measured. Seal, header, signature and frame cost 1,295 bytes
whatever is inside; padding up to 6 % at these sizes, unless the records end where a Padmé step ends.
"""

from __future__ import annotations

from collections.abc import Sequence

from sync import content
from sync.content import Record

SEGMENT_TARGET = 20_480  # bytes of compressed records with padding, a Padmé step. Larger seals cheaper and repeats more
#                          when a line breaks: this is 2.7 s at 64 kbit/s, and 7 % of overhead (sync/README.md)
_SAMPLE = 65_536  # bytes of framed records compressed to guess how well they compress
_TRIES = 6  # compressions for one segment at most. Four for a full one: 115 ms of a server's core


def fill(records: Sequence[Record], more: bool) -> int:
    """How many of `records` (rising by number, one at least) to seal together; one at least.

    `more`: others wait behind these. Without them all that fits is taken; with them no bytes are wasted on padding.
    """
    most = _within(records, content.MAX_LARGE)
    more = more or most < len(records)
    fits, beyond, target = _within(records, SEGMENT_TARGET - content.HEAD_SIZE), most + 1, SEGMENT_TARGET
    guess = most if fits >= most else max(fits + 1, _within(records, _SAMPLE))
    for _ in range(_TRIES):
        size = content.packed_size(records[:guess])
        if size <= target and guess == most:
            if not more:
                return most
            target = content.step_below(size)
            fits = min(fits, _within(records, target - content.HEAD_SIZE))
        if size <= target:
            fits = guess
        else:
            beyond = guess
        if beyond - fits <= 1 or (fits == guess and (target - size) * guess < size):
            break
        guess = min(max(guess * target // size, fits + 1), beyond - 1)
    return max(fits, 1)


def _within(records: Sequence[Record], limit: int) -> int:
    """How many of the first records have at most `limit` bytes together before compression."""
    size = 0
    for count, record in enumerate(records):
        size += content.framed_size(record)
        if size > limit:
            return count
    return len(records)
