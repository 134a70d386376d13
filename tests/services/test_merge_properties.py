"""Random projects, merged by the project and by a slow reference: equal up to ids.

100 and 50 examples by default; CONSOLIDATOR_EXAMPLES=2000 runs more.
CONSOLIDATOR_CASES_RUN chooses how the command is run (see `tests/cases/engines.py`); in this
process by default, because it is quick.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from unittest import mock

from hypothesis import HealthCheck, Phase, event, given, note, settings
from hypothesis import strategies as st

from consolidator_tui.services.merge import classes, matching, probes
from consolidator_tui.services.planning import measure
from tests.cases.engines import KIND_VARIABLE, Finished, run_command
from tests.support import reference_graph, reference_merge
from tests.support.random_worlds import TableSpec, WorldSpec, has_id, write_project

EXAMPLES = int(os.environ.get("CONSOLIDATOR_EXAMPLES", "100"))
PROFILE = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
KINDS = ("code", "text", "rows", "scoped", "line", "pair", "shared", "keyless")


@st.composite
def tables(draw: st.DrawFn) -> tuple[TableSpec, ...]:
    """One to six tables; each may need earlier ones, refer to itself, and to later ones."""
    made: list[TableSpec] = []
    for index in range(draw(st.integers(1, 6))):
        parents_there = [n for n, spec in enumerate(made) if has_id(spec)]
        numbered = [n for n in parents_there if made[n].kind in ("code", "rows", "scoped")]
        kinds = [k for k in KINDS if _possible(k, parents_there, numbered)]
        kind = draw(st.sampled_from(kinds))
        count = {"scoped": 1, "line": 1, "shared": 1, "pair": 2}.get(kind, 0)
        if kind in ("rows", "keyless") and parents_there:
            count = draw(st.integers(0, 2))
        pool = numbered if kind == "shared" else parents_there
        parents = tuple(draw(st.sampled_from(pool)) for _ in range(count))
        self_too = [index] if kind in ("code", "text", "rows", "scoped") else []
        optional: tuple[int, ...] = ()
        if parents_there or self_too:
            links = st.lists(st.sampled_from(parents_there + self_too), max_size=2)
            optional = tuple(draw(links)) if kind != "pair" else ()
        natural = kind not in ("rows", "keyless")
        made.append(
            TableSpec(
                name=draw(st.sampled_from(("t", "my table", 'q"t', "order", "Ünï"))) + str(index),
                kind=kind,
                parents=parents,
                optional=optional,
                values=draw(st.integers(0 if natural else 1, 3)),
                auto=kind in ("code", "rows", "scoped") and draw(st.booleans()),
                without_rowid=kind in ("text", "line", "pair") and draw(st.booleans()),
                versioned=natural and draw(st.booleans()),
                entities=draw(st.integers(1, 6)),
            )
        )
    return tuple(made)


def _possible(kind: str, parents: list[int], numbered: list[int]) -> bool:
    if kind == "shared":
        return bool(numbered)
    return bool(parents) or kind not in ("scoped", "line", "pair")


WORLDS = st.builds(
    WorldSpec,
    tables=tables(),
    files=st.integers(2, 5),
    seed=st.integers(0, 2**32 - 1),
    share=st.sampled_from((0.3, 0.6, 0.9)),
    ids=st.sampled_from(("packed", "spread", "world")),
    drops=st.booleans(),
)


def _run(folder: Path, paths: list[Path], plan: str) -> Finished:
    """The project's answer for these files, its target at `folder`/app.db."""
    (folder / "plan.toml").write_text(plan, encoding="utf-8")
    arguments = ["run", str(folder), "--target", "app.db", "--plan", str(folder / "plan.toml")]
    for path in paths:
        arguments += ["--source", path.name]
    kind = os.environ.get(KIND_VARIABLE, "inprocess")
    return run_command([*arguments, "--yes", "--json"], kind)


GROUPINGS = ("whole", "probes", "numbers", "lists", "too little")


@contextmanager
def _grouping(by: str, *, as_large: bool) -> Iterator[None]:
    """Compare rows by less than the whole, by what often is equal by chance, or in other steps.

    `as_large` treats every table as a large one: it may be compared beside the others, and what
    indexes tell is not scanned for. Only where the command runs in this process.
    """

    async def always(*_arguments: object) -> bool:
        return True

    with ExitStack() as stack:
        if by in ("probes", "numbers", "too little"):
            stack.enter_context(mock.patch.object(probes, "FEW", 0))
        if by == "probes":
            stack.enter_context(mock.patch.object(probes, "WORTH", 2**40))
            stack.enter_context(mock.patch.object(probes, "LONG", 0))
            stack.enter_context(mock.patch.object(classes, "probe_of", "length({})".format))
        if by in ("numbers", "too little"):
            stack.enter_context(mock.patch.object(probes, "WORTH", -1))
            stack.enter_context(mock.patch.object(probes, "_tell_apart", always))
        if as_large:
            stack.enter_context(mock.patch.object(matching, "LARGE", 0))
            stack.enter_context(mock.patch.object(measure, "LARGE", 0))
        if by in ("lists", "too little"):
            stack.enter_context(mock.patch.object(classes, "MANY_LISTED", 0))
        yield


def _by_rows(world: WorldSpec) -> list[str]:
    return [spec.name for spec in world.tables if spec.kind in ("rows", "keyless")]


def _toml_key(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


@PROFILE
@given(WORLDS, st.sampled_from(GROUPINGS), st.booleans())
def test_equal_to_the_reference(world: WorldSpec, grouping: str, as_large: bool) -> None:
    """With the identity said, the target is the reference's result, up to surrogate ids."""
    with tempfile.TemporaryDirectory() as name, _grouping(grouping, as_large=as_large):
        folder = Path(name)
        paths = write_project(world, folder)
        by_rows = _by_rows(world)
        plan = "".join(f'[tables.{_toml_key(n)}]\nidentity = "rows"\n' for n in by_rows)
        told = {reference_graph.folded(n): "rows" for n in by_rows}
        want = reference_merge.merge(paths, told)
        done = _run(folder, paths, plan)
        note(done.stdout[-3000:] + done.stderr[-2000:])
        assert done.status == 0
        got = reference_graph.read(folder / "app.db")
        assert reference_graph.difference(got, want) == ""


@settings(PROFILE, max_examples=max(EXAMPLES // 2, 1))
@given(WORLDS)
def test_nothing_lost_nothing_invented(world: WorldSpec) -> None:
    """With the automatic identity: every row of every file is there, and no other row.

    Rows without a natural key in files of a few rows may look like copies of one file by chance:
    then a question is right too. Nothing may be lost or made up in silence.
    Only tables without versions are compared, because a version that lost is rightly not there.
    """
    steady = tuple(replace(spec, versioned=False) for spec in world.tables)
    world = replace(world, tables=steady, drops=False)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = write_project(world, folder)
        done = _run(folder, paths, "")
        note(done.stdout[-3000:] + done.stderr[-2000:])
        if done.status == 3 and _by_rows(world):
            event("asked")
            return
        assert done.status == 0
        bags = [reference_graph.nested_bag(reference_graph.read(path)) for path in paths]
        got = reference_graph.nested_bag(reference_graph.read(folder / "app.db"))
        most: Counter[object] = Counter()
        for bag in bags:
            most += bag
        assert not most.keys() - got.keys()
        assert not got.keys() - most.keys()
        for row, count in got.items():
            assert max(bag[row] for bag in bags) <= count <= most[row]
