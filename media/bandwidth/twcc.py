"""Transport-wide feedback: which packets came, and when (draft-holmer-rmcat-transport-wide-cc-extensions-01 3.1).

Times are *ticks* of 250 microseconds on the receiver's clock, whose beginning nobody else knows.

    base sequence number (16) | packet status count (16)
    reference time (24), in 64 ms | feedback packet count (8)
    chunks of 16 bits: a symbol for each packet        0 run  | symbol (2) | length (13)
    deltas: 8 bits for "small", 16 signed for "large"  1 vector | 0: 14 symbols of 1 bit, 1: 7 symbols of 2 bits
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from struct import pack, unpack_from
from typing import NamedTuple

from media.bandwidth import limits
from media.faults import MediaFault

_LOST, _SMALL, _LARGE = 0, 1, 2
_TICKS_PER_REFERENCE = 256  # 64 ms
_MAX_RUN = 0x1FFF
# The symbols in one byte of a vector chunk. A chunk's first byte holds 6 bits of them, the second 8.
_BITS = [tuple(byte >> shift & 1 for shift in range(7, -1, -1)) for byte in range(256)]
_PAIRS = [tuple(byte >> shift & 3 for shift in (6, 4, 2, 0)) for byte in range(256)]


class Feedback(NamedTuple):
    """`arrivals[i]` is when packet `base + i` (mod 2**16) came, in ticks after `reference`; None if it has not.

    `reference` is in ticks too, mod 2**32. `number` counts the feedback of this receiver, mod 256.
    """

    base: int
    number: int
    reference: int
    arrivals: list[int | None]


def read_feedback(fci: bytes) -> Feedback:
    """Raises MediaFault, also for more than MAX_FEEDBACK_PACKETS: a run of 8,191 takes two bytes."""
    if len(fci) < 8:
        raise MediaFault("transport-wide feedback cut short")
    base, count, time = unpack_from("!HHI", fci)
    if count > limits.MAX_FEEDBACK_PACKETS:
        raise MediaFault("transport-wide feedback about too many packets")
    symbols, position = _read_symbols(fci, count)
    arrivals = _read_deltas(fci, position, symbols)
    return Feedback(base, time & 0xFF, (time >> 8) * _TICKS_PER_REFERENCE, arrivals)


def _read_symbols(fci: bytes, count: int) -> tuple[list[int], int]:
    symbols: list[int] = []
    position, end = 8, len(fci) - 1
    while len(symbols) < count:
        if position >= end:
            raise MediaFault("transport-wide feedback lacks chunks")
        first, second = fci[position], fci[position + 1]
        position += 2
        if first < 0x80:
            symbols += [first >> 5 & 3] * min((first & 0x1F) << 8 | second, count - len(symbols))
        elif first < 0xC0:
            symbols += _BITS[first][2:] + _BITS[second]
        else:
            symbols += _PAIRS[first][1:] + _PAIRS[second]
    del symbols[count:]
    return symbols, position


def _read_deltas(fci: bytes, position: int, symbols: list[int]) -> list[int | None]:
    arrivals: list[int | None] = []
    tick = 0
    try:
        for symbol in symbols:
            if symbol == _LOST:
                arrivals.append(None)
                continue
            delta = fci[position]
            if symbol == _LARGE:
                delta = (delta << 8 | fci[position + 1]) - (delta >> 7 << 16)
            elif symbol != _SMALL:
                raise MediaFault("transport-wide feedback with a reserved symbol")
            tick += delta
            position += symbol  # its number is also the delta's length
            arrivals.append(tick)
    except IndexError:
        raise MediaFault("transport-wide feedback lacks deltas") from None
    return arrivals


def write_feedback(base: int, number: int, arrivals: Sequence[int | None]) -> bytes:
    """FCI without padding. `arrivals` in ticks since whenever, at least one of them not None.

    Raises ValueError if two neighbours are further apart than 16 bits hold, or nothing came.
    """
    came = [tick for tick in arrivals if tick is not None]
    if not came:
        raise ValueError("feedback about nothing that came")
    reference = came[0] // _TICKS_PER_REFERENCE
    deltas = [came[0] - reference * _TICKS_PER_REFERENCE, *(after - before for before, after in pairwise(came))]
    if max(deltas) > 0x7FFF or min(deltas) < -0x8000:
        raise ValueError("arrivals too far apart")
    sizes = iter([_SMALL if 0 <= delta <= 0xFF else _LARGE for delta in deltas])
    symbols = [_LOST if tick is None else next(sizes) for tick in arrivals]
    head = pack("!HHI", base, len(symbols), (reference & 0xFFFFFF) << 8 | number & 0xFF)
    return head + _write_symbols(symbols) + b"".join(map(_write_delta, deltas))


def _write_delta(delta: int) -> bytes:
    return bytes([delta]) if 0 <= delta <= 0xFF else pack("!h", delta)


def _write_symbols(symbols: list[int]) -> bytes:
    chunks, position = [], 0
    while position < len(symbols):
        chunk, taken = _write_chunk(symbols, position)
        chunks.append(chunk)
        position += taken
    return pack(f"!{len(chunks)}H", *chunks)


def _write_chunk(symbols: list[int], position: int) -> tuple[int, int]:
    """The chunk that says most of what begins at `position`, and how much: a run, 14 of one bit, or 7 of two."""
    run, most = position, min(len(symbols), position + _MAX_RUN)
    while run < most and symbols[run] == symbols[position]:
        run += 1
    bits = symbols[position : position + 14]
    narrow = _LARGE not in bits
    if run - position >= (len(bits) if narrow else len(bits[:7])):
        return symbols[position] << 13 | run - position, run - position
    bits = bits if narrow else bits[:7]
    width, chunk = (1, 0x8000) if narrow else (2, 0xC000)
    for index, symbol in enumerate(bits):
        chunk |= symbol << 14 - width * (index + 1)
    return chunk, len(bits)
