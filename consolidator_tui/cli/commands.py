"""Commands that look at a project or consolidate it; each returns the exit status."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from consolidator_tui.cli import running
from consolidator_tui.cli.output import Output
from consolidator_tui.domain.errors import ConsolidatorError, UsageError
from consolidator_tui.domain.event import Level, Message, Step
from consolidator_tui.domain.outcome import Outcome, Result, RunOptions
from consolidator_tui.domain.rule import Rule

T = TypeVar("T")


def scan(project: Path, *, as_json: bool) -> int:
    """Discover and inspect."""
    from consolidator_tui.cli import summary
    from consolidator_tui.services.scan import scan as look

    output = Output(as_json=as_json)
    return answer(
        output, lambda: look(project, output.event), lambda found: summary.scan(found, output)
    )


def references(
    project: Path,
    target: str | None,
    sources: tuple[str, ...],
    introduce_key: str | None = None,
    *,
    as_json: bool,
) -> int:
    """What refers to the databases, and the edits that would make it one."""
    from consolidator_tui.cli import summary
    from consolidator_tui.services.find_uses import find_uses

    output = Output(as_json=as_json)
    return answer(
        output,
        lambda: find_uses(project, target, sources, output.event, introduce_key),
        lambda found: summary.references(found, output),
    )


def plan(project: Path, target: str | None, sources: tuple[str, ...]) -> int:
    """The automatic plan as TOML."""
    from consolidator_tui.services.scan import draft_plan

    output = Output(as_json=False)
    return answer(
        output,
        lambda: draft_plan(project, target, sources, output.event),
        output.document,
    )


def run(project: Path, options: RunOptions, on_conflict: str | None, *, as_json: bool) -> int:
    """A whole run; with JSON the last line is the closing object, whatever happens."""
    from consolidator_tui.cli import summary
    from consolidator_tui.services.consolidate import consolidate

    output = Output(as_json=as_json)
    try:
        options = replace(options, on_conflict=_rules(on_conflict))
        _refuse_idle(options)
        outcome = running.run(lambda: consolidate(project, options, output.event), "The run")
    except ConsolidatorError as error:
        outcome = closing(error)
    if output.as_json:
        output.object(outcome.as_object())
    else:
        summary.run(project, outcome, options, output)
    return outcome.exit_status


def _refuse_idle(options: RunOptions) -> None:
    """Raise UsageError for an option that says nothing, or nothing without another one."""
    if any(not text.strip() for text in options.smoke):
        raise UsageError("--smoke names no command.", todo="Name a command, as in a shell.")
    if options.introduce_key is not None and not options.configure:
        raise UsageError("--introduce-key changes the code.", todo="Add --configure.")
    if options.ignore_references and not options.cleanup:
        raise UsageError(
            "--ignore-references is about the deletion of files.",
            todo="Add --cleanup, or leave it out.",
        )


def _rules(text: str | None) -> tuple[Rule, ...] | None:
    if text is None:
        return None
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in tuple(Rule):
            raise UsageError(
                f"`{name}` is no rule for conflicts.", todo=f"Rules: {', '.join(Rule)}."
            )
    if len(set(names)) < len(names):
        raise UsageError("A rule for conflicts is named twice.", todo="Name each once.")
    if Rule.STOP in names[:-1]:
        raise UsageError("Rules after `stop` would never be tried.", todo="Put it last.")
    return tuple(Rule(name) for name in names)


def answer(output: Output, ask: Callable[[], Awaitable[T]], tell: Callable[[T], int | None]) -> int:
    """Run a service and tell its answer; an error becomes its sentence and exit status."""

    async def asked() -> T:
        return await ask()

    try:
        found = running.run(asked, "The command")
    except ConsolidatorError as error:
        return refuse(error, output)
    return tell(found) or 0


def refuse(error: ConsolidatorError, output: Output) -> int:
    """Tell an error; with --json also as the closing object."""
    if output.as_json:
        output.object(closing(error).as_object())
    output.error(error)
    return error.exit_status


def closing(error: ConsolidatorError) -> Outcome:
    """The outcome of a command that ended before there was a run."""
    text = f"{error.title}: {error.sentence}"
    return Outcome(
        result=Result(error.outcome),
        exit_status=error.exit_status,
        messages=(Message(Step.DISCOVER, Level.ERROR, text, fix=error.todo),),
        changed=False,
    )
