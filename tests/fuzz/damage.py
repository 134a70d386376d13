"""Changing random bytes where they do most harm: headers, page headers, schema, log frames."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

_PAGE = 512
_FRAME = 24
"""Header of a frame in a -wal: https://sqlite.org/fileformat2.html#walformat"""


@dataclass(frozen=True, slots=True)
class Change:
    """One changed byte."""

    file: str
    position: int
    value: int

    def __str__(self) -> str:
        return f"{self.file}[{self.position}]={self.value:#04x}"


def damage(project: Path, coin: random.Random, count: int) -> list[Change]:
    """Change so many bytes in the files of a project."""
    files = sorted(path for path in project.iterdir() if path.is_file() and path.stat().st_size)
    changes = []
    for _ in range(count):
        path = coin.choice(files)
        content = bytearray(path.read_bytes())
        position = _position(path.name, len(content), coin)
        value = coin.choice((0, 1, 0x7F, 0xFF, content[position] ^ (1 << coin.randrange(8))))
        if value == content[position]:
            value = coin.randrange(256)
        content[position] = value
        path.write_bytes(content)
        changes.append(Change(path.name, position, value))
    return changes


def _position(name: str, size: int, coin: random.Random) -> int:
    how = coin.random()
    if how < 0.3:
        return coin.randrange(min(size, 100))
    if how < 0.6:
        start, step = 0, _PAGE
        if name.endswith("-wal"):
            start, step = 32, _PAGE + _FRAME
        elif name.endswith("-journal"):
            start, step = _PAGE, _PAGE + 8
        page = start + step * coin.randrange(max(1, (size - start) // step))
        return min(size - 1, page + coin.randrange(40))
    if how < 0.75:
        return coin.randrange(min(size, 4 * _PAGE))
    return coin.randrange(size)
