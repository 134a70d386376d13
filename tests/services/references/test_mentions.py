"""Texts that name a file to be deleted, in files and ways that no scanner of references reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from consolidator_tui.domain.event import ignore
from consolidator_tui.services.references import find_references, leftovers

NOTEBOOK = json.dumps(
    {"cells": [
        {"cell_type": "markdown", "source": ["sub/app.db\n"]},
        {"cell_type": "code", "source": ["!sqlite3 sub/app.db"], "outputs": ["sub/app.db\n"]},
    ]}, indent=1,
)  # fmt: skip
COMPOSE = """services:
  bound:
    volumes: ["./sub:/data"]
    environment: {DATABASE_URL: sqlite:////data/app.db}
  whole:
    volumes: [{type: bind, source: ., target: /code}]
    command: sqlite3 /code/sub/app.db
  right:
    environment: {DATABASE_URL: sqlite:////code/app.db}
"""
NAMED = {
    "a.ipynb:12": NOTEBOOK,
    "b.ipynb:1": json.dumps(json.loads(NOTEBOOK)),
    "tool:2": "#!/bin/sh\nsqlite3 sub/app.db\n",
    "shell.py:2": "import os\nos.system('sqlite3 sub/app.db .dump')\n",
    "list.py:2": "import subprocess\nsubprocess.run(['sqlite3', 'sub/app.db'])\n",
    "below.py:2": "import subprocess\nsubprocess.run('sqlite3 app.db', cwd='sub')\n",
    "moves.py:3": "import os, sqlite3\nos.chdir('sub')\nsqlite3.connect('app.db')\n",
    "joined.py:2": "import os\nPATH = os.sep.join(['sub', 'app.db'])\n",
    "bytes.py:2": "import sqlite3\nsqlite3.connect(b'sub/app.db')\n",
    "old.py:2": "print 'x'\nsqlite3.connect('sub/app.db')\n",
    "crontab:1": "0 3 * * * sqlite3 sub/app.db .dump\n",
    ".vscode/launch.json:1": '{"args": ["${workspaceFolder}/sub/app.db"]}',
    "a.sql:2": "-- sub/app.db\nATTACH 'sub/app.db' AS b;\n",
    "a.properties:1": "db.url=jdbc:sqlite:sub/app.db\n",
    "a.xml:2": "<!-- sub/app.db -->\n<db>sub/app.db</db>\n",
    "a.sh:1": "cd sub && sqlite3 app.db\n",
    "b.sh:2": 'DIR=sub\nsqlite3 "$DIR/app.db"\n',
    "bin/a:3": '#!/bin/sh\nROOT="$(cd "$(dirname "$0")/.." && pwd)"\nsqlite3 "$ROOT/sub/app.db"\n',
    "bin/b:3": '#!/bin/sh\ncd "$(dirname "$0")/../sub"\nsqlite3 app.db\n',
    "sub/c.sh:2": 'HERE="$(dirname "$0")"\nsqlite3 "$HERE/app.db"\n',
    "supervisord.conf:3": "[program:x]\ndirectory=sub\ncommand=sqlite3 app.db\n",
    "c.sh:1": 'sqlite3 "$DIR"/app.db\n',
    "Makefile:2": "dump:\n\tcd sub && sqlite3 app.db .dump\n",
    "a.json:1": '{"db": "sub\\/app.db"}',
    "a.bat:1": "sqlite3 sub\\app.db\n",
    "a.go:1": 'sql.Open("sqlite3", "./sub/app.db")\n',
    "run.toml:1": 'run = "sqlite3 sub/app.db"\n',
    "linked:1": "sqlite3 link/app.db\n",
    "app.py:3": "import os, sqlite3\nHERE = os.getenv('DATA')\n"
    "sqlite3.connect(os.path.join(HERE, 'app.db'))\n",
    ".env:2": "ROOT=sub\nDB=${ROOT}/app.db\n",
    "d.sh:1": "rm -f sub/*.db\n",
    "e.sh:2": 'cd "$(dirname "$0")/sub" || exit\nfor f in *.db; do sqlite3 "$f" .dump; done\n',
    "sub/f.sh:2": 'HERE="$(dirname "$0")"\ncp "$HERE"/ap?.db /backup\n',
    "g.sh:1": "find sub -name '*.db' -exec sqlite3 {} .dump \\;\n",
    "clean/Makefile:2": "clean:\n\tcd .. && rm -f sub/*.d[ab]\n",
    "run.py:2": "import os\nos.system('rm sub/*.db')\n",
    "deployed.py:2": "import sqlite3\nsqlite3.connect('/srv/app/sub/app.db')\n",
    "deployed.ini:2": "[db]\npath = /srv/app/data/app.db\n",
}
DOCKERFILE = """FROM python AS base
WORKDIR /srv
WORKDIR app
FROM base
COPY . .
COPY sub /srv/app/data/
"""
QUIET = {
    "a.py": "# sub/app.db\n'''sub/app.db'''\nprint('sub/app.db')\nif x == 'sub/app.db':\n"
    "    raise SystemExit('no sub/app.db')\nlog.info('sub/app.db %s', x)\n"
    "os.path.exists('sub/app.db')\nimport sub.app.db\n",
    "README.md": "sub/app.db\n",
    "uv.lock": "sub/app.db\n",
    ".gitignore": "sub/app.db\n",
    "CHANGELOG": "sub/app.db\n",
    "a.sh": "# sub/app.db\nsqlite3 app.db # no more sub/app.db\n"
    'DIR="$(dirname "$0")"\nsqlite3 "$DIR/app.db"\ncp mysub/app.db sub/app.dbx http://x/sub/app.db\n',
    "a.yaml": "db: app.db\nother: ./app.db\n",
    "plan.toml": 'target = "app.db"\nsources = ["sub/app.db"]\n',
    "tests/a.sh": "sqlite3 sub/app.db\n",
    ".github/workflows/a.yml": "run: sqlite3 sub/app.db\n",
    "Makefile": "run:\n\tsqlite3 app.db\nother:\n\tcd sub && ls\n",
    "a.tf": 'db = "${path.module}/app.db"\n',
    "bin/a": '#!/bin/sh\nROOT="$(cd "$(dirname "$0")/.." && pwd)"\nsqlite3 "$ROOT/app.db"\n',
    "a.js": "app.db = 1; x.app.db.query();\n",
    "pkg/a.py": "import os, sqlite3\nHERE = os.path.dirname(__file__)\n"
    "sqlite3.connect(os.path.join(HERE, 'sub', 'app.db'))\n",
    "tool": b"\0 sub/app.db",
    "b.sh": "rm *.db other/*.db sub/*.bak\ncase $1 in\n  sub/*.db) ;;\nesac\ngrep 'sub/*.db' x\n"
    "tar cf a.tar --exclude='sub/*.db' sub\nfind . ! -name '*.db'\n[[ $f == sub/*.db ]]\n"
    "rm $TMP/*.db\nfind other -name '*.db' -delete\nls sub/*\n",
    "package.json": '{"files": ["sub/*.db"]}',
    "deployed.py": "import sqlite3\nsqlite3.connect('/srv/app/app.db')\n"
    "sqlite3.connect('/else/sub/app.db')\nsqlite3.connect('/srv/app/deep/sub/app.db')\n",
    "image/Dockerfile": "FROM python\nWORKDIR /srv/app\nCOPY . .\n",
}


async def _named(root: Path, files: dict[str, str | bytes], old: str = "sub/app.db") -> list[str]:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(text.encode() if isinstance(text, str) else text)
    databases = [root / "app.db", root / old]
    for path in databases:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"SQLite format 3\0")
    report = await find_references(root, ignore, databases=databases, processes=1)
    return [left.place for left in leftovers(report, databases[0], databases[1:])]


async def test_every_way_to_name_a_file(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("sub")
    files = {place.rpartition(":")[0]: text for place, text in NAMED.items()}
    found = await _named(tmp_path, {**files, "compose.yaml": COMPOSE, "Dockerfile": DOCKERFILE})
    assert found == sorted([*NAMED, "compose.yaml:4", "compose.yaml:7"])


async def test_what_only_speaks_of_it(tmp_path: Path) -> None:
    assert await _named(tmp_path, QUIET) == []


@pytest.mark.parametrize("old", ["my data/it's {x} $y ö.db", 'a "b".db'])
async def test_names_that_formats_write_in_their_own_way(tmp_path: Path, old: str) -> None:
    quoted = json.dumps(old)
    files = {
        "a.json": f'{{"db": {quoted}}}',
        "b.toml": f"db = {json.dumps(old, ensure_ascii=False)}",
        "c.yaml": f"db: {old}",
        "d.ini": f"[x]\ndb = {old}",
        "e.env": f"DB={old}",
        "f.py": f"import sqlite3\nsqlite3.connect({old!r})",
        "g.sh": "sqlite3 " + old.replace(" ", "\\ ").replace("'", "\\'").replace('"', '\\"'),
    }
    found = {place.partition(":")[0] for place in await _named(tmp_path, dict(files), old)}
    assert found == set(files)
