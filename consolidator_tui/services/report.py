"""The receipt of a run, as Markdown and as HTML. It names files and tables, never row values."""

from __future__ import annotations

import asyncio
import html
import json
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from consolidator_tui import __version__
from consolidator_tui.domain.cells import printable
from consolidator_tui.domain.event import Level, Message
from consolidator_tui.domain.manifest import FileRecord, Manifest
from consolidator_tui.domain.merge import MergePlan, MergeTable, TableCounts, VirtualKind
from consolidator_tui.domain.smoke import folder_name
from consolidator_tui.domain.verification import Verification
from consolidator_tui.domain.words import plural
from consolidator_tui.services.cleanup.originals import staying_names
from consolidator_tui.storage.atomic import PRIVATE_FILE, write_atomically
from consolidator_tui.storage.run_folder import RunFolder

_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|&!~])")
_COUNTS = ("source", "base", "new", "duplicate", "conflict", "rekeyed", "lost")


@dataclass(frozen=True, slots=True)
class Receipt:
    """Everything that a receipt tells."""

    project: Path
    run: str
    target: str
    state: str
    """One sentence: whether the target is in place."""
    plan: MergePlan
    counts: Sequence[TableCounts]
    manifest: Manifest
    verification: Verification | None = None
    messages: Sequence[Message] = ()
    smoke: Mapping[str, Any] | None = None
    """What the last smoke run came to, as the run's database keeps it; None: nothing was tried."""
    decided: Sequence[tuple[str, str, int]] = ()
    """Table, what was kept, and how many decisions by hand said so."""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with sentences, and a table where there is one."""

    heading: str
    sentences: Sequence[str] = ()
    heads: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = field(default_factory=tuple)


async def write_report(run: RunFolder, receipt: Receipt) -> tuple[Path, str]:
    """Write report.md and report.html into the run's folder.

    Returns the former, and a text from which `rewrite_report` can make it again. Raises OSError.
    """
    sections = list(_sections(receipt))
    title = f"Consolidation of {printable(str(receipt.project))}"
    path = await _write(run, title, sections)
    return path, json.dumps({"title": title, "sections": [asdict(s) for s in sections]})


async def rewrite_report(run: RunFolder, text: str, *state: str) -> Path:
    """Write the reports again from the text of an earlier `write_report`.

    `state` are the sentences about what became of the target, in the place of the first one of
    the old report. Raises OSError.
    """
    body = json.loads(text)
    sections = [Section(**section) for section in body["sections"]]
    sections[0] = replace(sections[0], sentences=(*state, *sections[0].sentences[1:]))
    return await _write(run, body["title"], sections)


async def _write(run: RunFolder, title: str, sections: Sequence[Section]) -> Path:
    markdown = to_markdown(title, sections).encode("utf-8", "backslashreplace")
    page = to_html(title, sections).encode("utf-8", "backslashreplace")

    def write() -> Path:
        write_atomically(run.path / "report.html", page, mode=PRIVATE_FILE)
        write_atomically(run.path / "report.md", markdown, mode=PRIVATE_FILE)
        return run.path / "report.md"

    return await asyncio.to_thread(write)


def _sections(receipt: Receipt) -> Iterator[Section]:
    lost = sum(counts.lost for counts in receipt.counts)
    deleted = any(counts.deleted for counts in receipt.counts)
    parts = (*_COUNTS, "deleted") if deleted else _COUNTS
    yield Section(
        "Result",
        (
            receipt.state,
            f"Rows lost: {lost}.",
            f"Run {receipt.run}, consolidator-tui {__version__}.",
        ),
    )
    sums = [f"Source = base + new + duplicate + conflict{' + deleted' if deleted else ''}."]
    history = sum(counts.history for counts in receipt.counts)
    if history:
        told = plural(history, "row is", "rows are")
        sums.append(f"Of conflict, {told} of migration histories that were not kept.")
    yield Section(
        "Rows per table",
        sums,
        ("table", *parts),
        [
            (counts.table, *(f"{getattr(counts, name):,}" for name in parts))
            for counts in receipt.counts
        ],
    )
    yield _rows_per_file(receipt)
    yield _rekeyed(receipt)
    yield Section(
        "What makes two rows the same",
        heads=("table", "identity", "because"),
        rows=[
            (table.name, _identity(table), table.identity.reason) for table in receipt.plan.tables
        ],
    )
    yield _references(receipt)
    yield _decisions(receipt)
    yield _checks(receipt)
    yield _smoke(receipt)
    yield _told(receipt)
    yield _files(receipt)
    yield Section(
        "How to undo all of it",
        (
            f"consolidator-tui rollback {shlex.quote(str(receipt.project))} {receipt.run} --yes",
            "It puts databases, configuration and deleted files back as they were, from the "
            "backup in the run's folder, and keeps what was written into the target since.",
        ),
    )


def _identity(table: MergeTable) -> str:
    return ", ".join(table.identity.columns) or table.identity.kind


def _rows_per_file(receipt: Receipt) -> Section:
    rows = []
    for table in receipt.plan.tables:
        counts = receipt.plan.rows_of(table)
        rows.append((table.name, *("" if count is None else f"{count:,}" for count in counts)))
    first = [s.index if s.same_as is None else s.same_as for s in receipt.plan.sources]
    for index in receipt.plan.virtuals:
        if index.kind is VirtualKind.DERIVED:
            entries = ("" if index.sources[k] is None else f"{index.entries[k]:,}" for k in first)
            rows.append((index.name, *entries))
    paths = [source.path for source in receipt.plan.sources]
    return Section("Rows per file", (), ("table", *paths), rows)


def _rekeyed(receipt: Receipt) -> Section:
    rows = [
        (f"{counts.table} of {path}", f"id {shift:+,}")
        for counts in receipt.counts
        for path, shift in counts.shifts.items()
        if shift and counts.rekeyed
    ]
    sentence = "References follow." if rows else "Every row kept its id."
    return Section("Changed ids", (sentence,), ("rows", "change") if rows else (), rows)


def _references(receipt: Receipt) -> Section:
    rows = [
        (
            f"{table.name} ({', '.join(reference.columns)})",
            f"{reference.parent} ({', '.join(reference.parent_columns)})",
            "declared" if reference.declared else reference.evidence,
        )
        for table in receipt.plan.tables
        for reference in table.references
    ]
    sentences = () if rows else ("None.",)
    return Section("References that were followed", sentences, ("from", "to", "evidence"), rows)


def _decisions(receipt: Receipt) -> Section:
    rules = ", ".join(receipt.plan.document.on_conflict) or "none"
    undecided = sum(counts.undecided for counts in receipt.counts)
    rows = [(table, keep, f"{count:,}") for table, keep, count in receipt.decided]
    own = [
        f"Rules of {name}: {', '.join(table.on_conflict) or 'none'}."
        for name, table in receipt.plan.document.tables.items()
        if table.on_conflict is not None
    ]
    sentences = (f"Rules, in order: {rules}.", *own, f"Left undecided: {undecided}.")
    return Section("Decisions", sentences, ("table", "kept", "by hand"), rows)


def _checks(receipt: Receipt) -> Section:
    if receipt.verification is None:
        return Section("Checks", ("Not verified.",))
    checks = receipt.verification.checks
    held = sum(check.ok for check in checks)
    return Section(
        "Checks",
        (f"{held} of {len(checks)} hold.",),
        ("check", "table", "result", "detail"),
        [(c.name, c.table, "holds" if c.ok else "FAILS", c.detail) for c in checks],
    )


def _smoke(receipt: Receipt) -> Section:
    """The application's own commands; neither their output nor their variables are kept."""
    heading = "Does the application still work"
    smoke = receipt.smoke
    if not smoke:
        return Section(heading, ("It was not tried since the last change of the configuration.",))
    said = "It works with the one database alone." if smoke["ok"] else f"Not yet: {smoke['reason']}"
    results = [(result, "") for result in smoke["results"]]
    init = smoke["init"]
    if init:
        results.append((init["result"], _creation(init)))
    rows = [
        (
            result["command"],
            folder_name(result["folder"]),
            "passed" if result["ok"] else "FAILS",
            " ".join(filter(None, [result["reason"], *_sentences(result), more])),
        )
        for result, more in results
    ]
    rows += [("", "", "FAILS", sentence) for sentence in _sentences(smoke)]
    return Section(heading, (said,), ("command", "started in", "result", "detail"), rows)


def _sentences(result: Mapping[str, Any]) -> list[str]:
    return [finding["sentence"] for finding in result["findings"]]


def _creation(init: Mapping[str, Any]) -> str:
    if not init["made"]:
        return "It made no database where there was none."
    if init["equal"]:
        return "A new database has the same schema."
    return f"A new database would differ: {'; '.join(init['differences'][:20])}."


def _told(receipt: Receipt) -> Section:
    rows = [
        (message.place, message.table, message.text.removeprefix(f"{message.table}: "))
        for message in receipt.messages
        if message.level in (Level.WARNING, Level.QUESTION)
    ]
    return Section("To know", () if rows else ("Nothing.",), ("file", "table", "what"), rows)


def _files(receipt: Receipt) -> Section:
    rows: list[tuple[str, ...]] = []
    staying = {name.path for name in staying_names(receipt.manifest)}
    for record in receipt.manifest.files.values():
        for part in record.parts:
            name = record.path + part.suffix
            rows.append((name, record.role, f"{part.size:,}", part.sha256, _soundness(record)))
        rows += [
            (
                name,
                f"{record.role}, the same file as {record.path}"
                + (", never deleted" if name in staying else ""),
                "",
                "",
                "",
            )
            for name in record.names
        ]
        if not record.parts:
            rows.append((record.path, record.role, "", "", "was not there"))
    heads = ("file", "role", "bytes", "SHA-256", "integrity")
    return Section("Files as they were, and as they are in the backup", (), heads, rows)


def _soundness(record: FileRecord) -> str:
    return record.integrity[0] if record.integrity else "ok"


def to_markdown(title: str, sections: Sequence[Section]) -> str:
    """The sections as Markdown; whatever a name holds, it stays text."""
    lines = [f"# {_escaped(title)}", ""]
    for section in sections:
        lines += [f"## {_escaped(section.heading)}", ""]
        for sentence in section.sentences:
            lines += [_escaped(sentence), ""]
        if section.rows:
            lines.append(_row(section.heads, _escaped))
            lines.append("|" + " --- |" * len(section.heads))
            lines += [_row(row, _escaped) for row in section.rows]
            lines.append("")
    return "\n".join(lines)


def _row(cells: Sequence[str], escape: Callable[[str], str]) -> str:
    return "| " + " | ".join(escape(cell) for cell in cells) + " |"


def _escaped(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", printable(text))


_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto;
  padding: 0 1rem }}
table {{ border-collapse: collapse; display: block; overflow-x: auto }}
th, td {{ border-bottom: 1px solid #8886; padding: .2rem .8rem .2rem 0; text-align: left }}
td {{ font-variant-numeric: tabular-nums; overflow-wrap: anywhere }}
:root {{ color-scheme: light dark }}
</style>
<h1>{title}</h1>
{body}
</html>
"""


def to_html(title: str, sections: Sequence[Section]) -> str:
    """The sections as one page without scripts and without anything from elsewhere."""
    parts: list[str] = []
    for section in sections:
        parts.append(f"<h2>{_html(section.heading)}</h2>")
        parts += [f"<p>{_html(sentence)}</p>" for sentence in section.sentences]
        if section.rows:
            heads = "".join(f"<th>{_html(head)}</th>" for head in section.heads)
            parts.append(f"<table><thead><tr>{heads}</tr></thead><tbody>")
            for row in section.rows:
                cells = "".join(f"<td>{_html(cell)}</td>" for cell in row)
                parts.append(f"<tr>{cells}</tr>")
            parts.append("</tbody></table>")
    return _PAGE.format(title=_html(title), body="\n".join(parts))


def _html(text: str) -> str:
    return html.escape(printable(text))
