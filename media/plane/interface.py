"""The forwarding plane: what happens to each RTP packet, and nothing else. The room decides, the plane carries out.

Two things implement `Plane`: `twin.py` in Python, and `media/native` in C, which can also run in a thread of its own
with the socket. tests/contract/plane holds both to one suite, and to each other over random scripts.

Sans-IO: bytes and time in, bytes out, no key and no socket. Numbers of transports, streams and downs are the caller's,
each used once. `now` is monotonic time in **nanoseconds**. RTP timestamps and SSRCs are 32-bit numbers, `ntp` is the
64-bit time of a sender report (RFC 3550 section 4). Words of RFC 7656: an *RTP stream* is one SSRC; the streams of one
simulcast up track are its layers.

Each method raises KeyError for a number that is not there, but for those that remove: they do nothing then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, Protocol

from media.messages import Kind


class Extensions(NamedTuple):
    """Ids of header extensions that a transport's peer uses (RFC 8285; one-byte and two-byte form); 0 for none."""

    level: int = 0  # RFC 6464: sound level of the client to the mixer
    transport_sequence: int = 0  # draft-holmer-rmcat-transport-wide-cc-extensions-01


class StreamFormat(NamedTuple):
    """One RTP stream towards us. `payload_types`: the sender's number to the one that all receivers see."""

    kind: Kind
    ssrc: int
    payload_types: Mapping[int, int]
    clock_rate: int
    # Repair stream (RFC 4588): its SSRC and payload type; None without.
    rtx: tuple[int, int] | None = None
    # Whether what is missing is asked of the sender (`missing`).
    nack: bool = True
    # Whether only sealed frames pass (media/sealed.py).
    sealed: bool = True


class DownFormat(NamedTuple):
    """One stream to one receiver, as the receiver was told. `transport` is the receiving one.

    `transport_sequence`: id of that header extension, 0 for none. Never together with NACK but without `rtx`: a packet
    repeated under its own number has to be the same bit for bit (one AEAD nonce, RFC 7714 section 9).
    """

    transport: int
    ssrc: int
    kind: Kind
    first_sequence: int
    timestamp_distance: int
    clock_rate: int
    rtx: tuple[int, int] | None = None
    transport_sequence: int = 0


class Out(NamedTuple):
    """One RTP packet to send, as `head + rest`: `rest` may be shared by many receivers."""

    transport: int
    head: bytes
    rest: bytes


class Received(NamedTuple):
    """Counts of one stream, as RFC 3550 appendix A.1, A.3 and A.8 have them. Sequence numbers are extended.

    `first` and `highest` begin one cycle up (0x10000 + the first number). `octets` are payload bytes without padding.
    """

    packets: int
    octets: int
    first: int
    highest: int
    jitter: int


class Sent(NamedTuple):
    """What a sender report of a down has to say. `timestamp` is the sender's, mapped (RFC 3550 section 6.4.1)."""

    timestamp: int
    packets: int
    octets: int


class Level(NamedTuple):
    """Of one stream since the last look: `loudness` sums 127 - level over `packets`, `voiced` the V bits."""

    stream: int
    packets: int
    voiced: int
    loudness: int


class Departed(NamedTuple):
    """Packets that left with a transport-wide number. `octets`: all of them since the start, as RTP.

    `first` and `last`: nanoseconds, of those since the last look.
    """

    octets: int
    first: int
    last: int


class Outcome(NamedTuple):
    """What one transport-wide feedback is news of: media/bandwidth/departures.py says how it is counted.

    `came` packets of `octets` came that were not known to have. `lost` did not; below zero when packets came that had
    been called so. Times are milliseconds: `sent`, when the last one had left, on our clock; `first` and `last` of
    those that came on the receiver's. `anew`: after a pause of LONG_PAUSE; what was before has nothing to do with this.
    `variations`: (arrival, how much the delay grew) of each group of packets that is complete.
    """

    came: int
    octets: int
    lost: int
    sent: float
    first: float
    last: float
    anew: bool
    variations: list[tuple[float, float]]


NOTHING_NEW = Outcome(0, 0, 0, 0.0, 0.0, 0.0, False, [])


class Event(NamedTuple):
    """Something the room has to know. Bounded by MAX_PLANE_EVENTS; what is beyond is dropped and counted.

    unknown    `number` is a transport: `packet` came at `now` with an SSRC that no stream of it has. Whoever adds the
               stream gives the packet in again by `receive`.
    key_frame  `number` is a stream: the first packet of a key frame came
    switched   `number` is a down: it flows from `stream` now
    lacking    `number` is a stream: `missing` has something to ask, where there was nothing before
    """

    name: Literal["unknown", "key_frame", "switched", "lacking"]
    number: int
    stream: int = 0
    packet: bytes = b""
    now: int = 0


class Plane(Protocol):
    # --- what the room sets ----------------------------------------------------------------------------------------

    def add_transport(self, transport: int) -> None: ...

    def remove_transport(self, transport: int) -> None:
        """With all its streams and downs. After the return no packet of or for it passes."""

    def set_extensions(self, transport: int, extensions: Extensions) -> None: ...

    def add_stream(self, stream: int, transport: int, format: StreamFormat) -> None:
        """Raises ValueError if an SSRC of `format` is taken on this transport."""

    def remove_stream(self, stream: int) -> None:
        """Downs that flow from it or aim at it are held: they aim at nothing then, whatever else they flowed from."""

    def set_stream(self, stream: int, *, forwarded: bool, sealed: bool) -> None:
        """`forwarded` (true at first): whether its packets are sent on and kept. A stream that is not is still judged,
        counted and listened to (`levels`). When `sealed` changes, what was kept is forgotten and the judge begins anew.
        """

    def set_rtx(self, stream: int, rtx: tuple[int, int]) -> None:
        """SSRC and payload type of the repair stream of a stream that was added without: simulcast layers that are told
        apart by RID show the two one after the other. Raises ValueError if the SSRC is taken on this transport.
        """

    def set_clock(self, stream: int, ntp: int, timestamp: int) -> None:
        """The newest sender report: both times are one instant."""

    def add_down(self, down: int, format: DownFormat) -> None:
        """Held: it aims at nothing."""

    def remove_down(self, down: int) -> None: ...

    def aim(self, down: int, stream: int | None, *, at_once: bool = False) -> None:
        """What the down is to flow from.

        None: holds now. A stream that it flows from already: goes on (a wish for another is forgotten). Another
        stream: sound flows from its next packet on; a picture from the first packet of its next key frame on, and
        until then goes on with what it had, or with `at_once` holds.
        """

    # --- packets ---------------------------------------------------------------------------------------------------

    def receive(self, transport: int, packet: bytes, now: int) -> list[Out]:
        """One RTP packet in. Raises MediaFault for what is no RTP, NotSealed for what its judge refuses; neither
        changes anything but the judge and the transport's arrivals. `intake.py` has the rules in their order.
        """

    def repair(self, down: int, lost: Sequence[int], now: int) -> list[Out]:
        """Packets that a receiver misses, by the 16-bit numbers it saw: those kept, within the allowance of the down
        (RESENDS_PER_SECOND, RESEND_BURST). With `rtx` as RFC 4588 section 4, else bit for bit as they were; where
        that cannot be, for the sake of `transport_sequence`, nothing.
        """

    def probe(self, down: int, packets: int, now: int) -> list[Out]:
        """Padding for measuring a path: RTX packets of 255 padding bytes and nothing else. Empty without `rtx`."""

    # --- what the room asks ----------------------------------------------------------------------------------------

    def flowing(self, down: int) -> int | None:
        """The stream it flows from, None while held or waiting for a first key frame."""

    def received(self, stream: int) -> Received | None:
        """None before the first packet."""

    def sent(self, down: int, stream: int, timestamp: int) -> Sent | None:
        """For the sender report of `stream`; None if the down does not flow from it. Repairs count, no padding."""

    def missing(self, now: int) -> list[tuple[int, tuple[int, ...]]]:
        """(stream, rising 16-bit numbers) to ask of the senders now, noted as asked; streams in any order. Ask again
        after 20 ms if `lacks`.

        A number is missing when a higher one came; it is due LACK_PATIENCE after that, again each LACK_AGAIN, MAX_ASKS
        times, and forgotten when it comes or after LACK_AGE. MAX_ASKED at most for one stream; a jump of more than
        MAX_ASKED makes none and forgets the others.
        """

    def lacks(self) -> bool:
        """Whether anything is missing."""

    def levels(self) -> list[Level]:
        """All streams that had packets with a level since the last call, in any order."""

    def feedback(self, transport: int) -> list[bytes]:
        """Transport-wide feedback for this sender about all that is new, as FCI of RTCP packets of at most 1,200 bytes
        (media/bandwidth/arrivals.py).
        """

    def departed(self, transport: int) -> Departed | None:
        """None if nothing has left with a transport-wide number since the last call."""

    def answered(self, transport: int, fci: bytes) -> Outcome:
        """This receiver's transport-wide feedback. Raises MediaFault for what is none (media/bandwidth/twcc.py); that
        changes nothing."""

    def take(self) -> list[Event]:
        """What has happened since the last call, in order."""

    def counts(self) -> Mapping[str, int]:
        """Since the start: `received`, `sent`, and what was dropped: `not_sealed`, `malformed`, `unknown` (no stream),
        `format` (payload type or size), `stale` (late, or seen before), `padding`, `events` (no room for an event).
        """
