"""The summaries that people read at the end of a command."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from consolidator_tui.cli.output import Output
from consolidator_tui.domain.cells import printable
from consolidator_tui.domain.event import Level
from consolidator_tui.domain.outcome import Outcome, Result, RunOptions
from consolidator_tui.domain.words import plural

if TYPE_CHECKING:
    from consolidator_tui.domain.inspection import MatrixRow
    from consolidator_tui.services.find_uses import Uses
    from consolidator_tui.services.scan import Scan

_HEADINGS = {
    Result.NEEDS_DECISIONS: "Decisions are needed before anything is written.",
    Result.REFUSED: "Refused; nothing was changed.",
    Result.FAILED: "Failed; the target and the originals are as they were.",
}


def run(project: Path, outcome: Outcome, options: RunOptions, output: Output) -> None:
    """What came of a run: counts per table, what is open, what to do next."""
    if outcome.tables:
        _tables(outcome, output)
    for message in outcome.messages:
        if message.level is Level.QUESTION:
            output.result(f"? {message.text}")
            for line in message.fix.splitlines():
                output.result(f"    {line}")
        elif message.level is Level.ERROR:
            output.note(message.text)
            if message.fix:
                output.note(f"  {message.fix}")
    if outcome.result is Result.CONSOLIDATED:
        _done(project, outcome, options, output)
    elif outcome.changed or outcome.edited:
        done = [f"{outcome.target} is in place"] if outcome.changed else []
        if outcome.edited:
            done.append(f"files of the application were edited: {', '.join(outcome.edited)}")
        output.note(f"{'; '.join(done)}. What came after that was not done.")
        output.note(_undo(project, outcome))
    else:
        output.note(_HEADINGS[outcome.result])


def _undo(project: Path, outcome: Outcome) -> str:
    return f"Undo: consolidator-tui rollback {shlex.quote(str(project))} {outcome.run} --yes"


def _done(project: Path, outcome: Outcome, options: RunOptions, output: Output) -> None:
    lost = sum(counts.lost for counts in outcome.tables)
    if options.dry_run:
        output.result(
            f"Dry run: {outcome.target} would be the one database; {plural(lost, 'row')} lost."
        )
    elif outcome.changed:
        output.result(f"{outcome.target} is the one database; {plural(lost, 'row')} lost.")
        output.result(_undo(project, outcome))
    elif len(outcome.sources) == 1:
        output.result(f"Only {outcome.sources[0]} was read; there is nothing to merge.")
    else:
        output.result(f"{outcome.target} already holds everything; it was left as it is.")
    if outcome.report:
        output.result(f"Receipt: {outcome.report}")


def _tables(outcome: Outcome, output: Output) -> None:
    heads = ["table", "source", "base", "new", "duplicate", "conflict", "rekeyed", "lost"]
    if any(counts.deleted for counts in outcome.tables):
        heads.insert(-1, "deleted")
    rows = [
        (
            printable(counts.table),
            *(f"{getattr(counts, head):,}" for head in heads[1:]),
        )
        for counts in outcome.tables
    ]
    table(heads, rows, output)


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], output: Output) -> None:
    """Aligned columns: the first to the left, the others to the right."""
    widths = [
        max(len(head), *(len(row[place]) for row in rows)) if rows else len(head)
        for place, head in enumerate(heads)
    ]
    for row in (heads, *rows):
        cells = [
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        output.result("  ".join(cells).rstrip())


def references(found: Uses, output: Output) -> int:
    """Every reference with what it means, the diffs, and what is left to do by hand."""
    from consolidator_tui.domain.reference import Anchor
    from consolidator_tui.services.references import why

    if output.as_json:
        output.object(found.as_object())
        return 0
    root = found.report.project
    for reference in found.report.references:
        where = f"{printable(reference.file)}:{reference.line}"
        output.result(f"{where}  {printable(reference.text)}  [{reference.form}]")
        for path in reference.resolves_to:
            known = "" if reference.exists else " (not there)"
            how = printable(why(reference, path, root))
            output.result(f"    {printable(os.path.relpath(path, root))}{known}, {how}")
        if not reference.resolves_to:
            known_place = reference.anchor not in (Anchor.UNKNOWN, Anchor.WORKING_DIRECTORY)
            reason = reference.anchor if known_place else reference.why_not or reference.anchor
            output.result(f"    not decidable: {printable(reason)}")
    if not found.report.references:
        output.result(f"No references ({plural(found.report.files_seen, 'file')} looked at).")
    for diff in found.diffs:
        for line in diff.splitlines():
            output.result(printable(line))
    for note in found.proposal.notes if found.proposal else ():
        output.result(f"! {printable(note.file)}:{note.line}: {printable(note.what)}")
    if found.proposal and found.proposal.files and not found.report.environment_keys:
        output.note(
            "No environment variable says where the database is; --introduce-key NAME lets the "
            "code that changes read one first."
        )
    for item in found.report.unreadable:
        output.result(f"! {printable(item.file)}: {printable(item.reason)}")
    return 0


def scan(found: Scan, output: Output) -> int:
    """The files with their roles, and the tables side by side."""
    from consolidator_tui.services.inspect.words import lineage_words

    if output.as_json:
        output.object(found.as_object())
        return 0
    for file in found.discovery.files:
        mark = "☑" if file.preselected else "☐"
        rows = "" if file.rows is None else f", {plural(file.rows, 'row')}"
        output.result(f"{mark} {file.path}  {plural(file.size, 'byte')}{rows}")
        output.result(f"    {file.role.replace('_', ' ')}: {file.reason}")
        for holder in file.holders:
            output.result(f"    open in {holder.name} (process {holder.pid})")
        if file.problem:
            output.result(f"    {file.problem}")
    if not found.discovery.files:
        checked = found.discovery.files_checked
        output.result(f"No SQLite databases here ({plural(checked, 'file')} checked).")
    skipped = found.discovery.folders_skipped
    if skipped:
        kinds = ", ".join(f"{count} {why}" for why, count in found.discovery.folders_by_reason)
        output.result(f"{plural(skipped, 'folder was', 'folders were')} skipped: {kinds}.")
    for row in found.inspection.matrix if found.inspection else ():
        _side_by_side(row, output)
        for seen in found.inspection.lineage if found.inspection else ():
            if seen.table == row.table:
                output.result(f"    rows of {seen.first} and {seen.second}: {lineage_words(seen)}")
    return 0


def _side_by_side(row: MatrixRow, output: Output) -> None:
    """One table over all files: first what its columns have in common, then what differs."""
    from consolidator_tui.services.inspect.words import STATES, difference_words

    counts = ", ".join(f"{path} {plural(number, 'row')}" for path, number in row.rows.items())
    output.result(f"table {row.table}: {STATES[row.state]} ({counts})")
    files: dict[tuple[str, str, str, str], list[str]] = {}
    for diff in row.diffs:
        here, there = difference_words(diff)
        files.setdefault((diff.column, here, diff.reference, there), []).append(diff.file)
    for (column, here, reference, there), others in files.items():
        output.result(f"    {column}: {here} in {reference}; {there} in {', '.join(others)}")
