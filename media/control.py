"""relay.sock: the appliance's line into the relay. One appliance at a time; a newer connection replaces the older.

It is known by its uid: whoever the folder belongs to, since others may write there. A connection that ends changes
nothing in the rooms. Events nobody is there to hear are dropped: pages catch up with `resync` (PROTOCOL.md section 6).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import socket
import stat
import struct
from collections.abc import Mapping
from pathlib import Path

import msgspec

from media import limits, messages
from media.faults import SENTENCES, Fault
from media.outputs import Tell
from media.relay import Relay

log = logging.getLogger("hearth.relay")


class SocketTaken(Exception):
    """Another process listens on that path, or something that is not a socket lies there."""


class Control:
    """The listener. `relay` is set before the first connection is accepted."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._instance = secrets.token_urlsafe(9)
        self._decoder = msgspec.json.Decoder(messages.ToRelay)
        self._encoder = msgspec.json.Encoder()
        self._writer: asyncio.StreamWriter | None = None
        self._server: asyncio.Server | None = None
        self.relay: Relay | None = None

    async def start(self, relay: Relay) -> None:
        """Raises SocketTaken or OSError."""
        self.relay = relay
        _clear_stale(self._path)
        before = os.umask(0o117)  # the socket is 0660 from its first moment
        try:
            self._server = await asyncio.start_unix_server(self._serve, self._path, limit=limits.MAX_LINE)
        finally:
            os.umask(before)

    async def stop(self) -> None:
        if self._writer is not None:
            self._writer.close()
        if self._server is not None:
            self._server.close()
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()

    def tell(self, event: Tell) -> None:
        if self._writer is not None:
            self._write(self._writer, messages.Event(event.room, event.member, event.event, event.data))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if _peer_uid(writer) not in (self._path.parent.stat().st_uid, os.getuid(), 0):
            log.warning("another user's process was refused")  # it could let anybody into a room
            writer.close()
            return
        try:
            async with asyncio.timeout(limits.GREETING_TIMEOUT):
                await self._greet(reader, writer)
            while self._writer is writer:
                line = await reader.readuntil(b"\n")
                self._line(line, writer)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError, Fault) as error:
            log.info("appliance's connection ended (%s)", type(error).__name__)
        finally:
            if self._writer is writer:
                self._writer = None
            writer.close()

    async def _greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hello and the whole truth come first; only then is the older connection replaced."""
        hello = self._decode(await reader.readuntil(b"\n"), writer)
        if not isinstance(hello, messages.Hello) or hello.version != limits.SOCKET_VERSION:
            self._refuse(writer, 0, "bad_message")
            raise Fault("bad_message")
        self._write(writer, messages.Welcome(limits.SOCKET_VERSION, self._instance))
        truth = self._decode(await reader.readuntil(b"\n"), writer)
        if not isinstance(truth, messages.Admitted):
            self._refuse(writer, 0, "bad_message")
            raise Fault("bad_message")
        if self._writer is not None:
            self._writer.close()
        self._writer = writer
        log.info("an appliance is connected, %d rooms", len(truth.rooms))
        self._answer(truth, writer)

    def _line(self, line: bytes, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(Fault):
            self._answer(self._decode(line, writer), writer)

    def _decode(self, line: bytes, writer: asyncio.StreamWriter) -> messages.ToRelay:
        try:
            message: messages.ToRelay = self._decoder.decode(line)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            self._refuse(writer, _id_of(line), "bad_message")
            raise Fault("bad_message") from error
        if isinstance(message, messages.Request) and len(line) > limits.MAX_REQUEST:
            self._refuse(writer, message.id, "limit")
            raise Fault("limit")
        return message

    def _answer(self, message: messages.ToRelay, writer: asyncio.StreamWriter) -> None:
        number = getattr(message, "id", 0)
        try:
            data = self._obey(message)
        except Fault as fault:
            self._refuse(writer, number, fault.code)
        else:
            self._write(writer, messages.Reply(number, data))

    def _obey(self, message: messages.ToRelay) -> Mapping[str, object]:
        relay = self.relay
        if relay is None:
            raise Fault("away")
        try:
            match message:
                case messages.Request(_, room, member, method, data):
                    return relay.request(room, member, method, data)
                case messages.Permit(_, room, member, permission):
                    relay.rooms.permit(room, member, permission)
                case messages.Remove(_, room, member):
                    relay.rooms.remove(room, member)
                case messages.Leave(_, room, member):
                    relay.rooms.leave(room, member)
                case messages.CloseRoom(_, room):
                    relay.rooms.close_room(room)
                case messages.Admitted(rooms):
                    relay.rooms.admitted(rooms)
                case messages.Counts() | messages.Fits():
                    return relay.counts() if isinstance(message, messages.Counts) else relay.rooms.fits(message.room)
                case messages.Hello():
                    raise Fault("wrong_state")
        finally:
            relay.drain()
        return {}

    def _refuse(self, writer: asyncio.StreamWriter, number: int, code: str) -> None:
        self._write(writer, messages.Refused(number, code, SENTENCES[code]))

    def _write(self, writer: asyncio.StreamWriter, message: messages.FromRelay) -> None:
        if writer.is_closing():
            return
        if writer.transport.get_write_buffer_size() > limits.MAX_SOCKET_BACKLOG:
            log.warning("the appliance does not read; its connection is closed")
            writer.transport.abort()
            return
        writer.write(self._encoder.encode(message) + b"\n")


def _id_of(line: bytes) -> int:
    """The id of a line that is otherwise wrong, so that its sender gets the fault; 0 if there is none."""

    class OnlyId(msgspec.Struct):
        id: int = 0

    try:
        return msgspec.json.decode(line, type=OnlyId).id
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return 0


def _clear_stale(path: Path) -> None:
    """Take away the socket of a relay that was killed; never one that somebody answers on, never another file."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise SocketTaken
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
    raise SocketTaken


def _peer_uid(writer: asyncio.StreamWriter) -> int:
    """The uid of the process at the other end of the socket (SO_PEERCRED, unix(7))."""
    size = struct.calcsize("3i")
    credentials = writer.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    return int(struct.unpack("3i", credentials)[1])
