"""From the evidence of single files to references: which file each one means, and from where."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from consolidator_tui.domain.reference import (
    Anchor,
    FileScan,
    Form,
    FoundUse,
    Literal,
    PieceKind,
    Pieces,
    Reference,
    ReferenceReport,
    UnreadableFile,
    Use,
)
from consolidator_tui.services.references.elsewhere import NOT_OPENING, elsewhere
from consolidator_tui.services.references.in_tests import in_tests, named_for_tests
from consolidator_tui.services.references.matches import Matches, told_matches
from consolidator_tui.services.references.modules import Modules
from consolidator_tui.services.references.paths import is_memory
from consolidator_tui.services.references.pieces import (
    CUT,
    anchor_of,
    decidable,
    location,
    name_piece,
    normal,
)
from consolidator_tui.services.references.shapes import Shapes

PAIRED = (Form.FILE_TEST, Form.FILE_OPERATION)
"""Forms that are edited only together with what opens the same file."""
_FLASK_KEY = "SQLALCHEMY_DATABASE_URI"
_REMOVES = ("given to remove()", "given to unlink()", "given to .unlink()")


@dataclass(frozen=True, slots=True)
class Evidence:
    """A use of one literal, with one of the values that the use can have."""

    use: Use
    endangers: bool
    two_slashes: bool


class Evidences:
    """The uses of each literal and of each environment key over the whole project."""

    def __init__(self, modules: Modules, scans: Sequence[FileScan]) -> None:
        self.by_literal: dict[tuple[str, int], list[Evidence]] = defaultdict(list)
        self.by_key: dict[str, list[Evidence]] = defaultdict(list)
        for scan in scans:
            for use in scan.uses:
                for value in use.values:
                    for expanded in modules.expand(value):
                        self._note(scan.file, use, expanded)

    def _note(self, file: str, found: FoundUse, value: Pieces) -> None:
        use = Use(found.form, file, found.line, value)
        evidence = Evidence(use, found.endangers, found.two_slashes)
        carrier = name_piece(value)
        for piece in value:
            if piece.kind is PieceKind.ENVIRONMENT and piece.text:
                self.by_key[piece.text].append(evidence)
        if carrier is not None and not is_memory(carrier.text):
            self.by_literal[carrier.file, carrier.start].append(evidence)


class Folders:
    """From which folders a file of the project may be run, and where Flask and Prisma look."""

    def __init__(self, project: Path, files: Iterable[str]) -> None:
        self.project = project
        self.schemas = [
            project / PurePosixPath(file).parent for file in files if file.endswith(".prisma")
        ]

    def chain(self, file: str) -> list[Path]:
        """The project, then the file's folder and the folders between."""
        folder = (self.project / file).parent
        found = [self.project]
        while folder != self.project and self.project in folder.parents:
            found.append(folder)
            folder = folder.parent
        return found

    def bases(self, form: Form, files: Sequence[str]) -> tuple[Anchor, list[Path]]:
        """What a relative path of this form is relative to.

        Flask-SQLAlchemy 3: the instance folder beside the package or the module (its
        documentation); 2.5: the application's root path. Pony: the caller's file. All others were
        seen to use the working directory.
        """
        if form is Form.PONY:
            return Anchor.FILE_FOLDER, [(self.project / files[-1]).parent]
        chains: list[Path] = []
        for file in files:
            chains += [folder for folder in self.chain(file) if folder not in chains]
        if form is Form.FLASK:
            return Anchor.INSTANCE_FOLDER, [folder / "instance" for folder in chains] + chains
        return Anchor.WORKING_DIRECTORY, chains


def resolve(
    project: Path,
    scans: tuple[FileScan, ...],
    databases: tuple[Path, ...],
    python_files: frozenset[str],
    *,
    files_seen: int = 0,
    files_read: int = 0,
    unreadable: tuple[UnreadableFile, ...] = (),
    changed: dict[str, bytes] | None = None,
) -> ReferenceReport:
    """Combine the scans of all files into a report.

    `changed`: the bytes of files as they would be after an edit, instead of those on disk.
    """
    modules = Modules(project, python_files, changed)
    evidences = Evidences(modules, scans)
    folders = Folders(project, (scan.file for scan in scans))
    joined = frozenset(name for scan in scans for name in scan.joined)
    resolver = _Resolver(project, databases, evidences, folders, modules, joined)
    resolver.module_names = {_module_name(file) for file in python_files}
    references = [resolver.reference(scan, literal) for scan in scans for literal in scan.literals]
    references = _pair_tests(references)
    told = {x.name for scan in scans for x in scan.literals if x.name}
    references += [
        found
        for scan in scans
        for found in elsewhere(scan, modules, resolver.matches, resolver.shapes, told)
    ]
    keys = {key for scan in scans for key in scan.env_keys}
    keys |= {key for key, found in evidences.by_key.items() if any(
        e.use.form not in NOT_OPENING for e in found)}  # fmt: skip
    return ReferenceReport(
        project,
        tuple(sorted(references, key=lambda r: (r.file, r.line, r.column))),
        (*(scan.unreadable for scan in scans if scan.unreadable is not None), *unreadable),
        files_seen,
        files_read,
        {scan.file: scan.sha256 for scan in scans if scan.literals},
        tuple(sorted(keys)),
        databases,
        scans,
        python_files,
    )


def _pair_tests(references: list[Reference]) -> list[Reference]:
    """What tests or removes a file goes with an editable reference of the same file that opens
    the same database."""
    opened = {
        (r.file, path)
        for r in references
        if r.editable and r.form not in PAIRED
        for path in r.resolves_to
    }
    stays = {
        (r.file, path): r.why_not
        for r in references
        if r.form is Form.FILE_OPERATION and not r.editable
        for path in r.resolves_to
    }
    found = []
    for r in references:
        places = [(r.file, path) for path in r.resolves_to]
        why = ""
        if r.form in PAIRED and not any(place in opened for place in places):
            why = r.why_not or "nothing in this file opens it"
        elif r.form is Form.FILE_TEST and r.editable:
            # `if os.path.exists("x.db"): os.remove("x.db")`: one without the other fails.
            why = next((stays[place] for place in places if place in stays), "")
        found.append(replace(r, editable=False, why_not=why) if why else r)
    return found


class _Resolver:
    def __init__(
        self,
        project: Path,
        databases: tuple[Path, ...],
        evidences: Evidences,
        folders: Folders,
        modules: Modules,
        joined: frozenset[str],
    ) -> None:
        self.project = project
        self.databases = set(databases)
        self.evidences = evidences
        self.folders = folders
        self.modules = modules
        self.matches = Matches(project, databases, modules, folders.chain)
        self.shapes = Shapes(project, databases, lambda *given: self._bases(*given)[1])
        self.joined = joined
        self.module_names: set[str] = set()
        """The last two parts of each module's name: `app.db` is one of app/db.py."""

    def reference(self, scan: FileScan, literal: Literal) -> Reference:
        evidence = self._evidence(scan, literal)
        opening = [e for e in evidence if e.use.form not in NOT_OPENING and not e.endangers]
        values = [
            (e.use.form, e.use.pieces, e.two_slashes, e.use.file)
            for e in opening
            if CUT not in e.use.pieces
        ]
        if not values:
            form = literal.form
            if form is Form.DOTENV and (literal.env_key or "").endswith(_FLASK_KEY):
                form = Form.FLASK
            values = [
                (form, value, literal.form is Form.TORTOISE, scan.file)
                for plain in literal.values
                for value in self.modules.expand(plain)
            ]
        anchor, folders, hits, first = self._targets(scan.file, values)
        allowed, why = self._allowed(scan, literal, evidence, bool(opening))
        may_be, by_name = self.matches.of(scan.file, literal.patterns), False
        if not may_be:
            may_be = self.shapes.of(scan.file, [v for v in values if not decidable(v[1])])
            by_name = bool(may_be)
        why = told_matches(may_be, self.project, by_name=by_name) if may_be else why
        if anchor in (Anchor.UNKNOWN, Anchor.ENVIRONMENT, Anchor.TEMPORARY, Anchor.HOME):
            why = why or (
                "it is in a temporary folder"
                if anchor is Anchor.TEMPORARY
                else "a part of the path is only known when it runs"
            )
            allowed = False
        return Reference(
            file=scan.file,
            line=literal.line,
            column=literal.column,
            form=literal.form,
            text=literal.text,
            anchor=anchor,
            working_directories=tuple(folders),
            resolves_to=tuple(hits or first),
            exists=bool(hits),
            may_be=may_be,
            by_name=by_name,
            in_tests=in_tests(scan.file) or named_for_tests(literal.env_key or literal.name),
            env_key=literal.env_key,
            editable=allowed,
            why_not="" if allowed else why,
            start=literal.start,
            end=literal.end,
            uses=tuple(e.use for e in evidence),
        )

    def _evidence(self, scan: FileScan, literal: Literal) -> list[Evidence]:
        found = list(self.evidences.by_literal.get((scan.file, literal.start), ()))
        if literal.form in (Form.DOTENV, Form.ENV_SET) and literal.env_key and literal.values:
            whole = literal.values[0]
            for e in self.evidences.by_key.get(literal.env_key, ()):
                pieces = tuple(
                    piece
                    for p in e.use.pieces
                    for piece in (
                        whole
                        if p.kind is PieceKind.ENVIRONMENT and p.text == literal.env_key
                        else (p,)
                    )
                )
                found.append(replace(e, use=replace(e.use, pieces=pieces)))
        return found

    def _allowed(
        self, scan: FileScan, literal: Literal, evidence: list[Evidence], opened: bool
    ) -> tuple[bool, str]:
        if literal.allowed == "no" and not _tidies_up(scan, literal):
            return False, literal.why_not
        taken = next((e for e in evidence if CUT in e.use.pieces), None)
        if taken is not None and taken.use.form not in NOT_OPENING:
            return False, f"{taken.use.file}:{taken.use.line} takes it apart"
        danger = next((e for e in evidence if e.endangers), None)
        if danger is not None and not in_tests(scan.file):
            return False, (
                f"{danger.use.file}:{danger.use.line} deletes, moves or overwrites this file"
            )
        if not opened and literal.text in self.module_names:
            return False, "it may be the name of a module of the project"
        if not opened and literal.name in self.joined:
            return False, f"{literal.name} is appended to a folder"
        if literal.form is Form.DOTENV and not opened and _is_file_name(literal):
            return False, f"it is not seen how {literal.env_key} is read"
        if scan.moves and in_tests(scan.file):
            return False, "the file changes the working directory"
        if literal.allowed == "if_opened" and not opened and literal.form is not Form.FILE_TEST:
            return False, "nothing is seen to open it"
        return True, ""

    def _targets(
        self, file: str, values: list[tuple[Form, Pieces, bool, str]]
    ) -> tuple[Anchor, list[Path], list[Path], list[Path]]:
        """Anchor, folders tried, databases that exist, and the first path if none does."""
        known = [v for v in values if decidable(v[1]) and not self._elsewhere(v[1])]
        if not known:
            anchors = [anchor_of(value) for _, value, _, _ in values]
            return (anchors[0] if anchors else Anchor.UNKNOWN), [], [], []
        anchor = Anchor.UNKNOWN
        folders: list[Path] = []
        hits: list[Path] = []
        first: list[Path] = []
        for form, value, two_slashes, used_in in known:
            where = location(value, self.project, two_slashes=two_slashes)
            kind = anchor_of(value, two_slashes=two_slashes)
            if kind is Anchor.WORKING_DIRECTORY:
                kind, bases = self._bases(form, file, used_in, where.is_file_uri)
                folders += [base for base in bases if base not in folders]
                paths = [normal(where.path, base) for base in bases]
            else:
                paths = [self._absolute(value, two_slashes=two_slashes)]
            anchor = kind if anchor is Anchor.UNKNOWN else anchor
            found = [path for path in paths if self._exists(path)]
            if not found and kind is not Anchor.ABSOLUTE and kind is not Anchor.FILE_FOLDER:
                found = self._anywhere(where.path)
            hits += [path for path in found if path not in hits]
            first += [path for path in paths[:1] if path not in first]
        return anchor, folders, hits, first

    def _bases(
        self, form: Form, file: str, used_in: str, file_uri: bool
    ) -> tuple[Anchor, list[Path]]:
        if file_uri and form is Form.DOTENV and self.folders.schemas:
            return Anchor.FILE_FOLDER, self.folders.schemas
        files = [file] if used_in == file else [file, used_in]
        return self.folders.bases(form, files)

    def _absolute(self, value: Pieces, *, two_slashes: bool) -> Path:
        where = location(value, self.project, two_slashes=two_slashes)
        path = where.path
        # Prisma's `file:` stands after the folder it hangs on.
        path = path.replace("/file:./", "/").replace("/file:", "/")
        return normal(path)

    def _elsewhere(self, value: Pieces) -> bool:
        kinds = {piece.kind for piece in value}
        return (
            bool(kinds & {PieceKind.TEMPORARY, PieceKind.HOME}) or anchor_of(value) is Anchor.HOME
        )

    def _exists(self, path: Path) -> bool:
        if path in self.databases:
            return True
        try:
            return path.is_file()
        except (OSError, ValueError):
            return False

    def _anywhere(self, text: str) -> list[Path]:
        """Databases of the project that some other working directory would give."""
        path = normal(text)
        if ".." in path.parts or path.is_absolute():
            return []
        parts = path.parts
        return sorted(
            database for database in self.databases if database.parts[-len(parts) :] == parts
        )


def _module_name(file: str) -> str:
    path = PurePosixPath(file).with_suffix("")
    parts = path.parts[:-1] if path.name == "__init__" else path.parts
    return ".".join(parts[-2:])


def _tidies_up(scan: FileScan, literal: Literal) -> bool:
    """Whether a test removes the file: it then goes with the reference that opens it."""
    removes = literal.form is Form.FILE_OPERATION and literal.why_not.endswith(_REMOVES)
    return removes and in_tests(scan.file)


def _is_file_name(literal: Literal) -> bool:
    """A bare file name under a key such as DB_NAME: the reader may well put a folder before it."""
    key = (literal.env_key or "").upper()
    return key.endswith("NAME") and "/" not in literal.text
