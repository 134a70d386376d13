"""Where the ledger says that a source's rows and their parents stand in the target."""

from __future__ import annotations

from consolidator_tui.domain.catalog import Affinity, fold
from consolidator_tui.domain.merge import Link, MergePlan, MergeTable
from consolidator_tui.services.verify.claims import Claims, read_claims
from consolidator_tui.services.workspace import Workspace, written_address
from consolidator_tui.storage.sqlite import Database, quote


class Places:
    """SQL for addresses in the sources and keys in the target, from the claims of one merge."""

    def __init__(self, plan: MergePlan, workspace: Workspace) -> None:
        self._plan = plan
        self._workspace = workspace
        self._database: Database = workspace.database
        self._claims: dict[str, Claims] = {}

    async def prepare(self, known: dict[str, Claims]) -> dict[str, Claims]:
        """Read what the ledger claims, unless that is known, and return it.

        Raises sqlite3.Error when the ledger is not complete.
        """
        self._claims = known or await read_claims(self._plan, self._database)
        return self._claims

    def _expected(self, link: Link, source: int, own: str) -> str:
        """Where the ledger says that the parent of this source's row stands."""
        moved = self.place_of(link.root, source, f"CAST({own} AS NUMERIC)" if link.as_text else own)
        if link.as_text:
            return (
                f"CASE WHEN typeof({own}) <> 'text' THEN {moved} "
                f"WHEN {moved} = CAST({own} AS INTEGER) THEN {own} ELSE CAST({moved} AS TEXT) END"
            )
        return moved

    def place_of(self, table: str, source: int, own: str) -> str:
        """SQL for the key that the ledger claims for a row of a table (folded name)."""
        root = self._claims[table]
        g = self._g(root.table, source, own)
        moved = self._place(root, source, own)
        if root.mapped:
            moved = f"coalesce((SELECT q.canon FROM {root.map} q WHERE q.g = {g}), {moved})"
        return moved

    def is_dropped(self, table: str, source: int, own: str) -> str:
        """A condition: the ledger claims that another file deleted a row of a table (folded
        name)."""
        root = self._claims[table].table
        dropped = f"SELECT d.g FROM pv.dropped d WHERE d.number = {root.number}"
        return f"({self._g(root, source, own)} IN ({dropped}))"

    def _has_parent(self, link: Link, source: int, own: str) -> str:
        root = self._claims[link.root].table
        if root.sources[source] is None:
            return "0"
        rows = self._workspace.rows(source, str(root.sources[source]))
        return f"EXISTS (SELECT 1 FROM {rows.sql} p WHERE p.{self._address(root, source)} = {own})"

    def _g(self, table: MergeTable, source: int, expression: str) -> str:
        if source in table.dense:
            return f"(SELECT d.g FROM pv.dense_{table.number}_{source} d WHERE d.id = {expression})"
        shift = table.shifts[source]
        return f"({expression} + {shift})" if shift else expression

    def _place(self, claims: Claims, source: int, expression: str) -> str:
        """The key in the target that the ledger claims for a row that is nobody's duplicate."""
        if source in claims.table.dense:
            return self._g(claims.table, source, expression)
        shift = claims.table.shifts[source] + claims.deltas.get(source, 0)
        return f"({expression} + {shift})" if shift else expression

    def _address(self, table: MergeTable, source: int) -> str:
        if table.surrogate is not None:
            own = table.column(table.surrogate).sources[source]
            if own is not None:
                return quote(own)
        return self._workspace.rows(source, str(table.sources[source])).address

    def _target_address(self, table: MergeTable) -> str | None:
        if table.surrogate is None:
            return written_address(table.table)
        return quote(table.surrogate)

    def _read(self, table: MergeTable, source: int) -> str:
        name = str(table.sources[source])
        rows = self._workspace.rows(source, name)
        declared = self._plan.sources[source].schema.tables[fold(name)]
        hint = "" if declared.without_rowid and not rows.pooled else " NOT INDEXED"
        return f"{rows.sql} AS s{hint}"

    def _loose(self, table: MergeTable, name: str) -> bool:
        """Whether 1 and 1.0 must be told apart: a side has no number type."""
        kinds = {
            self._plan.sources[k].schema.tables[fold(str(table.sources[k]))].column(own).affinity
            for k, own in enumerate(table.column(name).sources)
            if own is not None
        }
        return len(kinds) > 1 or not kinds <= {
            Affinity.INTEGER,
            Affinity.REAL,
            Affinity.TEXT,
            Affinity.NUMERIC,
        }


def size_of(plan: MergePlan, table: MergeTable) -> int:
    """Rows of a table over all sources."""
    return sum(
        plan.sources[source].row_counts.get(fold(name), 0)
        for source, name in enumerate(table.sources)
        if name is not None
    )
