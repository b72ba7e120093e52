"""The compiled plane (hearth.h, wire.h) by ctypes: its functions with their types, its records, its faults.

ctypes gives the interpreter's lock back during each call, so that Python never waits for the plane's lock with it.
"""

from __future__ import annotations

import ctypes
from ctypes import POINTER, Structure, c_int, c_int64, c_uint8, c_uint16, c_uint32, c_uint64, c_void_p
from functools import cache
from struct import Struct
from typing import Any

from media.native.build import library

UNKNOWN, TAKEN, MALFORMED, NOT_SEALED, NO_MEMORY = -1, -2, -3, -4, -5
NO_STREAM = -1

# Packed records, in the machine's byte order as C wrote them.
OUT = Struct("@qII")
EVENT = Struct("@qqqII")
LEVEL = Struct("@qqqq")
MISSING = Struct("@qq")
OUTCOME = Struct("@qqqqdddq")
VARIATION = Struct("@dd")
FCI_LENGTH = Struct("@I")
DATAGRAM = Struct("@qIII4x")


class NotBuilt(Exception):
    """There is no library that belongs to these sources: `python -m media.native.build` makes it."""


class StreamFormat(Structure):
    _fields_ = (
        ("ssrc", c_uint32),
        ("clock_rate", c_uint32),
        ("rtx_ssrc", c_uint32),
        ("kind", c_uint8),
        ("nack", c_uint8),
        ("sealed", c_uint8),
        ("has_rtx", c_uint8),
        ("rtx_payload_type", c_uint8),
        ("first_payload_type", c_uint8),
        ("payload_types", c_uint8 * 128),
    )


class DownFormat(Structure):
    _fields_ = (
        ("transport", c_int64),
        ("ssrc", c_uint32),
        ("timestamp_distance", c_uint32),
        ("clock_rate", c_uint32),
        ("rtx_ssrc", c_uint32),
        ("first_sequence", c_uint16),
        ("kind", c_uint8),
        ("has_rtx", c_uint8),
        ("rtx_payload_type", c_uint8),
        ("transport_sequence", c_uint8),
    )


class Received(Structure):
    _fields_ = tuple((name, c_int64) for name in ("packets", "octets", "first", "highest", "jitter"))


class Sent(Structure):
    _fields_ = tuple((name, c_int64) for name in ("timestamp", "packets", "octets"))


class Departed(Structure):
    _fields_ = tuple((name, c_int64) for name in ("octets", "first", "last"))


_DATA = POINTER(c_void_p)
# function: result, arguments after the plane or the wire.
_FUNCTIONS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "hp_plane_free": (None, ()),
    "hp_add_transport": (c_int, (c_int64,)),
    "hp_remove_transport": (None, (c_int64,)),
    "hp_set_extensions": (c_int, (c_int64, c_uint8, c_uint8)),
    "hp_add_stream": (c_int, (c_int64, c_int64, POINTER(StreamFormat))),
    "hp_set_rtx": (c_int, (c_int64, c_uint32, c_uint8)),
    "hp_remove_stream": (None, (c_int64,)),
    "hp_set_stream": (c_int, (c_int64, c_int, c_int)),
    "hp_set_clock": (c_int, (c_int64, c_uint64, c_uint32)),
    "hp_add_down": (c_int, (c_int64, POINTER(DownFormat))),
    "hp_remove_down": (None, (c_int64,)),
    "hp_aim": (c_int, (c_int64, c_int64, c_int)),
    "hp_receive": (c_int64, (c_int64, ctypes.c_char_p, ctypes.c_size_t, c_int64, _DATA)),
    "hp_repair": (c_int64, (c_int64, POINTER(c_uint16), ctypes.c_size_t, c_int64, _DATA)),
    "hp_probe": (c_int64, (c_int64, c_int64, c_int64, _DATA)),
    "hp_flowing": (c_int64, (c_int64, POINTER(c_int))),
    "hp_received": (c_int, (c_int64, POINTER(Received))),
    "hp_sent": (c_int, (c_int64, c_int64, c_uint32, POINTER(Sent))),
    "hp_missing": (c_int64, (c_int64, _DATA)),
    "hp_lacks": (c_int, ()),
    "hp_levels": (c_int64, (_DATA,)),
    "hp_feedback": (c_int64, (c_int64, _DATA)),
    "hp_departed": (c_int, (c_int64, POINTER(Departed))),
    "hp_answered": (c_int64, (c_int64, ctypes.c_char_p, ctypes.c_size_t, _DATA)),
    "hp_take": (c_int64, (_DATA,)),
    "hp_counts": (None, (POINTER(c_int64),)),
    "hp_wire_start": (c_int, ()),
    "hp_wire_stop": (None, ()),
    "hp_wire_free": (None, ()),
    "hp_wire_keys": (c_int, (c_int64, c_void_p, c_void_p)),
    "hp_wire_learn": (c_int, (c_uint32, c_uint16, c_int64)),
    "hp_wire_forget": (None, (c_uint32, c_uint16)),
    "hp_wire_select": (c_int, (c_int64, c_uint32, c_uint16)),
    "hp_wire_send": (None, (ctypes.c_char_p, ctypes.c_size_t)),
    "hp_wire_read": (c_int64, (_DATA,)),
    "hp_wire_counts": (None, (POINTER(c_int64),)),
}


@cache
def load() -> ctypes.CDLL:
    """The library with its types declared. Raises NotBuilt."""
    path = library()
    if not path.exists():
        raise NotBuilt
    loaded = ctypes.CDLL(str(path))
    for name, (result, arguments) in _FUNCTIONS.items():
        function = getattr(loaded, name)
        function.restype, function.argtypes = result, (c_void_p, *arguments)
    loaded.hp_plane_new.restype, loaded.hp_plane_new.argtypes = c_void_p, ()
    loaded.hp_wire_new.restype = c_void_p
    loaded.hp_wire_new.argtypes = (c_void_p, c_int, c_int, c_void_p, c_void_p, c_int64)
    return loaded


class Answer:
    """Where a call puts the address of what it answers with."""

    __slots__ = ("_address", "reference")

    def __init__(self) -> None:
        self._address = c_void_p()
        self.reference = ctypes.byref(self._address)

    def bytes(self, length: int) -> bytes:
        """What was answered, from the length that the call returned. Raises its fault."""
        check(length)
        return ctypes.string_at(self._address, length) if length else b""


def check(result: int) -> int:
    """Raises KeyError, ValueError or MemoryError for a result below 0; faults of packets are not for here."""
    if result >= 0:
        return result
    if result == UNKNOWN:
        raise KeyError("no such number")
    if result == TAKEN:
        raise ValueError("an SSRC is taken")
    raise MemoryError
