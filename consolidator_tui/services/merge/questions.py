"""Puts what stayed undecided into words, with the plan lines that would settle it."""

from __future__ import annotations

from collections.abc import Sequence

from consolidator_tui.domain.merge import Question
from consolidator_tui.domain.rule import Rule
from consolidator_tui.services.merge.row_questions import SHOWN, decision_lines
from consolidator_tui.services.merge.work import Translator, Work
from consolidator_tui.services.planning.fixes import toml_key, toml_text
from consolidator_tui.storage.sqlite import Database

_WORDS = {
    "values": (
        "entity of {} has versions that disagree and no rule decides",
        "entities of {} have versions that disagree and no rule decides",
    ),
    "doubt": (
        "row of {} shares an id in copies of one file, but may be another row",
        "rows of {} share an id in copies of one file, but may be different rows",
    ),
    "unique": (
        "group of different entities of {} has one UNIQUE key",
        "groups of different entities of {} have one UNIQUE key each",
    ),
}
"""For one, and for several."""


async def open_questions(database: Database, work: Work) -> list[Question]:
    """One question per undecided kind of conflict of a table."""
    number = work.table.number
    kinds = await database.rows(
        "SELECT kind, count(*), group_concat(DISTINCT differs) FROM pv.conflict "
        f"WHERE number = {number} AND winner IS NULL GROUP BY kind"
    )
    questions = []
    for kind, count, differs in kinds:
        places = sorted({int(p) for p in str(differs).split(",") if p})
        columns = ", ".join(work.table.columns[p].name for p in places)
        paths = await _paths(database, work, kind)
        words = _WORDS[kind][count > 1].replace("{}", work.table.name)
        questions.append(
            Question(
                f"{count:,} {words} ({columns}) in {', '.join(paths)}.",
                table=work.table.name,
                column=columns,
                file=", ".join(paths),
                fix=await _fix(database, work, kind, count, columns),
            )
        )
    return questions


async def pending_questions(
    database: Database, translator: Translator, works: Sequence[Work]
) -> list[Question]:
    """The questions about undeclared references whose parents are re-keyed or deleted in fact."""
    asked = []
    for item in works[0].plan.pending if works else ():
        for key, sources in item.parents:
            parent = translator.works.get(key)
            if parent is not None and (
                await moves(database, parent, sources) or await _loses(database, parent)
            ):
                asked.append(item.question)
                break
    return asked


async def moves(database: Database, work: Work, sources: Sequence[int]) -> bool:
    """Whether some row of these sources gets another id."""
    for source in sources:
        if source == 0 or source not in work.members:
            continue
        if source in work.table.dense:
            return True
        if work.table.shifts[source] + work.deltas.get(source, 0):
            return True
        if work.mapped and await database.value(
            f"SELECT EXISTS (SELECT 1 FROM {work.map} WHERE {work.within(source, 'g')} "
            f"AND canon <> {work.raw(source, 'g')})"
        ):
            return True
    return False


async def _loses(database: Database, work: Work) -> bool:
    """Whether rows are left out because another file deleted them."""
    return bool(
        await database.value(
            "SELECT EXISTS (SELECT 1 FROM pv.dropped WHERE number = ?)", (work.table.number,)
        )
    )


async def _paths(database: Database, work: Work, kind: str) -> list[str]:
    rows = await database.rows(
        "SELECT DISTINCT v.src FROM pv.version v JOIN pv.conflict c ON c.number = v.number "
        "AND c.canon = v.canon AND c.kind = v.kind "
        f"WHERE v.number = {work.table.number} AND v.kind = ? AND c.winner IS NULL ORDER BY 1",
        (kind,),
    )
    return [work.plan.sources[row[0]].path for row in rows]


async def _fix(database: Database, work: Work, kind: str, count: int, columns: str) -> str:
    """A rule for all of them where one can decide, and the decisions one by one."""
    lines = []
    of = f" (the first {SHOWN:,} of {count:,})" if count > SHOWN else ""
    if kind == "values":
        rules = [rule.value for rule in work.table.rules if _can_decide(work, rule)]
        wanted = [*rules, *(["base"] if "base" not in rules else [])]
        listed = ", ".join(toml_text(rule) for rule in wanted)
        lines.append(f"[tables.{toml_key(work.table.name)}]\non_conflict = [{listed}]")
        lines.append(f"# or one by one{of}:")
    elif kind == "doubt":
        lines.append(f'[tables.{toml_key(work.table.name)}]\nidentity = "rows"')
        lines.append(f"# to keep every row that differs, or one by one{of}:")
    elif kind == "unique":
        lines.append(f'# keep one of them; or keep = "both" and, in `values`, another {columns}')
        lines.append(f"# one by one{of}:")
    elif of:
        lines.append(f"# one by one{of}:")
    lines += await decision_lines(database, work, kind)
    return "\n".join(lines)


def _can_decide(work: Work, rule: Rule) -> bool:
    return rule is not Rule.STOP and (rule is not Rule.NEWEST or work.table.newest is not None)
