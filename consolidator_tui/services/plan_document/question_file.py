"""The private file of a run with its open questions: plan lines to fill in, with values of keys."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from consolidator_tui.domain.catalog import fold
from consolidator_tui.domain.merge import Question
from consolidator_tui.domain.plan import Decision, PlanDocument
from consolidator_tui.domain.words import plural, verb
from consolidator_tui.services.plan_document import file as plan_file
from consolidator_tui.services.plan_document.writer import comment_lines

QUESTIONS = "questions.toml"
"""Plan lines that would settle the questions of a run, with the values of keys."""

_HEAD = """\
# What must be decided. Nothing is answered yet: with this file as it is, the run asks again.
# There are two ways to answer a question below:
# - as a whole: take away the "# " in front of its lines that begin with "# [" or have a "=";
# - row by row: each [[decisions]] is one row in question. Above its line `keep` stands what the
#   files differ in; write one of the names behind it between the quotes. What is left empty is
#   not decided.
# Then run it: consolidator-tui run PROJECT --plan THIS_FILE --yes
"""
_BELOW = """
# The questions. To answer them in a plan of your own, paste what follows at its end.
"""
_ANSWER_THERE = "Put what follows below `The questions` at the end of that plan, and run it."
_EMPTY = re.compile(r'^keep = ""', re.MULTILINE)


def questions_text(
    questions: Sequence[Question], given: PlanDocument | None = None, left_out: int = 0
) -> str:
    """The questions as TOML that answers none: general answers are comments, and the `keep` of
    every single row is empty. What `given` says comes first, but for rows that are asked about;
    `left_out` more decisions were made that are too many for it."""
    said = {} if given is None else tomllib.loads(plan_file.dumps(given)).get("tables", {})
    parts: list[str] = []
    asked: list[str] = []
    for question in questions:
        general, rows = split_decisions(question.fix)
        general = _agreeing(general, said)
        parts += ["", *comment_lines([question.text])]
        parts += [line if line.startswith("#") else f"# {line}" for line in general]
        parts += rows
        asked += rows
    text = "\n".join(parts) + "\n"
    if given is None:
        return _HEAD + text
    # An empty `keep` is read as no decision: fill it in, to see which rows are asked about.
    open_ = plan_file.loads(_EMPTY.sub('keep = "same"', "\n".join(asked))).decisions
    keys = {_row_of(decision) for decision in open_}
    kept = tuple(d for d in given.decisions if d.also or _row_of(d) not in keys)
    head = _HEAD
    if left_out:
        head += "\n".join(comment_lines(["", f"{made_elsewhere(left_out)} {_ANSWER_THERE}"])) + "\n"
    return f"{head}\n{plan_file.dumps(replace(given, decisions=kept))}{_BELOW}{text}"


def made_elsewhere(count: int) -> str:
    """That decisions of before are not in the file, and where they are."""
    return (
        f"{plural(count, 'decision that was', 'decisions that were')} made before "
        f"{verb(count, 'is', 'are')} in plan.toml beside {QUESTIONS} and not in it."
    )


def _agreeing(general: Sequence[str], said: Mapping[str, Any]) -> list[str]:
    """The lines without those that contradict what the plan above says of a table: where they
    belong is named instead, because a second value would be refused."""
    parts: list[list[str]] = [[]]
    instead: list[str] = []
    for line in general:
        if line.startswith("["):
            parts.append([])
        header = parts[-1][0] if len(parts) > 1 and parts[-1] else ""
        if header and not line.startswith("#") and _contradicts(header, line, said):
            key, _, value = line.partition("=")
            instead.append(f"# in {header} above, write as `{key.strip()}`: {value.strip()}")
        else:
            parts[-1].append(line)
    # A header below which no line is left says nothing.
    whole = [part for part in parts if not (part[:1] and part[0].startswith("[") and not part[1:])]
    return [*instead, *(line for part in whole for line in part)]


def _contradicts(header: str, line: str, said: Mapping[str, Any]) -> bool:
    """Whether the plan says something else there."""
    try:
        wanted = tomllib.loads(f"{header}\n{line}").get("tables", {})
    except tomllib.TOMLDecodeError:
        return False  # The line is part of a longer value.
    return any(
        said.get(table, {}).get(key, value) != value
        for table, keys in wanted.items()
        for key, value in keys.items()
    )


def _row_of(decision: Decision) -> tuple[str, frozenset[tuple[str, str]]]:
    named = ((fold(column), repr(value)) for column, value in decision.entity.items())
    return fold(decision.table), frozenset(named)


def split_decisions(fix: str) -> tuple[list[str], list[str]]:
    """The lines that answer a question as a whole, and those about single rows."""
    lines = fix.splitlines()
    cut = next((n for n, line in enumerate(lines) if line.startswith("[[decisions]]")), len(lines))
    while 0 < cut < len(lines) and lines[cut - 1].startswith("#"):
        cut -= 1
    return lines[:cut], lines[cut:]


def without_values(fix: str, path: Path) -> str:
    """The plan lines up to the decisions about single rows; these are in the file `path`."""
    general, rows = split_decisions(fix)
    if not rows:
        return fix
    return "\n".join([*general, f"# row by row: the lines are in {path}"])
