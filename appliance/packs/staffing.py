"""What HQ says about staff, done to accounts. Each runs in the transaction of its pack.

The last account that manages the others stays, whoever wants it gone: nobody could be let in again. The wish is kept
and done as soon as there is another one; its logins end at once all the same.
"""

from __future__ import annotations

from appliance.faults import Fault
from appliance.identity import actions as identity
from appliance.identity import rows as accounts
from appliance.identity.doors import rows as doors
from appliance.identity.rows import Account
from appliance.notes.access import actions as access
from appliance.packs import rows
from appliance.packs.rows import Listed
from appliance.policy import BOX, Facts, Permit, StaffRole, decide
from appliance.store.database import Transaction
from sync.items import Colleague, Revocations, Roster


def take_roster(tx: Transaction, permit: Permit, roster: Roster, at: str) -> list[str]:
    """The persons whose logins ended."""
    ended = []
    for one in roster.staff:
        before = rows.listed(tx, one.id)
        ended += _rename(tx, permit, one, before, at)
        rows.list_colleague(tx, permit, Listed(one.id, one.name, one.username, one.role, one.state))
        ended += _bring_in_line(tx, one, before, at)
    return ended


def revoke(tx: Transaction, permit: Permit, item: Revocations, at: str) -> list[str]:
    """The persons whose logins ended."""
    ended = []
    for username in item.accounts:
        person = rows.account_named(tx, username)
        found = accounts.account_of(tx, person) if person else None
        if found is not None and not found.retired:
            _retire(tx, found, at)
            ended.append(found.person)
    if item.everybody:
        for account in accounts.accounts(tx):
            accounts.drop_logins(tx, permit, account.person)
            ended.append(account.person)
    return ended


def grant_wishes(tx: Transaction, at: str) -> list[str]:
    """What could not be done before and can be now; the persons whose logins ended."""
    ended = []
    for person, role in rows.wishes(tx).items():
        found = accounts.account_of(tx, person)
        if found is None or found.retired:
            rows.forget_wish(tx, _permit(person), person)
        elif _is_free(tx, found):
            if role:
                _change_role(tx, found, role, at)  # type: ignore[arg-type]  # of the table's own words
            else:
                _retire(tx, found, at)
            ended.append(person)
    return ended


def _rename(tx: Transaction, permit: Permit, one: Colleague, before: Listed | None, at: str) -> list[str]:
    """Who has another user name at HQ than before keeps the account: else the one under the old name would stay open,
    and no roster could retire it any more. Where somebody has the new name already, both stay as they are."""
    person = rows.account_named(tx, before.username) if before else None
    if person is None or rows.account_named(tx, one.username):
        return []
    rows.rename(tx, permit, person, one.username, at)
    accounts.drop_logins(tx, permit, person)
    return [person]


def _bring_in_line(tx: Transaction, one: Colleague, before: Listed | None, at: str) -> list[str]:
    person = rows.account_named(tx, one.username)
    found = accounts.account_of(tx, person) if person else None
    if found is None or found.retired:
        return []
    if one.state == "retired":
        _retire(tx, found, at)
    elif one.role != found.role:
        _change_role(tx, found, one.role, at)
    else:
        if before is not None and (before.state, before.role) != (one.state, one.role):
            rows.forget_wish(tx, _permit(found.person), found.person)  # HQ has thought better of it
        return []
    return [found.person]


def _retire(tx: Transaction, found: Account, at: str) -> None:
    permit = _permit(found.person)
    if _is_free(tx, found):
        accounts.retire(tx, permit, found.person, at)
        access.forget(tx, permit, found.person, at)
        rows.forget_wish(tx, permit, found.person)
    else:
        rows.wish(tx, permit, found.person, "")
    accounts.drop_logins(tx, permit, found.person)
    doors.forget_devices(tx, found.person)


def _change_role(tx: Transaction, found: Account, role: StaffRole, at: str) -> None:
    permit = _permit(found.person)
    if _is_free(tx, found):
        rows.set_role(tx, permit, found.person, role, at)
        rows.forget_wish(tx, permit, found.person)
    else:
        rows.wish(tx, permit, found.person, role)
    accounts.drop_logins(tx, permit, found.person)


def _is_free(tx: Transaction, found: Account) -> bool:
    try:
        identity.keep_the_last(tx, found)
    except Fault:
        return False
    return True


def _permit(person: str) -> Permit:
    return decide(BOX, "apply_pack", Facts(person=person))
