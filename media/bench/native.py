"""The bench's C, compiled when it is needed, and what ctypes has to know of it. `load.h` says what each part is."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from pylibsrtp import _binding

HERE = Path(__file__).parent
STREAMS, NOTE_BYTES, ARRIVALS, AGES = 128, 1500, 4096, 1 << 20


class NoCompiler(Exception):
    """Its text is for the person who asked for the bench."""


class Source(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_uint32) for name in ("ssrc", "line", "rate", "size", "per_frame", "clock_rate")),
        *(
            (name, ctypes.c_uint32)
            for name in ("payload_type", "key_id", "level_id", "level", "sequence_id", "picture")
        ),
        ("phase", ctypes.c_uint64),
    )


class Stream(ctypes.Structure):
    """What a line has received of one SSRC. Sequence numbers are extended and begin one cycle up."""

    ssrc: int
    first: int
    highest: int
    unique: int
    repeats: int
    payload_type: int
    _fields_ = (
        *((name, ctypes.c_uint32) for name in ("ssrc", "first", "highest", "unique", "repeats", "payload_type")),
        ("seen", ctypes.c_uint64 * 32),
    )


class Arrival(ctypes.Structure):
    at: int
    number: int
    _fields_ = (("at", ctypes.c_uint64), ("number", ctypes.c_uint32), ("unused", ctypes.c_uint32))


class Calls(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_void_p) for name in ("protect", "unprotect", "protect_rtcp", "unprotect_rtcp"))


def srtp_calls() -> Calls:
    """Of the libsrtp in pylibsrtp, the one that the relay uses."""
    library = ctypes.CDLL(_binding.__file__)
    names = ("srtp_protect", "srtp_unprotect", "srtp_protect_rtcp", "srtp_unprotect_rtcp")
    return Calls(*(ctypes.cast(getattr(library, name), ctypes.c_void_p) for name in names))


def session_pointer(session: Any) -> int:
    """libsrtp's own session inside one of pylibsrtp, which has to be kept alive meanwhile."""
    return int(_binding.ffi.cast("uintptr_t", session._srtp[0]))


def compiled(name: str, folder: Path, *sources: str) -> ctypes.CDLL:
    """A shared library of these files, made in `folder`. Raises NoCompiler."""
    compiler = os.environ.get("CC") or shutil.which("cc")
    if compiler is None:
        raise NoCompiler("The bench needs a C compiler: sudo apt install gcc libc6-dev")
    made = folder / f"{name}.so"
    words = [compiler, "-O2", "-shared", "-fPIC", "-pthread", "-o", str(made), *(str(HERE / file) for file in sources)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603 - our own files
    if done.returncode:
        raise NoCompiler(f"The bench's C did not compile:\n{done.stderr[-1000:]}")
    return ctypes.CDLL(str(made))


def load_library(folder: Path) -> ctypes.CDLL:
    library = compiled("load", folder, "load.c", "send.c", "meter.c")
    pointer, unsigned = ctypes.c_void_p, ctypes.c_uint32
    library.load_new.restype = pointer
    library.load_line.argtypes = (pointer, ctypes.c_int, pointer, pointer, unsigned, unsigned)
    library.load_source.argtypes = (pointer, pointer)
    for name in ("load_start", "load_free"):
        getattr(library, name).argtypes = (pointer,)
    library.load_send.argtypes = (pointer, ctypes.c_int)
    library.load_key.argtypes = (pointer, unsigned)
    library.load_rtcp.argtypes = (pointer, ctypes.c_int, ctypes.c_char_p, ctypes.c_int)
    library.load_note.argtypes = (pointer, ctypes.c_int, pointer, pointer)
    for name in ("load_arrivals", "load_streams", "load_line_counts", "load_source_counts"):
        getattr(library, name).argtypes = (pointer, ctypes.c_int, pointer)
    for name in ("load_counts", "load_ages"):
        getattr(library, name).argtypes = (pointer, pointer)
    return library
