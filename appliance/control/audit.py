"""The audit over the control socket: verify it, prove an entry, take it away. For `hearth audit` on a running box."""

from __future__ import annotations

import asyncio
import re

from aiohttp import web

from appliance.audit import export, outside, proof
from appliance.audit.rows import EVERYTHING
from appliance.control import types
from appliance.control.desk import BOX, Route, answer, body, signed_in
from appliance.faults import Fault
from appliance.outbox import rows as outbox

_NUMBER = re.compile(r"[1-9][0-9]{0,17}")


async def _verify(request: web.Request) -> web.Response:
    actor, _ = await signed_in(request)
    given = await body(request, types.AuditAgainst)
    clinic = request.app[BOX].clinic()
    own = await clinic.db.read(outbox.known_identity)
    public = own.signing_key.public if own else b""
    text = "\n".join(given.notes).encode()
    seen = await asyncio.to_thread(outside.notes, text, public, "file") if text else ()
    found = await clinic.audit.verify(actor, seen)
    findings = tuple(
        types.AuditFinding(what=f.what, first=f.first, last=f.last, source=f.source) for f in found.findings
    )
    return answer(
        types.AuditVerified(
            findings=findings, size=found.size, root=found.root.hex(), signed=found.signed, key=public.hex()
        )
    )


async def _prove(request: web.Request) -> web.Response:
    actor, _ = await signed_in(request)
    given = request.match_info["sequence"]
    if not _NUMBER.fullmatch(given):
        raise Fault("not_found", "no such entry of the audit")
    fields = await request.app[BOX].clinic().audit.prove(actor, int(given))
    return answer(types.AuditProof(proof=proof.exported(fields).decode()))


async def _export(request: web.Request) -> web.StreamResponse:
    actor, _ = await signed_in(request)
    kind = request.query.get("format", "")
    if kind not in ("csv", "jsonl"):
        raise Fault("bad_request", "format")
    audit = request.app[BOX].clinic().audit
    portions = (export.csv if kind == "csv" else export.lines)(audit, actor, EVERYTHING)
    first = await anext(portions)  # a refusal is an answer, not half of a file
    response = web.StreamResponse(headers={"Content-Type": "application/octet-stream"})
    await response.prepare(request)
    await response.write(first)
    async for portion in portions:
        await response.write(portion)
    await response.write_eof()
    return response


ROUTES: tuple[Route, ...] = (
    Route("POST", "/v1/audit/verify", _verify, ("verify_audit",)),
    Route("POST", "/v1/audit/proofs/{sequence}", _prove, ("export_audit",)),
    Route("GET", "/v1/audit/export", _export, ("export_audit",)),
)
