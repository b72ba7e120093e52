"""Sealed frames and their packets, written anew from PROTOCOL.md section 9, RFC 9605 and RFC 7741.

On purpose it shares no line with the relay or the room's page: what they agree on, the documents say. Runs under the
system's Python beside GStreamer, so it needs Debian's python3-cryptography and nothing of this project.
"""

from __future__ import annotations

import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

SUITE = 4  # AES_128_GCM_SHA256_128
CONTEXTS = {"audio": 1, "video": 2}
EPOCH = 1
PACKET = 1100  # bytes of a frame that one packet takes


def _hmac(key: bytes, data: bytes) -> bytes:
    made = HMAC(key, SHA256())
    made.update(data)
    return made.finalize()


def keys(base_key: bytes, kid: int) -> tuple[bytes, bytes]:
    """Key and salt of one key id (RFC 9605 section 4.4.2); each label is short enough for one block of HKDF-Expand."""
    secret = _hmac(bytes(32), base_key)
    tail = struct.pack("!QH", kid, SUITE)
    key = _hmac(secret, b"SFrame 1.0 Secret key " + tail + b"\1")[:16]
    return key, _hmac(secret, b"SFrame 1.0 Secret salt " + tail + b"\1")[:12]


def _number(value: int) -> tuple[int, bytes]:
    if value < 8:
        return value, b""
    size = (value.bit_length() + 7) // 8
    return 7 + size, value.to_bytes(size, "big")


def _clear(kind: str, frame: bytes) -> int:
    if kind == "audio":
        return 0
    return 1 if frame[0] & 1 else 10


class Sealer:
    """One member's frames of one kind."""

    def __init__(self, base_key: bytes, kind: str, leaf: int) -> None:
        self._kind, self._counter = kind, 0
        self._kid = CONTEXTS[kind] << 16 | leaf << 8 | EPOCH
        key, self._salt = keys(base_key, self._kid)
        self._aead = AESGCM(key)

    def seal(self, frame: bytes) -> bytes:
        clear = frame[: _clear(self._kind, frame)]
        (kid_field, kid), (ctr_field, ctr) = _number(self._kid), _number(self._counter)
        header = bytes([kid_field << 4 | ctr_field]) + kid + ctr
        nonce = _nonce(self._salt, self._counter)
        self._counter += 1
        return clear + header + self._aead.encrypt(nonce, frame[len(clear) :], header + clear)


class Opener:
    """Everybody's frames of one kind. None for what cannot be opened."""

    def __init__(self, base_key: bytes, kind: str) -> None:
        self._base_key, self._kind = base_key, kind
        self._known: dict[int, tuple[AESGCM, bytes]] = {}

    def open(self, frame: bytes) -> bytes | None:
        clear = frame[: _clear(self._kind, frame)]
        try:
            kid, after = _read(frame, len(clear) + 1, frame[len(clear)] >> 4)
            counter, after = _read(frame, after, frame[len(clear)] & 15)
            if kid >> 16 != CONTEXTS[self._kind]:
                return None
            aead, salt = self._of(kid)
            return clear + aead.decrypt(_nonce(salt, counter), frame[after:], frame[len(clear) : after] + clear)
        except (IndexError, InvalidTag):
            return None

    def _of(self, kid: int) -> tuple[AESGCM, bytes]:
        if kid not in self._known:
            key, salt = keys(self._base_key, kid)
            self._known[kid] = AESGCM(key), salt
        return self._known[kid]


def _read(frame: bytes, position: int, field: int) -> tuple[int, int]:
    if field < 8:
        return field, position
    end = position + field - 7
    return int.from_bytes(frame[position:end], "big"), end


def _nonce(salt: bytes, counter: int) -> bytes:
    return bytes(a ^ b for a, b in zip(salt, counter.to_bytes(12, "big"), strict=True))


class Packets:
    """RTP packets out of frames: Opus one each, VP8 with a 15-bit picture id and S on the first (RFC 7741)."""

    def __init__(self, kind: str, payload_type: int, ssrc: int) -> None:
        self._kind, self._payload_type, self._ssrc = kind, payload_type, ssrc
        self._sequence = self._picture = 7

    def of(self, frame: bytes, timestamp: int) -> list[bytes]:
        if self._kind == "audio":
            return [self._packet(frame, timestamp, True)]
        parts = [frame[start : start + PACKET] for start in range(0, len(frame), PACKET)]
        self._picture = (self._picture + 1) & 0x7FFF
        id_ = struct.pack("!BBH", 0x80, 0x80, 0x8000 | self._picture)
        start = bytes([0x90]) + id_[1:]
        return [
            self._packet((id_ if number else start) + part, timestamp, number == len(parts) - 1)
            for number, part in enumerate(parts)
        ]

    def _packet(self, payload: bytes, timestamp: int, marker: bool) -> bytes:
        self._sequence = (self._sequence + 1) & 0xFFFF
        second = marker << 7 | self._payload_type
        return struct.pack("!BBHII", 0x80, second, self._sequence, timestamp & 0xFFFFFFFF, self._ssrc) + payload


class Frames:
    """Frames out of RTP packets that come in order. `lacking`: whether the last one was given up for a gap."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._parts: list[bytes] = []
        self._next: int | None = None
        self.lacking = False

    def add(self, packet: bytes) -> bytes | None:
        """The frame that this packet completes."""
        sequence, payload = struct.unpack_from("!H", packet, 2)[0], _payload(packet)
        gap, self._next = self._next not in (None, sequence), (sequence + 1) & 0xFFFF
        if not payload:
            return None
        if self._kind == "audio":
            return payload
        begins = payload[0] & 0x17 == 0x10
        self.lacking = (self.lacking and not begins) or (gap and not begins)
        if begins:
            self._parts = []
        self._parts.append(payload[_descriptor(payload) :])
        return b"".join(self._parts) if packet[1] & 0x80 and not self.lacking else None


def _payload(packet: bytes) -> bytes:
    start = 12 + 4 * (packet[0] & 15)
    if packet[0] & 0x10:
        start += 4 + 4 * int(struct.unpack_from("!H", packet, start + 2)[0])
    return packet[start : len(packet) - (packet[-1] if packet[0] & 0x20 else 0)]


def _descriptor(payload: bytes) -> int:
    if not payload[0] & 0x80:
        return 1
    flags, length = payload[1], 2
    if flags & 0x80:
        length += 2 if payload[2] & 0x80 else 1
    return length + bool(flags & 0x40) + bool(flags & 0x30)
