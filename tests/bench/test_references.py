"""5,000 Python files, one in six with a database, in under 10 s on two free cores."""

from __future__ import annotations

import time
from pathlib import Path

from consolidator_tui.domain.event import ignore
from consolidator_tui.services.references import find_references

_BODY = (
    "\n\ndef work_{n}(items, limit=10):\n"
    '    """Does something with items."""\n'
    "    found = [item.name for item in items if item.size > limit and not item.hidden]\n"
    "    for number, name in enumerate(sorted(found)):\n"
    '        print(f"{{number}}: {{name}}", end="\\n")\n'
    '    return {{"found": found, "limit": limit, "n": {n}}}\n'
)
_DATABASE = (
    "\n\nclass Store:\n    def __init__(self, db_path='data/old.db'):\n"
    "        self.con = sqlite3.connect(db_path)\n"
)


async def test_five_thousand_files(tmp_path: Path) -> None:
    for number in range(5000):
        folder = tmp_path / f"p{number % 50}"
        folder.mkdir(exist_ok=True)
        source = "import os\nimport sys\n" + "".join(_BODY.format(n=n) for n in range(16))
        if number % 6 == 0:
            source = "import sqlite3\n" + source + _DATABASE
        (folder / f"m{number}.py").write_text(source)
    began = time.perf_counter()
    report = await find_references(tmp_path, ignore, processes=2)
    seconds = time.perf_counter() - began
    print(f"{report.files_seen} files, {len(report.references)} references, {seconds:.1f} s")
    assert len(report.references) == 834
    assert seconds < 10
