"""Decides for every virtual table how it comes into the target.

What has rows of its own becomes a table of the plan with its rowid as key, and a reference where
it belongs to a table. What only repeats or shows other rows is made from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path

from consolidator_tui.domain.catalog import (
    Source,
    Table,
    TableKind,
    fold,
)
from consolidator_tui.domain.merge import Note, Question, VirtualKind, VirtualTable
from consolidator_tui.domain.plan import PlanDocument
from consolidator_tui.domain.words import plural
from consolidator_tui.services.planning import virtual_owner as owners
from consolidator_tui.services.planning.fixes import alternatives, toml_key, toml_text
from consolidator_tui.services.planning.names_in_target import mapped_to
from consolidator_tui.services.planning.virtual_owner import Member, Owner
from consolidator_tui.services.planning.virtual_sql import Storage, create_sql, shape_of
from consolidator_tui.services.workspace import row_address
from consolidator_tui.storage.sqlite import Database, open_database, quote


@dataclass(slots=True)
class Virtuals:
    """What was found out about the virtual tables of all sources."""

    sources: list[Source]
    """With a key on the tables whose rows are merged."""
    tables: list[VirtualTable] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


async def find_virtual_tables(sources: Sequence[Source], document: PlanDocument) -> Virtuals:
    """How each virtual table comes into the target. Raises sqlite3.Error for unreadable files."""
    found = Virtuals(list(sources))
    groups: dict[str, list[tuple[str, Member]]] = {}
    for source in sources:
        if source.same_as is not None:
            continue
        for table in source.schema.tables.values():
            if table.kind is not TableKind.VIRTUAL:
                continue
            name = mapped_to(document, source, table.name)
            if table.error:
                await _say_missing(found, source, table, name or "")
            elif name:
                member = Member(source, table, shape_of(table))
                groups.setdefault(fold(name), []).append((name, member))
    for group in groups.values():
        await _Placing(found, document, group[0][0], [member for _, member in group]).go()
    return found


async def _say_missing(found: Virtuals, source: Source, table: Table, name: str) -> None:
    """A virtual table that cannot be opened here: only the base's tables of it can be kept."""
    shadows = [t for t in source.schema.tables.values() if fold(t.owner) == table.key]
    likely = [
        other.name
        for other in source.schema.tables.values()
        if other.kind is TableKind.ORDINARY and other.key.startswith(table.key + "_")
    ]
    rows = await _rows_of(source, table, shadows)
    text = f"The virtual table {table.name} of {source.path} cannot be opened here ({table.error})"
    if source.index and name and rows:
        names = ", ".join(shadow.name for shadow in shadows)
        found.questions.append(
            Question(
                f"{text}, so its {plural(rows, 'row')} ({names}) cannot be united.",
                table=table.name,
                file=source.path,
                fix=_leave_out(source, table.name)
                + "  # its rows are then only in the original and in the backup",
            )
        )
        return
    if likely:
        text += (
            f"; {', '.join(likely)} are merged like other tables, so rebuild {table.name} with "
            "the application"
        )
    if not source.index:
        text += "; it stays as it is"
    elif rows:
        text += f"; the plan leaves it and its {plural(rows, 'row')} out"
    elif name and fold(name) not in found.sources[0].schema.tables:
        text += "; it is not in the target"
    found.notes.append(Note(text, table=table.name, file=source.path))
    if source.index:
        found.left_out.append(f"table {name or table.name}")


async def _rows_of(source: Source, table: Table, shadows: list[Table]) -> int:
    """Rows of a virtual table's own tables: of its texts or documents, where it has such."""
    known = {shadow.key: shadow for shadow in shadows}
    for ending in ("_content", "_docsize"):
        if table.key + ending in known:
            shadows = [known[table.key + ending]]
            break
    async with open_database(Path(source.snapshot), immutable=True) as database:
        counts = [
            int(await database.value(f"SELECT count(*) FROM main.{quote(shadow.name)}"))
            for shadow in shadows
        ]
    return sum(counts)


def _leave_out(source: Source, name: str) -> str:
    return f'[mapping.{toml_key(source.path)}.tables]\n{toml_key(name)} = ""'


class _Placing:
    """One virtual table of the target, in all sources that have it."""

    def __init__(
        self, found: Virtuals, document: PlanDocument, name: str, members: list[Member]
    ) -> None:
        self.found = found
        self.document = document
        self.name = name
        self.members = members
        self.entries: dict[int, int] = {}

    @property
    def _first(self) -> Member:
        return self.members[0]

    async def go(self) -> None:
        if self._ask_other_shapes():
            return
        shape = self._first.shape
        match shape.storage:
            case Storage.VIEW:
                self._add(VirtualKind.VIEW)
            case Storage.EXTERNAL:
                self._add(VirtualKind.EXTERNAL)
            case Storage.UNKNOWN:
                self._keep(f"nothing is known here of the module {shape.module}")
            case Storage.CONTENTLESS:
                await self._contentless()
            case Storage.OWN:
                await self._own()

    def _ask_other_shapes(self) -> bool:
        first = self._first
        for member in self.members[1:]:
            mine, theirs = first.shape, member.shape
            same = (
                mine.storage is theirs.storage
                and mine.is_text_index == theirs.is_text_index
                and list(map(fold, mine.columns)) == list(map(fold, theirs.columns))
                and mapped_to(self.document, first.source, mine.content)
                == mapped_to(self.document, member.source, theirs.content)
            )
            if not same:
                self._ask(member, f"is declared otherwise than in {first.source.path}")
                return True
        for source in self.found.sources:
            for table in source.schema.tables.values():
                name = mapped_to(self.document, source, table.name) or ""
                named = fold(name) == fold(self.name)
                if named and table.kind is not TableKind.VIRTUAL and source.same_as is None:
                    self._ask(self._first, f"is an ordinary table in {source.path}")
                    return True
        return False

    def _ask(self, member: Member, why: str, column: str = "") -> None:
        self.found.questions.append(
            Question(
                f"The virtual table {member.table.name} of {member.source.path} {why}.",
                table=self.name,
                column=column,
                file=member.source.path,
                fix=_leave_out(member.source, member.table.name),
            )
        )

    def _note(self, text: str) -> None:
        file = self._first.source.path
        self.found.notes.append(Note(f"{self.name} {text}", table=self.name, file=file))

    def _add(
        self,
        kind: VirtualKind,
        owner: Owner | None = None,
        *,
        complete: bool = False,
    ) -> None:
        first = self._first
        names: list[str | None] = [None] * len(self.found.sources)
        for member in self.members:
            names[member.source.index] = member.table.name
        content = first.shape.content
        there = mapped_to(self.document, first.source, content) if content else None
        renamed = (content, there or content) if content else None
        table = first.source.schema.tables.get(owner.table) if owner else None
        fill: tuple[str, ...] = ()
        if owner is not None and table is not None:
            fill = (f"new.{row_address(table)}", *owners.fill_list(first, owner))
        owner_name = (mapped_to(self.document, first.source, table.name) or "") if table else ""
        self.found.tables.append(
            VirtualTable(
                name=self.name,
                module=first.shape.module,
                kind=kind,
                sql=create_sql(first.table.sql, f"main.{quote(self.name)}", renamed),
                sources=tuple(names),
                key=first.shape.key,
                contentless=first.shape.storage is Storage.CONTENTLESS,
                owner=owner_name or (renamed[1] if renamed else ""),
                columns=first.shape.columns,
                fill=fill,
                complete=complete,
                entries=tuple(self.entries.get(i, 0) for i in range(len(names))),
            )
        )

    def _keep(self, why: str) -> None:
        """What the base has stays; rows of other files cannot be brought in and are asked about."""
        others = [m for m in self.members if m.source.index]
        for member in others:
            rows = self.entries.get(member.source.index)
            if rows != 0:
                self._ask(member, f"cannot be united with the target: {why}")
        if not others:
            self._note(f"stays as it is in {self._first.source.path}: {why}")
        self._add(VirtualKind.KEPT)

    async def _count(self) -> None:
        for member in self.members:
            async with _opened(member) as database:
                self.entries[member.source.index] = int(
                    await database.value(f"SELECT count(*) FROM ({member.ids})")
                )

    async def _contentless(self) -> None:
        await self._count()
        owner = await self._mirrored([owners.by_trigger(self.members), *self._guesses()])
        if owner is None:
            self._keep("its texts cannot be read back, and no table is known to hold them")
            return
        self._say_owner(owner)
        self._add(VirtualKind.DERIVED, owner, complete=await self._is_complete(owner))

    async def _own(self) -> None:
        await self._count()
        owner = await self._owner()
        self._adopt(owner)
        if owner is None:
            return
        self._say_owner(owner)
        mirrors = self._first.shape.is_text_index and not self._is_in_plan()
        if mirrors and await self._mirrored([owner]) is not None:
            self._release()
            self._add(VirtualKind.DERIVED, owner, complete=await self._is_complete(owner))
        elif self._table_of(owner) is None:
            for member in self.members:
                self._ask(member, f"follows the rowids of {owner.table}, which has no id column")

    def _say_owner(self, owner: Owner) -> None:
        self._note(f"belongs to {self._shown(owner)} and follows its ids ({owner.reason})")

    def _shown(self, owner: Owner) -> str:
        return self._first.source.schema.tables[owner.table].name

    def _table_of(self, owner: Owner) -> Table | None:
        table = self._first.source.schema.tables[owner.table]
        return table if table.rowid_alias is not None else None

    def _is_in_plan(self) -> bool:
        listed = (*self.document.references, *self.document.not_references)
        mentioned = any(fold(item.table) == fold(self.name) for item in listed)
        return mentioned or any(fold(n) == fold(self.name) for n in self.document.tables)

    def _guesses(self) -> list[Owner]:
        guessed = owners.by_name(self.members)
        if self._first.shape.is_text_index:
            known = {owner.table for owner in guessed}
            guessed += [o for o in owners.by_columns(self.members) if o.table not in known]
        return guessed

    async def _owner(self) -> Owner | None:
        """The table whose ids the rowids are: by the plan, a trigger, the name, or its texts."""
        if any(fold(item.table) == fold(self.name) for item in self.document.not_references):
            return None
        for item in self.document.references:
            if fold(item.table) == fold(self.name):
                return Owner(fold(item.parent), "confirmed in the plan")
        written = owners.by_trigger(self.members)
        if written is not None:
            return written
        for owner in owners.by_name(self.members):
            if await self._holds(owner):
                return owner
        if self._first.shape.is_text_index:
            if any(self.entries.values()):
                return await self._mirrored(owners.by_columns(self.members))
            return None
        return await self._tree_owner()

    async def _tree_owner(self) -> Owner | None:
        """Boxes without names are nearly always those of some table's rows."""
        if not any(count for index, count in self.entries.items() if index):
            return None
        found = [
            table
            for table in self._first.source.schema.tables.values()
            if table.kind is TableKind.ORDINARY and table.rowid_alias is not None
            if await self._holds(Owner(table.key, ""))
        ]
        if len(found) == 1 and await self._is_complete(Owner(found[0].key, "")):
            return Owner(found[0].key, f"its ids are those of {found[0].name} and of no other")
        for table in found[:1]:
            assert table.rowid_alias is not None
            key = self._first.shape.key
            self.found.questions.append(
                Question(
                    f"All ids of {self.name} are ids of {table.name}: does it belong to it?",
                    table=self.name,
                    column=key,
                    file=self._first.source.path,
                    fix=alternatives(
                        f"[[references]]\ntable = {toml_text(self.name)}\n"
                        f"columns = [{toml_text(key)}]\nparent = {toml_text(table.name)}\n"
                        f"parent_columns = [{toml_text(table.rowid_alias)}]",
                        f"[[not_references]]\ntable = {toml_text(self.name)}\n"
                        f"columns = [{toml_text(key)}]",
                    ),
                )
            )
        return None

    async def _holds(self, owner: Owner) -> bool:
        for member in self.members:
            if owner.table not in member.source.schema.tables:
                return False
            async with _opened(member) as database:
                if not await owners.is_contained(database, member, owner):
                    return False
        return True

    async def _mirrored(self, candidates: Sequence[Owner | None]) -> Owner | None:
        """The first table of whose rows the entries of all sources are nothing but a repetition."""
        for owner in candidates:
            if owner is None or owner.fill is None:
                continue
            for member in self.members:
                async with _opened(member) as database:
                    if not await owners.is_mirror(database, member, owner):
                        break
            else:
                return owner
        return None

    async def _is_complete(self, owner: Owner) -> bool:
        for member in self.members:
            async with _opened(member) as database:
                if not await owners.is_complete(database, member, owner):
                    return False
        return True

    def _adopt(self, owner: Owner | None) -> None:
        """Give the table a key and its reference in every source."""
        for member in self.members:
            table = member.source.schema.tables.get(owner.table) if owner else None
            self._replace(member, owners.with_key(member.table, member.shape, table))

    def _release(self) -> None:
        for member in self.members:
            self._replace(member, member.table)

    def _replace(self, member: Member, table: Table) -> None:
        index = member.source.index
        source = self.found.sources[index]
        tables = {**source.schema.tables, table.key: table}
        counts = {**source.row_counts, table.key: self.entries.get(index, 0)}
        schema = replace(source.schema, tables=tables)
        self.found.sources[index] = replace(source, schema=schema, row_counts=counts)


def _opened(member: Member) -> AbstractAsyncContextManager[Database]:
    return open_database(Path(member.source.snapshot), immutable=True)
