"""The command `consolidator-tui`: its arguments, and which function answers them.

Parsed with argparse: arguments may hold bytes that are no text (names of files), and a command
starts in a few milliseconds.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

from consolidator_tui import __version__
from consolidator_tui.domain.rule import Rule

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
Answer = Callable[[argparse.Namespace], int]
COMMANDS = ("demo", "scan", "references", "plan", "run", "verify", "rollback", "runs", "report")
WIZARD = "wizard"
"""The command that stands for none."""


def main(arguments: Sequence[str] | None = None) -> None:
    """The entry point; leaves with SystemExit and the status of the command line's contract."""
    from consolidator_tui.cli.streams import prepare_streams, silence_closed_streams

    prepare_streams()
    given = sys.argv[1:] if arguments is None else arguments
    try:
        reading = parser()
        mistaken = mistaken_command(given)
        if mistaken:
            reading.error(mistaken)
        chosen = reading.parse_args(with_command(given))
        status = chosen.answer(chosen)
    finally:
        silence_closed_streams()
    sys.exit(status)


def with_command(arguments: Sequence[str]) -> list[str]:
    """The arguments with the wizard's command where none is named.

    A first argument that is a command's name is that command; a folder of such a name is
    written `./run`.
    """
    first = next((item for item in arguments if not item.startswith("-")), None)
    asks = {"-h", "--help", "--version"} & set(arguments)
    if first in COMMANDS or (first is None and asks):
        return list(arguments)
    return [WIZARD, *arguments]


def mistaken_command(arguments: Sequence[str]) -> str:
    """What to say of a first argument that is nearly a command's name, and no folder; or nothing.

    It would be taken for the wizard's project, and what follows it be blamed.
    """
    first = next((item for item in arguments if not item.startswith("-")), "")
    if not first or first in COMMANDS or os.path.lexists(first):
        return ""
    if first == "help":
        return "there is no command 'help'; --help shows all commands"
    import difflib

    close = difflib.get_close_matches(first, COMMANDS, n=1, cutoff=0.75)
    if not close:
        return ""
    return f"there is no command and no folder {first!r}; did you mean {close[0]!r}?"


def parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    top = argparse.ArgumentParser(
        prog="consolidator-tui",
        allow_abbrev=False,
        usage="consolidator-tui [PROJECT]\n       consolidator-tui COMMAND …",
        description="Merge the scattered SQLite files of one project into one, and prove that "
        "nothing is lost. Without a command: the wizard on PROJECT, or here.",
        epilog="Exit status: 0 done, 1 failed (it says what was done), 2 usage or bad plan, "
        "3 decisions needed, 4 refused. `consolidator-tui COMMAND --help` tells more.",
    )
    top.add_argument("--version", action="version", version=f"consolidator-tui {__version__}")
    commands = top.add_subparsers(metavar="COMMAND", required=True, prog="consolidator-tui")
    _add_looking(commands)
    _add_run(commands)
    _add_runs(commands)
    return top


def _command(commands: Commands, name: str, about: str, answer: Answer) -> argparse.ArgumentParser:
    added = commands.add_parser(name, help=about, description=about, allow_abbrev=False)
    added.set_defaults(answer=answer)
    return added


def _name(text: str) -> str:
    """An argument that names a file: a variable that is not set must not mean "choose one"."""
    if not text:
        raise argparse.ArgumentTypeError("an empty text names no file")
    return text


def _folder(text: str) -> Path:
    return Path(_name(text))


def _project(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "project", metavar="PROJECT", nargs="?", type=_folder, default=Path(), help="its folder"
    )


def _json(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", dest="as_json", help="JSON lines on stdout")


def _files(command: argparse.ArgumentParser) -> None:
    command.add_argument("--target", metavar="FILE", type=_name, help="the one database")
    command.add_argument(
        "--source",
        metavar="FILE",
        type=_name,
        action="append",
        default=[],
        help="a file that takes part, relative to PROJECT (repeatable; default: what scan marks)",
    )


def _introduce_key(command: argparse.ArgumentParser, when: str) -> None:
    command.add_argument(
        "--introduce-key",
        metavar="NAME",
        type=_variable,
        help=f"{when}let hard-coded paths that change read this environment variable first",
    )


def _variable(text: str) -> str:
    if not (text.isascii() and text.isidentifier()):
        raise argparse.ArgumentTypeError(f"{text!r} cannot be the name of a variable")
    return text


def _yes(command: argparse.ArgumentParser, about: str) -> None:
    command.add_argument("--yes", action="store_true", help=about)


def _add_looking(commands: Commands) -> None:
    wizard = commands.add_parser(WIZARD, allow_abbrev=False, prog="consolidator-tui")
    wizard.set_defaults(answer=_wizard)
    _project(wizard)
    demo = _command(commands, "demo", "the wizard on a freshly written sample project", _demo)
    demo.add_argument("folder", metavar="DIR", nargs="?", type=Path, help="where it is written")
    scan = _command(commands, "scan", "find the databases and look into them", _scan)
    _project(scan)
    _json(scan)
    uses = _command(
        commands, "references", "find what refers to the databases, and what would change", _uses
    )
    _project(uses)
    _files(uses)
    _introduce_key(uses, "")
    _json(uses)
    plan = _command(commands, "plan", "print the automatic plan as TOML, with evidence", _plan)
    _project(plan)
    _files(plan)


def _add_run(commands: Commands) -> None:
    run = _command(commands, "run", "consolidate the databases into one", _run)
    _project(run)
    run.add_argument("--plan", metavar="FILE", type=Path, help="a plan document (TOML)")
    _files(run)
    run.add_argument(
        "--base", metavar="FILE", type=_name, help="the source whose rows keep their ids"
    )
    run.add_argument(
        "--on-conflict",
        metavar="RULE[,RULE]",
        help=f"how conflicts are decided, in order: {', '.join(Rule)}",
    )
    run.add_argument("--dry-run", action="store_true", help="everything but the last rename")
    run.add_argument(
        "--configure", action="store_true", help="let the application use only the target"
    )
    _introduce_key(run, "with --configure: ")
    run.add_argument(
        "--smoke",
        metavar="CMD",
        action="append",
        default=[],
        help="run CMD on a disposable copy of the project afterwards (repeatable): a shell line, "
        "`FOLDER: LINE`, or `auto` for what the project offers",
    )
    run.add_argument(
        "--cleanup", action="store_true", help="delete the sources (they are in the backup)"
    )
    run.add_argument(
        "--ignore-references",
        action="store_true",
        help="with --cleanup: delete files that the application's source still names, too",
    )
    run.add_argument(
        "--allow-outside",
        action="store_true",
        help="let the plan name databases outside the project",
    )
    _yes(run, "agree to the target being written, and with --cleanup to deletions")
    _json(run)


def _add_runs(commands: Commands) -> None:
    about: tuple[tuple[str, str, Answer], ...] = (
        ("verify", "check a run's backup and target again", _verify),
        ("rollback", "put everything back as it was before a run", _rollback),
        ("runs", "list the runs of a project", _runs),
        ("report", "print a run's receipt", _report),
    )
    for name, text, answer in about:
        command = _command(commands, name, text, answer)
        _project(command)
        if name != "runs":
            command.add_argument("run", metavar="RUN", nargs="?", help="default: the newest")
        if name != "report":
            _json(command)
        if name == "rollback":
            _yes(command, "agree to files being replaced")
        if name == "runs":
            command.add_argument(
                "--prune",
                metavar="RUN",
                nargs="*",
                help="delete these runs with their backups; without a name those that are no "
                "longer the only way back to anything",
            )
            _yes(command, "agree to backups being deleted")


def _wizard(chosen: argparse.Namespace) -> int:
    from consolidator_tui.cli import wizard

    return wizard.wizard(chosen.project)


def _demo(chosen: argparse.Namespace) -> int:
    from consolidator_tui.cli import wizard

    return wizard.demo(chosen.folder)


def _scan(chosen: argparse.Namespace) -> int:
    from consolidator_tui.cli import commands

    return commands.scan(chosen.project, as_json=chosen.as_json)


def _uses(chosen: argparse.Namespace) -> int:
    from consolidator_tui.cli import commands

    return commands.references(
        chosen.project,
        chosen.target,
        tuple(chosen.source),
        chosen.introduce_key,
        as_json=chosen.as_json,
    )


def _plan(chosen: argparse.Namespace) -> int:
    from consolidator_tui.cli import commands

    return commands.plan(chosen.project, chosen.target, tuple(chosen.source))


def _run(chosen: argparse.Namespace) -> int:
    from consolidator_tui.cli import commands
    from consolidator_tui.domain.outcome import RunOptions

    options = RunOptions(
        plan=chosen.plan,
        target=chosen.target,
        base=chosen.base,
        sources=tuple(chosen.source),
        dry_run=chosen.dry_run,
        configure=chosen.configure,
        smoke=tuple(chosen.smoke),
        introduce_key=chosen.introduce_key,
        cleanup=chosen.cleanup,
        ignore_references=chosen.ignore_references,
        allow_outside=chosen.allow_outside,
        yes=chosen.yes,
    )
    return commands.run(chosen.project, options, chosen.on_conflict, as_json=chosen.as_json)


def _verify(chosen: argparse.Namespace) -> int:
    from consolidator_tui.cli import history

    return history.verify(chosen.project, chosen.run, as_json=chosen.as_json)


def _rollback(chosen: argparse.Namespace) -> int:
    from consolidator_tui.cli import history

    return history.rollback(chosen.project, chosen.run, yes=chosen.yes, as_json=chosen.as_json)


def _runs(chosen: argparse.Namespace) -> int:
    from consolidator_tui.cli import history

    if chosen.prune is None:
        return history.runs(chosen.project, as_json=chosen.as_json)
    names = tuple(chosen.prune)
    return history.prune(chosen.project, names, yes=chosen.yes, as_json=chosen.as_json)


def _report(chosen: argparse.Namespace) -> int:
    from consolidator_tui.cli import history

    return history.report(chosen.project, chosen.run)
