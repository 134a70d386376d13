"""What planning knows about one table while its modules fill it in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from consolidator_tui.domain.catalog import Source, Table, fold
from consolidator_tui.domain.merge import (
    Ancestor,
    History,
    Identity,
    IdentityKind,
    Link,
    Note,
    Pending,
    Question,
    Reference,
    ReferenceProposal,
    TargetColumn,
)
from consolidator_tui.domain.plan import PlanDocument, TablePlan
from consolidator_tui.services.planning.apart import apart
from consolidator_tui.services.workspace import Workspace
from consolidator_tui.storage.sqlite import quote


@dataclass(slots=True)
class Draft:
    """A target table on its way to a MergeTable."""

    name: str
    table: Table
    members: dict[int, Table]
    """Source index -> the table there."""
    columns: list[TargetColumn] = field(default_factory=list)
    surrogate: str | None = None
    identity: Identity = field(default_factory=lambda: Identity(IdentityKind.ROWS))
    references: list[Reference] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    lineage: tuple[tuple[int, ...], ...] = ()
    shifts: dict[int, int] = field(default_factory=dict)
    spans: dict[int, tuple[int, int]] = field(default_factory=dict)
    dense: list[int] = field(default_factory=list)
    computed: list[str] = field(default_factory=list)
    widened: list[str] = field(default_factory=list)
    histories: list[History] = field(default_factory=list)
    shared_history: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def key(self) -> str:
        """The name as SQLite compares names."""
        return fold(self.name)

    def column(self, name: str) -> TargetColumn | None:
        """The target column of that name, if there is one."""
        wanted = fold(name)
        return next((c for c in self.columns if fold(c.name) == wanted), None)

    def there(self, source: int, name: str) -> str | None:
        """The quoted name of a target column in a source, None where it lacks it."""
        column = self.column(name)
        own = column.sources[source] if column else None
        return None if own is None else quote(own)


@dataclass(slots=True)
class Planning:
    """Everything that the modules of planning share."""

    workspace: Workspace
    sources: Sequence[Source]
    document: PlanDocument
    ancestor: Ancestor | None = None
    drafts: dict[str, Draft] = field(default_factory=dict)
    renamed: dict[int, dict[tuple[str, str], str]] = field(default_factory=dict)
    """Per source (kind, folded name there) -> statement under the target's names."""
    questions: list[Question] = field(default_factory=list)
    pending: list[Pending] = field(default_factory=list)
    proposals: list[ReferenceProposal] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    def note(self, text: str, *, table: str = "", column: str = "", file: str = "") -> None:
        """Add something that the person should know."""
        self.notes.append(Note(text, table, column, file))

    def ask(
        self, text: str, *, table: str = "", column: str = "", file: str = "", fix: str = ""
    ) -> None:
        """Add something that must be decided before anything is written."""
        self.questions.append(Question(text, table, column, file, fix))

    def table_plan(self, draft: Draft) -> TablePlan:
        """The document's choices for a table (names compared as SQLite does)."""
        for name, plan in self.document.tables.items():
            if fold(name) == draft.key:
                return plan
        return TablePlan()

    def read(self, draft: Draft, source: int) -> str:
        """The qualified name to read a table of a source by rowid order, not by an index."""
        rows = self.workspace.rows(source, draft.members[source].name)
        hint = "" if draft.members[source].without_rowid and not rows.pooled else " NOT INDEXED"
        return f"{rows.sql} AS s{hint}"


def keep_apart(planning: Planning, draft: Draft, index: int) -> str:
    """Plan lines that give a source's table a name of its own."""
    table = draft.members[index]
    return apart(planning.document, planning.sources, index, table, planning.drafts)
