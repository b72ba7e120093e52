"""The whole table: who may do what, own and any."""

from __future__ import annotations

import pytest

from appliance.faults import Fault
from appliance.policy import (
    ACTIONS,
    BOX,
    ROLES,
    TABLE,
    Action,
    Actor,
    Facts,
    Permit,
    Role,
    allows,
    decide,
    may_do,
    scope,
)

OWN = Facts(session="s", leaders=("somebody", "p"), member="m")
OTHER = Facts(session="s", leaders=("somebody",), member="another")


def actor(role: Role) -> Actor:
    return Actor(person="p", role=role, surface="portal", member="m" if role == "patient" else "")


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("action", ACTIONS)
def test_only_what_the_table_names_is_allowed(action: Action, role: Role) -> None:
    reach = TABLE[action].get(role)
    assert allows(actor(role), action, OWN) == (reach is not None)
    assert allows(actor(role), action, OTHER) == (reach == "any")


def test_every_action_has_a_row() -> None:
    assert set(TABLE) == set(ACTIONS)


def test_an_administrator_sees_no_session() -> None:
    assert scope(actor("administrator")) is None
    assert may_do(actor("administrator"), OWN) == ()


def test_billing_and_auditor_touch_no_session() -> None:
    assert may_do(actor("billing"), OWN) == may_do(actor("auditor"), OWN) == ()


def test_a_facilitator_leads_own_sessions_only() -> None:
    assert "admit" in may_do(actor("facilitator"), OWN)
    assert may_do(actor("facilitator"), OTHER) == ()


def test_the_front_desk_vouches_but_does_not_admit() -> None:
    assert "vouch" in may_do(actor("operator"), OTHER)
    assert "admit" not in may_do(actor("operator"), OTHER)


def test_a_patient_acts_on_their_own_place_only() -> None:
    assert allows(actor("patient"), "ask", OWN)
    assert not allows(actor("patient"), "ask", OTHER)
    assert not allows(Actor("p", "patient", "portal"), "ask", Facts(member=""))


def test_a_refusal_is_a_fault_with_a_code() -> None:
    with pytest.raises(Fault) as caught:
        decide(actor("billing"), "admit", OWN)
    assert caught.value.code == "refused"


def test_permits_are_made_by_the_policy_only() -> None:
    assert decide(BOX, "schedule", OWN).action == "schedule"
    with pytest.raises(TypeError):
        Permit(BOX, "end", OWN, object())
