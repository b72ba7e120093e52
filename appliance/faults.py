"""Every fault the appliance can answer with: a stable code, whose it is, an HTTP status, a sentence safe to show.

A fault never carries a name, a secret or a health detail. `detail` is for the log and keeps to the same rule.
The sentences are in English here; listeners translate them by code (portal: gettext; console: `tui/words.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Whose = Literal["ours", "caller", "peer", "machine"]


@dataclass(frozen=True, slots=True)
class FaultKind:
    """One row of the table: what a code means to a program (`whose`, `status`) and to a person (`sentence`)."""

    code: str
    whose: Whose
    status: int
    sentence: str


# Sorted by who has to act. A test finds codes that nothing raises, and codes without words in console or portal.
KINDS: tuple[FaultKind, ...] = (
    # the caller's
    FaultKind("bad_request", "caller", 400, "The box did not understand that. Please go back and try again."),
    FaultKind("not_signed_in", "caller", 401, "Please sign in first."),
    FaultKind("wrong_sign_in", "caller", 401, "That name and password do not belong together."),
    FaultKind("wrong_code", "caller", 401, "That code is not right. It may be too old, or used already."),
    FaultKind("refused", "caller", 403, "You are not allowed to do that here."),
    FaultKind("forged", "caller", 403, "This page was open for too long. Please load it again."),
    FaultKind("not_found", "caller", 404, "There is nothing here."),
    FaultKind("wrong_state", "caller", 409, "That is not possible right now."),
    FaultKind(
        "not_the_machine",
        "caller",
        409,
        "This Hearth does not run on a box of its own, so the machine it is on is not its to change.",
    ),
    FaultKind("machine_busy", "machine", 503, "The machine did not answer in time. Please try again in a minute."),
    # the machine itself
    FaultKind("session_open", "caller", 409, "A session is going on. Whoever is in it would lose the line."),
    FaultKind(
        "clinic_name_wrong",
        "caller",
        422,
        "That is not the name of the clinic as it stands above. Nothing was deleted.",
    ),
    FaultKind("erase_wait", "caller", 409, "Read it once more, then type the word again. Nothing was deleted."),
    FaultKind(
        "clock_before_audit",
        "caller",
        409,
        "The box has been more than a day further than that already. If it really was wrong, an administrator can set"
        " it back.",
    ),
    # the network of the machine
    FaultKind(
        "network_address",
        "caller",
        422,
        "That is not an address with the length of its network. It looks like 192.168.1.5/24.",
    ),
    FaultKind(
        "network_gateway",
        "caller",
        422,
        "The router's address must lie in the same network as the box's, and be another one.",
    ),
    FaultKind("network_dns", "caller", 422, "Those are not addresses of name servers. They look like 192.168.1.1."),
    FaultKind("network_name", "caller", 422, "The name of a Wi-Fi network has 1 to 32 letters."),
    FaultKind(
        "network_password", "caller", 422, "The password of a Wi-Fi network has 8 to 63 letters, digits and signs."
    ),
    FaultKind("network_country", "caller", 422, "The country is two letters, such as ES or US."),
    FaultKind(
        "network_channel", "caller", 422, "That channel cannot be used. Take one from 1 to 11, or 36, 40, 44, 48."
    ),
    FaultKind("no_wifi", "caller", 409, "This machine has no Wi-Fi that works."),
    FaultKind("wifi_busy", "caller", 409, "The box offers its own Wi-Fi right now, so it cannot listen for others."),
    FaultKind(
        "wifi_refused",
        "caller",
        409,
        "The box could not join that Wi-Fi. Please check its name and password, and move the box closer.",
    ),
    FaultKind("no_trial", "caller", 409, "There is nothing to keep: the settings from before are in use again."),
    FaultKind("zone_unknown", "caller", 422, "That is no time zone that this box knows."),
    FaultKind("keyboard_unknown", "caller", 422, "That is no keyboard that this box knows."),
    FaultKind("stale_epoch", "caller", 409, "The keys of the room have changed meanwhile. Please try again."),
    FaultKind("session_locked", "caller", 409, "The door of the session is locked. Unlock it first."),
    FaultKind("in_private_room", "caller", 409, "One of the two is in a private room already."),
    FaultKind(
        "leader_away",
        "caller",
        409,
        "Nobody who leads this session is here right now. People can come in when they are back.",
    ),
    FaultKind(
        "blocked",
        "caller",
        403,
        "This group is not open to this person right now. If it is you, please call us: we will talk about it.",
    ),
    FaultKind(
        "licence_expired",
        "caller",
        403,
        "A licence of yours has run out, so you cannot lead a session now. Please ask the administrator.",
    ),
    FaultKind("leader_not_here", "caller", 409, "Whoever goes along must have the room open first."),
    FaultKind("box_full", "machine", 409, "The box is at its limit. One more person with a picture does not fit."),
    FaultKind("too_large", "caller", 413, "That was too much at once."),
    FaultKind("too_many_tries", "caller", 429, "Too many tries. Please wait a minute and try again."),
    # accounts of staff
    FaultKind("username_taken", "caller", 409, "That user name is taken. Please choose another."),
    FaultKind("own_account", "caller", 409, "You cannot do that with your own account. Ask another administrator."),
    FaultKind(
        "last_administrator",
        "caller",
        409,
        "This is the last account that can manage the others. Appoint another one first.",
    ),
    FaultKind("last_factor", "caller", 409, "You need at least one second step. Set up another one first."),
    FaultKind("wrong_password", "caller", 401, "That is not your password."),
    FaultKind("password_same", "caller", 422, "Please choose a password that is not the one you have now."),
    FaultKind("password_short", "caller", 422, "That password is too short. Please take at least 10 characters."),
    FaultKind("password_long", "caller", 422, "That password is too long. Please take at most 256 characters."),
    FaultKind("password_common", "caller", 422, "Many people use that password, so it is easy to guess."),
    FaultKind("password_name", "caller", 422, "That password has your name in it, so it is easy to guess."),
    FaultKind("passwords_differ", "caller", 422, "The two new passwords are not the same. Please type them again."),
    # tickets
    FaultKind("wrong_ticket", "caller", 403, "That code and PIN do not belong together. Please check both."),
    FaultKind(
        "ticket_stopped", "caller", 403, "This invitation has been stopped. Please call the clinic for a new one."
    ),
    FaultKind(
        "ticket_other_device",
        "caller",
        403,
        "This invitation is already in use on another device or in another browser. Please go on there, or call the"
        " clinic for a new one.",
    ),
    FaultKind("ticket_expired", "caller", 403, "This invitation is too old. Please call the clinic for a new one."),
    FaultKind("session_over", "caller", 403, "This session is over. If you have a question, please call us."),
    # keys and store
    FaultKind("wrong_passphrase", "caller", 403, "That is not the passphrase of this box."),
    FaultKind("wrong_sheet", "caller", 403, "These are not the words of that sheet. Please check each of them."),
    FaultKind("weak_passphrase", "caller", 422, "A passphrase of the box has at least 12 characters."),
    FaultKind(
        "last_slot", "caller", 409, "That is the last way into the box that is known to work. Add another one first."
    ),
    FaultKind("too_many_slots", "caller", 409, "There are 16 key slots already. Remove one that nobody needs."),
    FaultKind("not_enrolled", "caller", 409, "This box does not know a headquarters yet."),
    FaultKind("code_mistyped", "caller", 422, "A letter of the code is wrong or missing. Compare it with yours."),
    FaultKind("wrong_address", "caller", 422, "That is not an address. It looks like https://hq.example.org:8444."),
    FaultKind("facts_other_code", "caller", 403, "The code you compared is not the one of that file's key."),
    FaultKind("facts_damaged", "caller", 422, "That file is damaged, or it is not headquarters' file of public facts."),
    FaultKind("courier_away", "machine", 503, "The courier is not running, so there is nothing to ask with yet."),
    FaultKind("machine_refused", "machine", 409, "This machine cannot keep a credential for the box."),
    FaultKind("wrong_answer", "caller", 403, "That answer from headquarters does not fit the request of this box."),
    FaultKind("box_locked", "machine", 503, "The box is not unlocked yet. Please ask the staff."),
    FaultKind(
        "slots_missing", "machine", 500, "The file with the key slots is missing or damaged. Restore it from a backup."
    ),
    FaultKind(
        "store_missing", "machine", 500, "The key slots are here but the store is not. Restore it from a backup."
    ),
    FaultKind("store_truncated", "machine", 500, "The store has been cut short. Restore it from a backup."),
    FaultKind("store_foreign", "machine", 500, "The store file does not belong to this box, or it is damaged."),
    FaultKind(
        "store_damaged",
        "machine",
        500,
        "A part of the store is damaged. The rest goes on; restore the box from a backup soon.",
    ),
    FaultKind("store_newer", "machine", 500, "The store was written by a newer version. Start that version instead."),
    FaultKind(
        "store_rolled_back",
        "machine",
        500,
        "This store is older than what was here before: entries are missing. Put the newer one back, or accept the loss"
        " with a reason (hearth accept-rollback).",
    ),
    FaultKind(
        "wal_missing",
        "machine",
        500,
        "The store was not closed and its file hearth.db-wal is gone: what was written last may be missing. Put the"
        " file back, or accept the loss with a reason (hearth accept-rollback).",
    ),
    FaultKind(
        "wal_foreign",
        "machine",
        500,
        "The file hearth.db-wal beside the store does not belong to it: the store was closed without one. Move that"
        " file away, then start again.",
    ),
    FaultKind("store_exists", "caller", 409, "There is a store here already. Nothing was changed."),
    FaultKind(
        "store_failed", "machine", 500, "The box could not write to its disk. Nothing was lost that it had confirmed."
    ),
    FaultKind(
        "disk_full",
        "machine",
        507,
        "The disk is full: nothing new can be kept, what is there can be read. Make room; the box goes on by itself.",
    ),
    FaultKind(
        "home_read_only",
        "machine",
        500,
        "The disk can only be read, often after an error of the disk. Start the machine again; if it comes back, put in"
        " a new disk and restore from a backup.",
    ),
    FaultKind("home_in_use", "machine", 500, "Another Hearth is already running on this folder."),
    FaultKind("home_not_writable", "machine", 500, "Hearth may not write to its folder. Check who owns it."),
    FaultKind("port_taken", "machine", 500, "Another program already uses that port. Choose another in the settings."),
    FaultKind("bad_settings", "caller", 500, "The settings file has a mistake."),
    # copies of the box
    FaultKind("backup_busy", "caller", 409, "A backup is being made already. Please wait until it is done."),
    FaultKind("backup_no_place", "caller", 404, "There is no such folder for a backup. Is the stick plugged in?"),
    FaultKind("backup_full", "machine", 507, "There is not enough room for the backup. Nothing of it was kept there."),
    FaultKind(
        "backup_failed", "machine", 500, "The backup could not be written, or not be read again. Is the stick still in?"
    ),
    FaultKind("backup_damaged", "caller", 422, "This backup is damaged or not whole. Use another one."),
    FaultKind("backup_foreign", "caller", 422, "What is there is not the backup of a Hearth box."),
    FaultKind("restore_busy", "caller", 409, "A backup is being brought back onto this box. Please wait."),
    # sticks that carry sealed records
    FaultKind("stick_busy", "caller", 409, "A stick is being written or read already. Please wait until it is done."),
    FaultKind("stick_missing", "caller", 404, "There is no such folder. Is the stick plugged in?"),
    FaultKind("stick_several", "caller", 409, "There is more than one stick. Leave only the one for headquarters in."),
    FaultKind(
        "stick_no_answer", "caller", 404, "There is no answer for this box on the stick. Was it at headquarters?"
    ),
    FaultKind(
        "stick_full", "machine", 507, "The stick is full. What is on it whole counts; the rest goes on the next one."
    ),
    FaultKind(
        "stick_failed",
        "machine",
        500,
        "The stick cannot be read or written. Is it still in, and is it not write-protected?",
    ),
    FaultKind(
        "sign_in_unfinished",
        "caller",
        403,
        "Your sign-in is not set up yet. Sign in at the console or the portal once, and come back.",
    ),
    FaultKind("wrong_passkey", "caller", 401, "That passkey did not fit. Please try again, or use another way."),
    FaultKind(
        "passkey_address", "caller", 409, "Passkeys work under the box's name only, not under an address in figures."
    ),
    # the clock
    # releases of the box
    FaultKind(
        "update_missing",
        "caller",
        409,
        "There is no release there any more. Plug the stick in again and look once more.",
    ),
    FaultKind(
        "update_unsigned",
        "peer",
        422,
        "This release is not signed by the makers of this box, so it was not installed.",
    ),
    FaultKind(
        "update_other_box",
        "caller",
        422,
        "This release is for another kind of box. Nothing was changed.",
    ),
    FaultKind(
        "update_older",
        "caller",
        422,
        "This release is older than this box takes. Nothing was changed.",
    ),
    FaultKind(
        "update_same",
        "caller",
        409,
        "This release runs here already.",
    ),
    FaultKind(
        "update_damaged",
        "peer",
        422,
        "This release is damaged. Please copy it again. The box runs as before.",
    ),
    FaultKind(
        "update_no_room",
        "machine",
        507,
        "This release is too large for this box. Nothing was changed.",
    ),
    FaultKind(
        "update_failed",
        "machine",
        500,
        "The release could not be installed. The box runs as before. Please try again.",
    ),
    FaultKind(
        "update_trial",
        "machine",
        409,
        "The box is trying out a new release. Please wait a few minutes.",
    ),
    FaultKind(
        "update_no_other",
        "caller",
        409,
        "There is no other release on this box to go back to.",
    ),
    FaultKind(
        "update_old_boot_loader",
        "machine",
        409,
        "The start program of this Raspberry Pi is too old to try a release safely."
        " Renew it once with Raspberry Pi Imager, then install the release.",
    ),
    FaultKind(
        "update_session",
        "caller",
        409,
        "A session is going on. Please wait until it has ended.",
    ),
    FaultKind("clock_wrong", "caller", 422, "That date cannot be right. Please look at day, month and year again."),
    FaultKind(
        "audit_broken",
        "machine",
        500,
        "The audit does not hold together: it was changed, or is damaged. Tell headquarters.",
    ),
    # notes
    FaultKind("keys_missing", "caller", 403, "Your key to the notes is not here. Please sign out and in again."),
    FaultKind(
        "notes_closed",
        "caller",
        403,
        "These notes are closed to you until somebody who has their keys gives you access.",
    ),
    FaultKind("note_damaged", "machine", 500, "This note cannot be opened: it is damaged, or somebody changed it."),
    FaultKind("note_empty", "caller", 400, "There is no text yet. Please write something first."),
    FaultKind("note_too_long", "caller", 413, "The note is too long. Please make two of it."),
    FaultKind(
        "note_changed", "caller", 409, "Somebody has changed this note meanwhile. Look at the newest version first."
    ),
    FaultKind("reason_short", "caller", 400, "Please say in at least ten characters why you need to read this."),
    FaultKind("glass_over", "caller", 403, "The half hour is over. Give a reason again if you need to read on."),
    # other processes
    FaultKind("relay_away", "ours", 503, "Picture and sound are starting again. Please wait a moment."),
    FaultKind(
        "relay_refused", "caller", 409, "The connection for picture and sound was refused. Please load the page again."
    ),
    FaultKind("internal", "ours", 500, "Something went wrong in the box. It has been noted."),
)

BY_CODE: dict[str, FaultKind] = {kind.code: kind for kind in KINDS}


class Fault(Exception):
    """Raised anywhere in the appliance, caught once: at a listener or in `__main__`.

    `code` must be in KINDS. `detail` goes to the log only and holds no name, secret or health detail. `seconds`: until
    it is worth another try, 0 where nobody can tell. `about`: a number or a version that is shown with the sentence.
    """

    def __init__(self, code: str, detail: str = "", *, seconds: float = 0.0, about: str = "") -> None:
        super().__init__(code)
        self.kind = BY_CODE[code]
        self.detail = detail
        self.about = about
        self.seconds = seconds

    @property
    def code(self) -> str:
        return self.kind.code
