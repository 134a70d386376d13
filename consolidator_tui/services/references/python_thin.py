"""Leave out the functions and classes that have nothing to do with files before parsing.

Parsing is what takes the time (10 ms for 5 KB), and most of a file is about other things. What is
left out becomes spaces, so that every byte keeps its place. Edits are always made in the whole
file; this is for finding only.
"""

from __future__ import annotations

import re

_KEEP = re.compile(
    rb"db|database|sqlite|store|engine|connect|__file__|cwd|chdir|environ|getenv|config\(|settings|"
    rb"path|_file|_dir|folder|remove|unlink|rename|move|copy|replace|touch|write_|global |"
    rb"nonlocal |instance|attach|tempfile|bind\(|isolated|import ",
    re.I,
)
_BLOCK = re.compile(
    rb"^(?:@[^\n]*\n)*(?:def |async def |class )[^\n]*\n(?:(?:[ \t)\]}#][^\n]*|\r?)\n)*", re.M
)
_OWN = re.compile(rb"^(?:async )?(?:def|class) (?:Path|pathlib|os|str)\b", re.M)
_NAMED = re.compile(rb"^(\w+)[^=\n]*=[^\n]*(?:\.\w*db|sqlite)", re.M | re.I)
_CODING = re.compile(rb"coding[:=]")
_NOT_NEWLINE = re.compile(rb"[^\r\n]")
_SMALL = 1500


def thin(data: bytes) -> bytes:
    """The same bytes, with spaces for the top-level blocks that name nothing of interest."""
    if len(data) < _SMALL or _CODING.search(data[:300]) or b"\f" in data:
        return data
    names = {match[1] for match in _NAMED.finditer(data)}
    kept = [re.compile(rb"\b" + name + rb"\b") for name in names]

    def blank(match: re.Match[bytes]) -> bytes:
        block = match[0]
        odd = block.count(b'"""') % 2 or block.count(b"'''") % 2 or block.endswith(b"\\\n")
        if odd or _KEEP.search(block) or _OWN.search(block):
            return block
        if any(name.search(block) for name in kept):
            return block
        return _NOT_NEWLINE.sub(b" ", block)

    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return data
    return _BLOCK.sub(blank, data)
