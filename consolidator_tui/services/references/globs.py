"""Words with wildcards in commands, such as `rm data/*.db`: what a shell puts in for them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

_COMMANDS = re.compile(
    r"(?:.*\.(?:sh|bash|zsh|ksh|fish|bat|cmd|ps1|mk|service|cron)|(?:gnu)?makefile|justfile|procfile|"
    r"crontab|jenkinsfile|(?:dockerfile|containerfile).*|.*\.dockerfile)",
    re.I,
)
"""Names of files every line of which may be a command."""
_VERB = re.compile(
    r"\b(?:rm|cp|mv|ls|cat|ln|tar|zip|gzip|xz|rsync|scp|find|sqlite3|for|chmod|chown|del|copy|move|"
    r"xcopy|shred|unlink|install|du|stat|aws|rclone|restic|litestream|python[\d.]*)\s"
)
"""What begins a command where most lines are none."""
_WORD = re.compile(
    r"(?:\$\{\w+\}|\$\w+|\$\((?:[^()]|\([^()]*\))*\)|\[[!^]?[\w-]+\]|[\w.~@%+/\\*?-])*"
    r"(?:[*?]|\[[!^]?[\w-]+\])(?:\[[!^]?[\w-]+\]|[\w.~@%+/\\*?-])*"
)
_NO_PATH = re.compile(
    r"(?:exclude|ignore|\bnot|!|prune|filter|[!=~]=|=~)\S*[\s=]+(?:-i?name[\s=]+)?[\"'(]*\Z", re.I
)
"""What stands before a pattern that leaves files out, or that a text is compared with."""
_BY_NAME = re.compile(r"\s-i?name[\s=]+[\"'(\\]*\Z")
_FOUND_IN = re.compile(r"\bfind\s+(?:-[HLP]\s+)*[\"']?(?P<folder>[^\s\"'-][^\s\"']*)")
_QUICK = re.compile(rb"[*?\]][^\s/]*\.|\.[^\s/]*[*?]|\w[*?]")


def may_hold(file: str, data: bytes) -> bool:
    """A quick look: whether a file may hold a command with wildcards."""
    return _QUICK.search(data) is not None and (
        is_commands(file, data) or _VERB.search(data.decode("latin-1")) is not None
    )


def is_commands(file: str, data: bytes) -> bool:
    """Whether every line of a file may be a command, by its name or its first line."""
    name = PurePosixPath(file).name
    return _COMMANDS.fullmatch(name) is not None or data.startswith(b"#!")


def patterns(line: str, *, commands: bool) -> Iterator[tuple[str, int, str]]:
    """The words with wildcards in a line that may stand for databases: the word, where it begins,
    and the folder that `find` looks in for the name, empty where no `find` looks.

    `commands`: whether the line is one; else a command must begin it.
    """
    if not any(sign in line for sign in "*?["):
        return
    for match in _WORD.finditer(line):
        head, tail, word = line[: match.start()], line[match.end() :], match[0]
        if head[-1:] in ("$", "{", "#") or (not head.strip(" \t(") and tail[:1] in (")", "|")):
            continue  # A part of a variable, or what `case` compares with.
        if _NO_PATH.search(head) or not (commands or _VERB.search(head)):
            continue
        if not re.search(r"\w", word.rpartition("/")[2]):
            continue  # `data/*` is everything; that a database is among it is chance.
        if _BY_NAME.search(head):
            found = _FOUND_IN.search(head)
            yield word, match.start(), found["folder"] if found else "."
        elif head[-1:] not in ("'", '"'):
            # What is quoted by itself is no pattern for a shell, but one of `grep`, say.
            yield word, match.start(), ""
