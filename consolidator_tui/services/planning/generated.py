"""Generated columns: those that only other files compute, and those that a source stores.

Where the target computes what a source stores, the source's values must be the computed ones.
"""

from __future__ import annotations

import sqlite3

from consolidator_tui.domain.catalog import Column, Table, fold
from consolidator_tui.domain.words import plural, verb
from consolidator_tui.services.inspect.ddl import (
    column_definition,
    column_texts,
    constraint_word,
)
from consolidator_tui.services.planning.draft import Draft, Planning
from consolidator_tui.services.planning.fixes import toml_key, toml_text
from consolidator_tui.services.planning.renamed import column_in_target
from consolidator_tui.storage.sqlite import quote


def add_computed(planning: Planning, draft: Draft) -> None:
    """Add the generated columns that the first source lacks and nobody stores; name the others."""
    known = {c.key for c in draft.table.columns} | {fold(c.name) for c in draft.columns}
    first = min(draft.members)
    for index, table in draft.members.items():
        if index == first:
            continue
        sql = planning.renamed[index].get(("table", table.key), table.sql)
        texts = {fold(text.name): text for text in column_texts(sql)}
        for column in table.columns:
            source = planning.sources[index]
            name = column_in_target(planning.document, source, table, column.name, draft.name)
            text = texts.get(fold(name))
            if column.generated and draft.column(name) is not None:
                planning.note(
                    f"{draft.name}: {name} is computed in {source.path} and stored in the target; "
                    "rows that are added later need a value",
                    table=draft.name,
                    column=name,
                    file=source.path,
                )
            if not column.generated or fold(name) in known or text is None:
                continue
            known.add(fold(name))
            draft.computed.append(column_definition(text))
            planning.note(
                f"{draft.name}: {name} is computed in {source.path}, and in the target too",
                table=draft.name,
                column=name,
                file=source.path,
            )


async def check_generated(planning: Planning, draft: Draft) -> None:
    """Ask where values of a source would be replaced by computed ones."""
    computed = [column for column in draft.table.columns if column.generated]
    for index, table in draft.members.items():
        for column in computed:
            own = _own(planning, draft, index, column.name)
            if own is None or table.column(own).generated:
                continue
            changed = await _changed(planning, draft, index, column, own)
            if changed:
                _ask(planning, draft, index, table, column, changed)


def _own(planning: Planning, draft: Draft, index: int, name: str) -> str | None:
    """What a source calls a column of the target, also where the target computes it."""
    source, table = planning.sources[index], draft.members[index]
    for column in table.columns:
        target = column_in_target(planning.document, source, table, column.name, draft.name)
        if fold(target) == fold(name):
            return column.name
    return None


def _ask(
    planning: Planning, draft: Draft, index: int, table: Table, column: Column, changed: int
) -> None:
    path = planning.sources[index].path
    planning.ask(
        f"{draft.name}.{column.name} is computed in the target, and {plural(changed, 'value')} in "
        f"{path} {verb(changed, 'is another one', 'are other ones')}.",
        table=draft.name,
        column=column.name,
        file=path,
        fix=f"[mapping.{toml_key(path)}.columns.{toml_key(table.name)}]\n"
        f"{toml_key(column.name)} = {toml_text(column.name + '_2')}",
    )


async def _changed(planning: Planning, draft: Draft, index: int, column: Column, own: str) -> int:
    """How many rows of a source store something else than the target would compute."""
    database = planning.workspace.database
    definitions = []
    for text in column_texts(draft.table.sql):
        declared = draft.table.column(text.name)
        kept = [c for c in text.constraints if constraint_word(c) in ("GENERATED", "AS", "COLLATE")]
        definitions.append(" ".join([quote(declared.name), text.type_text, *kept]))
    rows = planning.workspace.rows(index, draft.members[index].name)
    shared = [c for c in draft.columns if c.sources[index] and not c.added]
    values = ", ".join([rows.address, *(quote(str(c.sources[index])) for c in shared)])
    await database.execute("DROP TABLE IF EXISTS temp.computed")
    try:
        await database.execute(
            f"CREATE TEMP TABLE computed({', '.join(definitions)}, "
            '"consolidator address" INTEGER PRIMARY KEY)'
        )
        names = ", ".join(['"consolidator address"', *(quote(c.name) for c in shared)])
        await database.execute(
            f"INSERT INTO temp.computed({names}) SELECT {values} FROM {rows.sql}"
        )
        changed = await database.value(
            f"SELECT count(*) FROM temp.computed t JOIN {rows.sql} AS s "
            f'ON s.{rows.address} = t."consolidator address" '
            f"WHERE t.{quote(column.name)} IS NOT +s.{quote(own)} COLLATE BINARY"
        )
    except sqlite3.OperationalError:
        # A function of the application is missing here: nothing is known, so it is asked.
        changed = planning.sources[index].row_counts.get(fold(draft.members[index].name), 0)
    await database.execute("DROP TABLE IF EXISTS temp.computed")
    return int(changed)
