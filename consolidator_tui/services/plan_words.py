"""What a merge will do, in one sentence with counted numbers."""

from __future__ import annotations

from collections.abc import Sequence

from consolidator_tui.domain.merge import DryRun, Forecast, MergePlan

NAMED = 3
"""Tables that the sentence names."""


def forecast_words(plan: MergePlan, dry: DryRun) -> str:
    """The sentence, ending with the rows that would be lost: `…, 0 rows lost.`

    Names of tables stand in it as they are.
    """
    tables = dry.tables
    same = [t for t in tables if t.same]
    total = sum(t.same for t in tables)
    rows = "1 row" if total == 1 else f"{total:,} rows"
    if len(same) == 1:
        rows += f" of {same[0].counts.table[:40]}"
    parts = [f"{rows} {'is' if total == 1 else 'are'} the same in {together(plan)}"]
    disagreeing = [t for t in tables if t.disagree]
    disagree = sum(t.disagree for t in tables)
    parts.append(f"{disagree:,} {'disagrees' if disagree == 1 else 'disagree'}")
    if disagreeing and disagreeing != same:
        parts[-1] += _named(disagreeing)
    doubtful = sum(t.doubtful for t in tables)
    clashing = sum(t.clashing for t in tables)
    if doubtful:
        parts.append(f"{doubtful:,} may be the same")
    if clashing:
        parts.append(f"{clashing:,} {'has' if clashing == 1 else 'have'} another's UNIQUE key")
    rekeyed = sum(t.counts.rekeyed for t in tables)
    parts.append("1 id changes" if rekeyed == 1 else f"{rekeyed:,} ids change")
    deleted = sum(t.counts.deleted for t in tables)
    if deleted:
        parts.append("1 is deleted" if deleted == 1 else f"{deleted:,} are deleted")
    lost = sum(t.lost for t in tables)
    parts.append("1 row lost" if lost == 1 else f"{lost:,} rows lost")
    return ", ".join(parts) + "."


def undecided_words(dry: DryRun) -> str:
    """`2 need a person to decide.`, or nothing."""
    undecided = sum(t.counts.undecided for t in dry.tables)
    verb = "needs" if undecided == 1 else "need"
    return f"{undecided:,} {verb} a person to decide." if undecided else ""


def table_words(plan: MergePlan, found: Forecast) -> str:
    """The same for one table."""
    counts = found.counts
    parts = [f"{found.same:,} the same in {together(plan)}", f"{found.disagree:,} disagree"]
    if found.doubtful:
        parts.append(f"{found.doubtful:,} may be the same")
    if found.clashing:
        parts.append(f"{found.clashing:,} with another's UNIQUE key")
    if counts.deleted:
        parts.append(f"{counts.deleted:,} deleted")
    changed = "1 id changed" if counts.rekeyed == 1 else f"{counts.rekeyed:,} ids changed"
    return ", ".join([*parts, f"{counts.new:,} new", changed, f"{found.lost:,} lost"])


def together(plan: MergePlan) -> str:
    """`both files`, or `several files` for more than two."""
    return "both files" if len(plan.sources) == 2 else "several files"


def _named(tables: Sequence[Forecast]) -> str:
    ranked = sorted(tables, key=lambda t: -t.disagree)
    shown = ", ".join(f"{t.disagree:,} {t.counts.table[:24]}" for t in ranked[:NAMED])
    return f" ({shown}{', …' if len(ranked) > NAMED else ''})"
