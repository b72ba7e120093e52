"""The driver in this process, with a clock that tests turn: consent, DTLS roles, what a closed transport still does.

Over both wires: the event loop alone, and the thread in C where it was built.
"""

from __future__ import annotations

import gc
import socket
import weakref
from collections.abc import AsyncIterator
from typing import Any

import pytest

from media import limits
from media.endpoint import Endpoint
from media.messages import Permission
from media.native.build import library
from media.outputs import Tell
from media.paths import Path
from media.relay import Relay, bind
from media.rtcp import write_receiver_report
from media.rtp import write_header
from media.transport import Certificate
from media.wire import Choice
from tests.fakes.sealed_frames import sealed
from tests.fakes.waiting import there, until

ALL = Permission(("audio", "video"), True)


class Bench:
    """A relay whose time is `now`, one room, and an endpoint for whoever asks."""

    def __init__(self, plane: Choice) -> None:
        self.now = 1000.0
        self.told: list[Tell] = []
        self.relay = Relay(bind(0), lambda: ["127.0.0.1"], self.told.append, lambda: self.now, plane=plane)
        self.relay.start()
        self.endpoints: list[Endpoint] = []

    def ask(self, member: str, method: str, **data: object) -> dict[str, Any]:
        return self.relay.request("room", member, method, data)

    async def enter(self, member: str, direction: str, role: str = "client") -> Endpoint:
        self.relay.rooms.permit("room", member, ALL)
        self.ask(member, "join")
        endpoint = Endpoint(
            self.ask(member, "createTransport", direction=direction), certificate=Certificate(), role=role
        )
        self.endpoints.append(endpoint)

        async def request(method: str, data: dict[str, Any]) -> dict[str, Any]:
            return self.ask(member, method, **data)

        await endpoint.connect(request)
        return endpoint

    def path(self, endpoint: Endpoint) -> Path:
        return there(self.relay.paths.get(endpoint.transport))

    def dropped(self, reason: str) -> int:
        count: int = self.relay.counts()["dropped"].get(reason, 0)
        return count

    def events(self, member: str) -> list[str]:
        return [item.event for item in self.told if item.member == member]


@pytest.fixture(params=["python", "native"])
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    if request.param == "native" and not library().exists():
        pytest.skip("the plane in C is not built: python -m media.native.build")
    made = Bench(request.param)
    yield made
    for endpoint in made.endpoints:
        endpoint.vanish()
    await made.relay.stop()


async def test_a_transport_without_consent_for_thirty_seconds_is_closed_and_the_others_are_told(bench: Bench) -> None:
    endpoint = await bench.enter("anna", "send")
    await bench.enter("berta", "receive")
    audio = {"codecs": [{"mimeType": "audio/opus", "clockRate": 48000, "payloadType": 9}], "encodings": [{"ssrc": 5}]}
    bench.ask("anna", "sendTrack", transport=endpoint.transport, kind="audio", rtpParameters=audio)
    bench.now += limits.CONSENT_TIMEOUT - 1
    assert bench.relay.paths.expired(bench.now) == []
    bench.now += 2
    bench.relay._sweep_consent()
    assert bench.events("anna") == ["transportClosed"]
    assert bench.events("berta") == ["trackAdded", "trackRemoved", "transportClosed"]
    assert len(bench.relay.paths) == 0


async def test_a_check_renews_consent(bench: Bench) -> None:
    endpoint = await bench.enter("anna", "send")
    path = bench.path(endpoint)
    bench.now += 29
    endpoint.check()
    await until(lambda: path.ice.consent_at == bench.now)
    bench.now += 29
    assert bench.relay.paths.expired(bench.now) == []


async def test_a_transport_that_was_only_created_waits_for_as_long_as_its_member_stays(bench: Bench) -> None:
    bench.relay.rooms.permit("room", "anna", ALL)
    bench.ask("anna", "join")
    bench.ask("anna", "createTransport", direction="receive")
    assert bench.relay.paths.expired(bench.now + 10_000) == []
    bench.ask("anna", "join")
    assert len(bench.relay.paths) == 0


async def test_the_relay_is_the_dtls_client_of_a_peer_that_wants_to_be_the_server(bench: Bench) -> None:
    endpoint = await bench.enter("anna", "send", role="server")
    await until(lambda: there(bench.path(endpoint).dtls).sealing is not None)


async def test_a_transport_that_ended_leaves_no_association_for_the_next_collection(bench: Bench) -> None:
    endpoint = await bench.enter("anna", "send")
    dtls = there(bench.path(endpoint).dtls)
    await until(lambda: dtls.opening is not None)
    association = weakref.ref(dtls._dtls._ssl)
    gc.disable()
    try:
        bench.relay.rooms.remove("room", "anna")
        bench.relay.drain()
        await until(lambda: association() is None)
    finally:
        gc.enable()


async def test_the_first_profile_is_aead_aes_128_gcm(bench: Bench) -> None:
    endpoint = await bench.enter("anna", "send")
    packet = write_header(False, False, 9, 1, 1, 1) + bytes(100)
    assert len(endpoint.seal_rtp(packet)) == len(packet) + 16, "16 bytes of tag: AEAD, not HMAC-SHA1"


async def test_a_permission_that_ends_has_closed_its_transport_before_the_next_datagram(bench: Bench) -> None:
    endpoint = await bench.enter("anna", "send")
    await until(lambda: there(bench.path(endpoint).dtls).opening is not None)
    bench.relay.rooms.remove("room", "anna")
    bench.relay.drain()
    endpoint.send_rtp(write_header(False, False, 9, 1, 1, 5) + b"late")
    await until(lambda: bench.dropped("no transport") == 1)
    assert bench.relay.counts()["sent"] == 0


class Talk:
    """Anna sends sound, Berta receives it."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.heard: list[bytes] = []
        self.sequence = 0

    async def begin(self) -> None:
        bench = self.bench
        self.anna = await bench.enter("anna", "send")
        self.berta = await bench.enter("berta", "receive")
        self.berta.on_rtp = self.heard.append
        codec = {"mimeType": "audio/opus", "clockRate": 48000, "payloadType": 111, "channels": 2}
        sound = {"codecs": [codec], "encodings": [{"ssrc": 5}]}
        track = bench.ask("anna", "sendTrack", transport=self.anna.transport, kind="audio", rtpParameters=sound)
        wanted = {"codecs": [{"mimeType": "audio/opus", "clockRate": 48000, "preferredPayloadType": 111}]}
        answer = bench.ask(
            "berta",
            "receiveTrack",
            track=track["track"],
            transport=self.berta.transport,
            rtpCapabilities=wanted,
        )
        bench.ask("berta", "resumeDownTrack", downTrack=answer["downTrack"])

    def say(self, payload: bytes | None = None, ssrc: int = 5) -> None:
        self.sequence += 1
        header = write_header(False, False, 111, self.sequence, 960 * self.sequence, ssrc)
        self.anna.send_rtp(header + (sealed("audio") if payload is None else payload))

    async def arrived(self, packets: int) -> None:
        """Until so many have come; whatever was sent before them has then been seen to."""
        await until(lambda: len(self.heard) >= packets)
        assert len(self.heard) == packets


@pytest.fixture
async def talk(bench: Bench) -> Talk:
    made = Talk(bench)
    await made.begin()
    return made


async def test_sound_is_opened_forwarded_and_sealed_anew(talk: Talk) -> None:
    for _ in range(3):
        talk.say()
    await talk.arrived(3)
    assert talk.bench.relay.counts()["sent"] == 3


async def test_what_is_not_sealed_by_its_sender_ends_here_and_is_counted(talk: Talk) -> None:
    talk.say(b"plain words")
    await until(lambda: talk.bench.dropped("not_sealed") == 1)
    assert talk.heard == []


async def test_what_srtp_refuses_is_counted(talk: Talk) -> None:
    datagram = talk.anna.seal_rtp(write_header(False, False, 111, 9, 9, 5) + sealed("audio"))
    talk.anna.send_raw(datagram[:-1] + bytes([datagram[-1] ^ 1]))
    talk.anna.send_raw(datagram)
    talk.anna.send_raw(datagram)
    await until(lambda: talk.bench.dropped("malformed or unauthentic") == 2)
    await talk.arrived(1)


async def test_packets_follow_a_receiver_who_moves(talk: Talk) -> None:
    talk.say()
    await talk.arrived(1)
    path = talk.bench.path(talk.berta)
    talk.berta.move()
    await until(lambda: path.ice.address == talk.berta._udp.getsockname())
    talk.say()
    await talk.arrived(2)


async def test_packets_are_taken_from_a_sender_who_moves_once_the_new_address_is_proved(talk: Talk) -> None:
    talk.anna.move()
    await until(lambda: talk.bench.path(talk.anna).ice.address == talk.anna._udp.getsockname())
    talk.say()
    await talk.arrived(1)


async def test_nothing_reaches_a_receiver_after_their_permission_has_ended(talk: Talk) -> None:
    talk.say()
    await talk.arrived(1)
    talk.bench.relay.rooms.remove("room", "berta")
    sent = talk.bench.relay.wire.counts()["sent"]
    talk.bench.relay.drain()
    before = talk.bench.relay.counts()["received"]
    talk.say()
    await until(lambda: talk.bench.relay.counts()["received"] > before)
    assert talk.bench.relay.wire.counts()["sent"] == sent


async def test_ssrcs_that_nobody_announced_are_bounded(talk: Talk) -> None:
    """libsrtp would keep some memory for each."""
    for ssrc in range(1000, 1000 + 2 * limits.MAX_FOREIGN_SSRCS):
        talk.say(ssrc=ssrc)
    await until(lambda: talk.bench.dropped("malformed or unauthentic") == limits.MAX_FOREIGN_SSRCS)
    assert talk.bench.dropped("unknown") == limits.MAX_FOREIGN_SSRCS
    talk.say()
    await talk.arrived(1)


async def test_ssrcs_whose_rtcp_is_opened_are_bounded_and_a_new_one_comes_through_a_moment_later(bench: Bench) -> None:
    endpoint = await bench.enter("anna", "send")
    for ssrc in range(limits.MAX_RTCP_SSRCS + 10):
        endpoint.send_rtcp(write_receiver_report(ssrc, ()))
    await until(lambda: bench.dropped("malformed or unauthentic") == 10)
    bench.now += limits.FOREIGN_AGAIN / 1e9
    for ssrc in (1_000_000, 1_000_001):
        endpoint.send_rtcp(write_receiver_report(ssrc, ()))
    await until(lambda: bench.dropped("malformed or unauthentic") == 11)


async def test_addresses_of_one_transport_are_bounded_and_belong_to_whoever_proved_them_last(bench: Bench) -> None:
    endpoint = await bench.enter("anna", "send")
    path = bench.path(endpoint)
    for _ in range(3 * limits.MAX_ADDRESSES_PER_TRANSPORT):
        endpoint.move()
        await until(lambda: path.ice.address == endpoint._udp.getsockname())
        assert bench.relay.paths.find(endpoint._udp.getsockname()) is path
        assert len(path.addresses) <= limits.MAX_ADDRESSES_PER_TRANSPORT
    assert len(bench.relay.paths._by_address) <= limits.MAX_ADDRESSES_PER_TRANSPORT


async def test_dtls_that_comes_before_connect_transport_is_kept_within_bounds(bench: Bench) -> None:
    bench.relay.rooms.permit("room", "anna", ALL)
    bench.ask("anna", "join")
    endpoint = Endpoint(bench.ask("anna", "createTransport", direction="send"), certificate=Certificate())
    bench.endpoints.append(endpoint)
    path = bench.path(endpoint)
    endpoint.check()
    await until(lambda: path.ice.address is not None)
    for _ in range(5 * limits.MAX_DTLS_QUEUE):
        endpoint.send_raw(b"\x16" + bytes(50))
    await until(lambda: bench.relay.counts()["received"] > 5 * limits.MAX_DTLS_QUEUE)
    await until(lambda: len(path.early) >= limits.MAX_DTLS_QUEUE)
    assert len(path.early) == limits.MAX_DTLS_QUEUE


async def test_a_stranger_who_does_not_prove_the_password_gets_no_answer(bench: Bench) -> None:
    created = await bench.enter("anna", "send")
    liar = Endpoint(
        {
            "transport": "x",
            "iceParameters": {"usernameFragment": created._their_name, "password": "a guess of at least 22 characters"},
            "iceCandidates": [{"address": created._address[0], "port": created._address[1]}],
            "dtlsParameters": {"fingerprints": []},
        },
        certificate=Certificate(),
    )
    bench.endpoints.append(liar)
    liar.check()
    await until(lambda: bench.relay.paths.dropped["unauthentic check"] == 1)
    assert bench.relay.paths.find(liar._udp.getsockname()) is None
    assert not liar._answered.is_set()


async def test_the_port_is_one_for_everybody(bench: Bench) -> None:
    ports = {(await bench.enter(f"member{number}", "send"))._address for number in range(3)}
    assert len(ports) == 1
    with pytest.raises(OSError, match="already in use"), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("0.0.0.0", ports.pop()[1]))  # noqa: S104
