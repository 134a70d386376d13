"""Look-alikes where no screen shows them: how many in which table, and plan lines in a file."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

from consolidator_tui.domain.merge import MergePlan
from consolidator_tui.domain.plan import PlanDocument
from consolidator_tui.domain.suggestion import Suggestions, same
from consolidator_tui.domain.words import plural, verb
from consolidator_tui.services.plan_document.writer import comment_lines, dumps
from consolidator_tui.storage.atomic import PRIVATE_FILE, write_atomically

FILE = "look-alikes.toml"
MOST_ROWS = 50_000
"""Rows of a table up to which a run looks; in larger ones that takes a good part of its time."""
MOST_IN_ALL = 200_000
"""Rows of all tables up to which a run looks at all: it must not take longer for it."""
WHERE_TO_LOOK = (
    "Migrate in the wizard shows them side by side; `run --dry-run` writes them as plan lines "
    f"to {FILE} in its run's folder."
)
_HEAD = """\
# Rows of different files that look alike although no key matches them. The merge keeps both.
# To make two of them one, put the lines of the pair, without the "# ", at the end of a plan:
# consolidator-tui plan PROJECT > plan.toml, and consolidator-tui run PROJECT --plan plan.toml --yes
# (after a run that is in force: roll it back first).
"""


def passed_over(plan: MergePlan) -> str:
    """Why a run does not look, or nothing."""
    rows = sum(sum(source.row_counts.values()) for source in plan.sources)
    if rows <= MOST_IN_ALL:
        return ""
    return (
        f"Look-alikes were not looked for while {rows:,} rows were merged: `consolidator-tui plan` "
        "does that, and in the wizard `s` in Migrate."
    )


def told(found: Suggestions) -> Iterator[tuple[str, str]]:
    """For each table with look-alikes its name and a sentence without values."""
    for table, count in found.counts.items():
        yield (
            table,
            f"{plural(count, 'pair of rows looks', 'pairs of rows look')} alike although no key "
            f"matches {verb(count, 'it; both rows stay', 'them; all rows stay')}",
        )


def as_plan_lines(found: Suggestions) -> str:
    """Every pair as a decision that is commented out, with what speaks for it above."""
    parts = [_HEAD.rstrip()]
    for pair in found.found:
        decision = dumps(PlanDocument(decisions=(same(pair.first, pair.second),)))
        lines = decision[decision.index("[[decisions]]") :].splitlines()
        files = f"{pair.first.source} and {pair.second.source}"
        parts += ["", *comment_lines([f"{files}: {', '.join(pair.evidence)}", *lines])]
    parts += ["", *comment_lines(found.cut)] if found.cut else []
    return "\n".join(parts) + "\n"


async def write_look_alikes(found: Suggestions, folder: Path) -> Path | None:
    """Keep the pairs in a private file of the run's folder; without any there is none.

    Returns the file's path. Raises DiskFull or Failed.
    """
    path = folder / FILE
    if not found.found:
        await asyncio.to_thread(path.unlink, missing_ok=True)
        return None
    data = as_plan_lines(found).encode("utf-8", "replace")
    await asyncio.to_thread(write_atomically, path, data, mode=PRIVATE_FILE)
    return path
