"""Keep both: the other row's new key, and other values where a UNIQUE key forbids the same."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from rich.text import Text
from textual.app import ComposeResult
from textual.events import Key
from textual.widgets import Input, Static

from consolidator_tui.domain.cells import cell
from consolidator_tui.domain.conflict import ConflictDetail, Version
from consolidator_tui.domain.plan import Value
from consolidator_tui.tui.modals.dialog import Dialog
from consolidator_tui.tui.text import lines, safe

Taken = Callable[[str, Value], Awaitable[bool]]


class KeepBoth(Dialog[dict[str, Value]]):
    """Ends with the values of the other row (perhaps none), or None."""

    def __init__(self, detail: ConflictDetail, taken: Taken) -> None:
        """`taken(column, value)` says whether some row has that value already."""
        super().__init__("Keep both as different entities")
        self._detail, self._taken = detail, taken
        self._columns = asked_columns(detail)
        self._sure: dict[str, str] = {}

    def content(self) -> ComposeResult:
        """What happens to the keys, and a field for each value that has to change."""
        yield Static(lines(self._story()), id="dialog-text", markup=False)
        for number, column in enumerate(self._columns):
            value = self._now(column)
            yield Static(Text(f"Another {safe(column, 40)} for it"), markup=False)
            yield Input(as_typed(value), compact=True, id=f"value-{number}")
        yield Static("", id="problem", markup=False)
        yield Static("enter accept   tab next field   esc cancel", classes="keys", markup=False)

    @property
    def _other(self) -> Version:
        return self._detail.versions[-1]

    def _now(self, column: str) -> Value:
        """The value that the other row has as things are decided."""
        return self._other.given.get(column, self._other.values.get(column))

    def _story(self) -> str:
        detail = self._detail
        first, others = detail.versions[0], detail.versions[1:]
        names = " and ".join(version.source for version in others)
        told = [f"The row of {first.source} stays as it is."]
        if detail.key:
            ids = ", ".join(self._moved(version) for version in others)
            told.append(f"The row of {names} becomes another entity: {ids}.")
        else:
            told.append(f"The row of {names} becomes another entity.")
        told.append("What refers to each row in its file keeps referring to it.")
        if len(others) > 1 and self._columns:
            told.append(
                "The other rows share the new value and are one entity; where they disagree, they "
                "are asked after the merge, and b parts them again."
            )
        return "\n".join(told)

    def _moved(self, version: Version) -> str:
        """What becomes of a row's id."""
        old = cell(version.values.get(self._detail.key)).text
        if version.key is None:
            return f"{self._detail.key} {old} → a free one"
        new = cell(version.key).text
        return f"{self._detail.key} {old} " + ("stays" if new == old else f"→ {new}")

    def on_mount(self) -> None:
        """Type at once; without a field, enter is the answer."""
        fields = self.query(Input)
        if fields:
            fields.first().focus()

    def on_key(self, event: Key) -> None:
        """`enter` where there is nothing to type."""
        if event.key == "enter" and not self._columns:
            event.stop()
            self.dismiss({})

    async def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the values when all of them are other ones and free."""
        event.stop()
        values: dict[str, Value] = {}
        for number, column in enumerate(self._columns):
            field = self.query_one(f"#value-{number}", Input)
            old = self._now(column)
            value = read_typed(field.value, old)
            if value == old:
                self._refuse(field, f"{column} is UNIQUE: type another value than {old!s:.60}.")
                return
            if await self._taken(column, value) and self._sure.get(column) != field.value:
                # It may be this very row, written there by an earlier run.
                self._sure[column] = field.value
                self._refuse(
                    field,
                    f"Some row has {column} {field.value:.60} already. Type another value, or "
                    "press enter again if that row is this very one.",
                )
                return
            values[column] = value
        self.dismiss(values)

    def _refuse(self, field: Input, why: str) -> None:
        self.query_one("#problem", Static).update(Text(lines(why), "bold"))
        field.focus()


def asked_columns(detail: ConflictDetail) -> tuple[str, ...]:
    """One column of each UNIQUE key on which the versions agree: it gets another value."""
    asked: list[str] = []
    for key in detail.unique:
        if not set(key.columns) & set(asked):
            texts = [c for c in key.columns if isinstance(_value(detail, c), str)]
            asked.append(texts[-1] if texts else key.columns[-1])
    return tuple(asked)


def _value(detail: ConflictDetail, column: str) -> Value:
    return detail.versions[-1].values.get(column)


def as_typed(value: Value) -> str:
    """A value as the text of an input."""
    if value is None:
        return ""
    return value.hex() if isinstance(value, bytes) else str(value)


def read_typed(text: str, like: Value) -> Value:
    """What was typed, of the type that the value before had where that is possible."""
    try:
        if isinstance(like, int):
            return int(text)
        if isinstance(like, float):
            return float(text)
        if isinstance(like, bytes):
            return bytes.fromhex(text)
    except ValueError:
        return text
    return text
