from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.faults import Fault
from appliance.portal import bodies


@given(st.text(max_size=300))
def test_a_frame_is_a_request_or_a_fault(frame: str) -> None:
    try:
        request = bodies.socket_request(frame)
    except Fault as fault:
        assert fault.code == "bad_request"
    else:
        assert request.id >= 0


@pytest.mark.parametrize("frame", ["[" * 5000, '{"type":"request","id":1e999,"method":"x","data":{}}', "\ud800", "{}"])
def test_a_hostile_frame_is_refused(frame: str) -> None:
    with pytest.raises(Fault):
        bodies.socket_request(frame)


@pytest.mark.parametrize(
    "path", ["//evil.example", "https://evil.example", "/\\evil", "", "/a\r\nSet-Cookie: x", "/\\"]
)
def test_the_way_back_never_leads_elsewhere(path: str) -> None:
    assert bodies.local_path(path) == "/"


def test_the_way_back_leads_to_the_page() -> None:
    assert bodies.local_path("/join/agreement") == "/join/agreement"


@given(st.dictionaries(st.sampled_from(["shown", "signature", "agree", "limits", "risks"]), st.text(max_size=30)))
def test_a_signature_form_is_read_or_a_fault(form: dict[str, str]) -> None:
    try:
        signed = bodies.signing(form)
    except Fault as fault:
        assert fault.code == "bad_request"
    else:
        ticks = (signed.agreed, signed.limits, signed.risks)
        assert ticks == tuple(form.get(name) == "yes" for name in ("agree", "limits", "risks"))


def test_a_field_that_is_too_long_is_refused() -> None:
    with pytest.raises(Fault):
        bodies.field({"name": "x" * (bodies.MAX_FIELD + 1)}, "name")
