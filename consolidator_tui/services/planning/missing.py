"""Says what the files need that is missing on this machine, and what is done about it."""

from __future__ import annotations

from collections.abc import Collection
from itertools import pairwise

from consolidator_tui.domain.catalog import Schema, Source, Table, TableKind, fold
from consolidator_tui.domain.merge import PlannedObject
from consolidator_tui.services.inspect.ddl import tokens, unquote
from consolidator_tui.services.planning.draft import Planning
from consolidator_tui.services.planning.fixes import toml_key
from consolidator_tui.services.planning.tables import mapped_name
from consolidator_tui.services.stand_ins import (
    Absent,
    collations_in,
    find_absent,
    functions_in,
    index_body,
    speaks_of_case,
    table_expressions,
)
from consolidator_tui.storage.sqlite import open_database


async def settle_absent(
    planning: Planning, objects: tuple[PlannedObject, ...]
) -> tuple[tuple[PlannedObject, ...], list[str]]:
    """Tell and ask about missing collations and functions.

    Returns the objects that can be made, and the names (`index name`) of those that are left out.
    """
    objects, orphans = without_writers(planning, objects)
    async with open_database(None) as fresh:
        schemas = [s.schema for s in planning.sources if s.same_as is None]
        absent = await find_absent(fresh, schemas)
    if not absent.collations and not absent.functions:
        return objects, orphans
    left_out: dict[str, str] = {}
    for source in planning.sources:
        if source.same_as is None:
            left_out |= _left_out(planning, source, absent)
            _tell_collations(planning, source, absent, set(left_out))
            _tell_functions(planning, source, absent)
    kept = tuple(o for o in objects if f"{o.kind} {o.name}" not in left_out)
    for name, text in left_out.items():
        planning.note(text, column=name.partition(" ")[2])
    return kept, [*orphans, *left_out]


def without_writers(
    planning: Planning, objects: tuple[PlannedObject, ...]
) -> tuple[tuple[PlannedObject, ...], list[str]]:
    """Leave out triggers that use a table that is not in the target.

    They would make every write to their own table fail. Returns what is left, and the names.
    """
    base = planning.sources[0]
    kept, left_out = [], []
    for item in objects:
        source = planning.sources[item.source]
        gone = _gone(planning, source, item.sql) if item.kind == "trigger" else []
        if gone:
            left_out.append(f"trigger {item.name}")
            _note_trigger(planning, source, item.table, item.name, gone[0])
        else:
            kept.append(item)
    for trigger in base.schema.triggers.values():
        gone = [] if fold(trigger.table) in base.schema.views else [trigger.table]
        if mapped_name(planning, base, trigger.table) is None and gone:
            # It goes with its table.
            continue
        gone = _gone(planning, base, trigger.sql)
        if gone:
            left_out.append(f"trigger {trigger.name}")
            _note_trigger(planning, base, trigger.table, trigger.name, gone[0])
    return tuple(kept), left_out


def _note_trigger(planning: Planning, source: Source, table: str, name: str, gone: str) -> None:
    planning.note(
        f"The trigger {name} of {source.path} is left out: it uses {gone}, which is not in the "
        "target",
        table=table,
        column=name,
        file=source.path,
    )


def _gone(planning: Planning, source: Source, sql: str) -> list[str]:
    """The tables of a source that a trigger reads or writes and that the target will not have."""
    used = {fold(name) for name in _used(sql)}
    base = planning.sources[0].schema.tables
    found = []
    for table in source.schema.tables.values():
        if table.key not in used or table.key in planning.drafts:
            continue
        left_out = mapped_name(planning, source, table.name) is None
        if table.kind is TableKind.VIRTUAL:
            missing = (table.error or left_out) and (left_out or table.key not in base)
        else:
            missing = table.kind is TableKind.ORDINARY and left_out
        if missing:
            found.append(table.name)
    return found


def _used(sql: str) -> list[str]:
    """The names that stand where a statement names a table."""
    words = list(tokens(sql))
    return [
        unquote(after)
        for before, after in pairwise(words)
        if before.word in {"FROM", "JOIN", "INTO", "UPDATE"} and after.kind in ("word", "name")
    ]


def _tell_collations(
    planning: Planning, source: Source, absent: Absent, left_out: set[str]
) -> None:
    for name in sorted(absent.collations):
        tables = [
            table
            for table in source.schema.tables.values()
            if uses(source.schema, table, name, left_out)
        ]
        if not tables:
            continue
        how = "folded text" if speaks_of_case(name) else "bytes"
        planning.note(
            f"The collation {name} of {', '.join(t.name for t in tables)} in {source.path} is "
            f"missing here: its values are compared as {how}. Run REINDEX {name} with the "
            "application before the target is used",
            table=tables[0].name,
            file=source.path,
        )
        for table in tables:
            _ask_key(planning, source, table, name)


def _ask_key(planning: Planning, source: Source, table: Table, collation: str) -> None:
    """The rows of a WITHOUT ROWID table lie in the order of its key; REINDEX cannot mend that."""
    draft = planning.drafts.get(fold(mapped_name(planning, source, table.name) or ""))
    if draft is None or not table.without_rowid or speaks_of_case(collation):
        return
    primary = [key for key in table.unique_keys if key.origin == "pk"]
    if not any(fold(c) == collation for key in primary for c in key.collations):
        return
    if list(draft.members) == [0]:
        return
    planning.ask(
        f"The rows of {table.name} are kept in the order of the collation {collation}, which is "
        "missing here, so none can be added.",
        table=table.name,
        column=", ".join(table.primary_key),
        file=source.path,
        fix=f'[mapping.{toml_key(source.path)}.tables]\n{toml_key(table.name)} = ""',
    )


def uses(schema: Schema, table: Table, collation: str, left_out: Collection[str] = ()) -> bool:
    """Whether a table, or an index on it that is not left out, uses a collation (folded)."""
    if table.kind is TableKind.VIRTUAL:
        return False
    if collation in collations_in(table.sql):
        return True
    return any(
        fold(index.table) == table.key
        and collation in collations_in(index.sql)
        and f"index {index.name}" not in left_out
        for index in schema.indexes.values()
    )


def _tell_functions(planning: Planning, source: Source, absent: Absent) -> None:
    for table in source.schema.tables.values():
        for column, word, text in table_expressions(table):
            missing = sorted(functions_in(text) & absent.functions)
            if not missing:
                continue
            name = mapped_name(planning, source, table.name)
            draft = planning.drafts.get(fold(name or ""))
            names = ", ".join(f"{function}()" for function in missing)
            stored = "STORED" in text.upper().split()[-1]
            if word in ("GENERATED", "AS") and stored and draft and list(draft.members) != [0]:
                planning.ask(
                    f"{table.name}.{column} is stored as computed by {names}, which is missing "
                    f"here: rows that are added would get no value.",
                    table=table.name,
                    column=column,
                    file=source.path,
                    fix=f'[mapping.{toml_key(source.path)}.tables]\n{toml_key(table.name)} = ""',
                )
                continue
            what = "a CHECK" if word == "CHECK" else f"column {column}"
            planning.note(
                f"{table.name} in {source.path}: {what} calls {names}, which is missing here; rows "
                "are written as they are and were not checked by it",
                table=table.name,
                column=column,
                file=source.path,
            )


def _left_out(planning: Planning, source: Source, absent: Absent) -> dict[str, str]:
    """Indexes that would be filled wrongly: `index name` -> why, with how to make it again."""
    found = {}
    for index in source.schema.indexes.values():
        table = source.schema.tables.get(fold(index.table))
        if table is None:
            continue
        calls = functions_in(index_body(index.sql)) & absent.functions
        body = {fold(t) for t in _words(index_body(index.sql))}
        for column, word, text in table_expressions(table):
            if word in ("GENERATED", "AS") and fold(column) in body:
                calls |= functions_in(text) & absent.functions
        wild = {c for c in collations_in(index.sql) & absent.collations if not speaks_of_case(c)}
        if not calls and (not wild or index.sql.upper().split()[1:2] == ["UNIQUE"]):
            continue
        what = ", ".join([*(f"{name}()" for name in sorted(calls)), *sorted(wild)])
        name = mapped_name(planning, source, index.name) or index.name
        found[f"index {name}"] = (
            f"The index {index.name} on {index.table} needs {what}, which is missing here, and is "
            f"left out; make it again with the application: {' '.join(index.sql.split())}"
        )
    return found


def _words(sql: str) -> list[str]:
    return [unquote(token) for token in tokens(sql) if token.kind in ("word", "name")]
