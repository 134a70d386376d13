"""File names that break URIs, globs, terminals and JSON."""

from __future__ import annotations

import os

from . import shop
from .lib import Project
from .registry import case


def _named(p: Project, name: str, target: str = "app.db") -> None:
    shop.write(p, b=name)
    p.run("a.db", name, target=target).done()
    shop.check(p)


@case("files: a newline in the name")
def newline(p: Project) -> None:
    """An ordinary file for the system, so for us."""
    _named(p, "two\nlines.db")


@case("files: quotes in the name")
def quotes(p: Project) -> None:
    """Single, double, backtick."""
    _named(p, 'it\'s "so" `odd`.db')


@case("files: ?, # and % in the name")
def uri_marks(p: Project) -> None:
    """They mean something in a file: URI and must not."""
    _named(p, "what?mode=memory#100%41 &x.db")


@case("files: brackets in the name")
def brackets(p: Project) -> None:
    """Glob and markup characters."""
    _named(p, "[red]bold[*]?{a,b}.db")


@case("files: a name that is not UTF-8")
def not_utf8(p: Project) -> None:
    """Bytes are a name: they reach the file and survive the JSON."""
    _named(p, os.fsdecode(b"caf\xe9\xff.db"))


@case("files: blanks, dashes, dots")
def blanks(p: Project) -> None:
    """A leading dash is no option, a leading dot no reason."""
    _named(p, "./ -- .data .db")


@case("files: a target with an odd name")
def odd_target(p: Project) -> None:
    """The same for what is written."""
    _named(p, "b.db", target="ziel #1?mode=ro %41'[x].db")


@case("files: a project folder with an odd name")
def odd_project(p: Project) -> None:
    """The same for the folders above."""
    folder = p.root.parent / "pro ject?#%20'[x]\n"
    p.root.rename(folder)
    p.root = folder
    _named(p, "sub?dir/b.db")


@case("files: the same file name in two folders")
def same_name(p: Project) -> None:
    """a/app.db and b/app.db are two sources."""
    shop.write(p, "one/shop.db", "two/shop.db")
    p.run("one/shop.db", "two/shop.db").done()
    shop.check(p)


@case("files: a project that is named by a relative path")
def absolute_source(p: Project) -> None:
    """A source given as an absolute path inside the project is the same file."""
    shop.write(p)
    result = p.run("a.db", str(p.root / "b.db"))
    if result.status == 2:
        return
    result.done()
    shop.check(p)
