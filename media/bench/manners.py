"""What browsers say while media flows, at the rate they do, so that a relay's RTCP is at work while it is measured.

A receiver: a receiver report each second, transport-wide feedback each 100 ms where that was agreed, else REMB each
second, and a NACK within 20 ms for the packets it plays to have lost (`generator.LOSE`). A sender: a sender report of
each stream each second, and a key frame when one is asked for. Said to every relay alike; who does not understand it
drops it.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from dataclasses import dataclass, field

from media import rtcp
from media.bandwidth.arrivals import ArrivalLog
from media.bench.generator import Load
from media.faults import MediaFault

LOOK_INTERVAL = 0.02
LOOKS_PER_FEEDBACK = 5
LOOKS_PER_REPORT = 50
# SSRC of receivers that send nothing, as Chromium has it.
NOBODY = 1
# What a receiver says by REMB that its line carries, in bits per second: more than any profile needs.
PLENTY = 50_000_000
_NTP_EPOCH = 2_208_988_800


@dataclass
class Ear:
    """One receiving line: what it has said, and when the newest sender reports came."""

    line: int
    log: ArrivalLog = field(default_factory=lambda: ArrivalLog(NOBODY))
    clocks: dict[int, tuple[int, float]] = field(default_factory=dict)


class Manners:
    def __init__(self, load: Load, senders: list[int], receivers: list[int], rtx: int) -> None:
        self._load = load
        self._senders = senders
        self._ears = [Ear(line) for line in receivers]
        self._rtx = rtx
        self.nacked = self.asked_for_key_frames = self.feedbacks = 0

    async def run(self) -> None:
        """Until cancelled."""
        looks = 0
        while True:
            await asyncio.sleep(LOOK_INTERVAL)
            looks += 1
            for ear in self._ears:
                self._hear(ear)
                # Not all in one moment: each has its own tenth of a second.
                if (looks + ear.line) % LOOKS_PER_FEEDBACK == 0:
                    self._feed_back(ear)
                if (looks + ear.line) % LOOKS_PER_REPORT == 0:
                    self._report(ear)
            for line in self._senders:
                self._obey(line)
                if (looks + line) % LOOKS_PER_REPORT == 0:
                    self._tell_clocks(line)

    def _hear(self, ear: Ear) -> None:
        lost: dict[int, list[int]] = defaultdict(list)
        for ssrc, data in self._load.notes(ear.line):
            if ssrc:
                lost[ssrc].append(int.from_bytes(data, "big"))
                continue
            for packet in _read(data):
                if isinstance(packet, rtcp.SenderReport):
                    ear.clocks[packet.ssrc] = (packet.ntp >> 16 & 0xFFFFFFFF, time.monotonic())
        for ssrc, numbers in lost.items():
            self.nacked += len(numbers)
            # Compound, with a report about that stream first: Janus finds the stream by it.
            report = rtcp.write_receiver_report(NOBODY, [rtcp.ReportBlock(ssrc, 0, 0, numbers[-1], 0, 0, 0)])
            self._load.send_rtcp(ear.line, report + rtcp.write_nack(NOBODY, ssrc, numbers))

    def _feed_back(self, ear: Ear) -> None:
        if self._load.lines[ear.line].sequence:
            ear.log.add(self._load.arrivals(ear.line))
            for packet in ear.log.feedback(NOBODY):
                self.feedbacks += 1
                self._load.send_rtcp(ear.line, packet)

    def _report(self, ear: Ear) -> None:
        blocks = []
        for stream in self._load.streams(ear.line):
            if stream.payload_type != self._rtx:
                heard, at = ear.clocks.get(stream.ssrc, (0, 0.0))
                delay = int((time.monotonic() - at) * 65536) if heard else 0
                blocks.append(rtcp.ReportBlock(stream.ssrc, 0, 0, stream.highest, 0, heard, delay))
        report = rtcp.write_receiver_report(NOBODY, blocks[:31])
        if not self._load.lines[ear.line].sequence:
            report += rtcp.write_remb(NOBODY, PLENTY, [block.ssrc for block in blocks])
        self._load.send_rtcp(ear.line, report)

    def _obey(self, line: int) -> None:
        for _, data in self._load.notes(line):
            for packet in _read(data):
                if isinstance(packet, rtcp.KeyFrameRequest):
                    self.asked_for_key_frames += 1
                    self._load.ask_key_frame(packet.media)

    def _tell_clocks(self, line: int) -> None:
        for number, item in enumerate(self._load.sources):
            if self._load.line_of(number) == line:
                sent = self._load.sent(number)
                ntp = int((time.time() + _NTP_EPOCH) * 2**32)
                report = rtcp.SenderReport(item.ssrc, ntp, sent.timestamp, sent.packets, sent.octets)
                self._load.send_rtcp(
                    line, rtcp.write_sender_report(report) + rtcp.write_source_name(item.ssrc, "bench")
                )


def _read(data: bytes) -> list[rtcp.Rtcp]:
    try:
        return rtcp.read_compound(data)
    except MediaFault:  # of another's relay
        return []
