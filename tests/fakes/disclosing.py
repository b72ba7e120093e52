"""People who have signed that headquarters may hear of their visits."""

from __future__ import annotations

from appliance.clinic import Clinic
from appliance.clock import now_text
from appliance.disclosures import actions
from appliance.disclosures.forms import form
from appliance.disclosures.rules import SCOPES
from appliance.policy import BOX
from appliance.sessions import rows
from appliance.store.database import Transaction


async def let_headquarters_know(clinic: Clinic, session: str, days: int = 30) -> None:
    """Everybody who is expected in that session has signed, on paper."""

    def work(tx: Transaction) -> None:
        for member in rows.members(tx, session):
            if not member.facilitator:
                actions.grant(
                    tx,
                    BOX,
                    member.person,
                    form("en"),
                    scopes=SCOPES,
                    days=days,
                    signature="Made-up Name",
                    how="paper",
                    at=now_text(),
                )

    await clinic.db.write(work)
