"""A smoke command's fields: what is run, where, with what, and for how long."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Input, Static

from consolidator_tui.domain.smoke import CommandKind, Login, SmokeCommand, Start
from consolidator_tui.tui.modals.dialog import Dialog
from consolidator_tui.tui.text import lines, safe
from consolidator_tui.tui.trials import environment_of, environment_text

KINDS: dict[CommandKind, str] = {
    CommandKind.TESTS: "tests: may not change the database",
    CommandKind.SCRIPT: "a script",
    CommandKind.CREATE: "makes the tables, also where there is no database",
    CommandKind.SERVER: "a server on {port}: started, asked, stopped",
}
_SECRET = ("pass", "secret", "token", "pin", "code")


class KindField(Static, can_focus=True):
    """One of the kinds; `left`, `right` and `space` change it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,space", "turn(1)", "Next kind", show=False),
        Binding("left", "turn(-1)", "Previous kind", show=False),
    ]
    kind: reactive[CommandKind] = reactive(CommandKind.SCRIPT)

    def __init__(self, kind: CommandKind) -> None:
        super().__init__(markup=False, id="field-kind")
        self.set_reactive(KindField.kind, kind)

    def render(self) -> Text:
        """The kind in words."""
        return Text(f"< {KINDS[self.kind]} >", no_wrap=True, end="")

    def action_turn(self, by: int) -> None:
        """The next one, round and round."""
        kinds = list(KINDS)
        self.kind = kinds[(kinds.index(self.kind) + by) % len(kinds)]


class CommandForm(Dialog[SmokeCommand]):
    """Ends with the command as it was edited, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "app.focus_previous", "Previous field", show=False),
        Binding("down", "app.focus_next", "Next field", show=False),
        Binding("enter", "accept", "Accept", show=False),
    ]

    def __init__(self, title: str, command: SmokeCommand) -> None:
        """`command` has exactly one start."""
        super().__init__(title)
        self._command = command

    def content(self) -> ComposeResult:
        """A line for each field."""
        command = self._command
        start = command.starts[0]
        yield Static(
            "{project} stands for the copy's folder, {port} for the server's port.",
            id="dialog-text",
            markup=False,
        )
        with VerticalScroll(id="fields", can_focus=False):
            yield _row("Command", _input("command", start.command))
            yield _row("Folder", _input("folder", start.folder, "the project"))
            yield _row("Variables", _input("environment", environment_text(start.environment)))
            yield _row("Kind", KindField(command.kind))
            yield _row("Seconds", _input("timeout", f"{command.timeout:g}"))
            yield _row("Exit status", _input("exit", str(command.expected_exit)))
            yield _row("Health path", _input("health", command.health, "for a server: /health"))
            login = command.login
            path = login.path if login is not None else ""
            yield _row("Login path", _input("login", path, "for a server: /login"))
            for name, value in self._login_fields():
                hidden = any(word in name.lower() for word in _SECRET)
                yield _row(name, _input(f"login-{name.encode().hex()}", value, hidden=hidden))
        yield Static(id="form-problem", markup=False)
        yield Static(
            "↑ ↓ field   ← → kind   enter accept   esc cancel", classes="keys", markup=False
        )

    def _login_fields(self) -> Iterator[tuple[str, str]]:
        login = self._command.login
        yield from (login.fields if login else {"username": "", "password": ""}).items()

    def on_mount(self) -> None:
        """The command first."""
        self.query_one("#field-command", Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """`enter` in a field takes the whole form."""
        event.stop()
        self.action_accept()

    def action_accept(self) -> None:
        """Take it, or say what is wrong."""
        try:
            self.dismiss(self._made())
        except ValueError as error:
            self.query_one("#form-problem", Static).update(Text(f"! {lines(error)}"))

    def _value(self, name: str) -> str:
        return self.query_one(f"#field-{name}", Input).value.strip()

    def _made(self) -> SmokeCommand:
        """The command that was typed. Raises ValueError with a sentence."""
        line = self._value("command")
        if not line:
            raise ValueError("Command: it is empty.")
        kind = self.query_one(KindField).kind
        health = self._value("health")
        for name, path in (("Health path", health), ("Login path", self._value("login"))):
            if path and not path.startswith("/"):
                raise ValueError(f"{name}: it begins with a slash.")
        start = Start(
            self._value("folder").strip("/").removeprefix("./"),
            line,
            environment_of(self._value("environment")),
            self._command.starts[0].required,
        )
        return replace(
            self._command,
            kind=kind,
            starts=(start,),
            timeout=_number("Seconds", self._value("timeout"), least=0.1),
            expected_exit=int(_number("Exit status", self._value("exit"), least=0)),
            health=health,
            login=self._login(),
        )

    def _login(self) -> Login | None:
        path = self._value("login")
        if not path:
            return None
        fields = {
            name: self.query_one(f"#field-login-{name.encode().hex()}", Input).value
            for name, _ in self._login_fields()
        }
        before = self._command.login
        return Login(path, fields, before.form if before is not None else False)


def _input(name: str, value: str, hint: str = "", *, hidden: bool = False) -> Input:
    return Input(value, placeholder=hint, password=hidden, compact=True, id=f"field-{name}")


def _row(label: str, field: Widget) -> Horizontal:
    return Horizontal(Static(safe(label, 13), classes="label", markup=False), field)


def _number(label: str, text: str, *, least: float) -> float:
    try:
        number = float(text)
    except ValueError as error:
        raise ValueError(f"{label}: {text or 'nothing'} is not a number.") from error
    if not least <= number < 100_000:
        raise ValueError(f"{label}: it must be at least {least:g}.")
    return number
