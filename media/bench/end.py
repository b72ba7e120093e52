"""A browser's end of one transport until its keys are agreed; then the socket and the keys go to the load."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from aioice import stun

from media import limits
from media.endpoint import Endpoint
from media.ice import is_stun


class End(Endpoint):
    """After `hand_over` it only keeps consent alive (STUN checks); it reads nothing any more."""

    _password = b""

    def hand_over(self) -> tuple[int, Any, Any]:
        """Socket, and libsrtp's sessions for sealing and opening, as pylibsrtp has them."""
        asyncio.get_running_loop().remove_reader(self._udp.fileno())
        inner = self._dtls._dtls
        return self._udp.fileno(), inner._tx_srtp, inner._rx_srtp

    @property
    def srtp_profile(self) -> str:
        """By OpenSSL's name."""
        return str(self._dtls._dtls._ssl.get_selected_srtp_profile().decode())

    def go_by(self, username: str, password: str, bound: socket.socket) -> None:
        """The ICE credentials and the socket of ours that the other side was told of, for one that checks us too."""
        self._password = password.encode()
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._udp.fileno())
        self._udp.close()
        self._name, self._udp = username, bound
        bound.setblocking(False)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, limits.SOCKET_BUFFER)
        bound.connect(self._address)
        loop.add_reader(bound.fileno(), self._readable)

    def _datagram(self, datagram: bytes) -> None:
        """libnice checks back even as a lite agent, and takes a pair only then (RFC 8445 section 7.3.1.4)."""
        message = stun.parse_message(datagram) if self._password and is_stun(datagram) else None
        if message is None or message.message_class != stun.Class.REQUEST:
            super()._datagram(datagram)
            return
        address = {"XOR-MAPPED-ADDRESS": self._address}
        response = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, message.transaction_id, address)
        response.add_message_integrity(self._password)
        self.send_raw(bytes(response))
