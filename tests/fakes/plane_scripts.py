"""From a seed a script of commands and packets for a forwarding plane, and what two planes make of it.

A script depends on its seed alone, never on what a plane answers, so the first step at which two planes differ can be
run again. Packets are those of honest senders most of the time; some come late, twice, damaged, in the clear, with
a number far away, or for nobody. Commands name what is there most of the time.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from media.bandwidth.twcc import write_feedback
from media.faults import MediaFault
from media.messages import Kind
from media.plane.interface import DownFormat, Extensions, Plane, StreamFormat
from tests.fakes.planes import CLOCKS, LEVEL, SEEN_RTX, SEEN_TYPE, SENT_RTX, SENT_TYPE, WIDE, block, rtp, vp8
from tests.fakes.sealed_frames import sealed

Answer = object


class Step(NamedTuple):
    """One call. `words` say what it is, in a report of a difference."""

    words: str
    call: Callable[[Plane], Answer]


class Difference(NamedTuple):
    """Where two planes part: the step, and what each made of it."""

    at: int
    step: str
    one: Answer
    other: Answer


@dataclass
class Sender:
    """One stream of an honest sender, and its last packets, which may come again or late."""

    number: int
    transport: int
    kind: Kind
    ssrc: int
    rtx: int | None
    sequence: int
    timestamp: int
    picture: int
    layer0: int
    wide: bool
    past: list[bytes] = field(default_factory=list)
    late: list[bytes] = field(default_factory=list)


class Author:
    """Writes one script."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)  # noqa: S311  seeded on purpose
        self.now = self.dice.choice([0, 10**9, 10**15])
        self.next = 1
        self.transports: list[int] = []
        self.senders: dict[int, Sender] = {}
        self.downs: dict[int, Kind] = {}
        self.wide = 0
        # Of each transport, the number that its receiver's next feedback begins with.
        self.told: dict[int, int] = {}

    # --- steps -------------------------------------------------------------------------------------------------------

    def write(self, length: int) -> Iterator[Step]:
        for begin in (self.transport, self.transport, self.stream, self.stream, self.stream, self.down, self.down):
            yield begin()
        steps = (
            self.packet,
            self.aim,
            self.repair,
            self.ask,
            self.clock,
            self.rule,
            self.probe,
            self.answer,
            self.stream,
            self.down,
        )
        rare = (self.transport, self.extensions, self.rtx, self.remove)
        for _ in range(length):
            self.now += self.dice.choice([0, 1, 10**6, 10**6, 5 * 10**6, 2 * 10**7, 2 * 10**7, 3 * 10**8])
            if self.dice.random() < 0.002:
                self.now += 10 ** self.dice.randrange(9, 15)
            (step,) = self.dice.choices((*steps, *rare), (150, 12, 10, 10, 4, 3, 2, 8, 2, 3, 0.5, 1.5, 0.5, 2))
            yield step()
        yield from (self.ask_all(number) for number in [*self.transports, *self.senders, *self.downs])

    def transport(self) -> Step:
        number = self._new()
        self.transports.append(number)
        return Step(f"add_transport({number})", lambda plane: plane.add_transport(number))

    def extensions(self) -> Step:
        number, both = self._of(self.transports), Extensions(*self.dice.choices((0, LEVEL, WIDE, 15, 200), k=2))
        return Step(f"set_extensions({number}, {both})", lambda plane: plane.set_extensions(number, both))

    def stream(self) -> Step:
        dice, number, transport = self.dice, self._new(), self._of(self.transports)
        kind: Kind = dice.choice(["audio", "video", "video"])
        ssrc, rtx = dice.randrange(100, 160), dice.choice([None, dice.randrange(100, 160)])
        types = {SENT_TYPE: SEEN_TYPE, SENT_TYPE + 3: SEEN_TYPE + 2}
        repairs = None if rtx is None else (rtx, SENT_RTX)
        format = StreamFormat(
            kind, ssrc, types, CLOCKS[kind], repairs, nack=dice.random() < 0.8, sealed=dice.random() < 0.6
        )
        taken = {sender.ssrc for sender in self.senders.values() if sender.transport == transport}
        taken |= {sender.rtx or 0 for sender in self.senders.values() if sender.transport == transport}
        if transport in self.transports and not taken & {ssrc, rtx} and ssrc != rtx:
            start = dice.choice([0, 0xFFF0, dice.randrange(0x10000)])
            stamp = dice.choice([0, 0xFFFF0000, dice.randrange(1 << 32)])
            self.senders[number] = Sender(
                number,
                transport,
                kind,
                ssrc,
                rtx,
                start,
                stamp,
                dice.choice([0, 120, 0x7FFA]),
                250,
                dice.random() < 0.8,
            )
        return Step(
            f"add_stream({number}, {transport}, {format})", lambda plane: plane.add_stream(number, transport, format)
        )

    def rtx(self) -> Step:
        number, ssrc = self._of(self.senders), self.dice.randrange(160, 200)
        sender = self.senders.get(number)
        if sender is not None:
            if sender.rtx is not None or any(ssrc == other.rtx for other in self.senders.values()):
                return self.ask()
            sender.rtx = ssrc
        return Step(f"set_rtx({number}, {ssrc})", lambda plane: plane.set_rtx(number, (ssrc, SENT_RTX)))

    def down(self) -> Step:
        dice, number, transport = self.dice, self._new(), self._of(self.transports)
        kind: Kind = dice.choice(["audio", "video", "video"])
        format = DownFormat(
            transport,
            dice.randrange(1 << 32),
            kind,
            dice.choice([0, 0xFFF0, dice.randrange(0x10000)]),
            dice.choice([0, 0x80000000, dice.randrange(1 << 32)]),
            CLOCKS[kind],
            dice.choice([None, (dice.randrange(1 << 32), SEEN_RTX)]),
            dice.choice([0, WIDE]),
        )
        if transport in self.transports:
            self.downs[number] = kind
        return Step(f"add_down({number}, {format})", lambda plane: plane.add_down(number, format))

    def remove(self) -> Step:
        """Rather a stream or a down than a transport, which takes many along."""
        dice = self.dice
        if dice.random() < 0.1 and len(self.transports) > 2:
            number = self._of(self.transports)
            self.transports = [other for other in self.transports if other != number]
            self.senders = {at: sender for at, sender in self.senders.items() if sender.transport != number}
            return Step(f"remove_transport({number})", lambda plane: plane.remove_transport(number))
        if dice.random() < 0.5:
            number = self._of(self.downs)
            self.downs.pop(number, None)
            return Step(f"remove_down({number})", lambda plane: plane.remove_down(number))
        number = self._of(self.senders)
        self.senders.pop(number, None)
        return Step(f"remove_stream({number})", lambda plane: plane.remove_stream(number))

    def aim(self) -> Step:
        down, at_once = self._of(self.downs), self.dice.random() < 0.3
        fitting = [at for at, sender in self.senders.items() if sender.kind == self.downs.get(down)]
        stream = self.dice.choice([*fitting, *fitting, None]) if fitting else None
        return Step(f"aim({down}, {stream}, {at_once})", lambda plane: plane.aim(down, stream, at_once=at_once))

    def rule(self) -> Step:
        number, forwarded, sealed_only = self._of(self.senders), self.dice.random() < 0.8, self.dice.random() < 0.5
        return Step(
            f"set_stream({number}, {forwarded}, {sealed_only})",
            lambda plane: plane.set_stream(number, forwarded=forwarded, sealed=sealed_only),
        )

    def clock(self) -> Step:
        """True to the sender's time most of the time."""
        number = self._of(self.senders)
        sender, dice = self.senders.get(number), self.dice
        ntp, stamp = (self.now << 32) // 10**9 & (1 << 64) - 1, sender.timestamp if sender else 0
        if dice.random() < 0.3:
            ntp, stamp = dice.choice([0, (1 << 64) - 1, dice.randrange(1 << 64)]), dice.randrange(1 << 32)
        return Step(f"set_clock({number}, {ntp}, {stamp})", lambda plane: plane.set_clock(number, ntp, stamp))

    def repair(self) -> Step:
        """By number, so that it can be known beforehand which ones a receiver may name: near those that began."""
        down, now, dice = self._of(self.downs), self.now, self.dice
        middle = dice.choice([0, 0xFFF0, dice.randrange(0x10000)])
        lost = [middle + dice.randrange(-20, dice.choice([60, 600])) & 0xFFFF for _ in range(dice.choice([1, 5, 300]))]
        return Step(f"repair({down}, {lost}, {now})", lambda plane: _outs(plane.repair(down, lost, now)))

    def probe(self) -> Step:
        down, now = self._of(self.downs), self.now
        return Step(f"probe({down}, 3, {now})", lambda plane: _outs(plane.probe(down, 3, now)))

    def answer(self) -> Step:
        """A receiver's transport-wide feedback about what was sent to it; at times about anything, or damaged."""
        dice, number = self.dice, self._of(self.transports)
        base, count = self.told.get(number, 0), dice.choice([1, 3, 10, 40, 300])
        self.told[number] = base + count - dice.choice([0, 0, 0, 1, 20])
        if dice.random() < 0.1:
            base = dice.randrange(0x10000)
        tick = max(self.now // 250_000 - dice.choice([0, 400, 100_000]), 0)
        arrivals: list[int | None] = [tick]
        for _ in range(count - 1):
            tick = max(tick + dice.choice([0, 1, 4, 20, 80, 300, -9]), 0)
            arrivals.append(tick if dice.random() < 0.9 else None)
        fci = write_feedback(base & 0xFFFF, dice.randrange(256), arrivals)
        if dice.random() < 0.3:
            fci = self._damaged(fci)
        return Step(f"answered({number}, {fci.hex()})", lambda plane: plane.answered(number, fci))

    def ask(self) -> Step:
        if self.dice.random() < 0.5:
            now = self.now
            return Step(f"missing({now})", lambda plane: (plane.lacks(), sorted(plane.missing(now)), plane.lacks()))
        return self.ask_all(self._of([*self.transports, *self.senders, *self.downs]))

    def ask_all(self, number: int) -> Step:
        """Everything that can be asked with one number, of whatever it is."""
        streams, stamp = list(self.senders), self.now & 0xFFFFFFFF

        def call(plane: Plane) -> Answer:
            asks: list[Callable[[], Answer]] = [
                lambda: plane.flowing(number),
                lambda: plane.received(number),
                lambda: plane.feedback(number),
                lambda: plane.departed(number),
                lambda: sorted(plane.levels()),
                plane.counts,
                plane.lacks,
                *(lambda stream=stream: plane.sent(number, stream, stamp) for stream in streams),
            ]
            return [_answer(ask) for ask in asks]

        return Step(f"ask({number})", call)

    # --- packets -----------------------------------------------------------------------------------------------------

    def packet(self) -> Step:
        dice, now = self.dice, self.now
        if not self.senders:
            return self.stream()
        sender = self.senders[dice.choice(list(self.senders))]
        chance = dice.random()
        if sender.past and chance < 0.06:
            packet = dice.choice(sender.past)
        elif sender.late and chance < 0.12:
            packet = sender.late.pop(dice.randrange(len(sender.late)))
        else:
            packet = self._fresh(sender)
        if chance > 0.98:
            packet = self._damaged(packet)
        transport = sender.transport if dice.random() < 0.99 else self._of(self.transports)
        return Step(
            f"receive({transport}, {packet.hex()}, {now})", lambda plane: _outs(plane.receive(transport, packet, now))
        )

    def _fresh(self, sender: Sender) -> bytes:
        """The sender's next packet, or, where one got lost or waits, the one after it."""
        packet = self._next(sender)
        while self.dice.random() < 0.08:
            sender.late.append(
                packet if sender.rtx is None or self.dice.random() < 0.3 else self._repair_of(sender, packet)
            )
            packet = self._next(sender)
        sender.past = [*sender.past[-30:], packet]
        del sender.late[:-20]
        return packet

    def _next(self, sender: Sender) -> bytes:
        dice = self.dice
        sender.sequence += 1
        if dice.random() < 0.004:
            sender.sequence += dice.choice([255, 257, 258, 1023, 1024, 1025, 0x7FFE, 0x8000, -5000])
        begin = dice.random() < 0.4
        if begin or sender.kind == "audio":
            sender.timestamp += dice.choice([960, 3000, 3000, 3000, 90_000 * 40])
            sender.picture, sender.layer0 = sender.picture + 1, sender.layer0 + dice.choice([0, 1])
        payload_type = SENT_TYPE if dice.random() < 0.97 else dice.choice([SENT_TYPE + 3, 7])
        padding = dice.choice([0] * 12 + [1, 20])
        payload = b"" if padding and dice.random() < 0.5 else self._payload(sender, begin)
        return rtp(
            sender.sequence,
            sender.timestamp,
            ssrc=sender.ssrc,
            payload=payload,
            payload_type=payload_type,
            marker=dice.random() < 0.3,
            padding=padding,
            block=self._block(),
        )

    def _payload(self, sender: Sender, begin: bool) -> bytes:
        dice = self.dice
        if dice.random() < 0.01:
            return dice.randbytes(dice.choice([1, 2, 3, 5, 60, 1400]))
        if sender.kind == "audio":
            return sealed("audio", dice.choice([16, 40, 100]), counter=dice.randrange(300))
        id = dice.choice([sender.picture & (0x7FFF if sender.wide else 0x7F)] * 9 + [None])
        layer0 = dice.choice([sender.layer0 & 0xFF] * 9 + [None])
        return vp8(key=begin and dice.random() < 0.3, begin=begin, id=id, layer0=layer0, wide=sender.wide)

    def _block(self) -> bytes:
        dice = self.dice
        if dice.random() < 0.3:
            return b""
        self.wide += 1
        elements = [(LEVEL, dice.randbytes(1)), (WIDE, (self.wide & 0xFFFF).to_bytes(2, "big")), (9, dice.randbytes(3))]
        dice.shuffle(elements)
        whole = block(*elements[: dice.randrange(4)], two_byte=dice.random() < 0.3)
        return whole if dice.random() < 0.95 else whole[:4] + dice.randbytes(len(whole) - 4)

    def _repair_of(self, sender: Sender, packet: bytes) -> bytes:
        """The packet again in the repair stream (RFC 4588 section 4)."""
        dice = self.dice
        start = 12 if not packet[0] & 0x10 else 16 + 4 * int.from_bytes(packet[14:16], "big")
        end = len(packet) - packet[-1] if packet[0] & 0x20 else len(packet)
        return rtp(
            dice.randrange(0x10000),
            int.from_bytes(packet[4:8], "big"),
            ssrc=sender.rtx or 0,
            payload=packet[2:4] + packet[start:end],
            payload_type=SENT_RTX if dice.random() < 0.97 else SENT_TYPE,
            marker=bool(packet[1] & 0x80),
            padding=dice.choice([0, 0, 0, 9]),
            block=self._block(),
        )

    def _damaged(self, packet: bytes) -> bytes:
        dice, broken = self.dice, bytearray(packet)
        for _ in range(dice.randrange(3)):
            broken[dice.randrange(min(len(broken), 32))] = dice.randrange(256)
        return bytes(broken[: dice.choice([len(broken), dice.randrange(len(broken) + 1)])])

    # --- numbers -----------------------------------------------------------------------------------------------------

    def _new(self) -> int:
        self.next += 1
        return self.next

    def _of(self, there: Sequence[int] | dict[int, Sender] | dict[int, Kind]) -> int:
        """One of those that are there, at times one that is not."""
        known = list(there)
        return (
            self.dice.choice(known) if known and self.dice.random() < 0.985 else self.dice.randrange(1, self.next + 3)
        )


def _outs(outs: Sequence[tuple[int, bytes, bytes]]) -> Answer:
    return [(transport, head + rest) for transport, head, rest in outs]


def _answer(ask: Callable[[], Answer]) -> Answer:
    try:
        return ask()
    except (KeyError, ValueError) as fault:
        return type(fault) if isinstance(fault, (KeyError, MediaFault)) else ValueError


def script(seed: int, length: int) -> list[Step]:
    return list(Author(seed).write(length))


def difference(one: Plane, other: Plane, steps: Sequence[Step]) -> Difference | None:
    """The first step after which the two do not answer the same, or do not tell the same events; None if all do."""
    for at, step in enumerate(steps):
        mine, theirs = _after(one, step), _after(other, step)
        if mine != theirs:
            return Difference(at, step.words, mine, theirs)
    return None


def _after(plane: Plane, step: Step) -> Answer:
    return _answer(lambda: step.call(plane)), plane.take()
