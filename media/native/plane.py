"""The forwarding plane in C behind `media.plane.interface.Plane`: arguments in, records out, nothing decided here."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from typing import Final

from media.faults import MediaFault, NotSealed
from media.native import library
from media.native.library import (
    EVENT,
    FCI_LENGTH,
    LEVEL,
    MALFORMED,
    MISSING,
    NO_STREAM,
    NOT_SEALED,
    OUT,
    OUTCOME,
    VARIATION,
    Answer,
    check,
)
from media.plane.interface import (
    Departed,
    DownFormat,
    Event,
    Extensions,
    Level,
    Out,
    Outcome,
    Received,
    Sent,
    StreamFormat,
)

# In the order of `enum hp_count` and `enum hp_event_name`.
COUNTS: Final = ("received", "sent", "not_sealed", "malformed", "unknown", "format", "stale", "padding", "events")
_EVENTS: Final = ("unknown", "key_frame", "switched", "lacking")
_KINDS: Final = ("audio", "video")
_NOT_AGREED: Final = 255


class NativePlane:
    """Implements `Plane`. Any thread may call, but only one of them what answers with packets, lists or events."""

    pointer: int | None = None

    def __init__(self) -> None:
        self._library = library.load()
        self.pointer = self._library.hp_plane_new()
        if self.pointer is None:
            raise MemoryError
        self._answer = Answer()

    def close(self) -> None:
        """After the wire that runs on it."""
        if self.pointer is not None:
            self._library.hp_plane_free(self.pointer)
            self.pointer = None

    def __del__(self) -> None:
        self.close()

    # --- what the room sets ----------------------------------------------------------------------------------------

    def add_transport(self, transport: int) -> None:
        check(self._library.hp_add_transport(self.pointer, transport))

    def remove_transport(self, transport: int) -> None:
        self._library.hp_remove_transport(self.pointer, transport)

    def set_extensions(self, transport: int, extensions: Extensions) -> None:
        check(self._library.hp_set_extensions(self.pointer, transport, *extensions))

    def add_stream(self, stream: int, transport: int, format: StreamFormat) -> None:
        given = library.StreamFormat(ssrc=format.ssrc, clock_rate=format.clock_rate)
        given.kind, given.nack, given.sealed = _KINDS.index(format.kind), format.nack, format.sealed
        if format.rtx is not None:
            given.has_rtx, (given.rtx_ssrc, given.rtx_payload_type) = 1, format.rtx
        ctypes.memset(given.payload_types, _NOT_AGREED, 128)
        for theirs, ours in format.payload_types.items():
            given.payload_types[theirs] = ours
        given.first_payload_type = next(iter(format.payload_types), 0)
        check(self._library.hp_add_stream(self.pointer, stream, transport, ctypes.byref(given)))

    def set_rtx(self, stream: int, rtx: tuple[int, int]) -> None:
        check(self._library.hp_set_rtx(self.pointer, stream, *rtx))

    def remove_stream(self, stream: int) -> None:
        self._library.hp_remove_stream(self.pointer, stream)

    def set_stream(self, stream: int, *, forwarded: bool, sealed: bool) -> None:
        check(self._library.hp_set_stream(self.pointer, stream, forwarded, sealed))

    def set_clock(self, stream: int, ntp: int, timestamp: int) -> None:
        check(self._library.hp_set_clock(self.pointer, stream, ntp, timestamp))

    def add_down(self, down: int, format: DownFormat) -> None:
        given = library.DownFormat(format.transport, format.ssrc, format.timestamp_distance, format.clock_rate)
        given.first_sequence, given.kind = format.first_sequence, _KINDS.index(format.kind)
        given.transport_sequence = format.transport_sequence
        if format.rtx is not None:
            given.has_rtx, (given.rtx_ssrc, given.rtx_payload_type) = 1, format.rtx
        check(self._library.hp_add_down(self.pointer, down, ctypes.byref(given)))

    def remove_down(self, down: int) -> None:
        self._library.hp_remove_down(self.pointer, down)

    def aim(self, down: int, stream: int | None, *, at_once: bool = False) -> None:
        check(self._library.hp_aim(self.pointer, down, NO_STREAM if stream is None else stream, at_once))

    # --- packets ---------------------------------------------------------------------------------------------------

    def receive(self, transport: int, packet: bytes, now: int) -> list[Out]:
        answer = self._answer
        result = self._library.hp_receive(self.pointer, transport, packet, len(packet), now, answer.reference)
        if result == NOT_SEALED:
            raise NotSealed("a payload that is not sealed")
        if result == MALFORMED:
            raise MediaFault("not an RTP packet")
        return _outs(answer.bytes(result)) if result else []

    def repair(self, down: int, lost: Sequence[int], now: int) -> list[Out]:
        numbers = (ctypes.c_uint16 * len(lost))(*lost)
        result = self._library.hp_repair(self.pointer, down, numbers, len(lost), now, self._answer.reference)
        return _outs(self._answer.bytes(result))

    def probe(self, down: int, packets: int, now: int) -> list[Out]:
        return _outs(
            self._answer.bytes(self._library.hp_probe(self.pointer, down, packets, now, self._answer.reference))
        )

    # --- what the room asks ----------------------------------------------------------------------------------------

    def flowing(self, down: int) -> int | None:
        fault = ctypes.c_int()
        stream: int = self._library.hp_flowing(self.pointer, down, ctypes.byref(fault))
        check(fault.value)
        return None if stream == NO_STREAM else stream

    def received(self, stream: int) -> Received | None:
        found = library.Received()
        if not check(self._library.hp_received(self.pointer, stream, ctypes.byref(found))):
            return None
        return Received(found.packets, found.octets, found.first, found.highest, found.jitter)

    def sent(self, down: int, stream: int, timestamp: int) -> Sent | None:
        found = library.Sent()
        if not check(self._library.hp_sent(self.pointer, down, stream, timestamp, ctypes.byref(found))):
            return None
        return Sent(found.timestamp, found.packets, found.octets)

    def missing(self, now: int) -> list[tuple[int, tuple[int, ...]]]:
        data = self._answer.bytes(self._library.hp_missing(self.pointer, now, self._answer.reference))
        found, at = [], 0
        while at < len(data):
            stream, count = MISSING.unpack_from(data, at)
            at += MISSING.size + 2 * count
            found.append((stream, tuple(memoryview(data)[at - 2 * count : at].cast("H"))))
        return found

    def lacks(self) -> bool:
        return bool(self._library.hp_lacks(self.pointer))

    def levels(self) -> list[Level]:
        data = self._answer.bytes(self._library.hp_levels(self.pointer, self._answer.reference))
        return [Level(*found) for found in LEVEL.iter_unpack(data)]

    def feedback(self, transport: int) -> list[bytes]:
        data = self._answer.bytes(self._library.hp_feedback(self.pointer, transport, self._answer.reference))
        found, at = [], 0
        while at < len(data):
            (length,) = FCI_LENGTH.unpack_from(data, at)
            at += FCI_LENGTH.size + length
            found.append(data[at - length : at])
        return found

    def departed(self, transport: int) -> Departed | None:
        found = library.Departed()
        if not check(self._library.hp_departed(self.pointer, transport, ctypes.byref(found))):
            return None
        return Departed(found.octets, found.first, found.last)

    def answered(self, transport: int, fci: bytes) -> Outcome:
        result = self._library.hp_answered(self.pointer, transport, fci, len(fci), self._answer.reference)
        if result == MALFORMED:
            raise MediaFault("no transport-wide feedback")
        data = self._answer.bytes(result)
        came, octets, lost, anew, sent, first, last, _ = OUTCOME.unpack_from(data)
        variations = list(VARIATION.iter_unpack(data[OUTCOME.size :]))
        return Outcome(came, octets, lost, sent, first, last, bool(anew), variations)

    def take(self) -> list[Event]:
        data = self._answer.bytes(self._library.hp_take(self.pointer, self._answer.reference))
        events, at = [], 0
        while at < len(data):
            number, stream, now, name, length = EVENT.unpack_from(data, at)
            at += EVENT.size + length
            events.append(Event(_EVENTS[name], number, stream, data[at - length : at], now))
        return events

    def counts(self) -> Mapping[str, int]:
        counts = (ctypes.c_int64 * len(COUNTS))()
        self._library.hp_counts(self.pointer, counts)
        return dict(zip(COUNTS, counts, strict=True))


def _outs(data: bytes) -> list[Out]:
    outs, at = [], 0
    while at < len(data):
        transport, head, rest = OUT.unpack_from(data, at)
        at += OUT.size
        outs.append(Out(transport, data[at : at + head], data[at + head : at + head + rest]))
        at += head + rest
    return outs
