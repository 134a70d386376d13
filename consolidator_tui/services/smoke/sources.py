"""What detection knows of a project: its Python sources and a few settings files."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_MOST_BYTES = 400_000
_TEXTS = frozenset(
    {"pytest.ini", ".pytest.ini", "pyproject.toml", "setup.cfg", "tox.ini", "package.json"}
)
_WANTED = re.compile(
    rb"__main__|FastAPI\(|Starlette\(|Flask\(|Quart\(|Litestar\(|create_app|APIRouter\(|Blueprint\("
    rb"|create_all|django\.test|DJANGO_SETTINGS_MODULE|\.(?:get|post|route)\("
)
_MAIN = re.compile(r"^if\s+__name__\s*==\s*['\"]__main__['\"]|^if\s+['\"]__main__['\"]\s*==", re.M)
_SERVES = re.compile(r"\buvicorn\.run\(|\bapp\.run\(|\bapplication\.run\(|\bserve_forever\(")
_IMPORT = re.compile(r"^\s*(?:from\s+([A-Za-z_]\w*)[\w.]*\s+import|import\s+([A-Za-z_]\w*))", re.M)
_NAMED = re.compile(
    r"(create|init|setup|make|add|seed|populate|load|fill|initdb|bootstrap|test_|conftest|manage)"
)


@dataclass(frozen=True, slots=True)
class Source:
    """One Python file that may matter."""

    path: str
    """POSIX, relative to the project."""
    text: str

    @property
    def main(self) -> bool:
        """Whether it does something when it is run."""
        return _MAIN.search(self.text) is not None

    @property
    def serves(self) -> bool:
        """Whether running it starts a server."""
        return _SERVES.search(self.text) is not None

    @property
    def in_tests(self) -> bool:
        """Whether it belongs to tests."""
        parts = self.path.split("/")
        return bool({"test", "tests"} & set(parts[:-1])) or parts[-1].startswith("test_")

    def tree(self) -> ast.Module | None:
        """Its syntax tree; None when it does not parse with this Python."""
        try:
            return ast.parse(self.text)
        except (SyntaxError, ValueError, RecursionError):
            return None


@dataclass(frozen=True, slots=True)
class Project:
    """A project as detection sees it."""

    folder: Path
    paths: frozenset[str]
    """All Python files and settings files, relative."""
    sources: tuple[Source, ...]
    texts: dict[str, str]
    """Settings files by path."""


def read(folder: Path, paths: Sequence[str]) -> Project:
    """Read what may matter. Blocking; files that cannot be read are left out."""
    sources: list[Source] = []
    texts: dict[str, str] = {}
    for path in paths:
        name = posixpath.basename(path)
        if not path.endswith(".py") and name not in _TEXTS:
            continue
        try:
            if (folder / path).stat().st_size > _MOST_BYTES:
                continue
            data = (folder / path).read_bytes()
        except OSError:
            continue  # What cannot be read cannot be offered.
        text = data.decode("utf-8-sig", "replace")
        if name in _TEXTS:
            texts[path] = text
        elif _WANTED.search(data) or _NAMED.search(name):
            sources.append(Source(path, text))
    return Project(folder, frozenset(paths), tuple(sources), texts)


def in_folder(path: str, folder: str) -> bool:
    """Whether a folder or file is (in) that folder."""
    return not folder or path == folder or path.startswith(folder + "/")


def import_root(project: Project, source: Source) -> str:
    """The folder from which the file's own imports work: where it is normally started.

    The nearest folder upwards that holds what it imports; else the one around its package.
    """
    folder = posixpath.dirname(source.path)
    wanted = {a or b for a, b in _IMPORT.findall(source.text)}
    above = [folder]
    while above[-1]:
        above.append(posixpath.dirname(above[-1]))
    for place in above:
        if any(_is_there(project, place, name) for name in wanted):
            return place
    while folder and f"{folder}/__init__.py" in project.paths:
        folder = posixpath.dirname(folder)
    if posixpath.basename(folder) in ("scripts", "bin", "tools"):
        return posixpath.dirname(folder)
    return folder


def _is_there(project: Project, folder: str, name: str) -> bool:
    base = posixpath.join(folder, name)
    return f"{base}.py" in project.paths or any(
        path.startswith(f"{base}/") and path.endswith(".py") for path in project.paths
    )


def module_name(source: Source, root: str) -> str:
    """The dotted name under which a file is imported from `root`."""
    inside = posixpath.relpath(source.path, root) if root else source.path
    return inside.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
