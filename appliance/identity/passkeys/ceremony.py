"""What the browser is asked and how its answer is judged (W3C Web Authentication, sections 7.1 and 7.2).

The library checks challenge, origin, relying party, presence, signature and counter. Nothing it stumbles over in an
answer is our failure: a browser's answer is the word of a stranger.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.faults import Fault
from appliance.identity.passkeys.rows import Passkey
from appliance.identity.passkeys.rules import CHALLENGE_SECONDS, MAX_ANSWER, Site, user_handle

if (
    TYPE_CHECKING
):  # imported in each function: 5 MB, most of it for attestations, that a box without passkeys never needs
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor

log = logging.getLogger(__name__)

_MILLISECONDS = int(CHALLENGE_SECONDS * 1000)
# A fingerprint or PIN where there is one: a key alone is a second factor too, the password came first.
_VERIFICATION = "preferred"


@dataclass(frozen=True, slots=True)
class Made:
    """A new credential that the browser has made for us."""

    credential_id: bytes
    public_key: bytes
    sign_count: int


def ask_new(site: Site, clinic: str, person: str, username: str, there: Iterable[Passkey], challenge: bytes) -> str:
    """The options for `navigator.credentials.create`, JSON. What the person has already is made no second time."""
    import webauthn
    from webauthn.helpers import structs

    options = webauthn.generate_registration_options(
        rp_id=site.host,
        rp_name=clinic,
        user_id=user_handle(person),
        user_name=username,
        user_display_name=username,
        challenge=challenge,
        timeout=_MILLISECONDS,
        exclude_credentials=_described(there),
        # Not kept as a discoverable one: names are typed here, and small keys have few places for those.
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.DISCOURAGED,
            user_verification=structs.UserVerificationRequirement(_VERIFICATION),
        ),
    )
    return webauthn.options_to_json(options)


def judge_new(answer: str, challenge: bytes, site: Site) -> Made:
    """The credential, if the answer fits what was asked. Fault("wrong_passkey")."""
    import webauthn

    try:
        found = webauthn.verify_registration_response(
            credential=_bounded(answer),
            expected_challenge=challenge,
            expected_rp_id=site.host,
            expected_origin=site.origin,
        )
        if len(found.credential_id) > 1023:  # section 4: the longest that there is
            raise ValueError("id")
    except Exception as problem:  # noqa: BLE001 - parsers of four formats, fed by a stranger
        raise _refused(problem) from None
    return Made(found.credential_id, found.credential_public_key, found.sign_count)


def ask(site: Site, there: Iterable[Passkey], challenge: bytes) -> str:
    """The options for `navigator.credentials.get`, JSON."""
    import webauthn
    from webauthn.helpers import structs

    options = webauthn.generate_authentication_options(
        rp_id=site.host,
        challenge=challenge,
        timeout=_MILLISECONDS,
        allow_credentials=_described(there),
        user_verification=structs.UserVerificationRequirement(_VERIFICATION),
    )
    return webauthn.options_to_json(options)


def credential_of(answer: str) -> bytes:
    """Which credential the answer speaks of. Fault("wrong_passkey")."""
    import webauthn

    try:
        return webauthn.helpers.parse_authentication_credential_json(_bounded(answer)).raw_id
    except Exception as problem:  # noqa: BLE001 - as above
        raise _refused(problem) from None


def judge(answer: str, challenge: bytes, site: Site, passkey: Passkey) -> int:
    """The new count, if the passkey signed this challenge here. Fault("wrong_passkey"), also where it fell back."""
    import webauthn

    try:
        parsed = webauthn.helpers.parse_authentication_credential_json(_bounded(answer))
        if webauthn.helpers.parse_client_data_json(parsed.response.client_data_json).cross_origin:
            raise ValueError("asked from within another page")
        found = webauthn.verify_authentication_response(
            credential=parsed,
            expected_challenge=challenge,
            expected_rp_id=site.host,
            expected_origin=site.origin,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.sign_count,
        )
    except Exception as problem:  # noqa: BLE001 - as above
        raise _refused(problem) from None
    return found.new_sign_count


def _bounded(answer: str) -> str:
    if len(answer) > MAX_ANSWER:
        raise ValueError("too long")
    return answer


def _described(there: Iterable[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    from webauthn.helpers import structs

    return [structs.PublicKeyCredentialDescriptor(id=one.credential_id) for one in there]


def _refused(problem: Exception) -> Fault:
    log.info("a passkey's answer was refused: %s", type(problem).__name__)
    return Fault("wrong_passkey", type(problem).__name__)
