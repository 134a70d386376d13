"""What a merge will do, in one sentence with counted numbers."""

from __future__ import annotations

from collections.abc import Sequence

from consolidator_tui.domain.merge import DryRun, Forecast, MergePlan
from consolidator_tui.domain.words import plural, verb

NAMED = 3
"""Tables that the sentence names."""


def forecast_words(plan: MergePlan, dry: DryRun) -> str:
    """The sentence, ending with the rows that would be lost: `…, 0 rows lost.`

    Names of tables stand in it as they are.
    """
    tables = dry.tables
    same = [t for t in tables if t.same]
    total = sum(t.same for t in tables)
    rows = plural(total, "row")
    if len(same) == 1:
        rows += f" of {same[0].counts.table[:40]}"
    parts = [f"{rows} {verb(total, 'is', 'are')} the same in {together(plan)}"]
    disagreeing = [t for t in tables if t.disagree]
    disagree = sum(t.disagree for t in tables)
    parts.append(f"{disagree:,} {verb(disagree, 'disagrees', 'disagree')}")
    if disagreeing and disagreeing != same:
        parts[-1] += _named(disagreeing)
    doubtful = sum(t.doubtful for t in tables)
    clashing = sum(t.clashing for t in tables)
    if doubtful:
        parts.append(f"{doubtful:,} may be the same")
    if clashing:
        parts.append(f"{clashing:,} {verb(clashing, 'has', 'have')} another's UNIQUE key")
    rekeyed = sum(t.counts.rekeyed for t in tables)
    parts.append(plural(rekeyed, "id changes", "ids change"))
    deleted = sum(t.counts.deleted for t in tables)
    if deleted:
        parts.append(plural(deleted, "is deleted", "are deleted"))
    history = sum(t.counts.history for t in tables)
    if history:
        parts.append(
            f"{history:,} of other migration histories {verb(history, 'stays', 'stay')} out"
        )
    lost = sum(t.lost for t in tables)
    parts.append(f"{plural(lost, 'row')} lost")
    return ", ".join(parts) + "."


def undecided_words(dry: DryRun) -> str:
    """`2 need a person to decide.`, or nothing."""
    undecided = sum(t.counts.undecided for t in dry.tables)
    needs = verb(undecided, "needs", "need")
    return f"{undecided:,} {needs} a person to decide." if undecided else ""


def table_words(plan: MergePlan, found: Forecast) -> str:
    """The same for one table."""
    counts = found.counts
    parts = [
        f"{found.same:,} the same in {together(plan)}",
        f"{found.disagree:,} {verb(found.disagree, 'disagrees', 'disagree')}",
    ]
    if found.doubtful:
        parts.append(f"{found.doubtful:,} may be the same")
    if found.clashing:
        parts.append(f"{found.clashing:,} with another's UNIQUE key")
    if counts.deleted:
        parts.append(f"{counts.deleted:,} deleted")
    if counts.history:
        parts.append(f"{counts.history:,} of other histories left out")
    changed = f"{plural(counts.rekeyed, 'id')} changed"
    return ", ".join([*parts, f"{counts.new:,} new", changed, f"{found.lost:,} lost"])


def together(plan: MergePlan) -> str:
    """`both files`, or `several files` for more than two."""
    return "both files" if len(plan.sources) == 2 else "several files"


def _named(tables: Sequence[Forecast]) -> str:
    ranked = sorted(tables, key=lambda t: -t.disagree)
    shown = ", ".join(f"{t.disagree:,} {t.counts.table[:24]}" for t in ranked[:NAMED])
    return f" ({shown}{', …' if len(ranked) > NAMED else ''})"
