"""Every parser of bytes from outside, by the name of its corpus folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.fuzz import bodies, forwarding, packets, sync_bytes, words

CORPUS = Path(__file__).parent / "corpus"

TARGETS: dict[str, Callable[[bytes], None]] = {
    "rtp": packets.rtp_header,
    "extensions": packets.rtp_extensions,
    "rtcp": packets.rtcp_compound,
    "stun": packets.stun_check,
    "vp8": packets.vp8_payload,
    "sframe": packets.sframe_header,
    "sealed": packets.sealed_frames,
    "twcc": packets.transport_feedback,
    "room": forwarding.room_packets,
    "relay_sock": words.relay_lines,
    "request": words.browser_request,
    "frame": words.portal_frame,
    "form": bodies.portal_form,
    "control": bodies.control_body,
    "group": bodies.group_request,
    "taps": bodies.room_request,
    "passkey": bodies.passkey,
    "slots": bodies.slots,
    "sheet": bodies.sheet,
    "manifest": bodies.backup_manifest,
    "proof": bodies.audit_proof,
    "settings": bodies.settings_file,
    "ticket": bodies.ticket,
    "query": bodies.notes_query,
    "witness": bodies.store_witness,
    "wal": bodies.store_wal,
    "sync_sealed": sync_bytes.sealed,
    "sync_records": sync_bytes.records,
    "sync_frames": sync_bytes.stream_frames,
    "sync_words": sync_bytes.words,
    "sync_facts": sync_bytes.facts,
    "sync_bundle": sync_bytes.bundles,
    "sync_enrolment": sync_bytes.enrolments,
    "sync_item": sync_bytes.item,
}

# An input of these is many packets or lines, or goes through slow code of others: they get that many times fewer.
PER_INPUT = {"room": 20, "relay_sock": 20, "form": 10, "settings": 10, "wal": 50, "sync_enrolment": 10}


def corpus(target: str) -> list[Path]:
    """Inputs in the tree: made by `make_corpus.py`, captured from browsers, and those that once broke something."""
    return sorted((CORPUS / target).iterdir())
