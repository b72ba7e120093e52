"""The words the relay says no with, and what each means.

`Fault` answers a request (PROTOCOL.md lists the codes). `MediaFault` is the one exception of every parser of bytes
from the network; `NotSealed` is the kind of it that is counted by itself.
"""

from __future__ import annotations

# code: sentence that is safe to show. The appliance has its own words for people; these help whoever writes a client.
SENTENCES: dict[str, str] = {
    "away": "The relay cannot be reached right now.",
    "bad_message": "That is not a message of this protocol.",
    "bad_method": "There is no method of that name.",
    "bad_parameters": "A field is missing, of the wrong type, or out of its bounds.",
    "limit": "There are already as many of these as one may have.",
    "not_admitted": "This member is not admitted to this room.",
    "not_joined": "Call join first.",
    "not_permitted": "This member may not send or receive that.",
    "unknown_down_track": "This member has no such down track.",
    "unknown_track": "There is no such track, or it has ended.",
    "unknown_transport": "This member has no such transport, or it has ended.",
    "unsupported_codec": "The relay forwards Opus and VP8 only.",
    "wrong_state": "That was already done, or cannot be done yet.",
}


class Fault(Exception):
    """A request that was refused. `code` is a key of SENTENCES and stable; no detail of a person is in it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
        self.sentence = SENTENCES[code]


class MediaFault(ValueError):
    """Bytes from a peer that are not what they claim to be. The datagram is dropped and counted."""


class NotSealed(MediaFault):
    """A payload that is not of a sealed frame, in a room where everything has to be."""
