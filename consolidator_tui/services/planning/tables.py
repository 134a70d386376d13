"""Tables match by name, columns are united; what does not fit is asked."""

from __future__ import annotations

from consolidator_tui.domain.catalog import MIGRATION_TABLES, Affinity, Column, Source, Table, fold
from consolidator_tui.domain.errors import PlanError
from consolidator_tui.domain.merge import TargetColumn
from consolidator_tui.domain.plan import FileMapping
from consolidator_tui.domain.words import plural, verb
from consolidator_tui.services.planning.draft import Draft, Planning, keep_apart
from consolidator_tui.services.planning.drift import ask_unrelated, unite_lines, unites
from consolidator_tui.services.planning.fixes import (
    another_name,
)
from consolidator_tui.services.planning.generated import add_computed, check_generated
from consolidator_tui.services.planning.migrations import (
    count_shared_history,
    leave_history_out,
)
from consolidator_tui.services.planning.names_in_target import mapped_to
from consolidator_tui.services.planning.other_name import lines_for_missing
from consolidator_tui.services.planning.rename_words import rename_words
from consolidator_tui.services.planning.renamed import column_in_target, in_target, renamed_sql
from consolidator_tui.services.sqltext import sql_value
from consolidator_tui.storage.sqlite import quote

_STORED = {
    Affinity.INTEGER: "'integer'",
    Affinity.REAL: "'real'",
    Affinity.TEXT: "'text'",
    Affinity.BLOB: "'blob'",
    Affinity.NUMERIC: "'integer', 'real'",
    Affinity.ANY: "'integer', 'real', 'text', 'blob'",
}
"""What a column of a STRICT table can hold."""


def mapped_name(planning: Planning, source: Source, name: str) -> str | None:
    """The name that a table, view, index or trigger of a source gets in the target."""
    return mapped_to(planning.document, source, name)


def mapped_column(planning: Planning, source: Source, table: Table, name: str, target: str) -> str:
    """The name that a column of a source's table gets in the target."""
    return column_in_target(planning.document, source, table, name, target)


async def unite_tables(planning: Planning) -> None:
    """Fill `planning.drafts` with every ordinary table of every source."""
    for source in planning.sources:
        if source.same_as is not None:
            continue
        planning.renamed[source.index] = await renamed_sql(planning.document, source)
        for table in source.schema.tables.values():
            if not table.has_rows:
                continue
            name = mapped_name(planning, source, table.name)
            if name is None:
                planning.note(
                    f"{source.path}: table {table.name} is left out by the plan",
                    table=table.name,
                    file=source.path,
                )
                continue
            draft = planning.drafts.get(fold(name))
            if draft is None:
                shown = _shown(planning, source, table, name)
                planning.drafts[fold(name)] = Draft(name, shown, {source.index: table})
            elif source.index in draft.members:
                raise PlanError(
                    f"Two tables of {source.path} would be {name} in the target: "
                    f"{draft.members[source.index].name} and {table.name}.",
                    todo="Map them to different names.",
                )
            elif draft.key in MIGRATION_TABLES:
                await leave_history_out(planning, draft, source, table)
            else:
                draft.members[source.index] = table
    for draft in planning.drafts.values():
        await count_shared_history(planning, draft)
        _unite_columns(planning, draft)
        _note_keys(planning, draft)
        ask_unrelated(planning, draft)
    _ask_name_clashes(planning)
    _note_versions(planning)
    for draft in planning.drafts.values():
        add_computed(planning, draft)
        await check_generated(planning, draft)
        await _check_types(planning, draft)
        await _check_not_null(planning, draft)


def _shown(planning: Planning, source: Source, table: Table, name: str) -> Table:
    """The declaration that the target uses, of the first source that has the table."""
    sql = planning.renamed[source.index].get(("table", table.key))
    if sql is None:
        mapping = planning.document.mapping.get(source.path, FileMapping())
        words = {
            table.key: name,
            **{
                fold(there): here
                for there, here in mapping.tables.items()
                if here and fold(there) in source.schema.tables
            },
            **{c.key: mapped_column(planning, source, table, c.name, name) for c in table.columns},
        }
        changed = {old: new for old, new in words.items() if fold(new) != old}
        sql = rename_words(table.sql, changed) if changed else table.sql
    return in_target(planning.document, source, table, name, sql)


def _unite_columns(planning: Planning, draft: Draft) -> None:
    """The first file's columns in its order, then those that only others have."""
    count = len(planning.sources)
    names: dict[str, str] = {}
    declared: dict[str, Column] = {}
    there: dict[str, list[str | None]] = {}
    first = min(draft.members)
    columns = [(index, table, c) for index, table in draft.members.items() for c in table.columns]
    # What one file computes and another stores is stored, whoever comes first.
    columns.sort(key=lambda item: item[2].generated)
    for index, table, column in columns:
        name = mapped_column(planning, planning.sources[index], table, column.name, draft.name)
        key = fold(name)
        if column.hidden or (column.generated and key not in names):
            continue
        if draft.table.has_column(name) and draft.table.column(name).generated:
            continue
        if key not in names:
            names[key] = name
            declared[key] = column
            there[key] = [None] * count
        there[key][index] = column.name
    defaults = {fold(k): v for k, v in planning.table_plan(draft).defaults.items()}
    draft.columns = [
        TargetColumn(
            name=name,
            affinity=declared[key].affinity,
            sources=tuple(there[key]),
            default=sql_value(defaults[key]) if key in defaults else None,
            added=there[key][first] is None,
        )
        for key, name in names.items()
    ]
    for index in draft.members:
        added = [c.name for c in draft.columns if c.added and c.sources[index]]
        if added:
            text = f"{draft.name}: {', '.join(added)} added from {planning.sources[index].path}"
            draft.notes.append(text)
            planning.note(
                text,
                table=draft.name,
                column=", ".join(added),
                file=planning.sources[index].path,
            )


def _note_keys(planning: Planning, draft: Draft) -> None:
    """UNIQUE constraints are part of a table, so those of later files do not come along."""
    first = min(draft.members)
    known = {tuple(sorted(map(fold, key.columns))) for key in draft.table.unique_keys}
    for index, table in draft.members.items():
        source = planning.sources[index]
        for key in table.unique_keys if index != first else ():
            columns = [
                mapped_column(planning, source, table, name, draft.name) for name in key.columns
            ]
            if key.origin == "u" and tuple(sorted(map(fold, columns))) not in known:
                planning.note(
                    f"{draft.name}: UNIQUE ({', '.join(columns)}) is declared in {source.path} "
                    f"and not in {planning.sources[first].path}; the target does not enforce it",
                    table=draft.name,
                    column=", ".join(columns),
                    file=source.path,
                )


def _ask_name_clashes(planning: Planning) -> None:
    """A table here that is a view there."""
    for source in planning.sources:
        for view in source.schema.views.values():
            name = mapped_name(planning, source, view.name)
            draft = None if name is None else planning.drafts.get(fold(name))
            if draft is None or name is None:
                continue
            holder = planning.sources[min(draft.members)].path
            planning.ask(
                f"{name} is a table in {holder} and a view in {source.path}.",
                table=name,
                file=source.path,
                fix=another_name(source.path, view.name, f"{name}_view"),
            )


def _note_versions(planning: Planning) -> None:
    """user_version and application_id are the base's; others are named."""
    base = planning.sources[0]
    for source in planning.sources[1:]:
        for name in ("user_version", "application_id"):
            ours, theirs = getattr(base.schema, name), getattr(source.schema, name)
            if ours != theirs:
                planning.note(
                    f"{name} is {ours} in {base.path} and {theirs} in {source.path}; "
                    "the target keeps the first",
                    column=name,
                    file=source.path,
                )


async def _check_types(planning: Planning, draft: Draft) -> None:
    """Values that the target's column would change by its affinity are asked about."""
    first = min(draft.members)
    strict = draft.table.strict
    for column in draft.columns:
        declared = _declared(draft, first, column)
        for index, name in enumerate(column.sources):
            if name is None or index not in draft.members or index == first:
                continue
            own = draft.members[index].column(name)
            alias = draft.table.rowid_alias
            is_rowid = alias is not None and fold(alias) == fold(column.name)
            same = own.affinity == declared.affinity and not strict
            theirs = draft.members[index].rowid_alias
            if is_rowid and (theirs is None or fold(theirs) != fold(name)):
                # A plain INTEGER column may hold anything, NULL too.
                same = False
            if same or (
                strict and draft.members[index].strict and own.affinity == declared.affinity
            ):
                continue
            if declared.affinity in (Affinity.BLOB, Affinity.ANY) and not strict:
                continue
            changed = await _changed_values(
                planning,
                draft,
                index,
                own,
                declared,
                only_integers=is_rowid,
                strict=strict and declared.affinity is not Affinity.ANY,
            )
            if not changed:
                continue
            if is_rowid:
                planning.ask(
                    f"{draft.name}.{column.name} is a number in the target, and "
                    f"{plural(changed, 'key')} in "
                    f"{planning.sources[index].path} {verb(changed, 'is', 'are')} none.",
                    table=draft.name,
                    column=column.name,
                    file=planning.sources[index].path,
                    fix=keep_apart(planning, draft, index),
                )
            elif unites(planning, draft):
                if column.name not in draft.widened:
                    draft.widened.append(column.name)
                    draft.notes.append(
                        f"{draft.name}.{column.name}: declared without a type, so that values of "
                        f"{planning.sources[index].path} stay as they are"
                    )
            else:
                path = planning.sources[index].path
                planning.ask(
                    f"{draft.name}.{column.name} is {declared.declared or 'untyped'}"
                    f"{' (STRICT)' if strict else ''} in the target "
                    f"and {own.declared or 'untyped'} in {path}: "
                    f"{plural(changed, 'value')} would be changed by it.",
                    table=draft.name,
                    column=column.name,
                    file=planning.sources[index].path,
                    fix=f"{unite_lines(draft)}  # values stay, the column loses its type",
                )


def _declared(draft: Draft, first: int, column: TargetColumn) -> Column:
    holder = next(i for i, name in enumerate(column.sources) if name is not None)
    index = first if column.sources[first] is not None else holder
    name = column.sources[index]
    assert name is not None
    return draft.members[index].column(name)


async def _changed_values(
    planning: Planning,
    draft: Draft,
    index: int,
    own: Column,
    declared: Column,
    *,
    only_integers: bool = False,
    strict: bool = False,
) -> int:
    """How many values SQLite would store otherwise in a column of the declared type."""
    database = planning.workspace.database
    rows = planning.workspace.rows(index, draft.members[index].name)
    kind = f"{declared.affinity.value}" if declared.affinity is not Affinity.ANY else "BLOB"
    await database.execute("DROP TABLE IF EXISTS temp.stored")
    await database.execute(f"CREATE TEMP TABLE stored(a INTEGER PRIMARY KEY, v {kind})")
    await database.execute(
        f"INSERT INTO temp.stored SELECT {rows.address}, {quote(own.name)} FROM {rows.sql}"
    )
    # A STRICT table refuses what its type cannot hold.
    refused = f"typeof(t.v) NOT IN ('null', {_STORED[declared.affinity]})" if strict else "0"
    changed = await database.value(
        f"SELECT count(*) FROM temp.stored t JOIN {rows.sql} AS s ON s.{rows.address} = t.a "
        f"WHERE {refused} OR typeof(t.v) <> typeof(s.{quote(own.name)}) "
        f"OR t.v IS NOT +s.{quote(own.name)} COLLATE BINARY"
        + (" OR typeof(t.v) <> 'integer'" if only_integers else "")
    )
    await database.execute("DROP TABLE temp.stored")
    return int(changed)


async def _check_not_null(planning: Planning, draft: Draft) -> None:
    """A NOT NULL column that some source cannot fill needs a default in the plan."""
    first = min(draft.members)
    for column in draft.columns:
        declared = _declared(draft, first, column)
        if not declared.not_null or draft.table.rowid_alias == column.name:
            continue
        has_default = declared.default is not None or column.default is not None
        for index, table in draft.members.items():
            source = planning.sources[index]
            if column.sources[index] is None:
                missing = 0 if has_default else source.row_counts.get(table.key, 0)
            elif table.column(str(column.sources[index])).not_null or column.default is not None:
                missing = 0
            else:
                rows = planning.workspace.rows(index, table.name)
                missing = await planning.workspace.database.value(
                    f"SELECT count(*) FROM {rows.sql} "
                    f"WHERE {quote(str(column.sources[index]))} IS NULL"
                )
            if missing:
                planning.ask(
                    f"{draft.name}.{column.name} must not be NULL, and {plural(missing, 'row')} of "
                    f"{source.path} {verb(missing, 'has', 'have')} no value for it.",
                    table=draft.name,
                    column=column.name,
                    file=source.path,
                    fix=lines_for_missing(planning, draft, column, index),
                )
