from __future__ import annotations

import os
import pwd

from appliance.assemble import known_uids
from appliance.sessions.rows import Member
from appliance.showing import ticket_state


def member(*, stopped: bool = False, expires_at: int = 1000) -> Member:
    return Member("m", "s", "p", "Ada Brook", False, "expected", "", False, False, False, "", 0, stopped, expires_at)


def test_staff_see_whether_an_invitation_still_opens_the_door() -> None:
    assert ticket_state(member(), 999) == "issued"
    assert ticket_state(member(), 1000) == "expired"
    assert ticket_state(member(stopped=True), 1000) == "stopped"
    assert ticket_state(member(expires_at=0), 1000) == "issued"  # the one who leads has none


def test_only_users_that_this_machine_has_may_connect() -> None:
    own = pwd.getpwuid(os.getuid()).pw_name
    assert known_uids((own, "nobody-of-that-name")) == {os.getuid()}
