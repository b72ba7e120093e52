"""What comes along with a session action: words and choices from a form, a script or the console. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from appliance.faults import Fault
from appliance.sessions.rules import RemovalWhy

MAX_MESSAGE = 300  # characters of a line to one who waits: two or three sentences


@dataclass(frozen=True, slots=True)
class Given:
    """`text`: a line to one who waits. `why`, `block`: of a removal. `leader`: the person who goes aside with somebody,
    "" for who asks."""

    text: str = ""
    why: RemovalWhy = ""
    block: bool = False
    leader: str = ""


NOTHING = Given()


def given(form: Mapping[str, Any]) -> Given:
    """From text fields. Fault("bad_request") for what none of ours sends."""
    values = {name: form.get(name, "") for name in ("text", "why", "block", "leader")}
    if not all(isinstance(one, str) for one in values.values()):
        raise Fault("bad_request", "given")
    text = " ".join("".join(c if c.isprintable() else " " for c in values["text"]).split())
    if len(text) > MAX_MESSAGE or values["why"] not in get_args(RemovalWhy) or len(values["leader"]) > 64:
        raise Fault("bad_request", "given")
    return Given(text, values["why"], values["block"] == "yes", values["leader"])
