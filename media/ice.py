"""The answering side of ICE for a lite agent (RFC 8445 sections 2.5, 7.3; RFC 8489): STUN request in, response out.

A lite agent never asks: it answers authenticated checks and remembers where they came from. What is not authentic is
dropped without an answer, so that nobody can use the relay to find out usernames or to send datagrams to others.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from aioice import stun

from media import limits
from media.faults import MediaFault

Address = tuple[str, int]


def is_stun(datagram: bytes) -> bool:
    """RFC 7983 section 7, and the magic cookie."""
    return len(datagram) >= 20 and datagram[0] < 4 and datagram[4:8] == b"\x21\x12\xa4\x42"


def read_request(datagram: bytes) -> stun.Message:
    """A binding request that carries a username. Raises MediaFault for anything else."""
    if len(datagram) > limits.MAX_STUN:
        raise MediaFault("STUN message too long")
    try:
        message = stun.parse_message(datagram)
    except (ValueError, struct.error) as error:
        raise MediaFault("not a STUN message") from error
    if message.message_method != stun.Method.BINDING or message.message_class != stun.Class.REQUEST:
        raise MediaFault("not a STUN binding request")
    if "USERNAME" not in message.attributes or "FINGERPRINT" not in message.attributes:
        raise MediaFault("STUN request without username or fingerprint")
    return message


def username_of(message: stun.Message) -> str:
    """Our own fragment of "ours:theirs" (RFC 8445 section 7.2.2)."""
    ours, _, _ = str(message.attributes["USERNAME"]).partition(":")
    return ours


class Answer(NamedTuple):
    """`selected` is True when packets should be sent to the request's source from now on."""

    response: bytes
    selected: bool


class IceLite:
    """The ICE state of one transport: credentials, the address packets go to, and when consent was last given."""

    __slots__ = ("_nominated", "_password", "_selected_at", "address", "consent_at", "username")

    def __init__(self, username: str, password: str) -> None:
        self.username = username
        self._password = password.encode()
        self.address: Address | None = None
        self._nominated = False
        self._selected_at = 0.0
        self.consent_at: float | None = None

    def restart(self, username: str, password: str) -> None:
        """Other credentials (RFC 8445 section 9); address and consent stand until a check says otherwise."""
        self.username, self._password = username, password.encode()

    def check(self, message: stun.Message, source: Address, now: float) -> Answer | None:
        """Answer a request read by `read_request` from `source`; None if it does not prove our password.

        The newest nomination wins; before any, or when the chosen address has been silent, any valid check does.
        """
        integrity = message.attributes.get("MESSAGE-INTEGRITY")
        if not isinstance(integrity, bytes) or not message.check_message_integrity(self._password):
            return None
        self.consent_at = now
        nominated = "USE-CANDIDATE" in message.attributes
        if source == self.address:
            self._selected_at = now
            self._nominated = self._nominated or nominated
        elif nominated or not self._nominated or now - self._selected_at > limits.ADDRESS_SILENT:
            self.address, self._nominated, self._selected_at = source, nominated, now
        return Answer(self._respond(message, source), source == self.address)

    def expired(self, since: float, now: float) -> bool:
        """True when consent has ended (RFC 7675 section 5.1). `since`: when checks were to be expected from."""
        heard = self.consent_at if self.consent_at is not None else since
        return now - max(heard, since) > limits.CONSENT_TIMEOUT

    def _respond(self, message: stun.Message, source: Address) -> bytes:
        response = stun.Message(
            stun.Method.BINDING, stun.Class.RESPONSE, message.transaction_id, {"XOR-MAPPED-ADDRESS": source}
        )
        response.add_message_integrity(self._password)
        return bytes(response)
