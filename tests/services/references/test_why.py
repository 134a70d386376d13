"""Discover's answer to why a stray file exists: the place that names it, and from where."""

from __future__ import annotations

from pathlib import Path

from consolidator_tui.domain.event import ignore
from consolidator_tui.services.references import explain, find_references, why

_FILES = {
    "backend/app.py": "import sqlite3\nDB = 'data/x.db'\nsqlite3.connect(DB)\n",
    "backend/web.py": "app.config['SQLALCHEMY_DATABASE_URI'] = 'sqlite:///y.db'\n",
    "tools/job.py": (
        "import sqlite3\nfrom pathlib import Path\n"
        "sqlite3.connect(Path(__file__).parent / 'z.db')\n"
    ),
    "tools/full.py": "import sqlite3\nsqlite3.connect('{ROOT}/data/x.db')\n",
}
_DATABASES = ("data/x.db", "backend/data/x.db", "backend/instance/y.db", "tools/z.db")


async def test_each_stray_is_explained(tmp_path: Path) -> None:
    for name, text in _FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text.replace("{ROOT}", str(tmp_path)))
    paths = [tmp_path / name for name in _DATABASES]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"SQLite format 3\0")
    report = await find_references(tmp_path, ignore, databases=paths)
    told = {
        name: [(r.file, r.line, why(r, path, tmp_path)) for r in explain(report, path)]
        for name, path in zip(_DATABASES, paths, strict=True)
    }
    assert told == {
        "data/x.db": [
            ("backend/app.py", 2, "when started in the project"),
            ("tools/full.py", 2, "by its full path"),
        ],
        "backend/data/x.db": [("backend/app.py", 2, "when started in backend")],
        "backend/instance/y.db": [("backend/web.py", 1, "Flask looks in backend/instance")],
        "tools/z.db": [("tools/job.py", 3, "from wherever it is started")],
    }
