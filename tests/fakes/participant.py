"""A headless participant: speaks PROTOCOL.md through any async `request(method, data)`, sends made-up frames, counts.

The DTLS and SRTP are aiortc's and libsrtp's; there is no codec, and no key: a frame has the shape of a sealed one, with
chance behind its header. Feed events to `event`. Nothing here knows whether the requests travel over relay.sock or over
a portal's WebSocket.
"""

from __future__ import annotations

import asyncio
import random
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from media import rtcp
from media.endpoint import Endpoint
from media.faults import MediaFault
from media.rtp import read_header, write_header
from media.transport import Certificate
from media.vp8 import starts_key_frame
from tests.fakes.sealed_frames import picture, sealed

Request = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]

# What this participant says it can receive: payload types are the relay's own.
CAPABILITIES = {
    "codecs": [
        {"kind": "audio", "mimeType": "audio/opus", "preferredPayloadType": 111, "clockRate": 48000, "channels": 2},
        {"kind": "video", "mimeType": "video/VP8", "preferredPayloadType": 96, "clockRate": 90000},
    ]
}
# Payload types it sends with; on purpose not the relay's.
PAYLOAD_TYPES = {"audio": 109, "video": 120}
CODECS = {"audio": ("audio/opus", 48000, 2), "video": ("video/VP8", 90000, None)}
# Seconds between two frames; slower than people's, to keep a room of eight cheap.
INTERVALS = {"audio": 0.04, "video": 0.1}


@dataclass
class Received:
    """One down track as this participant sees it."""

    track: str
    member: str
    kind: str
    down_track: str
    packets: int = 0
    key_frames: int = 0
    first_payload: bytes = b""
    sequences: list[int] = field(default_factory=list)
    timestamps: list[int] = field(default_factory=list)
    clocks: list[rtcp.SenderReport] = field(default_factory=list)
    goodbye: bool = False


@dataclass
class Sent:
    """One up track. `lose` names sequence numbers that are counted as sent but never leave; a NACK brings them, unless
    `answers` is False."""

    track: str
    kind: str
    ssrc: int
    sequence: int
    timestamp: int
    leaf: int = 0
    counter: int = 0
    packets: int = 0
    key_frames: int = 0
    asked_for_key_frame: int = 0
    key_frame_due: bool = True
    nacked: list[int] = field(default_factory=list)
    lose: set[int] = field(default_factory=set)
    answers: bool = True
    history: dict[int, bytes] = field(default_factory=dict)
    reports: list[rtcp.ReportBlock] = field(default_factory=list)

    def unsent(self) -> bytes:
        """A packet far ahead of those that are sent, for a test that sends it by itself."""
        header = write_header(
            False,
            False,
            PAYLOAD_TYPES[self.kind],
            (self.sequence + 500) & 0xFFFF,
            self.timestamp & 0xFFFFFFFF,
            self.ssrc,
        )
        return header + sealed("audio", 40, leaf=self.leaf, counter=self.counter + 500)


class Participant:
    """`join`, then `send("audio")`; whatever others send is received on its own unless `receives` is False."""

    def __init__(self, request: Request, *, receives: bool = True, seed: int = 0) -> None:
        self.request = request
        self.receives = receives
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.received: dict[str, Received] = {}
        self.sent: dict[str, Sent] = {}
        self.drop_received: Callable[[Received, int], bool] = lambda received, sequence: False
        self.sender: Endpoint | None = None
        self.receiver: Endpoint | None = None
        self._random = random.Random(seed)  # noqa: S311  a seeded generator is the point
        self.leaf = seed % 64
        self._by_ssrc: dict[int, Received] = {}
        self._certificate = Certificate()
        self._tasks: list[asyncio.Task[None]] = []
        self._waiting: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def join(self) -> None:
        joined = await self.request("join", {})
        if self.receives:
            created = await self.request("createTransport", {"direction": "receive"})
            self.receiver = Endpoint(
                created, certificate=self._certificate, on_rtp=self._rtp, on_rtcp=self._receiver_rtcp
            )
            self.receiver.lose = self._lose
            await self.receiver.connect(self.request)
            for track in joined["tracks"]:
                await self._receive(track)
            self._tasks.append(asyncio.create_task(self._receive_added()))

    def event(self, event: str, data: dict[str, Any]) -> None:
        self.events.append((event, data))
        if event == "trackAdded" and self.receives:
            self._waiting.put_nowait(data)

    async def send(self, kind: str, *, frames: bool = True) -> Sent:
        """Offer a track and, unless `frames` is False, send frames until `close`."""
        if self.sender is None:
            created = await self.request("createTransport", {"direction": "send"})
            self.sender = Endpoint(created, certificate=self._certificate, on_rtcp=self._sender_rtcp)
            await self.sender.connect(self.request)
        ssrc = self._random.randrange(1, 1 << 32)
        mime, rate, channels = CODECS[kind]
        codec = {"mimeType": mime, "payloadType": PAYLOAD_TYPES[kind], "clockRate": rate, "channels": channels}
        answer = await self.request(
            "sendTrack",
            {
                "transport": self.sender.transport,
                "kind": kind,
                "rtpParameters": {"codecs": [codec], "encodings": [{"ssrc": ssrc}], "rtcp": {"cname": "x"}},
            },
        )
        sent = Sent(answer["track"], kind, ssrc, self._random.randrange(1 << 16), self._random.randrange(1 << 32))
        sent.leaf = self.leaf
        self.sent[answer["track"]] = sent
        if frames:
            self._tasks.append(asyncio.create_task(self._frames(sent)))
        return sent

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        for endpoint in (self.sender, self.receiver):
            if endpoint is not None:
                await endpoint.close()

    def vanish(self) -> None:
        """Stop without telling anybody."""
        for task in self._tasks:
            task.cancel()
        for endpoint in (self.sender, self.receiver):
            if endpoint is not None:
                endpoint.vanish()

    def from_member(self, member: str, kind: str) -> Received | None:
        """The newest down track of that kind from that member."""
        found = [item for item in self.received.values() if item.member == member and item.kind == kind]
        return found[-1] if found else None

    def frame(self, sent: Sent) -> None:
        """Send one frame now: one packet of audio, two of video."""
        counter, sent.counter = sent.counter, sent.counter + 1
        if sent.kind == "audio":
            self._packet(sent, marker=False, payload=sealed("audio", 57, leaf=sent.leaf, counter=counter))
            sent.timestamp += 48000 // 25
            return
        key, sent.key_frame_due = sent.key_frame_due, False
        sent.key_frames += key
        # RFC 7741 section 4.2: S set and partition 0 on the first packet.
        frame = picture(700, key=key, leaf=sent.leaf, counter=counter)
        self._packet(sent, marker=False, payload=b"\x10" + frame[:400])
        self._packet(sent, marker=True, payload=b"\x00" + frame[400:])
        sent.timestamp += 9000

    def packet(self, sent: Sent, payload: bytes) -> None:
        """Send one packet with a payload of the test's own, and go on to the next frame."""
        self._packet(sent, marker=True, payload=payload)
        sent.timestamp += 9000

    def report(self, sent: Sent, ntp: int) -> None:
        """Send a sender report that ties `ntp` (64 bits) to the track's next timestamp."""
        assert self.sender is not None
        report = rtcp.SenderReport(sent.ssrc, ntp, sent.timestamp & 0xFFFFFFFF, sent.packets, 0)
        self.sender.send_rtcp(rtcp.write_sender_report(report) + rtcp.write_source_name(sent.ssrc, "x"))

    def ask_for_key_frame(self, received: Received) -> None:
        assert self.receiver is not None
        self.receiver.send_rtcp(rtcp.write_picture_loss(1, self._ssrc_of(received)))

    def nack(self, received: Received, lost: list[int]) -> None:
        assert self.receiver is not None
        self.receiver.send_rtcp(rtcp.write_nack(1, self._ssrc_of(received), lost))

    # --- inside ----------------------------------------------------------------------------------------------------

    def _ssrc_of(self, received: Received) -> int:
        return next(ssrc for ssrc, item in self._by_ssrc.items() if item is received)

    async def _frames(self, sent: Sent) -> None:
        while True:
            self.frame(sent)
            await asyncio.sleep(INTERVALS[sent.kind])

    def _packet(self, sent: Sent, *, marker: bool, payload: bytes) -> None:
        number = sent.sequence & 0xFFFF
        header = write_header(False, marker, PAYLOAD_TYPES[sent.kind], number, sent.timestamp & 0xFFFFFFFF, sent.ssrc)
        # A header extension that is malformed on purpose: whoever parses it carelessly breaks here.
        packet = bytes([header[0] | 0x10]) + header[1:] + struct.pack("!HHI", 0xBEDE, 1, 0x1F000000) + payload
        sent.history[number] = packet
        sent.sequence += 1
        sent.packets += 1
        if number not in sent.lose and self.sender is not None:
            try:
                self.sender.send_rtp(packet)
            except MediaFault:
                return

    async def _receive_added(self) -> None:
        while True:
            await self._receive(await self._waiting.get())

    async def _receive(self, track: dict[str, Any]) -> None:
        assert self.receiver is not None
        wanted = {
            "track": track["track"],
            "transport": self.receiver.transport,
            "rtpCapabilities": CAPABILITIES,
        }
        try:
            answer = await self.request("receiveTrack", wanted)
        except Exception as fault:  # RelayFault over relay.sock; over a WebSocket whatever the caller makes of it
            if getattr(fault, "code", "") != "unknown_track":  # it ended between the event and now
                raise
            return
        received = Received(answer["track"], answer["member"], answer["kind"], answer["downTrack"])
        self._by_ssrc[answer["rtpParameters"]["encodings"][0]["ssrc"]] = received
        self.received[answer["track"]] = received
        await self.request("resumeDownTrack", {"downTrack": answer["downTrack"]})

    def _lose(self, datagram: bytes) -> bool:
        header = read_header(datagram)  # SRTP leaves the header in clear
        received = self._by_ssrc.get(header.ssrc)
        return received is not None and self.drop_received(received, header.sequence)

    def _rtp(self, packet: bytes) -> None:
        header = read_header(packet)
        received = self._by_ssrc.get(header.ssrc)
        if received is None:
            return
        payload = packet[header.payload :]
        if not received.packets:
            received.first_payload = payload
        received.packets += 1
        received.key_frames += received.kind == "video" and starts_key_frame(payload)
        received.sequences.append(header.sequence)
        received.timestamps.append(header.timestamp)

    def _receiver_rtcp(self, datagram: bytes) -> None:
        for packet in rtcp.read_compound(datagram):
            if isinstance(packet, rtcp.SenderReport) and packet.ssrc in self._by_ssrc:
                self._by_ssrc[packet.ssrc].clocks.append(packet)
            if isinstance(packet, rtcp.Goodbye):
                for ssrc in packet.sources:
                    if ssrc in self._by_ssrc:
                        self._by_ssrc[ssrc].goodbye = True

    def _sender_rtcp(self, datagram: bytes) -> None:
        by_ssrc = {sent.ssrc: sent for sent in self.sent.values()}
        for packet in rtcp.read_compound(datagram):
            if isinstance(packet, rtcp.KeyFrameRequest) and packet.media in by_ssrc:
                by_ssrc[packet.media].asked_for_key_frame += 1
                by_ssrc[packet.media].key_frame_due = True
            elif isinstance(packet, rtcp.Nack) and packet.media in by_ssrc:
                self._send_again(by_ssrc[packet.media], packet.lost)
            elif isinstance(packet, rtcp.ReceiverReport):
                for block in packet.blocks:
                    if block.ssrc in by_ssrc:
                        by_ssrc[block.ssrc].reports.append(block)

    def _send_again(self, sent: Sent, lost: tuple[int, ...]) -> None:
        assert self.sender is not None
        for number in lost:
            sent.nacked.append(number)
            if number in sent.history and sent.answers:
                self.sender.send_rtp(sent.history[number])
