"""Which commands a project offers to see whether it works, found in its files.

Only what is known to stay local is selected (tests, a server on loopback, making tables, seed
data, an admin); other programs are offered, for they may send mail or call a service.
"""

from __future__ import annotations

import asyncio
import os
import posixpath
import re
import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from consolidator_tui.domain.smoke import (
    OUTSIDE,
    PROJECT,
    CommandKind,
    SmokeCommand,
    Start,
)
from consolidator_tui.services.references.find import walk
from consolidator_tui.services.smoke.detect_node import node_commands
from consolidator_tui.services.smoke.detect_web import web_commands
from consolidator_tui.services.smoke.sources import Project, Source, import_root, in_folder, read

SCRIPT_TIMEOUT = 120.0
TEST_TIMEOUT = 900.0
_CREATE = re.compile(r"(?:create|init|setup|make)_?(?:all_)?(?:tables?|db|database|schema)\Z")
_ADMIN = re.compile(r"(create|add|make|init)_?(admin|superuser|user)s?\Z")
_SEED = re.compile(r"(seed|populate|load|fill)(_\w+)?\Z|\w+_seed\Z|bootstrap\Z")
_DATABASE = re.compile(r"sqlite|\bdb\b|database|session", re.I)
_SETTINGS = {
    "pytest.ini": re.compile(r"^\[pytest\]", re.M),
    ".pytest.ini": re.compile(r"^\[pytest\]", re.M),
    "pyproject.toml": re.compile(r"^\[tool\.pytest", re.M),
    "setup.cfg": re.compile(r"^\[tool:pytest\]", re.M),
    "tox.ini": re.compile(r"^\[pytest\]", re.M),
}


async def detect(project: Path) -> tuple[SmokeCommand, ...]:
    """The commands that a project offers, in the order in which they are to be run."""
    return await asyncio.to_thread(_detect, Path(os.path.abspath(project)))  # noqa: PTH100


def _detect(project: Path) -> tuple[SmokeCommand, ...]:
    found = read(project, walk(project))
    commands = [
        *_tests(found),
        *_scripts(found, CommandKind.CREATE),
        *_django(found),
        *_scripts(found, CommandKind.SCRIPT),
        *web_commands(found),
        *node_commands(found),
        *_programs(found),
    ]
    named: dict[str, SmokeCommand] = {}
    for command in commands:
        first = command.starts[0]
        if command.name in named and named[command.name].starts[0] != first:
            command = replace(command, name=f"{command.name} in {first.folder or '.'}")  # noqa: PLW2901
        named.setdefault(command.name, command)
    return tuple(named.values())


def starts(folder: str, here: str, root: str, environment: dict[str, str]) -> tuple[Start, ...]:
    """From `folder`, and from a second place: the project, or a folder beside it.

    `here` is the shell line for `folder`, `root` the one for elsewhere, with PROJECT in it.
    """
    first = Start(folder, here)
    if folder:
        return first, Start("", root, environment, required=False)
    return first, Start(OUTSIDE, root, environment, required=False)


def _python_path(folder: str) -> dict[str, str]:
    return {"PYTHONPATH": posixpath.join(PROJECT, folder).rstrip("/")}


def _tests(project: Project) -> list[SmokeCommand]:
    """pytest, once per folder with settings for it, else once per folder with tests."""
    folders: dict[str, str] = {}
    for path, text in project.texts.items():
        folder, name = posixpath.split(path)
        pattern = _SETTINGS.get(name)
        if pattern is not None and pattern.search(text):
            folders.setdefault(folder, path)
    for source in project.sources:
        folder, name = posixpath.split(source.path)
        if not re.fullmatch(r"test_\w+\.py|\w+_test\.py|conftest\.py", name):
            continue
        if "django.test" in source.text or _inside_any(folder, folders):
            continue
        # The tests' own folders are not where the application is started.
        parts = folder.split("/") if folder else []
        cut = next((n for n, part in enumerate(parts) if part in ("test", "tests")), len(parts))
        folders.setdefault("/".join(parts[:cut]), source.path)
    made = []
    for folder, reason in sorted(folders.items()):
        if any(folder != other and in_folder(folder, other) for other in folders):
            continue
        name = f"pytest in {folder}" if folder else "pytest"
        place = posixpath.join(PROJECT, shlex.quote(folder)) if folder else PROJECT
        elsewhere = f"python -m pytest {place}"
        made.append(
            SmokeCommand(
                name,
                CommandKind.TESTS,
                starts(folder, "python -m pytest", elsewhere, _python_path(folder)),
                timeout=TEST_TIMEOUT,
                reason=reason,
            )
        )
    return made


def _inside_any(folder: str, folders: dict[str, str]) -> bool:
    return any(in_folder(folder, other) for other in folders)


def _scripts(project: Project, kind: CommandKind) -> list[SmokeCommand]:
    """Scripts whose name says that they make tables, seed data or an admin."""
    made = []
    for source in _by_order(project.sources):
        stem = posixpath.basename(source.path).removesuffix(".py").lower()
        creates = bool(_CREATE.fullmatch(stem))
        known = creates or _ADMIN.fullmatch(stem) or _SEED.fullmatch(stem)
        if not known or source.in_tests or creates != (kind is CommandKind.CREATE):
            continue
        if not source.main and "import" not in source.text:
            continue
        made.append(python_command(project, source, kind, selected=source.main))
    return made


def _by_order(sources: Sequence[Source]) -> list[Source]:
    """Seed data before the admin, so that its login is not removed again."""

    def place(source: Source) -> tuple[bool, str]:
        stem = posixpath.basename(source.path).removesuffix(".py").lower()
        return bool(_ADMIN.fullmatch(stem)), source.path

    return sorted(sources, key=place)


def _programs(project: Project) -> list[SmokeCommand]:
    """Other programs that speak of a database: offered, not selected."""
    return [
        python_command(project, source, CommandKind.SCRIPT, selected=False)
        for source in project.sources
        if source.main and not source.in_tests and not source.serves
        and posixpath.basename(source.path) != "manage.py"
        and _DATABASE.search(source.text)
    ]  # fmt: skip


def python_command(
    project: Project, source: Source, kind: CommandKind, *, selected: bool
) -> SmokeCommand:
    """A Python file as a program: with -m inside of a package that imports itself."""
    root = import_root(project, source)
    inside = posixpath.relpath(source.path, root) if root else source.path
    package = posixpath.dirname(source.path)
    if f"{package}/__init__.py" in project.paths and package != root:
        module = inside.removesuffix(".py").replace("/", ".")
        here = elsewhere = f"python -m {module}"
        environment = _python_path(root)
    else:
        here = f"python {shlex.quote(inside)}"
        elsewhere = f"python {posixpath.join(PROJECT, shlex.quote(source.path))}"
        environment = {}
    return SmokeCommand(
        here.removeprefix("python ").removeprefix("-m "),
        kind,
        starts(root, here, elsewhere, environment),
        timeout=SCRIPT_TIMEOUT,
        selected=selected,
        reason=source.path,
    )


def _django(project: Project) -> list[SmokeCommand]:
    made = []
    for source in project.sources:
        folder, name = posixpath.split(source.path)
        if name != "manage.py" or "DJANGO_SETTINGS_MODULE" not in source.text:
            continue
        manage = posixpath.join(PROJECT, shlex.quote(source.path))
        actions: list[tuple[str, CommandKind, float]] = [
            ("migrate --noinput", CommandKind.CREATE, SCRIPT_TIMEOUT),
            ("check", CommandKind.SCRIPT, SCRIPT_TIMEOUT),
        ]
        if any("django.test" in other.text for other in project.sources):
            actions.insert(0, ("test --noinput", CommandKind.TESTS, TEST_TIMEOUT))
        for action, kind, timeout in actions:
            made.append(
                SmokeCommand(
                    f"manage.py {action.split()[0]}",
                    kind,
                    starts(folder, f"python manage.py {action}", f"python {manage} {action}", {}),
                    timeout=timeout,
                    reason=source.path,
                )
            )
    return made


def from_text(
    text: str, project: Path, detected: Sequence[SmokeCommand]
) -> tuple[SmokeCommand, ...]:
    """What `--smoke TEXT` means: `auto` (all selected), a detected one's name or line, or
    `FOLDER: LINE`, or a line for the project's folder. Looks whether FOLDER exists."""
    wanted = text.strip()
    if wanted == "auto":
        return tuple(command for command in detected if command.selected)
    folder, colon, line = wanted.partition(":")
    known = bool(colon) and _is_folder(project, folder.strip())
    folder, line = (folder.strip().strip("/"), line.strip()) if known else ("", wanted)
    for command in detected:
        first = command.starts[0]
        if wanted == command.name or (line == first.command and folder in ("", first.folder)):
            return (command,)
    words = line.split()
    tests = bool({"pytest", "unittest", "tox", "nose2"} & set(words)) or words[-1:] == ["test"]
    server = PORT_WORDS.search(line) is not None
    kind = CommandKind.TESTS if tests else CommandKind.SERVER if server else CommandKind.SCRIPT
    timeout = {CommandKind.TESTS: TEST_TIMEOUT, CommandKind.SERVER: 30.0}.get(kind, SCRIPT_TIMEOUT)
    start = Start("" if folder == "." else folder, line)
    return (named(SmokeCommand("", kind, (start,), timeout=timeout, reason="--smoke")),)


def named(command: SmokeCommand) -> SmokeCommand:
    """A command of one start with the name that it gets from its line and folder."""
    start = command.starts[0]
    place = f" in {start.folder}" if start.folder and start.folder != OUTSIDE else ""
    return replace(command, name=title(start.command) + place)


def title(line: str) -> str:
    """A line without the values of options and variables: a name is kept, a password must not."""
    shown: list[str] = []
    hidden = False
    for word in line.split():
        option = word.startswith("-")
        shown.append("…" if hidden and not option else re.sub(r"=.*", "=…", word, flags=re.S))
        hidden = option and word not in ("-m", "--") and "=" not in word
    return " ".join(shown)[:200]


PORT_WORDS = re.compile(r"\{port\}|\$PORT\b|\$\{PORT\}")


def _is_folder(project: Path, folder: str) -> bool:
    return bool(folder) and not folder.startswith("/") and (project / folder).is_dir()
