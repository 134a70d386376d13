"""An edit that does not hold is dropped alone, with its reason; the others of its file stay."""

from __future__ import annotations

import hashlib
from pathlib import Path

from consolidator_tui.domain.event import ignore
from consolidator_tui.domain.reference import Edit, ReferenceReport
from consolidator_tui.services.references import find_references, propose, splice
from consolidator_tui.services.references.check import check
from consolidator_tui.services.references.find import known_names, scan_bytes
from consolidator_tui.services.references.rewrite import Rewritten

MAIN = b"""import os, sqlite3

if os.path.exists("old.db"):  # 3
    sqlite3.connect("./old.db")  # 4
sqlite3.connect("old.db")  # 5
sqlite3.connect('old.db')  # 6
"""


def edited(report: ReferenceReport, data: bytes, edits: dict[int, str]) -> Rewritten:
    """main.py with the literals of some lines replaced."""
    found = []
    for reference in report.references:
        if reference.file == "main.py" and reference.line in edits:
            start, end = reference.start, reference.end
            new = edits[reference.line].encode()
            found.append(Edit("main.py", start, end, data[start:end], new, "", reference.line))
    scan = scan_bytes("main.py", splice(data, found), known_names(report.databases))
    return Rewritten("main.py", data, tuple(found), (), scan)


async def test_each_edit_for_itself(tmp_path: Path) -> None:
    for name in ("old.db", "app.db"):
        (tmp_path / name).write_bytes(b"SQLite format 3\0")
    (tmp_path / "main.py").write_bytes(MAIN)
    databases = [tmp_path / name for name in ("old.db", "app.db")]
    report = await find_references(tmp_path, ignore, databases=databases)
    target = tmp_path / "app.db"
    good, unclosed, wrong = "'app.db'", '"app.db', "'other.db'"

    def dropped(edits: dict[int, str]) -> tuple[set[int], dict[int, str]]:
        kept, bad = check(report, target, lambda _: {target}, [edited(report, MAIN, edits)])
        lines = {reference.start: reference.line for reference in report.references
                 if reference.file == "main.py"}  # fmt: skip
        for found in kept:
            assert found.scan is not None
            assert found.scan.sha256 == hashlib.sha256(splice(MAIN, found.edits)).hexdigest()
        return (
            {edit.line for found in kept for edit in found.edits},
            {lines[start]: why for (_, start), why in bad.items()},
        )

    assert dropped({5: good, 6: good}) == ({5, 6}, {})
    kept, bad = dropped({4: good, 5: unclosed, 6: wrong})
    assert kept == {4}
    assert bad[5] == "the edited file would not parse"
    assert bad[6] == "the path is put together in a way that an edit does not reach"
    # Whether a file is there is asked of the file that is opened.
    kept, bad = dropped({3: good, 4: wrong, 5: wrong, 6: wrong})
    assert kept == set()
    assert bad[3] == "what opens the same file there is not edited"


async def test_the_edit_that_moves_another_reference(tmp_path: Path) -> None:
    names = ("app.db", "old.db", "data/old.db", "data/other.db")
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"SQLite format 3\0")
    (tmp_path / "main.py").write_text(
        "import os, sqlite3\nsqlite3.connect('old.db')\nDB = 'data/old.db'\nsqlite3.connect(DB)\n"
        "sqlite3.connect(os.path.join(os.path.dirname(DB), 'other.db'))\n"
    )
    databases = [tmp_path / name for name in names]
    report = await find_references(tmp_path, ignore, databases=databases)
    target, selected = databases[0], databases[:3]
    proposal = await propose(tmp_path, report, target=target, databases=selected)
    (file,) = proposal.files
    assert [edit.line for edit in file.edits if edit.old] == [2]
    (note,) = proposal.notes
    assert (note.file, note.line) == ("main.py", 3)
    assert note.what == (
        "“data/old.db”: the edit would change what another reference means. Let it use app.db."
    )
