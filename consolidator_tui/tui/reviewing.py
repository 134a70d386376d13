"""What the review screen asks of the session; one question of a kind at a time, none cancelled."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from consolidator_tui.domain.conflict import ConflictDetail, ConflictPage, ConflictQuery, Decided
from consolidator_tui.domain.event import Level, Step
from consolidator_tui.tui.jobs import Query
from consolidator_tui.tui.widgets.log_panel import LogPanel

if TYPE_CHECKING:
    from consolidator_tui.services.session import Session
    from consolidator_tui.tui.app import ConsolidatorApp

T = TypeVar("T")
FILTERS = (
    Decided.ALL,
    Decided.OPEN,
    Decided.BY_HAND,
    Decided.BY_RULE,
    Decided.DUPLICATES,
    Decided.APART,
)
ASIDE = (Decided.DUPLICATES, Decided.APART)
"""Lists of what is no conflict: nothing in them is undecided."""


@dataclass(frozen=True, slots=True)
class Sums:
    """How the conflicts stand."""

    open: int = 0
    by_rule: int = 0
    by_hand: int = 0

    @property
    def all(self) -> int:
        """All of them."""
        return self.open + self.by_rule + self.by_hand


class Reviewing:
    """Reads pages and details, and hands decisions on; answers come on the app's own loop."""

    def __init__(self, app: ConsolidatorApp, session: Session) -> None:
        self._app = app
        self.session = session
        self.query = ConflictQuery(decided=Decided.ALL)
        self.sums = Sums()
        self._count = 0
        self._wanted: int | None = None
        self._reading = False

    def ask(
        self,
        run: Callable[[], Awaitable[T]],
        done: Callable[[T], None],
        what: str = "the review",
        failed: Callable[[], None] | None = None,
    ) -> None:
        """Run a question to its end; an error is told, and `failed` called instead of `done`."""
        self._count += 1

        async def asked() -> T:
            try:
                return await run()
            except Exception:
                if failed is not None:
                    failed()
                raise

        # A question of the same name would be cancelled, and with it what its connection does.
        self._app.ask(Query(f"{what} {self._count}", asked, done))

    def page(
        self, offset: int, limit: int, done: Callable[[ConflictQuery, ConflictPage], None]
    ) -> None:
        """Read a page of the list; `done` gets the query too, which may not be the current one."""
        query = replace(self.query, offset=offset, limit=limit)

        def take(page: ConflictPage) -> None:
            self.sums = Sums(page.open, page.by_rule, page.by_hand)
            done(query, page)

        self.ask(lambda: self.session.conflict_page(query), take, "the list")

    def is_current(self, query: ConflictQuery) -> bool:
        """Whether a page belongs to the list that is shown."""
        return replace(query, offset=0, limit=0) == replace(self.query, offset=0, limit=0)

    def detail(self, number: int, done: Callable[[ConflictDetail], None]) -> None:
        """Read a group; of those asked for while one is read only the last is read."""
        self._wanted = number
        if self._reading:
            return
        self._reading = True

        async def run() -> ConflictDetail | None:
            detail: ConflictDetail | None = None
            try:
                while self._wanted is not None:
                    wanted, self._wanted = self._wanted, None
                    detail = await self.session.conflict_group(wanted)
            finally:
                self._reading = False
            return detail

        def take(detail: ConflictDetail | None) -> None:
            if detail is not None:
                done(detail)

        self.ask(run, take, "the versions")

    def tell(self, sentence: str, level: Level = Level.INFO) -> None:
        """Say what happened in the log, which is always in view: a toast would cover the keys."""
        self._app.store.add(Step.MIGRATE, level, sentence)
        for panel in self._app.screen.query(LogPanel):
            panel.show(self._app.store, self._app.ink)
        if level is not Level.INFO:
            self._app.bell()
