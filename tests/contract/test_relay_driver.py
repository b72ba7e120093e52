"""The driver in this process, with a clock that tests turn: consent, DTLS roles, what a closed transport still does."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from media import limits
from media.endpoint import Endpoint
from media.messages import Permission
from media.outputs import Tell
from media.paths import Path
from media.relay import Relay, bind
from media.rtp import write_header
from media.transport import Certificate
from tests.fakes.waiting import there, until

ALL = Permission(("audio", "video"), True)


class Bench:
    """A relay whose time is `now`, one room, and an endpoint for whoever asks."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.told: list[Tell] = []
        self.relay = Relay(bind(0), lambda: ["127.0.0.1"], self.told.append, lambda: self.now)
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

    def events(self, member: str) -> list[str]:
        return [item.event for item in self.told if item.member == member]


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench()
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


async def test_the_first_profile_is_aead_aes_128_gcm(bench: Bench) -> None:
    endpoint = await bench.enter("anna", "send")
    packet = write_header(False, False, 9, 1, 1, 1) + bytes(100)
    assert len(endpoint.seal_rtp(packet)) == len(packet) + 16, "16 bytes of tag: AEAD, not HMAC-SHA1"


async def test_a_permission_that_ends_has_closed_its_transport_before_the_next_datagram(bench: Bench) -> None:
    endpoint = await bench.enter("anna", "send")
    bench.relay.rooms.remove("room", "anna")
    bench.relay.drain()
    sealed = endpoint.seal_rtp(write_header(False, False, 9, 1, 1, 5) + b"late")
    bench.relay._datagram(sealed, endpoint._udp.getsockname(), bench.now)
    assert bench.relay.paths.dropped["no transport"] == 1
    assert bench.relay.paths.sent == 0


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
    await until(lambda: bench.relay.paths.received > 5 * limits.MAX_DTLS_QUEUE)
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
