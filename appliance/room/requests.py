"""What a page may ask of the room (PROTOCOL.md), from the wire to frozen structs, or a fault. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, TypeAlias

import msgspec
from msgspec import Meta

from appliance.faults import Fault
from appliance.policy import Action
from appliance.room.rules import RoomTrouble

MAX_PHRASE = 200  # characters: a check phrase is a few words


class RoomAsk(msgspec.Struct, frozen=True, rename="camel"):
    """What every request's data is. Unknown fields are ignored."""


class AskHand(RoomAsk, frozen=True):
    ACTION: ClassVar[Action] = "raise_hand"
    up: bool


class AskAcknowledge(RoomAsk, frozen=True):
    ACTION: ClassVar[Action] = "acknowledge"
    card: Annotated[str, Meta(min_length=1, max_length=64)]


class AskConcern(RoomAsk, frozen=True):
    ACTION: ClassVar[Action] = "raise_concern"
    kind: RoomTrouble


class AskPhrase(RoomAsk, frozen=True):
    ACTION: ClassVar[Action] = "answer_phrase"
    text: Annotated[str, Meta(min_length=1, max_length=MAX_PHRASE)]

    def __repr__(self) -> str:
        return "AskPhrase(…)"


RoomAsked: TypeAlias = AskHand | AskAcknowledge | AskConcern | AskPhrase

REQUESTS: Mapping[str, type[RoomAsked]] = {
    "roomHand": AskHand,
    "roomAcknowledge": AskAcknowledge,
    "roomConcern": AskConcern,
    "roomPhrase": AskPhrase,
}


def parse(method: str, data: Mapping[str, Any]) -> RoomAsked:
    """The request as it is meant. Fault("bad_request")."""
    kind = REQUESTS.get(method)
    if kind is None:
        raise Fault("bad_request", "no such method")
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError:
        raise Fault("bad_request", method) from None
