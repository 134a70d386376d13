"""Ids inside texts (JSON, `1,2,3`, `user:7`), which change without the texts being rewritten.

Nobody says what such a text means, so nothing is followed: what looks like it is told. A bounded
number of rows is read, from both ends of a table, and only where ids of some table change.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from consolidator_tui.domain.catalog import Affinity, TableKind, fold
from consolidator_tui.domain.merge import Note
from consolidator_tui.domain.words import plural
from consolidator_tui.services.merge.hidden_samples import (
    NODES,
    Sample,
    Shape,
    collect,
    first_look,
    judged,
)
from consolidator_tui.services.merge.questions import moves
from consolidator_tui.services.merge.work import Work
from consolidator_tui.services.planning import names
from consolidator_tui.services.planning.fixes import toml_list, toml_text
from consolidator_tui.storage.sqlite import Database

_BYTES = 32 << 20
"""What may be read of one table; rows are taken to be as large as the file allows."""
_FEW, _MANY = 8, 250
"""Rows that are read from each end of a table."""
_NO_TEXT = (Affinity.INTEGER, Affinity.REAL)
_AT_ONCE = 256
"""Statements of a first look, or columns of a table, that are given to SQLite together."""
_ENOUGH = 2
"""Different numbers that must agree where the name does not say of which table they are."""
_TOO_MANY = 50
"""Tables whose ids change from which on numbers alone say nothing: each of them has a 7."""
_LISTED = {
    "attendee", "child", "collaborator", "favorite", "favourite", "sibling", "viewer", "watcher",
}  # fmt: skip
"""Roles of which people keep lists, beside those of single columns."""


@dataclass(frozen=True, slots=True)
class _Finding:
    """Ids of some table in the texts of one column of one file."""

    source: int
    parents: tuple[str, ...]
    strong: bool
    found: int
    seen: int


async def find_hidden_ids(database: Database, works: Sequence[Work]) -> list[Note]:
    """One note for each column whose texts seem to hold ids that change; the maps are known."""
    search = _Search(database, works)
    if not works or not search.sources or not await _knows_json(database):
        return []
    await database.script(NODES)
    looks = [look for work in works for look in search.looks(work)]
    found: dict[tuple[str, str], list[_Finding]] = {}
    for start in range(0, len(looks), _AT_ONCE):
        part = looks[start : start + _AT_ONCE]
        answers = await database.each(sql for _, sql in part)
        for (samples, _), rows in zip(part, answers, strict=True):
            for sample, shape in judged(samples, rows[0]):
                findings = await search.findings(sample, shape)
                if findings and await _any_arrives(database, sample.work, sample.source):
                    found.setdefault((sample.work.key, sample.column), []).extend(findings)
    tables = {work.key: work for work in works}
    return [_note(tables, tables[key], column, told) for (key, column), told in found.items()]


class _Search:
    """What is asked of every column, and what is known of the tables whose ids change."""

    def __init__(self, database: Database, works: Sequence[Work]) -> None:
        self._database = database
        self._works = {work.key: work for work in works}
        numbered = [work for work in works if work.table.surrogate is not None]
        self._numbered = numbered
        self._directory = names.TableNames(work.table.name for work in numbered)
        self._moves: dict[tuple[str, int], bool] = {}
        self.sources = {k for w in numbered for k in w.members if _may_move(w, k)}
        """The files in which ids of some table may change."""

    def looks(self, work: Work) -> Iterator[tuple[list[Sample], str]]:
        """Per source and some columns of a table the statement of a first look at them."""
        if work.table.table.kind is not TableKind.ORDINARY:
            return
        for source in work.members:
            if source not in self.sources or not work.count(source):
                continue
            size = _sample_size(work, source)
            samples = [Sample(work, source, column, size) for column in _columns(work, source)]
            for start in range(0, len(samples), _AT_ONCE):
                part = samples[start : start + _AT_ONCE]
                yield part, first_look(part)

    async def findings(self, sample: Sample, shape: Shape) -> list[_Finding]:
        """What the texts of a column seem to refer to, of what changes in its file."""
        found = []
        for label, many, seen in await collect(self._database, sample, shape):
            name = names.without_wrapping(label)
            is_id = names.is_id_like(name) or names.runs_together(name)
            named = [self._works[fold(t)] for t in self._directory.named_by(name)]
            if not many and not is_id:
                continue
            if not named and (seen < _ENOUGH or not _may_hold_ids(name, many=many)):
                continue
            of_all = self._numbered if len(self._numbered) < _TOO_MANY else []
            held = [
                (parent.key, count)
                for parent in named or of_all
                if await self._changes(parent, sample.source)
                and (count := await self._found(parent, sample.source, label, many)) >= 1
                # Rows that a text speaks of may have been deleted since, one or the other.
                and (count * 10 >= seen * 9 if named and is_id else count == seen)
            ]
            if held:
                keys = tuple(key for key, _ in held)
                most = max(count for _, count in held)
                found.append(_Finding(sample.source, keys, bool(named), most, seen))
        return found

    async def _found(self, parent: Work, source: int, label: str, many: bool) -> int:
        """How many of the numbers that were collected under a label are keys of a table."""
        rows = parent.rows(source).sql
        return int(
            await self._database.value(
                f"SELECT count(*) FROM (SELECT DISTINCT n FROM temp.inside WHERE label = ? "
                f"AND many = ?) i WHERE EXISTS (SELECT 1 FROM {rows} AS p "
                f"WHERE p.{parent.address(source)} = i.n)",
                (label, many),
            )
        )

    async def _changes(self, parent: Work, source: int) -> bool:
        """Whether ids of the table change in that file."""
        if source not in parent.members or not _may_move(parent, source):
            return False
        key = (parent.key, source)
        if key not in self._moves:
            moved = await moves(self._database, parent, [source]) if source else parent.base_mapped
            self._moves[key] = moved
        return self._moves[key]


def _may_move(work: Work, source: int) -> bool:
    """Whether ids of a table with a surrogate key may change in a file."""
    if source == 0:
        return work.base_mapped
    shifted = work.table.shifts[source] + work.deltas.get(source, 0)
    return bool(shifted) or work.mapped or source in work.table.dense


def _columns(work: Work, source: int) -> Iterator[str]:
    """The columns of a table that may hold such texts and are not followed otherwise."""
    taken = {fold(link.column) for link in work.table.links}
    for proposal in work.plan.proposals:
        # Those are asked.
        if fold(proposal.table) == work.key:
            taken |= set(map(fold, proposal.columns))
    for plan in work.plan.document.not_references:
        if fold(plan.table) == work.key and not plan.where:
            taken |= set(map(fold, plan.columns))
    there = work.plan.sources[source].schema.tables[fold(str(work.table.sources[source]))]
    for column in work.table.columns:
        own = column.sources[source]
        if own is None or fold(column.name) in taken or there.column(own).affinity in _NO_TEXT:
            continue
        yield column.name


def _sample_size(work: Work, source: int) -> int:
    """How many rows are read from each end: the rows of a large file may be large."""
    path = Path(work.plan.sources[source].snapshot)
    mean = path.stat().st_size // max(1, work.count(source))
    return max(_FEW, min(_MANY, _BYTES // max(1, mean)))


def _may_hold_ids(name: str, *, many: bool) -> bool:
    """Whether numbers under a name that names no table may be ids all the same."""
    role = names.stem(name)
    if names.is_role("_".join(role)):
        return True
    return many and (names.is_id_like(name) or role[-1:] in ([listed] for listed in _LISTED))


async def _any_arrives(database: Database, work: Work, source: int) -> bool:
    """Whether rows of the file come into the target, and are not all duplicates."""
    if not work.mapped:
        return True
    away = f"SELECT count(*) FROM {work.map} WHERE keep = 0 AND {work.within(source, 'g')}"
    return int(await database.value(away)) < work.count(source)


async def _knows_json(database: Database) -> bool:
    functions = "SELECT count(*) FROM temp.pragma_function_list WHERE name = 'json_valid'"
    return bool(await database.value(functions))


def _note(works: dict[str, Work], work: Work, column: str, findings: Sequence[_Finding]) -> Note:
    """What is told of a column."""
    sources = sorted({finding.source for finding in findings})
    paths = [work.plan.sources[source].path for source in sources]
    strong = [finding for finding in findings if finding.strong]
    shown = strong or list(findings)
    parents = list(dict.fromkeys(key for finding in shown for key in finding.parents))
    tables = [works[key].table.name for key in parents]
    found, seen = sum(f.found for f in shown), sum(f.seen for f in shown)
    counted = (
        f"{found:,} of {plural(seen, 'number')} looked at {'is' if found == 1 else 'are'} there"
    )
    if strong:
        text = f"texts hold ids of {_listed(tables, 'and')}"
        sign = f"the name says it, and {counted}"
    else:
        text = f"texts may hold ids of {_listed(tables, 'or')}"
        sign = f"a weak sign: {counted}, and no name says it"
    return Note(
        f"{work.table.name}.{column}: {text}, which change in {_listed(paths, 'and')} ({sign}). "
        "Texts are not rewritten, so they would lead to other rows: correct them, or say that "
        "they are no references.",
        table=work.table.name,
        column=column,
        file=paths[0],
        fix="[[not_references]]\n"
        f"table = {toml_text(work.table.name)}\ncolumns = {toml_list([column])}",
    )


def _listed(texts: Sequence[str], word: str, most: int = 3) -> str:
    shown = [*texts[:most], *([f"{len(texts) - most} more"] if len(texts) > most else [])]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} {word} {shown[-1]}"
