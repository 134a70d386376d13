"""What a program looks for by a pattern is listed with the databases that it may find."""

from __future__ import annotations

from pathlib import Path

from consolidator_tui.domain.event import ignore
from consolidator_tui.services.references import find_references, propose

DATABASES = ("app.db", "old.sqlite3", "data/a.db", "data/b.db", "data/deep/c.db", "data/keep.dat")
MAIN = """
import glob, os, pandas, sqlite3, sys, tempfile
from multiprocessing import Pool
from sqlalchemy import create_engine
from fnmatch import fnmatch
from pathlib import Path
import finding
from finding import everything as look

HERE = Path(__file__).parent


def one(): return [sqlite3.connect(f) for f in glob.glob("*.db")]  # app.db
def two(): return sqlite3.connect(sorted(Path(".").glob("*.sqlite3"))[-1])  # old.sqlite3
def three():
    for name in os.listdir("data"):
        if not name.endswith(".db"):
            continue
        sqlite3.connect(os.path.join("data", name))  # data/a.db data/b.db
def four():
    for root, _, files in os.walk(HERE / "data"):
        for number, name in enumerate(files):
            if os.path.splitext(name)[1] in {".db"}:
                sqlite3.connect(f"{root}/{name}")  # data/a.db data/b.db data/deep/c.db
def five():
    newest = max(HERE.rglob("[bc].db"), key=os.path.getmtime)
    return sqlite3.connect(newest)  # data/b.db data/deep/c.db
def six():
    with os.scandir("data") as entries:
        for entry in entries:
            sqlite3.connect(entry.path)  # data/a.db data/b.db data/keep.dat
def seven(folder):
    for path in Path(folder).iterdir():
        if path.suffix == ".sqlite3":
            sqlite3.connect(f"file:{path}?mode=ro", uri=True)  # old.sqlite3
def found():
    yield from glob.iglob("data/**/c.*", recursive=True)
def eight():
    paths = []
    paths.extend(found())
    each(paths)
def each(paths):
    for path in paths:
        sqlite3.connect(path)  # data/deep/c.db
class Shards:
    def __init__(self):
        self.files = glob.glob(os.path.join("data", "?.db"))
    def open(self):
        return [sqlite3.connect(f) for f in self.files]  # data/a.db data/b.db
def nine(): return [sqlite3.connect(f) for f in look()]  # old.sqlite3
def ten(): return [sqlite3.connect(f) for f in glob.glob(finding.PATTERN)]  # data/a.db data/b.db
def each_of(): return list(map(sqlite3.connect, glob.glob("data/?.db")))  # data/a.db data/b.db
def opened(path): return sqlite3.connect(path)  # data/a.db data/b.db
def apply(): return Pool().map(opened, sorted(HERE.glob("data/[ab].db")))
def inline(): return map(lambda p: sqlite3.connect(p), glob.glob("data/k*"))  # data/keep.dat
def frames():
    for path in glob.glob("*.db"):
        pandas.read_sql("SELECT 1", f"sqlite:///{path}")  # app.db
def framed(con): return pandas.read_sql("SELECT 1", con)
def tenant(): return sqlite3.connect(f"data/{sys.argv[1]}.db")  # data/a.db data/b.db
def plus(name): return sqlite3.connect("data/" + name + ".db")  # data/a.db data/b.db
def percent(name): return sqlite3.connect("data/%s.db" % name)  # data/a.db data/b.db
def filled(name): return sqlite3.connect("data/{n}.db".format(n=name))  # data/a.db data/b.db
def url(name): return create_engine(f"sqlite:///data/{name}.db?mode=ro")  # data/a.db data/b.db
def anchored(name): return sqlite3.connect(HERE / "data" / f"{name}.db")  # data/a.db data/b.db
def deep(name): return sqlite3.connect(f"data/deep/{name}.db")  # data/deep/c.db
def beginning(name): return sqlite3.connect(f"old{name}.sqlite3")  # old.sqlite3
def slugged(name): return sqlite3.connect(f"data/{finding.slug(name)}.db")  # data/a.db data/b.db
def named(): return sqlite3.connect(f"data/{finding.NAME}.db")  # data/a.db
def other(name): return sqlite3.connect(f"logs/{name}.db")  #
def no_folder(name): return sqlite3.connect(f"{name}.db")  #
def temporary(name): return sqlite3.connect(tempfile.mkdtemp() + "/" + name + ".db")
def csv():
    for name in glob.glob("*.csv"):
        sqlite3.connect(name[:-4])  #
def given(): return sqlite3.connect(sys.argv[1])  #
"""
FINDING = """
from pathlib import Path

PATTERN = "data/*.db"
NAME = "a"


def everything():
    return list(Path(__file__).parent.glob("*.sqlite*"))
"""


async def test_forms(tmp_path: Path) -> None:
    for name in DATABASES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"SQLite format 3\0")
    (tmp_path / "main.py").write_text(MAIN)
    (tmp_path / "finding.py").write_text(FINDING)
    databases = [tmp_path / name for name in DATABASES]
    report = await find_references(tmp_path, ignore, databases=databases)
    found = {
        reference.line: [path.relative_to(tmp_path).as_posix() for path in reference.may_be]
        for reference in report.references
        if not reference.resolves_to
    }
    wanted = {
        number: line.partition("  #")[2].split()
        for number, line in enumerate(MAIN.splitlines(), 1)
        if "  #" in line
    }
    assert found == wanted
    proposal = await propose(tmp_path, report, target=databases[0], databases=databases)
    assert proposal.files == ()
    told = {note.line: note.what for note in proposal.notes}
    assert told[9 + 4].endswith("finds, now app.db. Check what it does when only app.db is there.")
    assert all("only known when it runs" in told[line] for line in found if not found[line]
               and line in told)  # fmt: skip
