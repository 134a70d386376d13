"""Small pure parts of planning and merging: times, literals, orders, shifts."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consolidator_tui.domain.instant import to_microseconds
from consolidator_tui.domain.merge import Identity, IdentityKind, Link, Reference
from consolidator_tui.services.planning.links import smallest_shift
from consolidator_tui.services.planning.order import identity_parents, in_order
from consolidator_tui.services.sqltext import combined, sql_value

NEW_YEAR = 1_704_067_200_000_000
"""2024-01-01T00:00:00Z in microseconds."""


@pytest.mark.parametrize(
    "value",
    [
        "2024-01-01", "2024-01-01T00:00:00", "2024-01-01 00:00:00Z", "2024-01-01T01:00:00+01:00",
        "2024-01-01 01:00:00 +0100", "2024-01-01 00:00:00 UTC", "20240101", "2024",
        "2023-12-31T19:00:00-05:00", "2024-01-01T00:00:00.000000000Z", " 2024-01-01 ",
        1_704_067_200, "1704067200", 1_704_067_200.0, 1_704_067_200_000, "1704067200000",
        1_704_067_200_000_000, "1704067200000000",
    ],
)  # fmt: skip
def test_one_moment_in_many_forms(value: object) -> None:
    """All of these are the same point in time."""
    assert to_microseconds(value) == NEW_YEAR


@pytest.mark.parametrize(
    "value",
    [
        None, True, "", "soon", "12/31/2024", "2024-13-01", b"2024-01-01", float("nan"),
        float("inf"), 1e300, 1 << 62, "9" * 400, "2024-01-01T25:00", "0000-00-00 00:00:00",
    ],
)  # fmt: skip
def test_no_time(value: object) -> None:
    """These are no times, and none of them is an error."""
    assert to_microseconds(value) is None


def test_order_and_precision() -> None:
    """Zones are compared as moments; fractions count; years before 1970 are older."""
    ascending = [
        "0001-01-01", "1969-12-31T23:59:59Z", 0, "2024-01-01T00:00:00+14:00",
        "2023-12-31T23:59:59.999999", "2024-01-01", "2024-01-01T00:00:00.000001",
        "2024-01-01T00:00:00-12:00", "9999-12-31",
    ]  # fmt: skip
    moments = [to_microseconds(value) for value in ascending]
    assert None not in moments
    assert all(a < b for a, b in pairwise(moments) if a is not None and b is not None)


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.binary(),
)


@given(VALUES)
def test_literals_come_back(value: object) -> None:
    """SQLite reads the literal as the very value, type included."""
    with closing(sqlite3.connect(":memory:")) as con:
        text = sql_value(value)  # type: ignore[arg-type]
        got, kind = con.execute(f"SELECT {text}, typeof({text})").fetchone()
    assert got == value
    names = {bool: "integer", int: "integer", float: "real", str: "text", bytes: "blob"}
    assert kind == names.get(type(value), "null")


def test_nan_is_null() -> None:
    """SQLite stores NaN as NULL."""
    assert sql_value(float("nan")) == "NULL"


@pytest.mark.parametrize("count", [0, 1, 2, 99, 100, 101, 5_000])
def test_many_terms(count: int) -> None:
    """An expression of any number of terms is not too deep."""
    with closing(sqlite3.connect(":memory:")) as con:
        (total,) = con.execute(f"SELECT {combined('+', ['1'] * count, '0')}").fetchone()
        (all_of,) = con.execute(f"SELECT {combined('AND', ['1'] * count, '1')}").fetchone()
    assert (total, all_of) == (count, 1)


RANGES = st.tuples(st.integers(-1_000, 1_000), st.integers(0, 300)).map(lambda r: (r[0], sum(r)))


@given(st.lists(RANGES, max_size=8), RANGES)
def test_smallest_shift(placed: list[tuple[int, int]], own: tuple[int, int]) -> None:
    """The range is free where it lands, and no smaller shift is."""
    low, high = own
    shift = smallest_shift(placed, low, high)

    def is_free(by: int) -> bool:
        return all(high + by < start or low + by > end for start, end in placed)

    assert shift >= 0
    assert is_free(shift)
    assert not any(is_free(by) for by in range(shift))


def test_shift_beyond_the_numbers() -> None:
    """Near 2^63 it still answers, and the caller sees that it does not fit."""
    top = (1 << 63) - 1
    assert smallest_shift([(1, top)], 1, 5) == top
    assert smallest_shift([(-top - 1, top)], -top - 1, top) == 2 * top + 2


def test_parents_before_children() -> None:
    """Every parent stands before its children where there is no cycle."""
    parents = {"c": {"b"}, "b": {"a"}, "a": set[str](), "d": {"a", "c"}}
    order, cycles = in_order(parents, parents)
    assert cycles == []
    assert sorted(order) == ["a", "b", "c", "d"]
    assert all(order.index(p) < order.index(key) for key, above in parents.items() for p in above)


def test_cycles_are_named() -> None:
    """Tables of one cycle come together; cycles that share a table are one; all tables stay."""
    parents = {"a": {"b"}, "b": {"a", "c"}, "c": {"b"}, "x": {"y"}, "y": {"x"}, "z": {"a", "x"}}
    order, cycles = in_order(parents, parents)
    assert sorted(order) == sorted(parents)
    assert sorted(cycles) == [("a", "b", "c"), ("x", "y")]
    assert order.index("z") > max(order.index(key) for key in ("a", "x"))


@given(st.dictionaries(st.sampled_from("abcdefg"), st.sets(st.sampled_from("abcdefg")), min_size=1))
def test_any_graph_has_an_order(graph: dict[str, set[str]]) -> None:
    """Whatever refers to whatever, every table comes once, and only cycles break the order."""
    parents = {key: {p for p in above if p in graph and p != key} for key, above in graph.items()}
    order, cycles = in_order(parents, parents)
    assert sorted(order) == sorted(parents)
    cyclic = {key for cycle in cycles for key in cycle}
    for key, above in parents.items():
        for parent in above - cyclic if key in cyclic else above:
            if key not in cyclic or parent not in cyclic:
                assert order.index(parent) < order.index(key)


def test_identity_parents() -> None:
    """Only tables behind columns of the identity count, the table itself does not."""

    def link(column: str, root: str) -> Link:
        return Link(column, root, Reference("t", (column,), root, ("id",), declared=True))

    links = (link("a_id", "a"), link("b_id", "b"), link("up", "t"))
    by_column = Identity(IdentityKind.COLUMNS, ("a_id", "name"))
    assert identity_parents("t", by_column, links) == {"a"}
    assert identity_parents("t", Identity(IdentityKind.ROWS), links) == {"a", "b"}
    assert identity_parents("t", Identity(IdentityKind.NONE), links) == set()
