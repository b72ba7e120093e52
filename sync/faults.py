"""Every fault of sync: a stable code and a sentence safe to show. No fault carries a key, a record or a person."""

from __future__ import annotations

# The code is for programs, the sentence for the person at the console or the terminal. A test raises each of them.
SENTENCES: dict[str, str] = {
    # bytes that do not parse
    "malformed_envelope": "This is not a sealed envelope, or it is damaged.",
    "malformed_content": "What was inside the envelope is not laid out as it should be.",
    "malformed_receipt": "This is not a receipt, or it is damaged.",
    "malformed_pack": "This is not a pack from HQ, or it is damaged.",
    "malformed_carriage": "HQ did not understand what the courier sent.",
    "malformed_facts": "The file with the other side's public facts is damaged.",
    "unsupported_version": "This was made by a newer version.",
    "too_large": "This is larger than the format allows.",
    # keys
    "bad_signature": "The signature does not belong to these bytes and this key.",
    "cannot_open": "This key does not open the envelope.",
    "unknown_recipient": "The envelope is sealed to a key that HQ does not have.",
    "bad_key_file": "A key file is missing or damaged.",
    # what a receipt must agree with
    "receipt_other_key": "The receipt was signed with a key that is not the HQ we know.",
    "receipt_other_box": "The receipt is for another box.",
    "set_back": "More was sent from this box than it remembers: it was set back or copied.",
    "receipt_other_bytes": "HQ holds other bytes than this box sent.",
    "restored": "This box came out of a backup. It asks HQ how far it was before it seals anything more.",
    "receipt_missing": "Records were handed over long ago and HQ's receipt has not come. Sending again does no harm.",
    # what a pack must agree with
    "pack_other_key": "The pack was signed with a key that is not the HQ we know.",
    "pack_other_box": "The pack is for another box.",
    "pack_fork": "HQ sent two different packs under one number, or one that does not follow the one before.",
    # what is in a pack
    "malformed_item": "Something in the pack is not as it should be.",
    "item_older": "The pack holds something older than what the box has already.",
    "parts_missing": "The pack names a file whose parts did not come.",
    "certificate_unfit": "The certificate does not fit the key and the name of this box.",
    # what HQ answers
    "unknown_box": "HQ does not know this box yet. Enrol it there.",
    "fork": "HQ already holds other bytes under this number: this box was set back or copied.",
    "gap": "HQ misses an envelope that is no longer here to be carried.",
    "receipt_needed": "HQ needs the box's last receipt to go on from.",
    "receipt_store_differs": "HQ's store does not hold what its own receipt says.",
    "busy": "HQ is busy. The courier tries again by itself.",
    "hq_failed": "HQ could not store the envelope. The courier tries again by itself.",
    # the way there
    "hq_unreachable": "HQ cannot be reached. The courier tries again by itself.",
    "wrong_certificate": "What answers at HQ's address is not the HQ we know.",
    "certificate_renewed": "HQ shows a renewed certificate that this box was not told of. Nothing was sent.",
    "certificate_refused": "HQ did not accept this box's certificate. Enrol the box again.",
    "other_server": "Something else answers at HQ's address: a network's own page, or a name service that lies.",
    "captive_portal": "The network wants somebody to sign in first: it answers in place of HQ.",
    "name_unknown": "The network does not know HQ's name.",
    "courier_away": "The courier is not running.",
    "spool_failed": "The courier could not write to its spool.",
    # the way by stick
    "malformed_bundle": "This file on the stick is none of ours.",
    "bundle_damaged": "This file on the stick is cut short or damaged: the stick was pulled out too early.",
    "bundle_other_box": "This file on the stick is not what its folder says, so it was left alone.",
    "stick_missing": "There is no such folder. Is the stick plugged in?",
    "stick_full": "The stick is full. What is on it whole counts; the rest goes on the next one.",
    "stick_failed": "The stick cannot be read or written. Is it still in, and is it not write-protected?",
    # giving back
    "box_not_lost": "That box is not marked as lost. Revoke it first, or say --force if you are sure.",
    "no_inbox_key": "This box can get no packs yet: it has an older version, or was enrolled by one.",
    # the box's certificate, and whether it is let in
    "no_certificate": "HQ asks for this box's certificate, and the courier has none yet.",
    "other_certificate": "The certificate that the courier has is another box's.",
    "certificate_ended": "This box's certificate for HQ has ended. The box asks for a new one by itself.",
    "box_revoked": "HQ does not let this box in any more.",
    # enrolment
    "code_mistyped": "A letter of the code is wrong or missing. Compare it with the one you were given.",
    "code_wrong": "HQ does not know this code. Compare it letter by letter, or ask headquarters for a new one.",
    "code_used": "Another box has used this code. Ask headquarters for a new one.",
    "code_ended": "This code is too old. Ask headquarters for a new one.",
    "too_many_tries": "Too many tries at HQ. Wait a minute, then try again.",
    "malformed_enrolment": "This is not a box's request to its headquarters, or it is damaged.",
    "not_hq": "What answers there is not HQ. The network may want you to sign in first, or the address is wrong.",
    "answer_forged": "What answered does not know this code, or not this request: it is not the HQ that gave the code.",
    "wrong_address": "This is not the address of an HQ. It looks like https://hq.example.org:8444.",
    # HQ's keys when they change
    "facts_other_code": "The code you compared is not that of the key in this file. Nothing was changed.",
    "facts_other_key": "HQ's new keys are not signed by a key of the HQ we know.",
    "facts_unrelated": "HQ's new keys have nothing in common with those we know. Nothing was changed.",
    "rotation_open": "A new key waits already. Put it in use first, with --finish.",
    "rotation_none": "No new key waits. Make one first, without --finish.",
    # HQ's own machine
    "target_failed": "Where the records go to refused them. Nothing of this batch was kept; run it again.",
    "hq_packages": "This needs packages that are not installed: .ci/setup hq",
    "share_missing": "This box has given HQ no share of that recovery key.",
    "hash_unknown": "Nothing tells the hash of the missing envelope: give a receipt that ends with it.",
    "hq_exists": "There is something in this folder already. Nothing was changed.",
    "hq_missing": "There is no HQ in this folder. Make one with: hq init",
    "box_exists": "Another key is enrolled under this box's id already. Nothing was changed.",
    "store_overwrites": "This object store does not honour conditional create, so HQ will not use it.",
    "store_away": "The object store that hq.toml names does not answer. Check its address, its keys, and that it runs.",
    "port_taken": "Another program already uses that port.",
}


class SyncFault(Exception):
    """`code` is a key of SENTENCES. `next_wanted` is set by "gap": the sequence number that HQ wants next."""

    def __init__(self, code: str, *, next_wanted: int = 0) -> None:
        super().__init__(code)
        self.sentence = SENTENCES[code]
        self.code = code
        self.next_wanted = next_wanted
