"""Whether the names in a plan exist in the files that it is about."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence

from consolidator_tui.domain.catalog import Source, fold
from consolidator_tui.domain.plan import FileMapping, PlanDocument, ReferencePlan
from consolidator_tui.services.plan_document.lines import Path
from consolidator_tui.services.plan_document.reader import Origin
from consolidator_tui.services.plan_document.values import spell_text


def validate(
    document: PlanDocument,
    sources: Sequence[Source],
    text: str = "",
    name: str = "plan.toml",
) -> None:
    """Raise PlanError for a file, table or column that does not exist in `sources`.

    `text` is the document as it was read, for the line; without it the error names none.
    """
    _Check(document, sources, Origin(text, name)).run()


class _Check:
    """One pass over a document, with the tables and columns of the target at hand."""

    def __init__(self, document: PlanDocument, sources: Sequence[Source], origin: Origin) -> None:
        self.document = document
        self.sources = sources
        self.refuse = origin.refuse
        self.paths = [source.path for source in sources]
        self.tables: dict[str, str] = {}
        self.columns: dict[str, dict[str, str]] = {}
        for source in sources:
            self._collect(source, document.mapping.get(source.path, FileMapping()))

    def _collect(self, source: Source, mapping: FileMapping) -> None:
        """Add the names that a source's tables and columns have in the target."""
        renamed = _folded(mapping.tables)
        for key, table in source.schema.tables.items():
            name = renamed.get(key, table.name)
            self.tables.setdefault(fold(name), name)
            columns = self.columns.setdefault(fold(name), {})
            names = _folded(_columns_of(mapping, table.name, name))
            for column in table.columns:
                wanted = names.get(column.key, column.name)
                columns.setdefault(fold(wanted), wanted)

    def run(self) -> None:
        """Check every part of the document."""
        self._mapping()
        for name, plan in self.document.tables.items():
            at: Path = ("tables", spell_text(name))
            self._table(name, at)
            if isinstance(plan.identity, tuple):
                self._columns(name, plan.identity, (*at, "identity"))
            if plan.newest is not None:
                self._columns(name, (plan.newest,), (*at, "newest"))
            self._columns(name, plan.defaults, (*at, "defaults"))
        for key in ("references", "not_references"):
            references: tuple[ReferencePlan, ...] = getattr(self.document, key)
            for place, reference in enumerate(references):
                self._reference(reference, (key, place))
        self._decisions()
        for path in self.document.descendants:
            self._file(path, ("descendants",))
        for place, pair in enumerate(self.document.not_same):
            at = ("not_same", place)
            self._table(pair.table, (*at, "table"))
            self._columns(pair.table, pair.entity, (*at, "entity"))
            self._columns(pair.table, pair.other, (*at, "other"))

    def _mapping(self) -> None:
        by_path = {source.path: source for source in self.sources}
        for path, mapping in self.document.mapping.items():
            at: Path = ("mapping", spell_text(path))
            self._file(path, at)
            schema = by_path[path].schema
            tables = schema.tables
            # Indexes, views and triggers are given other names, or left out, the same way.
            objects = (schema.indexes, schema.views, schema.triggers)
            for name in mapping.tables:
                if fold(name) not in tables and not any(fold(name) in named for named in objects):
                    self._missing("table", name, (t.name for t in tables.values()), at, path)
            renamed = {fold(new): fold(old) for old, new in mapping.tables.items() if new}
            for name, columns in mapping.columns.items():
                table = tables.get(fold(name)) or tables.get(renamed.get(fold(name), ""))
                if table is None:
                    self._missing("table", name, (t.name for t in tables.values()), at, path)
                    continue
                for column in columns:
                    if not table.has_column(column):
                        known = (c.name for c in table.columns)
                        below = (*at, "columns", spell_text(name), spell_text(column))
                        self._missing("column", column, known, below, f"{path}, {name}")

    def _reference(self, reference: ReferencePlan, at: Path) -> None:
        self._table(reference.table, (*at, "table"))
        self._columns(reference.table, reference.columns, (*at, "columns"))
        self._columns(reference.table, reference.where, (*at, "where"))
        if reference.parent or reference.parent_columns:
            self._table(reference.parent, (*at, "parent"))
            self._columns(reference.parent, reference.parent_columns, (*at, "parent_columns"))

    def _decisions(self) -> None:
        for place, decision in enumerate(self.document.decisions):
            at: Path = ("decisions", place)
            self._table(decision.table, (*at, "table"))
            self._columns(decision.table, decision.entity, (*at, "entity"))
            for row in decision.also:
                self._columns(decision.table, row, (*at, "also"))
            self._columns(decision.table, decision.values, (*at, "values"))
            self._columns(decision.table, decision.fields, (*at, "fields"))
            if decision.keep not in ("both", "same"):
                self._file(decision.keep, (*at, "keep"))
            for path in decision.fields.values():
                self._file(path, (*at, "fields"))

    def _file(self, path: str, at: Path) -> None:
        if path not in self.paths:
            self._missing("file", path, self.paths, at, "the sources")

    def _table(self, name: str, at: Path) -> None:
        if fold(name) not in self.tables:
            self._missing("table", name, self.tables.values(), at, "the sources")

    def _columns(self, table: str, names: Iterable[str], at: Path) -> None:
        known = self.columns[fold(table)]
        for name in names:
            if fold(name) not in known:
                self._missing("column", name, known.values(), at, table)

    def _missing(self, kind: str, name: str, known: Iterable[str], at: Path, where: str) -> None:
        close = difflib.get_close_matches(name, list(known), n=1)
        todo = f"Did you mean `{close[0]}`?" if close else ""
        self.refuse(at, f"there is no {kind} `{name}` in {where}.", todo)


def _columns_of(mapping: FileMapping, old: str, new: str) -> Mapping[str, str]:
    """The column names of one table; a plan may name the table as there or as in the target."""
    by_name = {fold(name): columns for name, columns in mapping.columns.items()}
    return by_name.get(fold(old)) or by_name.get(fold(new)) or {}


def _folded(names: Mapping[str, str]) -> dict[str, str]:
    return {fold(old): new for old, new in names.items()}
