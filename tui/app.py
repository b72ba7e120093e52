"""The console's commands: what each key of the table does, and what the pages ask for. The state is in `shell.py`."""

from __future__ import annotations

from typing import ClassVar, Literal, cast

from textual.binding import Binding, BindingType

from appliance.control.types import Admit
from tui import asking, backups, carrying, enrolling, keys, machine, model, networking, updating, work
from tui.commands import BY_ID, COMMANDS, Command, Target, by_key, needs_confirm, refusal, variants
from tui.screens.backups import BackupsPage
from tui.screens.calls import CallsPage
from tui.screens.clock import ClockPage
from tui.screens.enrol import EnrolPage
from tui.screens.health import HealthPage
from tui.screens.help import HelpPage
from tui.screens.keys import KeysPage
from tui.screens.machine import MachinePage
from tui.screens.network import NetworkPage
from tui.screens.page import Page
from tui.screens.palette import Palette
from tui.screens.portal import PortalPage
from tui.screens.reset import ResetPage
from tui.screens.rollback import ACCEPTABLE, RollbackPage
from tui.screens.session import SessionPage
from tui.screens.sync import SyncPage
from tui.screens.today import TodayPage
from tui.screens.updates import UpdatesPage
from tui.setup_shell import SetupShell
from tui.widgets.banner import Notice
from tui.widgets.choice import Choice
from tui.widgets.confirm import Confirm
from tui.widgets.invitation import InvitationPanel

KEYS = tuple(dict.fromkeys(key for one in COMMANDS for key in one.keys))


class Console(SetupShell):
    """The whole console."""

    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(",".join(variants(key)), f"app.press('{key}')", key, show=False) for key in KEYS),
        Binding("escape", "app.leave", "leave", show=False),
    ]

    # ── commands

    def action_press(self, key: str) -> None:
        """The command of a key of the table, for what the page points at."""
        self.action_do(by_key(key, self.known, self._target()).id)

    def action_do(self, identifier: str) -> None:
        """One command of the table, for what the page points at."""
        if model.place(self.known) == "setup" and identifier not in ("quit", "calls"):
            return  # there is nobody here yet whose commands they are
        command, target = BY_ID[identifier], self._target()
        if self._kept_back(command, target):
            return
        if needs_confirm(command, self.known, target):
            question = self.words(f"confirm.{identifier}", **self._facts(target))
            self.push_screen(
                Confirm(self.words, question), lambda yes: self._answered(command, target) if yes else None
            )
        elif identifier in ("remove", "message", "show_card", "handle_concern"):
            self._ask(command, target)
        elif command.reach in ("session", "member"):
            self._act(command, target)
        else:
            getattr(self, f"_do_{identifier}")()

    def _kept_back(self, command: Command, target: Target) -> bool:
        """Whether it can't be done now, which is said."""
        why = refusal(command, self.known, target)
        if why:
            role = self.words(f"role.{self.known.login.role}") if self.known.login else ""
            self._say("fault", why, role=role, command=self.words(f"command.{command.id}"))
        return why != ""

    def _ask(self, command: Command, target: Target) -> None:
        """The window of a command that needs more than a yes."""
        of, who = model.session(self.known, target[0]), model.member(self.known, *target)

        def then(given: work.Given) -> None:
            self._answered(command, target, given)

        if of is not None and command.id == "show_card":
            asking.card(self, self.words, of, who, then)
        elif of is not None and command.id == "handle_concern":
            asking.concern(self, self.words, of, who, then)
        elif who is not None and command.id == "remove":
            asking.removal(self, self.words, who, then)
        elif who is not None:
            asking.message(self, self.words, who, then)

    def _answered(self, command: Command, target: Target, given: work.Given = None) -> None:
        if not self._kept_back(command, target):  # things may have changed while the question stood there
            self._act(command, target, given)

    def _act(self, command: Command, target: Target, given: work.Given = None) -> None:
        name = self._facts(target)["name"]
        self.notice = None
        doing = work.act(self.client, self.post_message, self._login, command, target, name, given)
        self._once(command.id, doing, target)

    def on_acted(self, message: work.Acted) -> None:
        if message.login != self._login:
            return  # signed out since: no name and no PIN may appear
        self._say("note", f"done.{message.command.id}", name=message.name)
        if message.invitation is not None:
            self.push_screen(InvitationPanel(self.words, message.invitation, self.client))

    def on_refused(self, message: work.Refused) -> None:
        if message.login != self._login:
            return
        if message.code == "not_signed_in" and self.client.signed_in:
            self._sign_out("banner.expired")
        elif message.code in ACCEPTABLE and model.place(self.known) == "unlock":
            self._show(RollbackPage(self._frame, message.code, message.about))
        elif message.code == "box_full":
            self._ask_beyond(BY_ID[message.command or "admit"], message.target)
        else:
            if message.code == "not_signed_in":  # the way in took too long: from the beginning
                self._start_over()
            self.notice = Notice("fault", self.words.fault(message.code, message.about, message.seconds))

    def _ask_beyond(self, command: Command, target: Target) -> None:
        """The box is at its limit: what to do with the one who waits is a person's decision."""
        question = Choice(self.words, self.words("full.question", **self._facts(target)), "full", asking.BEYOND)

        def answered(answer: str | None) -> None:
            if answer in ("fewer", "anyway"):
                self._answered(command, target, Admit(beyond=cast(Literal["fewer", "anyway"], answer)))
            else:
                self._say("note", "full.waiting", name=self._facts(target)["name"])

        self.push_screen(question, answered)

    def _do_next(self) -> None:
        """The person after the highlighted one, over all waiting rooms, round and round."""
        ids = [(one.id, who.id) for one in self.known.sessions for who in model.waiting(one)]
        target = self._target()
        following = ids[(ids.index(target) + 1) % len(ids)] if target in ids else ids[0]
        self._show_session(*following)

    def _do_today(self) -> None:
        self.notice = None
        self._pop_until(lambda screen: isinstance(screen, TodayPage))

    def _do_health(self) -> None:
        self._show(HealthPage(self._frame))

    def _do_see_machine(self) -> None:
        self._show(MachinePage(self._frame))

    def on_machine_page_asked(self, message: MachinePage.Asked) -> None:
        page = message.page.post_message
        asking = machine.examine(self.client, self.post_message, page, self._login, self.words.language)
        self._work(asking, group="act")

    def _do_restart_box(self) -> None:
        self._ask_power("power.question", anyway=False)

    def _ask_power(self, question: str, *, anyway: bool, only: machine.Do | None = None) -> None:
        """Restart, switch off, or neither; once more where a session goes on."""
        answers = ("stay", "restart", "off") if only is None else ("stay", only)

        def answered(answer: str | None) -> None:
            if answer in ("restart", "off"):
                do = cast(machine.Do, answer)
                self._once("restart_box", machine.order(self.client, self.post_message, self._login, do, anyway=anyway))

        self.push_screen(Choice(self.words, self.words(question), "power", answers), answered)

    def on_session_open(self, message: machine.SessionOpen) -> None:
        if message.login == self._login:
            self._ask_power("power.session_open", anyway=True, only=message.do)

    def on_ordered(self, message: machine.Ordered) -> None:
        if message.login == self._login:
            self._say("note", f"done.power.{message.do}")

    def _do_reset_box(self) -> None:
        self._show(ResetPage(self._frame, locked=model.place(self.known) == "unlock"))

    def on_reset_page_given(self, message: ResetPage.Given) -> None:
        do = machine.erase if message.locked else machine.reset
        told = (self.post_message, message.page.post_message, self._login, message.typed)
        self._once("reset_box", do(self.client, *told))

    def on_rollback_page_too_short(self, _message: RollbackPage.TooShort) -> None:
        self._say("fault", "rollback.short")

    def on_rollback_page_given(self, message: RollbackPage.Given) -> None:
        """What is missing stays missing: asked once more."""

        def answered(yes: bool | None) -> None:
            if yes and model.place(self.known) == "unlock":
                self._say("note", "banner.opening")
                given = (message.passphrase, message.reason)
                doing = work.accept_rollback(self.client, self.post_message, self._login, *given)
                self._once("accept_rollback", doing)

        self.push_screen(Confirm(self.words, self.words("rollback.question")), answered)

    def on_rolled_on(self) -> None:
        self._say("note", "rollback.done")

    def _do_portal(self) -> None:
        self._show(PortalPage(self._frame))

    def _do_calls(self) -> None:
        self._show(CallsPage(self._frame))

    def on_calls_page_looked(self, message: CallsPage.Looked) -> None:
        self._work(work.on_call(self.client, self.post_message, message.page.post_message, self._login), group="act")

    def _do_sync(self) -> None:
        self._show(SyncPage(self._frame))

    def on_sync_page_asked(self, message: SyncPage.Asked) -> None:
        page, wish = message.page, message.wish
        if wish.deed == "enrol":  # a page of its own
            self._do_enrol_box()
            return
        doing = carrying.do(self.client, self.post_message, page.post_message, self._login, wish)
        self._once(f"sync.{wish.deed}", doing)

    def on_sync_done(self, message: carrying.SyncDone) -> None:
        if message.login == self._login:
            self._say("note", f"done.sync.{message.deed}")

    def _do_back_up(self) -> None:
        self._show(BackupsPage(self._frame))

    def on_backups_page_looked(self, message: BackupsPage.Looked) -> None:
        self._work(backups.look(self.client, self.post_message, message.page.post_message, self._login), group="act")

    def on_backups_page_chosen(self, message: BackupsPage.Chosen) -> None:
        told = (self.post_message, message.page.post_message, self._login)
        self._once("back_up", backups.begin(self.client, *told, message.to))

    def _do_enrol_box(self) -> None:
        self._show(EnrolPage(self._frame))

    def on_enrol_page_asked(self, message: EnrolPage.Asked) -> None:
        page, wish = message.page, message.wish
        self._once("enrol_box", enrolling.do(self.client, self.post_message, page.post_message, self._login, wish))

    def on_enrol_page_told(self, message: EnrolPage.Told) -> None:
        self.notice = message.notice

    def _do_install_update(self) -> None:
        self._show(UpdatesPage(self._frame))

    def on_updates_page_asked(self, message: UpdatesPage.Asked) -> None:
        page, wish = message.page, message.wish
        doing = updating.do(self.client, self.post_message, page.post_message, self._login, wish)
        self._once(f"updates.{wish.word}", doing)

    def on_updates_page_said(self, message: UpdatesPage.Said) -> None:
        self.notice = message.notice

    def _do_set_clock(self) -> None:
        self._show(ClockPage(self._frame))

    def on_clock_page_told(self, message: ClockPage.Told) -> None:
        self.notice = message.notice

    def on_clock_page_given(self, message: ClockPage.Given) -> None:
        self._set_clock(message.at, message.text)

    def _set_clock(self, at: str, text: str, *, back: bool = False) -> None:
        doing = work.set_clock(self.client, self.post_message, self._login, at, text, back=back)
        self._once("set_clock", doing)

    def on_clock_far_back(self, message: work.ClockFarBack) -> None:
        """The audit has been further than that: an administrator may say it once more, others are told."""
        if message.login != self._login:
            return
        if self.known.login is None or self.known.login.role != "administrator":
            self.notice = Notice("fault", self.words.fault("clock_before_audit"))
            return
        question = Confirm(self.words, self.words("confirm.set_clock.far_back", moment=message.text))
        self.push_screen(question, lambda yes: self._set_clock(message.at, message.text, back=True) if yes else None)

    def on_clock_set(self, message: work.ClockSet) -> None:
        if message.login == self._login:
            self.action_leave()
            self._say("note", "done.set_clock", moment=message.text)

    def _do_set_network(self) -> None:
        self._show(NetworkPage(self._frame))

    def on_network_page_asked(self, message: NetworkPage.Asked) -> None:
        page, wish = message.page, message.wish
        doing = networking.do(self.client, self.post_message, page.post_message, self._login, wish)
        self._once(f"network.{wish.word}", doing)

    def on_network_page_told(self, message: NetworkPage.Told) -> None:
        self.notice = message.notice

    def _do_list_keys(self) -> None:
        self._show(KeysPage(self._frame))

    def on_keys_page_asked(self, message: KeysPage.Asked) -> None:
        page, wish = message.page, message.wish
        self._once("keys", keys.do(self.client, self.post_message, page.post_message, self._login, wish))

    def on_keys_page_told(self, message: KeysPage.Told) -> None:
        self._say("fault", message.sentence)

    def on_key_done(self, message: keys.KeyDone) -> None:
        if message.login == self._login:
            self._say("note", f"done.key.{message.word}", seconds=self.words.number(message.seconds, 1))

    def _do_help(self) -> None:
        target = self._target()
        self._show(HelpPage(self._frame, target))

    def _do_palette(self) -> None:
        target = self._target()
        self.push_screen(Palette(self.words, self.known, target), lambda chosen: self._chosen(chosen or ""))

    def _do_sign_out(self) -> None:
        self._sign_out("banner.signed_out")

    def _do_quit(self) -> None:
        self.exit()

    def _chosen(self, identifier: str) -> None:
        if identifier:
            self.action_do(identifier)

    def action_help_quit(self) -> None:
        """Ctrl-C: it must not end the console by accident, and must not seem dead."""
        self._say("note", "banner.quit")

    def action_leave(self) -> None:
        """One page back; on the first page the banner goes."""
        self.notice = None
        self._start_over()
        if isinstance(self.screen, Page) and (self.screen.aside or isinstance(self.screen, SessionPage)):
            self.pop_screen()

    def on_today_page_shown(self, message: TodayPage.Shown) -> None:
        self._show_session(message.session, message.member)
